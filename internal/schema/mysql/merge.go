package mysql

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"vitess.io/vitess/go/vt/schemadiff"

	"github.com/orrerydb/orrery/internal/schema"
)

// hints make schemadiff compare as strictly as the text is compared.
func hints() *schemadiff.DiffHints {
	return &schemadiff.DiffHints{
		ConstraintNamesStrategy: schemadiff.ConstraintNamesStrict,
		RangeRotationStrategy:   schemadiff.RangeRotationFullSpec,
		FullTextKeyStrategy:     schemadiff.FullTextKeyDistinctStatements,
	}
}

// merge brings what branch changed since ancestor into target.
func (d *Differ) merge(ancestor, branch, target schema.Keyspace) (schema.Keyspace, error) {
	merged := schema.Keyspace{Name: target.Name, Objects: []schema.Object{}}
	for _, name := range schema.ObjectNames(target, branch, ancestor) {
		object, err := d.mergeObject(ancestor.Object(name), branch.Object(name), target.Object(name))
		if err != nil {
			return schema.Keyspace{}, &schema.ConflictError{Keyspace: target.Name, Table: name, Reason: err.Error()}
		}
		if object != nil {
			merged.Objects = append(merged.Objects, *object)
		}
	}
	merged.Objects = creationOrder(merged.Objects)
	return merged, nil
}

// mergeObject decides one object; the error is the reason of a conflict.
func (d *Differ) mergeObject(ancestor, branch, target *schema.Object) (*schema.Object, error) {
	switch {
	case d.same(branch, ancestor), d.same(branch, target):
		return target, nil
	case d.same(target, ancestor):
		return branch, nil
	case ancestor == nil:
		return nil, errors.New("created on both sides, with different definitions")
	case branch == nil:
		return nil, errors.New("dropped on the branch, but changed on the target")
	case target == nil:
		return nil, errors.New("changed on the branch, but dropped on the target")
	case branch.Kind != target.Kind || branch.Kind != ancestor.Kind:
		return nil, fmt.Errorf("a %s on the branch, a %s on the target", branch.Kind, target.Kind)
	case branch.Kind == schema.View:
		return nil, errors.New("the view was changed differently on both sides")
	}
	return d.mergeTable(*ancestor, *branch, *target)
}

// same tells that two objects mean the same. Text decides at once in nearly
// all cases; schemadiff knows what the text does not show.
func (d *Differ) same(a, b *schema.Object) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.Kind != b.Kind {
		return false
	}
	if a.SQL == b.SQL {
		return true
	}
	if a.Kind == schema.View {
		return false
	}
	diff, err := schemadiff.DiffCreateTablesQueries(d.env, a.SQL, b.SQL, hints())
	return err == nil && diff.IsEmpty()
}

// mergeTable applies both sides' changes to the ancestor, in both orders. The
// two results have to be one and the same, save that columns added at the end
// by both follow the target's: nobody asked for either order.
func (d *Differ) mergeTable(ancestor, branch, target schema.Object) (*schema.Object, error) {
	ancestor.SQL = sharedBase(ancestor.SQL, branch.SQL, target.SQL)
	base, err := d.tableEntity(ancestor)
	if err != nil {
		return nil, err
	}
	ours, err := d.tableEntity(branch)
	if err != nil {
		return nil, err
	}
	theirs, err := d.tableEntity(target)
	if err != nil {
		return nil, err
	}
	onTarget, err := applyChange(base, ours, theirs)
	if err != nil {
		return nil, fmt.Errorf("the branch's change does not fit the target: %w", err)
	}
	onBranch, err := applyChange(base, theirs, ours)
	if err != nil {
		return nil, fmt.Errorf("the target's change does not fit the branch: %w", err)
	}
	if !equivalent(onTarget, onBranch, base) {
		return nil, errors.New("both sides changed the same part of the table differently")
	}
	text, err := mergeText(ancestor.SQL, branch.SQL, target.SQL, columnNames(onTarget))
	if err != nil {
		return nil, err
	}
	merged := &schema.Object{Kind: schema.Table, Name: target.Name, SQL: text}
	entity, err := d.tableEntity(*merged)
	if err != nil {
		return nil, err
	}
	// The text has to mean what schemadiff arrived at by its own way.
	if diff, err := entity.TableDiff(onTarget, hints()); err != nil || !diff.IsEmpty() {
		return nil, errors.New("both sides changed table-wide properties that depend on each other")
	}
	return merged, nil
}

func (d *Differ) tableEntity(object schema.Object) (*schemadiff.CreateTableEntity, error) {
	entity, err := schemadiff.NewCreateTableEntityFromSQL(d.env, object.SQL)
	if err != nil {
		return nil, fmt.Errorf("parse table %s: %w", object.Name, err)
	}
	return entity, nil
}

// applyChange applies what leads from base to changed on another table.
func applyChange(base, changed, on *schemadiff.CreateTableEntity) (*schemadiff.CreateTableEntity, error) {
	change, err := base.TableDiff(changed, hints())
	if err != nil {
		return nil, err
	}
	result := on
	for _, diff := range schemadiff.AllSubsequent(change) {
		if diff.IsEmpty() {
			continue
		}
		applied, err := result.Apply(diff)
		if err != nil {
			return nil, err
		}
		result = applied.(*schemadiff.CreateTableEntity)
	}
	return result, nil
}

// equivalent compares two merges; only the order among columns that base does
// not have may differ.
func equivalent(a, b, base *schemadiff.CreateTableEntity) bool {
	known := map[string]bool{}
	for _, name := range columnNames(base) {
		known[name] = true
	}
	a, b = reorderAdded(a, known), reorderAdded(b, known)
	diff, err := a.TableDiff(b, hints())
	return err == nil && diff.IsEmpty()
}

// reorderAdded sorts each run of columns that are not known by name.
func reorderAdded(table *schemadiff.CreateTableEntity, known map[string]bool) *schemadiff.CreateTableEntity {
	clone := table.Clone().(*schemadiff.CreateTableEntity)
	columns := clone.TableSpec.Columns
	for start := 0; start < len(columns); start++ {
		end := start
		for end < len(columns) && !known[columns[end].Name.Lowered()] {
			end++
		}
		run := columns[start:end]
		sort.Slice(run, func(i, j int) bool { return run[i].Name.Lowered() < run[j].Name.Lowered() })
		start = end
	}
	return clone
}

func columnNames(table *schemadiff.CreateTableEntity) []string {
	var names []string
	for _, column := range table.TableSpec.Columns {
		names = append(names, column.Name.Lowered())
	}
	return names
}

// mergeText is the three-way merge of the server's own words, part by part.
func mergeText(ancestor, branch, target string, order []string) (string, error) {
	a, okA := parseDefinition(ancestor)
	b, okB := parseDefinition(branch)
	t, okT := parseDefinition(target)
	if !okA || !okB || !okT {
		return "", errors.New("the server's definition of the table has an unknown form")
	}
	merged := definition{head: t.head}
	columns, err := schema.MergeParts("", a.columns, b.columns, t.columns)
	if err != nil {
		return "", err
	}
	if merged.columns, err = arrange(columns, order); err != nil {
		return "", err
	}
	if merged.keys, err = schema.MergeParts("", a.keys, b.keys, t.keys); err != nil {
		return "", err
	}
	if merged.options, err = mergeOptions(a.options, b.options, t.options); err != nil {
		return "", err
	}
	if merged.partitions, err = schema.Pick("partitioning", a.partitions, b.partitions, t.partitions); err != nil {
		return "", err
	}
	merged.sortKeys()
	return merged.String(), nil
}

func arrange(columns []part, order []string) ([]part, error) {
	if len(columns) != len(order) {
		return nil, errors.New("both sides changed the columns in ways that do not add up")
	}
	byName := map[string]part{}
	for _, column := range columns {
		byName[strings.ToLower(unquote(column.Name))] = column
	}
	arranged := make([]part, 0, len(columns))
	for _, name := range order {
		column, ok := byName[name]
		if !ok {
			return nil, fmt.Errorf("column %s was changed differently on both sides", name)
		}
		arranged = append(arranged, column)
	}
	return arranged, nil
}

func unquote(name string) string {
	return strings.ReplaceAll(strings.Trim(name, "`"), "``", "`")
}

// mergeOptions merges the line after the columns; a comment and the rest are
// independent of each other.
func mergeOptions(ancestor, branch, target string) (string, error) {
	const mark = " COMMENT='"
	cut := func(options string) (string, string) {
		if i := strings.Index(options, mark); i >= 0 {
			return options[:i], options[i:]
		}
		return options, ""
	}
	optionsA, commentA := cut(ancestor)
	optionsB, commentB := cut(branch)
	optionsT, commentT := cut(target)
	options, err := schema.Pick("the table's options", optionsA, optionsB, optionsT)
	if err != nil {
		return "", err
	}
	comment, err := schema.Pick("the table's comment", commentA, commentB, commentT)
	return options + comment, err
}
