package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vitess.io/vitess/go/sqlescape"
	"vitess.io/vitess/go/vt/schemadiff"
	"vitess.io/vitess/go/vt/sqlparser"

	"github.com/orrerydb/orrery/internal/schema"
)

// Diff needs no scratch server: schemadiff knows MySQL's rules well enough to
// try each order of statements in memory.
func (d *Differ) Diff(ctx context.Context, _ schema.Server, ancestor, branch, target schema.Snapshot) (schema.Plan, error) {
	plan := schema.Plan{Operations: []schema.Operation{}}
	lossless := true
	for _, name := range schema.Names(target, branch, ancestor) {
		before := target.Keyspace(name)
		desired, err := d.merge(ancestor.Keyspace(name), branch.Keyspace(name), before)
		if err != nil {
			return schema.Plan{}, err
		}
		plan.Desired.Keyspaces = append(plan.Desired.Keyspaces, desired)
		forward, err := d.steps(ctx, before, desired)
		if err != nil {
			return schema.Plan{}, fmt.Errorf("plan keyspace %s: %w", name, err)
		}
		for _, step := range forward {
			plan.Operations = append(plan.Operations, step.operation)
			plan.RevertNotes = append(plan.RevertNotes, step.notes...)
			lossless = lossless && step.reversible
		}
		plan.Warnings = append(plan.Warnings, renames(forward)...)
		backward, err := d.steps(ctx, desired, before)
		if err != nil {
			return schema.Plan{}, fmt.Errorf("plan the reverse of keyspace %s: %w", name, err)
		}
		// The last keyspace changed is the first changed back.
		plan.Reverse = append(operations(backward), plan.Reverse...)
	}
	if !lossless {
		plan.Reverse = nil
	}
	return plan, nil
}

// step is one statement with what is known of it.
type step struct {
	operation  schema.Operation
	diff       schemadiff.EntityDiff
	reversible bool
	notes      []string
}

func operations(steps []step) []schema.Operation {
	var list []schema.Operation
	for _, step := range steps {
		list = append(list, step.operation)
	}
	return list
}

// steps leads from one schema to another in a valid order.
func (d *Differ) steps(ctx context.Context, from, to schema.Keyspace) ([]step, error) {
	diffs, err := d.orderedDiffs(ctx, from, to)
	if err != nil {
		return nil, err
	}
	var steps []step
	for _, ordered := range diffs {
		for _, diff := range schemadiff.AllSubsequent(ordered) {
			if diff.IsEmpty() {
				continue
			}
			steps = append(steps, newStep(diff, from.Name, to.Object(diff.EntityName())))
		}
	}
	return steps, nil
}

// orderedDiffs lets schemadiff order tables and views together. Views that it
// cannot judge (they read another keyspace, or use what its analysis does not
// know) are ordered apart from the tables: the server accepted them, and does
// not check a view when a table under it changes.
func (d *Differ) orderedDiffs(ctx context.Context, from, to schema.Keyspace) ([]schemadiff.EntityDiff, error) {
	diffs, err := d.schemaDiffs(ctx, from, to)
	if err == nil {
		return diffs, nil
	}
	tables, tablesErr := d.schemaDiffs(ctx, only(from, schema.Table), only(to, schema.Table))
	if tablesErr != nil {
		return nil, err
	}
	dropped, changed, viewsErr := d.viewDiffs(from, to)
	if viewsErr != nil {
		return nil, err
	}
	return slices.Concat(dropped, tables, changed), nil
}

func (d *Differ) schemaDiffs(ctx context.Context, from, to schema.Keyspace) ([]schemadiff.EntityDiff, error) {
	before, err := d.newSchema(from)
	if err != nil {
		return nil, err
	}
	after, err := d.newSchema(to)
	if err != nil {
		return nil, err
	}
	diff, err := before.SchemaDiff(after, hints())
	if err != nil {
		return nil, err
	}
	ordered, err := diff.OrderedDiffs(ctx)
	if _, ok := errors.AsType[*schemadiff.ImpossibleApplyDiffOrderError](err); ok {
		return nil, fmt.Errorf("no order of these changes keeps the schema valid; deploy them in two steps: %w", err)
	}
	return ordered, err
}

func (d *Differ) newSchema(keyspace schema.Keyspace) (*schemadiff.Schema, error) {
	queries := make([]string, 0, len(keyspace.Objects))
	for _, object := range keyspace.Objects {
		queries = append(queries, object.SQL)
	}
	return schemadiff.NewSchemaFromQueries(d.env, queries)
}

func only(keyspace schema.Keyspace, kind schema.Kind) schema.Keyspace {
	kept := schema.Keyspace{Name: keyspace.Name}
	for _, object := range keyspace.Objects {
		if object.Kind == kind {
			kept.Objects = append(kept.Objects, object)
		}
	}
	return kept
}

// viewDiffs compares views one by one: drops come before the tables' changes,
// in the reverse order of creation, the others after them.
func (d *Differ) viewDiffs(from, to schema.Keyspace) (dropped, changed []schemadiff.EntityDiff, err error) {
	before, after := only(from, schema.View), only(to, schema.View)
	for _, view := range before.Objects {
		if after.Object(view.Name) != nil {
			continue
		}
		entity, err := schemadiff.NewCreateViewEntityFromSQL(d.env, view.SQL)
		if err != nil {
			return nil, nil, fmt.Errorf("parse view %s: %w", view.Name, err)
		}
		dropped = append(dropped, entity.Drop())
	}
	slices.Reverse(dropped)
	for _, view := range after.Objects {
		entity, err := schemadiff.NewCreateViewEntityFromSQL(d.env, view.SQL)
		if err != nil {
			return nil, nil, fmt.Errorf("parse view %s: %w", view.Name, err)
		}
		old := before.Object(view.Name)
		if old == nil {
			changed = append(changed, entity.Create())
			continue
		}
		if old.SQL == view.SQL {
			continue
		}
		diff, err := schemadiff.DiffCreateViewsQueries(d.env, old.SQL, view.SQL, hints())
		if err != nil {
			return nil, nil, fmt.Errorf("compare view %s: %w", view.Name, err)
		}
		changed = append(changed, diff)
	}
	return dropped, changed, nil
}

// newStep states what a diff does. CREATE TABLE and view definitions are taken
// from the server's own words, which no parser has rewritten.
func newStep(diff schemadiff.EntityDiff, keyspace string, desired *schema.Object) step {
	result := step{diff: diff, reversible: true}
	operation := schema.Operation{Keyspace: keyspace, Table: diff.EntityName(), Kind: schema.Table, Instant: true}
	switch diff := diff.(type) {
	case *schemadiff.CreateTableEntityDiff:
		operation.Name, operation.Statement = "CREATE", desired.SQL
	case *schemadiff.CreateViewEntityDiff:
		operation.Name, operation.Statement, operation.Kind = "CREATE", desired.SQL, schema.View
	case *schemadiff.AlterViewEntityDiff:
		operation.Name, operation.Kind = "ALTER", schema.View
		operation.Statement = "ALTER " + strings.TrimPrefix(desired.SQL, "CREATE ")
	case *schemadiff.DropViewEntityDiff:
		operation.Name, operation.Kind = "DROP", schema.View
		operation.Statement = "DROP VIEW " + sqlescape.EscapeID(diff.EntityName())
	case *schemadiff.DropTableEntityDiff:
		operation.Name, operation.CanDropData = "DROP", true
		operation.Statement = "DROP TABLE " + sqlescape.EscapeID(diff.EntityName())
		result.reversible = false
		result.notes = append(result.notes, fmt.Sprintf("table `%s` is dropped: its rows are not kept", diff.EntityName()))
	case *schemadiff.AlterTableEntityDiff:
		operation.Name, operation.Statement = "ALTER", diff.CanonicalStatementString()
		operation.Instant = diff.InstantDDLCapability() == schemadiff.InstantDDLCapabilityPossible
		loss := lossOf(diff)
		operation.CanDropData = loss.data
		result.reversible = !loss.final
		result.notes = loss.notes
	}
	result.operation = operation
	return result
}

// renames warns where something dropped looks like something added: a renamed
// table or column keeps its data only if it is really renamed.
func renames(steps []step) []string {
	var warnings []string
	for _, step := range steps {
		if alter, ok := step.diff.(*schemadiff.AlterTableEntityDiff); ok {
			warnings = append(warnings, renamedColumns(alter)...)
		}
	}
	for _, drop := range steps {
		dropped, ok := drop.diff.(*schemadiff.DropTableEntityDiff)
		if !ok {
			continue
		}
		for _, create := range steps {
			created, ok := create.diff.(*schemadiff.CreateTableEntityDiff)
			if !ok {
				continue
			}
			from, _ := dropped.Entities()
			_, to := created.Entities()
			if sameBody(from, to) {
				warnings = append(warnings, fmt.Sprintf("table `%s` is dropped and table `%s` with the same columns is created: a rename would be a DROP and a CREATE here, and the rows are not carried over", from.Name(), to.Name()))
			}
		}
	}
	return warnings
}

func sameBody(from, to schemadiff.Entity) bool {
	a, okA := from.(*schemadiff.CreateTableEntity)
	b, okB := to.(*schemadiff.CreateTableEntity)
	return okA && okB && sqlparser.CanonicalString(a.TableSpec) == sqlparser.CanonicalString(b.TableSpec)
}

func renamedColumns(alter *schemadiff.AlterTableEntityDiff) []string {
	before, _ := alter.Entities()
	table := before.(*schemadiff.CreateTableEntity)
	types := map[string]string{}
	for _, column := range table.TableSpec.Columns {
		types[column.Name.Lowered()] = bareType(column.Type)
	}
	var dropped []string
	var added []*sqlparser.ColumnDefinition
	for _, option := range alter.AlterTable().AlterOptions {
		switch option := option.(type) {
		case *sqlparser.DropColumn:
			dropped = append(dropped, option.Name.Name.String())
		case *sqlparser.AddColumns:
			added = append(added, option.Columns...)
		}
	}
	var warnings []string
	for _, name := range dropped {
		for _, column := range added {
			if types[strings.ToLower(name)] == bareType(column.Type) {
				warnings = append(warnings, fmt.Sprintf("table `%s`: column `%s` is dropped and column `%s` of the same type is added: a rename would be a DROP and an ADD here, and the values are not carried over", table.Name(), name, column.Name.String()))
			}
		}
	}
	return warnings
}

// bareType is the type without nullability, default, comment and the like.
func bareType(column *sqlparser.ColumnType) string {
	bare := *column
	bare.Options = &sqlparser.ColumnTypeOptions{Collate: column.Options.Collate}
	return sqlparser.CanonicalString(&bare)
}
