package postgres

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/orrerydb/orrery/internal/schema"
)

// alterTable collects all that changes about one table into one step, except
// indexes, which are built without blocking writers in steps of their own.
func (c *comparison) alterTable(changed *change, before, after schema.Object) error {
	name := mainName(after)
	relation := c.to.catalog.relations[name]
	// Defaults are compared by the catalog, which knows them whether they stand
	// in the table's own statement or not.
	old, new := withoutDefaults(elements(before.SQL)), withoutDefaults(elements(after.SQL))
	bodyBefore, okBefore := parseTable(mainStatement(before))
	bodyAfter, okAfter := parseTable(mainStatement(after))
	if !okBefore || !okAfter {
		return fmt.Errorf("table %s: its definition has an unknown form", after.Name)
	}
	new = c.completeColumns(name, bodyAfter, new)
	kept, indexes, attaches := c.separateIndexes(old, new, relation)
	drops, creates := partChanges(changed, old, kept)
	lateDrops := takeSequenceDrops(&drops)
	droppedChecks, addedChecks := checkChanges(changed, name, bodyBefore, bodyAfter, relation)
	changed.statements = append(drops, droppedChecks...)
	if actions := c.columnActions(changed, name, bodyAfter); len(actions) > 0 {
		sequences, rest := takeSequences(creates)
		changed.statements = append(changed.statements, sequences...)
		creates = rest
		changed.statements = append(changed.statements, "ALTER TABLE "+name+"\n    "+strings.Join(actions, ",\n    "))
	}
	options, err := tailChanges(changed, name, bodyBefore, bodyAfter)
	if err != nil {
		return err
	}
	changed.statements = append(changed.statements, options...)
	changed.statements = append(changed.statements, addedChecks...)
	changed.statements = append(changed.statements, creates...)
	changed.statements = append(changed.statements, lateDrops...)
	for _, index := range indexes {
		built := c.add(newChange(phaseIndex, after, "ALTER", concurrently(index.sql)))
		built.operation.Instant, built.operation.OutsideTransaction = false, true
	}
	for _, attach := range attaches {
		c.add(newChange(phaseAttach, after, "ALTER", attach.sql))
	}
	return nil
}

func withoutDefaults(list []element) []element {
	var kept []element
	for _, part := range list {
		if part.rank != rankColumn+2 {
			kept = append(kept, part)
		}
	}
	return kept
}

// completeColumns writes defaults and identities that pg_dump sets apart into
// the definitions of new columns: rows that are there need their values at
// once. It returns the parts that are left.
func (c *comparison) completeColumns(name string, after body, parts []element) []element {
	old, new := c.from.catalog.relations[name], c.to.catalog.relations[name]
	known := byKey(parts)
	inline := map[string]bool{}
	for i, item := range after.columns {
		column := new.column(item.Name)
		if column == nil || old.column(item.Name) != nil {
			continue
		}
		if column.def != "" && !strings.Contains(item.Text, " DEFAULT ") {
			after.columns[i].Text += " DEFAULT " + column.def
		}
		identity := known["ALTER COLUMN "+item.Name+" ADD GENERATED"]
		if _, clause, ok := strings.Cut(identity.sql, " ADD GENERATED "); ok {
			after.columns[i].Text += " GENERATED " + clause
			inline[identity.key] = true
		}
	}
	var rest []element
	for _, part := range parts {
		if !inline[part.key] {
			rest = append(rest, part)
		}
	}
	return rest
}

// separateIndexes takes the new indexes out of a table's parts. A partitioned
// table's own index holds no rows and is made with the rest.
func (c *comparison) separateIndexes(old, new []element, relation *relation) (kept, indexes, attaches []element) {
	known := byKey(old)
	separate := map[string]bool{}
	for _, part := range new {
		isNew := known[part.key].sql != part.sql
		switch {
		case isNew && part.rank == rankIndex && relation != nil && relation.kind == "r":
			indexes = append(indexes, part)
			separate[part.key] = true
		case isNew && part.rank == rankPart && strings.HasPrefix(part.sql, "ALTER INDEX "):
			attaches = append(attaches, part)
		default:
			kept = append(kept, part)
		}
	}
	// What names an index that comes later has to come later still.
	var rest []element
	for _, part := range kept {
		if needsIndex(part, separate) && known[part.key].sql != part.sql {
			attaches = append(attaches, part)
			continue
		}
		rest = append(rest, part)
	}
	return rest, indexes, attaches
}

func needsIndex(part element, separate map[string]bool) bool {
	for key := range separate {
		name := strings.TrimPrefix(key, "INDEX ")
		if strings.HasPrefix(part.sql, "COMMENT ON INDEX ") && strings.HasSuffix(part.key, "."+name) {
			return true
		}
		if part.rank == rankPart+1 && strings.HasSuffix(part.sql, " "+name) {
			return true
		}
	}
	return false
}

func concurrently(statement string) string {
	for _, form := range []string{"CREATE UNIQUE INDEX ", "CREATE INDEX "} {
		if after, ok := strings.CutPrefix(statement, form); ok {
			return form + "CONCURRENTLY " + after
		}
	}
	return statement
}

// takeSequenceDrops takes out the drops of sequences: a column's default has to
// let go of its sequence first.
func takeSequenceDrops(drops *[]string) (late []string) {
	var early []string
	for _, drop := range *drops {
		if strings.HasPrefix(drop, "DROP SEQUENCE ") {
			late = append(late, drop)
			continue
		}
		early = append(early, drop)
	}
	*drops = early
	return late
}

func takeSequences(statements []string) (sequences, rest []string) {
	for _, statement := range statements {
		if strings.HasPrefix(statement, "CREATE SEQUENCE ") {
			sequences = append(sequences, statement)
			continue
		}
		rest = append(rest, statement)
	}
	return sequences, rest
}

func checkChanges(changed *change, name string, before, after body, relation *relation) (drops, adds []string) {
	old, new := schema.PartTexts(before.checks), schema.PartTexts(after.checks)
	for _, check := range before.checks {
		if new[check.Name] != check.Text {
			drops = append(drops, "ALTER TABLE "+name+" DROP CONSTRAINT IF EXISTS "+check.Name)
			changed.note("table %s: check constraint removed: %s", changed.operation.Table, check.Name)
		}
	}
	if relation != nil && relation.partition {
		return drops, nil // its parent's constraints come down to it
	}
	for _, check := range after.checks {
		if old[check.Name] != check.Text {
			adds = append(adds, "ALTER TABLE "+name+" ADD "+check.Text)
			changed.operation.Instant = false
		}
	}
	return drops, adds
}

// columnActions are the actions of one ALTER TABLE.
func (c *comparison) columnActions(changed *change, name string, after body) []string {
	old, new := c.from.catalog.relations[name], c.to.catalog.relations[name]
	if old == nil || new == nil {
		return nil
	}
	definitions := schema.PartTexts(after.columns)
	var actions []string
	var dropped, added []column
	for _, column := range old.columns {
		if new.column(column.name) == nil && !column.inherited {
			actions = append(actions, "DROP COLUMN "+column.name)
			c.dropColumn(changed, column)
			dropped = append(dropped, column)
		}
	}
	for _, column := range new.columns {
		if column.inherited {
			continue
		}
		previous := old.column(column.name)
		if previous == nil {
			actions = append(actions, "ADD COLUMN "+definitions[column.name])
			addColumn(changed, column)
			added = append(added, column)
			continue
		}
		actions = append(actions, alterColumnActions(changed, *previous, column, definitions[column.name])...)
	}
	for _, from := range dropped {
		for _, to := range added {
			if from.typ == to.typ && from.generated == "" && to.generated == "" {
				changed.warnings = append(changed.warnings, fmt.Sprintf("table %s: column %s is dropped and column %s of the same type is added: a rename would be a DROP and an ADD here, and the values are not carried over", changed.operation.Table, from.name, to.name))
			}
		}
	}
	return actions
}

func (c *comparison) dropColumn(changed *change, column column) {
	if column.generated != "" {
		return
	}
	changed.lose("table %s: column %s is dropped: its values are not kept", changed.operation.Table, column.name)
}

// addColumn: the server fills in a constant without touching the rows, but has
// to compute anything else for each of them.
func addColumn(changed *change, column column) {
	if column.generated != "" || column.identity || column.volatile {
		changed.operation.Instant = false
	}
}

func alterColumnActions(changed *change, before, after column, definition string) []string {
	alter := "ALTER COLUMN " + after.name + " "
	table := changed.operation.Table
	if before.generated != after.generated {
		return generatedActions(changed, before, after, definition)
	}
	var actions []string
	retyped := before.typ != after.typ || before.collation != after.collation
	if retyped {
		changed.reversal = false
		changed.note("table %s: the type of column %s changes from %s to %s", table, after.name, before.typ, after.typ)
		if before.def != "" {
			actions = append(actions, alter+"DROP DEFAULT")
		}
		action := alter + "TYPE " + after.typ
		if after.collation != "" {
			action += " COLLATE " + after.collation
		}
		actions = append(actions, action+" USING "+after.name+"::"+after.typ)
		if !widens(before.typ, after.typ) {
			changed.operation.CanDropData = true
		}
		if before.collation != after.collation || !metadataOnly(before.typ, after.typ) {
			changed.operation.Instant = false
		}
	}
	switch {
	case after.def != "" && (before.def != after.def || retyped):
		actions = append(actions, alter+"SET DEFAULT "+after.def)
	case after.def == "" && before.def != "" && !retyped:
		actions = append(actions, alter+"DROP DEFAULT")
	}
	switch {
	case after.notNull && !before.notNull:
		actions = append(actions, alter+"SET NOT NULL")
		changed.operation.Instant = false
	case before.notNull && !after.notNull:
		actions = append(actions, alter+"DROP NOT NULL")
		changed.note("table %s: column %s: target is NULL-able, source is not", table, after.name)
	}
	return actions
}

// generatedActions: a generated column is computed anew; only a plain column
// that becomes one loses anything.
func generatedActions(changed *change, before, after column, definition string) []string {
	changed.operation.Instant = false
	if after.generated == "" && before.typ == after.typ {
		changed.operation.Instant = true
		return []string{"ALTER COLUMN " + after.name + " DROP EXPRESSION"}
	}
	if before.generated == "" {
		changed.lose("table %s: column %s becomes generated: its values are not kept", changed.operation.Table, after.name)
	}
	return []string{"DROP COLUMN " + after.name, "ADD COLUMN " + definition}
}

var sized = regexp.MustCompile(`^([a-z ]+?)\((\d+)(?:,(-?\d+))?\)(.*)$`)

// widens tells that each value of one type is a value of the other, with
// nothing lost.
func widens(before, after string) bool {
	if metadataOnly(before, after) || after == "text" {
		return true
	}
	order := map[string]int{"smallint": 1, "integer": 2, "bigint": 3, "numeric": 4}
	if order[before] > 0 && order[before] < order[after] {
		return true
	}
	if before == "real" && after == "double precision" || before == "json" && after == "jsonb" || before == "date" && strings.HasPrefix(after, "timestamp") {
		return true
	}
	old, new := sized.FindStringSubmatch(before), sized.FindStringSubmatch(after)
	if old == nil || new == nil || old[1] != new[1] || old[4] != new[4] {
		return false
	}
	return number(new[2])-number(new[3]) >= number(old[2])-number(old[3]) && number(new[3]) >= number(old[3])
}

// metadataOnly tells that the server changes the type without a rewrite.
func metadataOnly(before, after string) bool {
	if before == after {
		return true
	}
	const varchar = "character varying"
	if strings.HasPrefix(before, varchar) && !strings.HasSuffix(before, "]") && (after == "text" || after == varchar) || before == "text" && after == varchar {
		return true
	}
	if strings.HasPrefix(before, "numeric(") && after == "numeric" {
		return true
	}
	old, new := sized.FindStringSubmatch(before), sized.FindStringSubmatch(after)
	if old == nil || new == nil || old[1] != new[1] || old[4] != new[4] {
		return false
	}
	switch old[1] {
	case varchar, "bit varying":
		return number(new[2]) >= number(old[2])
	case "numeric":
		return number(new[2]) >= number(old[2]) && new[3] == old[3]
	}
	return false
}

func number(text string) int {
	value, _ := strconv.Atoi(text)
	return value
}

var withOptions = regexp.MustCompile(`\nWITH \((.*)\)`)

// tailChanges sets storage options and persistence; partitioning and
// inheritance cannot be changed on a table that is there.
func tailChanges(changed *change, name string, before, after body) ([]string, error) {
	var statements []string
	if before.head != after.head {
		keyword := "LOGGED"
		if strings.HasPrefix(after.head, "CREATE UNLOGGED") {
			keyword = "UNLOGGED"
		}
		statements = append(statements, "ALTER TABLE "+name+" SET "+keyword)
		changed.operation.Instant = false
	}
	if before.tail == after.tail {
		return statements, nil
	}
	if withOptions.ReplaceAllString(before.tail, "") != withOptions.ReplaceAllString(after.tail, "") {
		return nil, fmt.Errorf("table %s: partitioning, inheritance and access method cannot be changed in place; create a new table", changed.operation.Table)
	}
	old, new := storageOptions(before.tail), storageOptions(after.tail)
	for _, option := range old {
		if schema.PartTexts(new)[option.Name] == "" {
			statements = append(statements, "ALTER TABLE "+name+" RESET ("+option.Name+")")
		}
	}
	for _, option := range new {
		if schema.PartTexts(old)[option.Name] != option.Text {
			statements = append(statements, "ALTER TABLE "+name+" SET ("+option.Text+")")
		}
	}
	return statements, nil
}

func storageOptions(tail string) []named {
	match := withOptions.FindStringSubmatch(tail)
	if match == nil {
		return nil
	}
	var options []named
	for _, item := range splitList(match[1]) {
		name, _, _ := strings.Cut(item, "=")
		options = append(options, named{Name: name, Text: item})
	}
	return options
}
