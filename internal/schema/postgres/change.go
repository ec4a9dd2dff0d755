package postgres

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/orrerydb/orrery/internal/schema"
)

// change is one step of a plan before its place in the order is known.
type change struct {
	phase      int
	operation  schema.Operation
	statements []string
	// instead replaces the change when the server refuses it for good: a
	// function whose result type changes cannot be replaced in place.
	instead  []*change
	reversal bool // it can be undone in place
	notes    []string
	warnings []string
}

// Phases are the order in which changes are tried first.
const (
	phaseDropViews = iota
	phaseTypes
	phaseFunctions
	phaseCreate
	phaseAlter
	phaseIndex
	phaseAttach
	phaseViews
	phaseForeignKeys
	phaseDropTables
	phaseDropFunctions
	phaseDropTypes
)

func newChange(phase int, object schema.Object, name string, statements ...string) *change {
	return &change{
		phase:      phase,
		operation:  schema.Operation{Table: object.Name, Kind: object.Kind, Name: name, Instant: true},
		statements: statements,
		reversal:   true,
	}
}

func (c *change) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// lose marks the change as one that takes data with it.
func (c *change) lose(format string, args ...any) {
	c.operation.CanDropData, c.reversal = true, false
	c.note(format, args...)
}

func (c *change) sql() string { return strings.Join(c.statements, ";\n") }

// comparison is of two states of one database.
type comparison struct {
	from, to state
	changes  []*change
	// rebuilt views are dropped before and created after all else, because
	// something that they read changes under them.
	rebuilt map[string]bool
}

func compare(from, to state) ([]*change, error) {
	c := &comparison{from: from, to: to, rebuilt: map[string]bool{}}
	names := schema.ObjectNames(to.keyspace, from.keyspace)
	c.findRebuilt(names)
	for _, name := range names {
		if err := c.object(from.keyspace.Object(name), to.keyspace.Object(name)); err != nil {
			return nil, err
		}
	}
	c.warnRenamedTables()
	return c.changes, nil
}

func (c *comparison) add(change *change) *change {
	c.changes = append(c.changes, change)
	return change
}

func (c *comparison) object(before, after *schema.Object) error {
	switch {
	case before == nil:
		c.create(*after)
		return nil
	case after == nil:
		c.drop(*before)
		return nil
	case before.Kind != after.Kind:
		c.drop(*before)
		c.create(*after)
		return nil
	case isView(*after) && c.rebuilt[mainName(*after)]:
		c.drop(*before)
		c.create(*after)
		return nil
	case same(before, after):
		return nil
	}
	return c.alter(*before, *after)
}

func isView(object schema.Object) bool {
	return object.Kind == schema.View || object.Kind == schema.MaterializedView
}

func mainStatement(object schema.Object) string {
	for _, element := range elements(object.SQL) {
		if element.key == mainKey {
			return element.sql
		}
	}
	return object.SQL
}

// mainName is the object's name as SQL writes it.
func mainName(object schema.Object) string { return nameInSQL(mainStatement(object)) }

var createPhases = map[schema.Kind]int{
	schema.View: phaseViews, schema.MaterializedView: phaseViews, schema.Table: phaseCreate, "foreign table": phaseCreate,
	schema.Function: phaseFunctions, "procedure": phaseFunctions, "aggregate": phaseFunctions,
}

var dropPhases = map[schema.Kind]int{
	schema.View: phaseDropViews, schema.MaterializedView: phaseDropViews, schema.Table: phaseDropTables, "foreign table": phaseDropTables,
	schema.Function: phaseDropFunctions, "procedure": phaseDropFunctions, "aggregate": phaseDropFunctions,
}

func phaseOf(phases map[schema.Kind]int, kind schema.Kind, other int) int {
	if phase, ok := phases[kind]; ok {
		return phase
	}
	return other
}

// create makes an object with all that belongs to it in one step. A foreign
// key to a table that is itself new waits until both are there.
func (c *comparison) create(object schema.Object) {
	var own, later []string
	for _, element := range elements(object.SQL) {
		if element.rank == rankForeignKey && c.referencesNew(element.sql) {
			later = append(later, element.sql)
			continue
		}
		own = append(own, populated(element.sql))
	}
	made := c.add(newChange(phaseOf(createPhases, object.Kind, phaseTypes), object, "CREATE", own...))
	made.operation.Instant = object.Kind != schema.MaterializedView
	if len(later) > 0 {
		c.add(newChange(phaseForeignKeys, object, "ALTER", later...))
	}
}

var references = regexp.MustCompile(`REFERENCES (` + qualified + `)`)

func (c *comparison) referencesNew(foreignKey string) bool {
	match := references.FindStringSubmatch(foreignKey)
	return match != nil && c.from.catalog.relations[match[1]] == nil
}

// populated fills a materialised view at once; pg_dump leaves it empty.
func populated(statement string) string {
	if strings.HasPrefix(statement, "CREATE MATERIALIZED VIEW") {
		return strings.TrimSuffix(statement, "\n  WITH NO DATA")
	}
	return statement
}

func (c *comparison) drop(object schema.Object) {
	statement := "DROP " + strings.ToUpper(string(object.Kind)) + " " + mainName(object)
	dropped := newChange(phaseOf(dropPhases, object.Kind, phaseDropTypes), object, "DROP", statement)
	switch object.Kind {
	case schema.Table:
		dropped.lose("table %s is dropped: its rows are not kept", object.Name)
		c.releaseForeignKeys(dropped, object)
		// A partition goes with its table.
		if relation := c.from.catalog.relations[mainName(object)]; relation != nil && relation.partition {
			dropped.statements[0] = "DROP TABLE IF EXISTS " + mainName(object)
		}
	case schema.Sequence:
		dropped.lose("sequence %s is dropped: its position is not kept", object.Name)
	}
	c.add(dropped)
}

// releaseForeignKeys is the way to drop tables that reference each other.
func (c *comparison) releaseForeignKeys(dropped *change, table schema.Object) {
	var statements []string
	for _, part := range elements(table.SQL) {
		if part.rank == rankForeignKey {
			statements = append(statements, undo(part))
		}
	}
	if len(statements) == 0 {
		return
	}
	alone := *dropped
	dropped.instead = []*change{newChange(phaseDropTables, table, "ALTER", statements...), &alone}
}

// replace drops and creates an object anew.
func replace(before, after schema.Object) []*change {
	c := &comparison{}
	c.drop(before)
	c.create(after)
	// The new one must not be tried while the old one is there.
	c.changes[0].phase = c.changes[1].phase
	return c.changes
}

func (c *comparison) alter(before, after schema.Object) error {
	changed := newChange(phaseOf(createPhases, after.Kind, phaseTypes), after, "ALTER")
	if after.Kind == schema.Table {
		changed.phase = phaseAlter
	}
	old, new := elements(before.SQL), elements(after.SQL)
	mainBefore, mainAfter := mainStatement(before), mainStatement(after)
	if after.Kind == schema.Table {
		if err := c.alterTable(changed, before, after); err != nil {
			return err
		}
		c.finish(changed)
		return nil
	}
	if mainBefore != mainAfter {
		done, err := c.alterMain(changed, before, after, mainBefore, mainAfter)
		if err != nil || done {
			return err
		}
	}
	drops, creates := partChanges(changed, old, new)
	changed.statements = append(append(drops, changed.statements...), creates...)
	c.finish(changed)
	return nil
}

func (c *comparison) finish(changed *change) {
	if len(changed.statements) > 0 {
		c.add(changed)
	}
}

// alterMain changes the definition of anything but a table. done tells that
// the object is made anew, with all that belongs to it.
func (c *comparison) alterMain(changed *change, before, after schema.Object, old, new string) (done bool, err error) {
	name := mainName(after)
	switch after.Kind {
	case schema.View:
		changed.statements = append(changed.statements, strings.Replace(new, "CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
	case schema.Function, "procedure", "aggregate":
		changed.statements = append(changed.statements, strings.Replace(new, "CREATE ", "CREATE OR REPLACE ", 1))
		changed.instead = replace(before, after)
	case schema.Sequence:
		changed.statements = append(changed.statements, alterSequence(name, new))
	case schema.Domain:
		return false, alterDomain(changed, name, old, new)
	case schema.Type:
		if values, ok := enumAdditions(name, old, new); ok {
			changed.statements = append(changed.statements, values...)
			changed.reversal = false
			changed.note("type %s gets new values: a value cannot be removed from an enum", after.Name)
			return false, nil
		}
		if isEnum(old) && isEnum(new) {
			return false, fmt.Errorf("type %s: values of an enum cannot be removed or reordered in place; create a new type and change the columns to it", after.Name)
		}
		c.changes = append(c.changes, replace(before, after)...)
		return true, nil
	case schema.Extension:
		return false, fmt.Errorf("extension %s: its schema or version cannot be changed by a deploy request", after.Name)
	default:
		c.changes = append(c.changes, replace(before, after)...)
		return true, nil
	}
	return false, nil
}

// alterSequence states all properties of a sequence; its position stays.
func alterSequence(name, create string) string {
	clauses := strings.TrimPrefix(create, "CREATE SEQUENCE "+name)
	if !strings.Contains(clauses, "\n    AS ") {
		clauses = "\n    AS bigint" + clauses
	}
	if !strings.HasSuffix(clauses, "\n    CYCLE") {
		clauses += "\n    NO CYCLE"
	}
	return "ALTER SEQUENCE " + name + clauses
}

func isEnum(statement string) bool { return strings.Contains(statement, " AS ENUM (") }

func enumValues(statement string) []string {
	open := strings.Index(statement, "(\n")
	if !isEnum(statement) || open < 0 {
		return nil
	}
	return splitList(statement[open+1 : strings.LastIndex(statement, ")")])
}

// enumAdditions adds values at their places when all old ones stay in order.
func enumAdditions(name, before, after string) ([]string, bool) {
	old, new := enumValues(before), enumValues(after)
	if old == nil || new == nil {
		return nil, false
	}
	var statements []string
	next := 0
	for i, value := range new {
		if next < len(old) && old[next] == value {
			next++
			continue
		}
		statement := "ALTER TYPE " + name + " ADD VALUE " + value
		switch {
		case i > 0:
			statement += " AFTER " + new[i-1]
		case len(old) > 0:
			statement += " BEFORE " + old[0]
		}
		statements = append(statements, statement)
	}
	return statements, next == len(old)
}

var domainForm = regexp.MustCompile(`(?s)^CREATE DOMAIN ` + qualified + ` AS (.*?)( NOT NULL)?( DEFAULT .*?)?((?:\n\tCONSTRAINT .*)?)$`)

func alterDomain(changed *change, name, before, after string) error {
	old, new := domainForm.FindStringSubmatch(before), domainForm.FindStringSubmatch(after)
	if old == nil || new == nil || old[1] != new[1] {
		return fmt.Errorf("domain %s: its base type cannot be changed in place; create a new domain and change the columns to it", name)
	}
	alter := "ALTER DOMAIN " + name + " "
	oldChecks, newChecks := domainChecks(old[4]), domainChecks(new[4])
	for check, text := range oldChecks {
		if newChecks[check] != text {
			changed.statements = append(changed.statements, alter+"DROP CONSTRAINT "+check)
			changed.note("domain %s: check constraint removed: %s", name, check)
		}
	}
	if old[2] != new[2] {
		if new[2] == "" {
			changed.statements = append(changed.statements, alter+"DROP NOT NULL")
		} else {
			changed.statements = append(changed.statements, alter+"SET NOT NULL")
			changed.operation.Instant = false
		}
	}
	if old[3] != new[3] {
		if new[3] == "" {
			changed.statements = append(changed.statements, alter+"DROP DEFAULT")
		} else {
			changed.statements = append(changed.statements, alter+"SET"+new[3])
		}
	}
	for check, text := range newChecks {
		if oldChecks[check] != text {
			changed.statements = append(changed.statements, alter+"ADD "+text)
			changed.operation.Instant = false
		}
	}
	return nil
}

func domainChecks(text string) map[string]string {
	checks := map[string]string{}
	for line := range strings.SplitSeq(text, "\n\t") {
		if match := checkName.FindStringSubmatch(line); match != nil {
			checks[match[1]] = line
		}
	}
	return checks
}

// findRebuilt finds the views that cannot stay while the change happens: those
// whose columns change in a way that CREATE OR REPLACE refuses, those that read
// a column that goes or changes its type, and all that read these.
func (c *comparison) findRebuilt(names []string) {
	mark := func(what string) {
		for _, view := range c.from.catalog.allReaders(what) {
			c.rebuilt[view] = true
		}
	}
	for _, name := range names {
		before, after := c.from.keyspace.Object(name), c.to.keyspace.Object(name)
		if before == nil || same(before, after) {
			continue
		}
		relationName := mainName(*before)
		switch {
		case isView(*before):
			if after != nil && after.Kind == before.Kind && mainStatement(*before) == mainStatement(*after) {
				continue
			}
			if after == nil || after.Kind != schema.View || !c.extends(relationName) {
				c.rebuilt[relationName] = true
				mark(relationName)
			}
		case before.Kind == schema.Table && after == nil:
			mark(relationName)
		case before.Kind == schema.Table:
			for _, column := range c.goneColumns(relationName) {
				mark(relationName + "." + column)
			}
		}
	}
}

// extends tells that a view keeps its columns and only adds some at the end.
func (c *comparison) extends(name string) bool {
	before, after := c.from.catalog.relations[name], c.to.catalog.relations[name]
	if before == nil || after == nil || len(before.columns) > len(after.columns) {
		return false
	}
	for i, column := range before.columns {
		if column.name != after.columns[i].name || column.typ != after.columns[i].typ || column.collation != after.columns[i].collation {
			return false
		}
	}
	return true
}

// goneColumns are a table's columns whose values do not stay as they are.
func (c *comparison) goneColumns(table string) []string {
	before, after := c.from.catalog.relations[table], c.to.catalog.relations[table]
	if before == nil {
		return nil
	}
	var gone []string
	for _, old := range before.columns {
		new := after.column(old.name)
		if new == nil || new.typ != old.typ || new.collation != old.collation || new.generated != old.generated {
			gone = append(gone, old.name)
		}
	}
	return gone
}

func (c *comparison) warnRenamedTables() {
	for _, dropped := range c.changes {
		for _, created := range c.changes {
			if dropped.operation.Kind != schema.Table || dropped.operation.Name != "DROP" || created.operation.Kind != schema.Table || created.operation.Name != "CREATE" {
				continue
			}
			before := c.from.keyspace.Object(dropped.operation.Table)
			after := c.to.keyspace.Object(created.operation.Table)
			if before == nil || after == nil {
				continue
			}
			old, okOld := parseTable(mainStatement(*before))
			new, okNew := parseTable(mainStatement(*after))
			if !okOld || !okNew {
				continue
			}
			old.head, new.head = "", ""
			if old.String() == new.String() {
				created.warnings = append(created.warnings, fmt.Sprintf("table %s is dropped and table %s with the same columns is created: a rename would be a DROP and a CREATE here, and the rows are not carried over", before.Name, after.Name))
			}
		}
	}
}
