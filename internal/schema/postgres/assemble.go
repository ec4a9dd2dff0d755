package postgres

import (
	"regexp"
	"strings"

	"github.com/orrerydb/orrery/internal/schema"
)

// part is an object while it is being put together.
type part struct {
	object   schema.Object
	elements []element
	// absorbed: the object has become part of another (an owned sequence).
	absorbed bool
}

// assembler collects the entries of a dump into objects.
type assembler struct {
	parts []*part
	// owners finds an object by its own name in SQL, and by the names of what
	// is in it: indexes, sequences, constraints, statistics.
	owners map[string]*part
}

// belongs are the types of entries that are never objects of their own.
var belongs = map[string]bool{
	"SEQUENCE OWNED BY": true, "DEFAULT": true, "CONSTRAINT": true, "FK CONSTRAINT": true, "CHECK CONSTRAINT": true,
	"INDEX": true, "INDEX ATTACH": true, "TABLE ATTACH": true, "TRIGGER": true, "RULE": true, "POLICY": true,
	"ROW SECURITY": true, "COMMENT": true, "ACL": true, "STATISTICS": true,
}

var (
	sqlName      = regexp.MustCompile(`(?s)^CREATE (?:OR REPLACE )?(?:UNLOGGED |FOREIGN |MATERIALIZED )?[A-Z]+ (?:IF NOT EXISTS )?(` + qualified + `|` + ident + `)`)
	ownedBy      = regexp.MustCompile(`^ALTER SEQUENCE (` + qualified + `) OWNED BY (` + qualified + `)\.` + ident + `$`)
	identitySeq  = regexp.MustCompile(`SEQUENCE NAME (` + qualified + `)`)
	indexName    = regexp.MustCompile(`^CREATE (?:UNIQUE )?INDEX (` + ident + `) ON`)
	constraint   = regexp.MustCompile(`ADD CONSTRAINT (` + ident + `) `)
	statistics   = regexp.MustCompile(`^CREATE STATISTICS (` + qualified + `)`)
	replacesView = regexp.MustCompile(`^CREATE OR REPLACE VIEW (` + qualified + `)`)
	defaults     = regexp.MustCompile(` DEFAULT .*$`)
)

func assemble(entries []entry) []schema.Object {
	a := &assembler{owners: map[string]*part{}}
	for _, entry := range entries {
		if hides(entry) || len(entry.body) == 0 {
			continue
		}
		// An identity's sequence comes as an ALTER TABLE.
		if belongs[entry.kind] || entry.kind == "SEQUENCE" && strings.HasPrefix(entry.body[0], "ALTER TABLE") {
			a.add(entry)
			continue
		}
		a.start(entry)
	}
	objects := []schema.Object{}
	for _, part := range a.parts {
		if part.absorbed {
			continue
		}
		sortElements(part.elements)
		part.object.SQL = join(part.elements)
		objects = append(objects, part.object)
	}
	return objects
}

func hides(entry entry) bool {
	// Event triggers have no schema; ours are named after it.
	if entry.kind == "EVENT TRIGGER" && strings.HasPrefix(entry.name, hidden) {
		return true
	}
	return entry.schema == hidden || entry.kind == "SCHEMA" && entry.name == hidden || strings.HasSuffix(entry.name, "SCHEMA "+hidden)
}

// start begins an object with its main statement.
func (a *assembler) start(entry entry) {
	name := entry.name
	if entry.schema != "-" {
		name = entry.schema + "." + name
	}
	made := &part{object: schema.Object{Kind: schema.Kind(strings.ToLower(entry.kind)), Name: name}}
	a.parts = append(a.parts, made)
	for i, statement := range entry.body {
		found, ok := elementOf(statement)
		if i == 0 || !ok {
			found = element{key: mainKey, rank: rankMain + min(i, 1), sql: statement}
		}
		made.elements = append(made.elements, found)
	}
	a.owners[nameInSQL(entry.body[0])] = made
}

// nameInSQL is how other statements call what a CREATE statement makes. That
// of a function has its arguments, without their defaults.
func nameInSQL(statement string) string {
	match := sqlName.FindStringSubmatch(statement)
	if match == nil {
		return statement
	}
	name := match[1]
	end := len(match[0])
	isRoutine := strings.HasPrefix(statement, "CREATE FUNCTION") || strings.HasPrefix(statement, "CREATE PROCEDURE") || strings.HasPrefix(statement, "CREATE AGGREGATE")
	if !isRoutine || end >= len(statement) || statement[end] != '(' {
		return name
	}
	arguments := splitList(statement[end+1 : closing(statement, end)-1])
	for i := range arguments {
		arguments[i] = defaults.ReplaceAllString(arguments[i], "")
	}
	return name + "(" + strings.Join(arguments, ", ") + ")"
}

// add puts statements into the objects that they name.
func (a *assembler) add(entry entry) {
	for _, statement := range entry.body {
		if match := replacesView.FindStringSubmatch(statement); match != nil {
			a.completeView(match[1], statement)
			continue
		}
		found, ok := elementOf(statement)
		if !ok {
			continue
		}
		owner := a.owners[found.owner]
		if owner == nil {
			// Unknown: a default that names no object of the dump (the
			// privileges of schema public, say) is one of its own.
			a.start(entry)
			return
		}
		a.adopt(owner, statement, found)
	}
}

// completeView replaces the stand-in that pg_dump writes for a view that
// needs a primary key by the view itself.
func (a *assembler) completeView(name, statement string) {
	if owner := a.owners[name]; owner != nil {
		owner.elements[0].sql = strings.Replace(statement, "CREATE OR REPLACE VIEW", "CREATE VIEW", 1)
	}
}

func (a *assembler) adopt(owner *part, statement string, found element) {
	owner.elements = append(owner.elements, found)
	namespace := found.owner
	if i := strings.LastIndex(namespace, "."); i >= 0 && !strings.HasSuffix(namespace, `"`) {
		namespace = namespace[:i]
	} else if match := regexp.MustCompile(`^` + ident).FindString(namespace); match != "" {
		namespace = match
	}
	if match := ownedBy.FindStringSubmatch(statement); match != nil {
		if table := a.owners[match[2]]; table != nil {
			a.absorb(match[1], table)
		}
		return
	}
	if match := identitySeq.FindStringSubmatch(statement); match != nil {
		a.owners[match[1]] = owner
	}
	if match := indexName.FindStringSubmatch(statement); match != nil {
		a.owners[namespace+"."+match[1]] = owner
	}
	if match := constraint.FindStringSubmatch(statement); match != nil && a.owners[namespace+"."+match[1]] == nil {
		a.owners[namespace+"."+match[1]] = owner
	}
	if match := statistics.FindStringSubmatch(statement); match != nil {
		a.owners[match[1]] = owner
	}
}

// absorb moves an owned sequence into its table.
func (a *assembler) absorb(sequence string, table *part) {
	owned := a.owners[sequence]
	if owned == nil || owned == table {
		return
	}
	for _, statement := range owned.elements {
		if statement.rank == rankMain {
			statement.rank, statement.key = rankSequence, "CREATE SEQUENCE "+sequence
		}
		table.elements = append(table.elements, statement)
	}
	owned.absorbed = true
	a.owners[sequence] = table
}
