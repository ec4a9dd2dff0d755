package mysql

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"vitess.io/vitess/go/vt/schemadiff"
	"vitess.io/vitess/go/vt/sqlparser"

	"github.com/orrerydb/orrery/internal/schema"
)

const (
	docs          = "https://planetscale.com/docs/vitess/schema-changes/schema-lint-errors"
	maxColumns    = 1017
	maxEntities   = 2048
	maxCheckName  = 64
	innodb        = "InnoDB"
	charsetAdvice = "only utf8, utf8mb4, and utf8mb3 charsets are supported."
)

var charsets = map[string]bool{"utf8": true, "utf8mb3": true, "utf8mb4": true, "latin1": true, "ascii": true}

// Lint judges each keyspace by what it holds alone; only a view may look into
// another one.
func (d *Differ) Lint(_ context.Context, snapshot schema.Snapshot, options schema.LintOptions) ([]schema.LintError, error) {
	found := []schema.LintError{}
	for _, keyspace := range snapshot.Keyspaces {
		linter := linter{Differ: d, snapshot: snapshot, keyspace: keyspace, options: options}
		linter.run()
		found = append(found, linter.found...)
	}
	return found, nil
}

type linter struct {
	*Differ
	snapshot schema.Snapshot
	keyspace schema.Keyspace
	options  schema.LintOptions
	tables   []*schemadiff.CreateTableEntity
	views    []*schemadiff.CreateViewEntity
	found    []schema.LintError
}

func (l *linter) add(code, table, format string, args ...any) *schema.LintError {
	l.found = append(l.found, schema.LintError{
		Code:              code,
		SubjectType:       "table",
		Keyspace:          l.keyspace.Name,
		Table:             table,
		Description:       fmt.Sprintf(format, args...),
		DocsURL:           docs,
		ForeignKeyColumns: []string{},
		AutoIncrement:     []string{},
	})
	return &l.found[len(l.found)-1]
}

func (l *linter) run() {
	l.parse()
	if count := len(l.keyspace.Objects); count > maxEntities {
		l.add("UNSUPPORTED_FEATURE", "", "keyspace %q has %d tables and views: at most %d are supported.", l.keyspace.Name, count, maxEntities)
	}
	for _, table := range l.tables {
		l.features(table)
		l.charset(table)
		l.enums(table)
		l.keys(table)
		l.partitions(table)
		l.foreignKeys(table)
	}
	for _, view := range l.views {
		l.view(view)
	}
	if l.options.AllowForeignKeys {
		l.circles()
	}
	l.references()
}

func (l *linter) parse() {
	for _, object := range l.keyspace.Objects {
		if object.Kind == schema.View {
			view, err := schemadiff.NewCreateViewEntityFromSQL(l.env, object.SQL)
			if err != nil {
				l.add("UNSPECIFIED", object.Name, "view %q: %v", object.Name, err)
				continue
			}
			l.views = append(l.views, view)
			continue
		}
		table, err := schemadiff.NewCreateTableEntityFromSQL(l.env, object.SQL)
		if err != nil {
			l.add("UNSPECIFIED", object.Name, "table %q: %v", object.Name, err)
			continue
		}
		l.tables = append(l.tables, table)
	}
}

func (l *linter) features(table *schemadiff.CreateTableEntity) {
	name := table.Name()
	for _, option := range table.TableSpec.Options {
		if strings.EqualFold(option.Name, "ENGINE") && !strings.EqualFold(option.String, innodb) {
			l.add("UNSUPPORTED_FEATURE", name, "table %q uses engine %s: only the InnoDB engine is supported.", name, option.String).Engine = option.String
		}
	}
	if count := len(table.TableSpec.Columns); count > maxColumns {
		l.add("UNSUPPORTED_FEATURE", name, "table %q has %d columns: at most %d are supported.", name, count, maxColumns)
	}
	for _, constraint := range table.TableSpec.Constraints {
		check := constraint.Name.String()
		if _, ok := constraint.Details.(*sqlparser.CheckConstraintDefinition); ok && len(check) >= maxCheckName {
			l.add("UNSUPPORTED_FEATURE", name, "table %q has a check constraint %q whose name is too long: at most %d characters are supported.", name, check, maxCheckName-1).CheckConstraint = check
		}
	}
}

func (l *linter) charset(table *schemadiff.CreateTableEntity) {
	name := table.Name()
	if charset := table.GetCharset(); charset != "" && !charsets[charset] {
		l.add("INVALID_CHARSET", name, "table %q has an invalid table charset %s: %s", name, charset, charsetAdvice).Charset = charset
	}
	for _, column := range table.TableSpec.Columns {
		charset := strings.ToLower(column.Type.Charset.Name)
		if charset == "" || charsets[charset] || charset == "binary" {
			continue
		}
		finding := l.add("INVALID_CHARSET", name, "table %q has an invalid charset %s on column %q: %s", name, charset, column.Name.String(), charsetAdvice)
		finding.Charset, finding.Column = charset, column.Name.String()
	}
}

func (l *linter) enums(table *schemadiff.CreateTableEntity) {
	for _, column := range table.TableSpec.Columns {
		seen := map[string]bool{}
		for _, value := range column.Type.EnumValues {
			if seen[value] {
				finding := l.add("DUPLICATE_ENUM_VALUE", table.Name(), "enum value %s occurs more than once.", value)
				finding.Column, finding.EnumValue = column.Name.String(), strings.Trim(value, "'")
			}
			seen[value] = true
		}
	}
}

// keys looks for one unique key that identifies each row. Unusable parts of
// a primary key are always told, those of other keys only when no key is left.
func (l *linter) keys(table *schemadiff.CreateTableEntity) {
	name := table.Name()
	usable := false
	for _, key := range schemadiff.PrioritizedUniqueKeys(table).Entities {
		usable = usable || !key.HasNullable() && len(l.unusable(table, key)) == 0
	}
	if !usable {
		l.add("NO_UNIQUE_KEY", name, "table %q has no non-null unique key: all tables must have at least one unique, not-null key without using text / blob columns or partial indexes.", name)
	}
	for _, key := range table.IndexDefinitionEntities() {
		if !key.IsUnique() || usable && !key.IsPrimary() {
			continue
		}
		l.found = append(l.found, l.unusable(table, key)...)
	}
}

// unusable lists what keeps a unique key from identifying rows.
func (l *linter) unusable(table *schemadiff.CreateTableEntity, key *schemadiff.IndexDefinitionEntity) []schema.LintError {
	scratch := linter{keyspace: l.keyspace}
	where := "primary key"
	if !key.IsPrimary() {
		where = fmt.Sprintf("unique key %q", key.Name())
	}
	types := table.ColumnDefinitionEntitiesMap()
	for _, part := range key.IndexDefinition.Columns {
		column := part.Column.String()
		definition := types[part.Column.Lowered()]
		switch {
		case definition != nil && isBlob(definition.Type()):
			scratch.add("BLOB_IN_UNIQUE_KEY", table.Name(), "table %q contains %s column %q in the %s.", table.Name(), definition.Type(), column, where).Column = column
		case part.Length != nil:
			scratch.add("PARTIAL_KEY_IN_UNIQUE_KEY", table.Name(), "table %q contains partial index on column %q in the %s.", table.Name(), column, where).Column = column
		}
	}
	return scratch.found
}

func isBlob(columnType string) bool {
	columnType = strings.ToLower(columnType)
	return strings.HasSuffix(columnType, "blob") || strings.HasSuffix(columnType, "text")
}

func (l *linter) partitions(table *schemadiff.CreateTableEntity) {
	partitions := table.TableSpec.PartitionOption
	if partitions == nil {
		return
	}
	if partitions.Type == sqlparser.ListType {
		l.add("UNSUPPORTED_PARTITIONING_FEATURE", table.Name(), "only RANGE, HASH, and KEY based partitioning is supported").PartitioningType = partitions.Type.ToString()
	}
	if partitions.SubPartition != nil {
		l.add("UNSUPPORTED_PARTITIONING_FEATURE", table.Name(), "SUBPARTITION is not supported").PartitioningType = partitions.Type.ToString()
	}
}

func (l *linter) foreignKeys(table *schemadiff.CreateTableEntity) {
	if l.options.AllowForeignKeys {
		return
	}
	columns := []string{}
	for _, constraint := range table.TableSpec.Constraints {
		key, ok := constraint.Details.(*sqlparser.ForeignKeyDefinition)
		if !ok {
			continue
		}
		for _, column := range key.Source {
			columns = append(columns, column.String())
		}
	}
	if len(columns) > 0 {
		l.add("FOREIGN_KEYS_DISALLOWED", table.Name(), "table %q has a foreign key constraint: foreign key constraints are not supported.", table.Name()).ForeignKeyColumns = columns
	}
}

func (l *linter) view(view *schemadiff.CreateViewEntity) {
	_ = sqlparser.Walk(func(node sqlparser.SQLNode) (bool, error) {
		if _, ok := node.(*sqlparser.JSONTableExpr); ok {
			l.add("UNSUPPORTED_FEATURE", view.Name(), "view %q uses JSON_TABLE: JSON_TABLE is not supported in views.", view.Name())
			return false, nil
		}
		return true, nil
	}, view.CreateView)
}

// circles finds tables that reference each other. A table may reference itself.
func (l *linter) circles() {
	parents := map[string][]string{}
	for _, table := range l.tables {
		for _, constraint := range table.TableSpec.Constraints {
			if key, ok := constraint.Details.(*sqlparser.ForeignKeyDefinition); ok {
				parents[table.Name()] = append(parents[table.Name()], key.ReferenceDefinition.ReferencedTable.Name.String())
			}
		}
	}
	for _, table := range l.tables {
		if reaches(parents, table.Name(), table.Name(), map[string]bool{}) {
			l.add("FOREIGN_KEYS_CIRCULAR_DEPENDENCY", table.Name(), "table `%s` has a circular foreign key dependency", table.Name())
		}
	}
}

func reaches(parents map[string][]string, from, to string, visited map[string]bool) bool {
	for _, parent := range parents[from] {
		if parent == from {
			continue
		}
		if parent == to {
			return true
		}
		if visited[parent] {
			continue
		}
		visited[parent] = true
		if reaches(parents, parent, to, visited) {
			return true
		}
	}
	return false
}

// references lets schemadiff check what crosses objects.
func (l *linter) references() {
	entities := make([]schemadiff.Entity, 0, len(l.tables)+len(l.views))
	for _, table := range l.tables {
		entities = append(entities, table.Clone())
	}
	_, err := schemadiff.NewSchemaFromEntities(l.env, entities)
	for _, err := range flatten(err) {
		l.tableError(err)
	}
	for _, view := range l.views {
		entities = append(entities, view.Clone())
	}
	_, err = schemadiff.NewSchemaFromEntities(l.env, entities)
	for _, err := range flatten(err) {
		l.viewError(err)
	}
}

func (l *linter) tableError(err error) {
	{
		var e *schemadiff.ForeignKeyNonexistentReferencedTableError
		var e1 *schemadiff.ForeignKeyDependencyUnresolvedError
		switch {
		case errors.As(err, &e):
			code := "FOREIGN_KEYS_NONEXISTENT_TABLE"
			if object := l.keyspace.Object(e.ReferencedTable); object != nil && object.Kind == schema.View {
				code, err = "FOREIGN_KEYS_REFERENCED_VIEW", &schemadiff.ForeignKeyReferencesViewError{Table: e.Table, ReferencedView: e.ReferencedTable}
			}
			l.foreignKeyError(code, e.Table, err)
		case errors.As(err, &e1):
			l.foreignKeyError("FOREIGN_KEYS_UNRESOLVED", e1.Table, err)
		default:
			l.add("UNSPECIFIED", "", "%v", err)
		}
	}
}

func (l *linter) foreignKeyError(code, table string, err error) {
	if l.options.AllowForeignKeys {
		l.add(code, table, "%v", err)
	}
}

// viewError reports what is surely wrong. Other complaints about a view come
// from the limits of the analysis: the server accepted it.
func (l *linter) viewError(err error) {
	{
		var e *schemadiff.ViewDependencyUnresolvedError
		var e1 *schemadiff.InvalidColumnReferencedInViewError
		switch {
		case errors.As(err, &e):
			if l.missing(e) {
				l.add("INVALID_TABLE_REFERENCED_IN_VIEW", e.View, "%v", err)
			}
		case errors.As(err, &e1):
			if !l.looksElsewhere(e1.View, map[string]bool{}) {
				l.add("INVALID_COLUMN_REFERENCED_IN_VIEW", e1.View, "%v", err).Column = e1.Column
			}
		}
	}
}

// missing tells whether something that the view reads is in no keyspace.
func (l *linter) missing(unresolved *schemadiff.ViewDependencyUnresolvedError) bool {
	for _, view := range l.views {
		if view.Name() != unresolved.View {
			continue
		}
		return !l.resolves(view)
	}
	return true
}

func (l *linter) resolves(view *schemadiff.CreateViewEntity) bool {
	resolved := true
	l.eachTable(view, func(keyspace, name string) {
		resolved = resolved && (name == "dual" || l.snapshot.Keyspace(keyspace).Object(name) != nil)
	})
	return resolved
}

// looksElsewhere tells that the view reads another keyspace, directly or
// through a view that cannot be resolved here.
func (l *linter) looksElsewhere(name string, visited map[string]bool) bool {
	if visited[name] {
		return false
	}
	visited[name] = true
	for _, view := range l.views {
		if view.Name() != name {
			continue
		}
		elsewhere := false
		l.eachTable(view, func(keyspace, table string) {
			elsewhere = elsewhere || keyspace != l.keyspace.Name || l.looksElsewhere(table, visited)
		})
		return elsewhere
	}
	return false
}

func (l *linter) eachTable(view *schemadiff.CreateViewEntity, do func(keyspace, name string)) {
	expressions := map[string]bool{}
	_ = sqlparser.Walk(func(node sqlparser.SQLNode) (bool, error) {
		switch node := node.(type) {
		case *sqlparser.CommonTableExpr:
			expressions[node.ID.String()] = true
		case *sqlparser.AliasedTableExpr:
			table, ok := node.Expr.(sqlparser.TableName)
			if !ok || expressions[table.Name.String()] {
				return true, nil
			}
			keyspace := table.Qualifier.String()
			if keyspace == "" {
				keyspace = l.keyspace.Name
			}
			do(keyspace, table.Name.String())
		}
		return true, nil
	}, view.Select)
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var list []error
	for _, err := range joined.Unwrap() {
		list = append(list, flatten(err)...)
	}
	return list
}
