package mysql

import (
	"fmt"
	"strings"

	"vitess.io/vitess/go/vt/schemadiff"
	"vitess.io/vitess/go/vt/sqlparser"
)

// loss is what an ALTER TABLE costs.
type loss struct {
	data  bool // values are lost when it runs
	final bool // no statement gives back what was there before
	notes []string
}

func (l *loss) note(format string, args ...any) {
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}

// alteration is one ALTER TABLE under judgement.
type alteration struct {
	table   string
	before  map[string]*schemadiff.ColumnDefinitionEntity
	after   map[string]*schemadiff.ColumnDefinitionEntity
	indexes map[string]*schemadiff.IndexDefinitionEntity
	loss
}

func lossOf(diff *schemadiff.AlterTableEntityDiff) loss {
	from, to := diff.Entities()
	before, after := from.(*schemadiff.CreateTableEntity), to.(*schemadiff.CreateTableEntity)
	alteration := alteration{
		table:   before.Name(),
		before:  columnsByName(before),
		after:   columnsByName(after),
		indexes: before.IndexDefinitionEntitiesMap(),
	}
	alter := diff.AlterTable()
	for _, option := range alter.AlterOptions {
		alteration.judge(option)
	}
	if spec := alter.PartitionSpec; spec != nil && (spec.Action == sqlparser.DropAction || spec.Action == sqlparser.TruncateAction) {
		alteration.data, alteration.final = true, true
		alteration.note("table `%s`: partitions are dropped with their rows", alteration.table)
	}
	return alteration.loss
}

func columnsByName(table *schemadiff.CreateTableEntity) map[string]*schemadiff.ColumnDefinitionEntity {
	columns := map[string]*schemadiff.ColumnDefinitionEntity{}
	// A clone, because the explicit forms below are written into the entity.
	for _, column := range table.Clone().(*schemadiff.CreateTableEntity).ColumnDefinitionEntities() {
		// A charset that cannot be found out leaves the column as it is.
		_ = column.SetExplicitCharsetCollate()
		columns[strings.ToLower(column.Name())] = column
	}
	return columns
}

func (a *alteration) judge(option sqlparser.AlterOption) {
	switch option := option.(type) {
	case *sqlparser.DropColumn:
		a.dropColumn(option.Name.Name.String())
	case *sqlparser.ModifyColumn:
		a.modifyColumn(option.NewColDefinition.Name.String())
	case *sqlparser.ChangeColumn:
		a.modifyColumn(option.NewColDefinition.Name.String())
	case *sqlparser.DropKey:
		a.dropKey(option)
	}
}

func (a *alteration) dropColumn(name string) {
	column := a.before[strings.ToLower(name)]
	if column != nil && column.IsGenerated() {
		return
	}
	a.data, a.final = true, true
	a.note("table `%s`: column `%s` is dropped: its values are not kept", a.table, name)
	if column != nil && !column.IsNullable() && !column.HasDefault() {
		a.note("table `%s`: column `%s` dropped, and had no default value", a.table, name)
	}
}

func (a *alteration) modifyColumn(name string) {
	before, after := a.before[strings.ToLower(name)], a.after[strings.ToLower(name)]
	if before == nil || after == nil {
		return
	}
	if before.IsGenerated() {
		return
	}
	if after.IsGenerated() {
		a.data, a.final = true, true
		a.note("table `%s`: column `%s` becomes generated: its values are not kept", a.table, name)
		return
	}
	if after.IsNullable() && !before.IsNullable() {
		a.note("table `%s`: column `%s`: target is NULL-able, source is not", a.table, name)
	}
	if bareType(before.ColumnDefinition.Type) == bareType(after.ColumnDefinition.Type) {
		return
	}
	a.final = true
	a.note("table `%s`: the type of column `%s` changes", a.table, name)
	if expands, how := schemadiff.ColumnChangeExpandsDataRange(notNull(before), notNull(after)); expands {
		a.note("table `%s`: column `%s`: %s", a.table, name, how)
	}
	narrows, _ := schemadiff.ColumnChangeExpandsDataRange(notNull(after), notNull(before))
	// Between families (text to number, say) every value is converted.
	a.data = a.data || narrows || !strings.EqualFold(before.Type(), after.Type()) && !widens(before, after)
}

// widens tells that the type alone holds every value of the one before.
func widens(before, after *schemadiff.ColumnDefinitionEntity) bool {
	if before.IsIntegralType() && after.IsIntegralType() {
		return true // the range was compared
	}
	if schemadiff.IsExpandingDataType(before.Type(), after.Type()) {
		return true
	}
	return schemadiff.BlobTypeStorage(after.Type()) > 0 && (schemadiff.BlobTypeStorage(before.Type()) > 0 || strings.Contains(before.Type(), "char"))
}

// notNull takes nullability out of a comparison of types.
func notNull(column *schemadiff.ColumnDefinitionEntity) *schemadiff.ColumnDefinitionEntity {
	clone := *column
	definition := sqlparser.Clone(column.ColumnDefinition)
	null := false
	definition.Type.Options.Null = &null
	clone.ColumnDefinition = definition
	return &clone
}

func (a *alteration) dropKey(key *sqlparser.DropKey) {
	name := key.Name.String()
	switch key.Type {
	case sqlparser.ForeignKeyType:
		a.note("table `%s`: foreign key %s dropped", a.table, name)
	case sqlparser.CheckKeyType, sqlparser.ConstraintType:
		a.note("table `%s`: check constraint removed: %s", a.table, name)
	case sqlparser.PrimaryKeyType:
		a.note("table `%s`: unique constraint removed: PRIMARY", a.table)
	case sqlparser.NormalKeyType:
		if index := a.indexes[strings.ToLower(name)]; index != nil && index.IsUnique() {
			a.note("table `%s`: unique constraint removed: %s", a.table, name)
		}
	}
}
