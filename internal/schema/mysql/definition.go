package mysql

import (
	"regexp"
	"sort"
	"strings"

	"github.com/orrerydb/orrery/internal/schema"
)

// definition is a SHOW CREATE TABLE text taken apart: the server writes each
// column, key and constraint on a line of its own.
type definition struct {
	head    string // CREATE TABLE `t` (
	columns []part
	keys    []part // keys, then constraints
	options string // ) ENGINE=…
	// partitions is all that follows the options, "" when not partitioned.
	partitions string
}

// part is one line, without indent and comma.
type part = schema.Part

func parseDefinition(text string) (definition, bool) {
	lines := strings.Split(text, "\n")
	if len(lines) < 3 || !strings.HasSuffix(lines[0], "(") {
		return definition{}, false
	}
	d := definition{head: lines[0]}
	for i, line := range lines[1:] {
		if strings.HasPrefix(line, ")") {
			d.options = line
			d.partitions = strings.Join(lines[i+2:], "\n")
			return d, true
		}
		line = strings.TrimSuffix(strings.TrimSpace(line), ",")
		if strings.HasPrefix(line, "`") {
			d.columns = append(d.columns, part{Name: firstQuoted(line), Text: line})
			continue
		}
		d.keys = append(d.keys, part{Name: keyName(line), Text: line})
	}
	return definition{}, false
}

func (d definition) String() string {
	var out strings.Builder
	out.WriteString(d.head)
	separator := "\n  "
	for _, list := range [][]part{d.columns, d.keys} {
		for _, part := range list {
			out.WriteString(separator)
			out.WriteString(part.Text)
			separator = ",\n  "
		}
	}
	out.WriteString("\n")
	out.WriteString(d.options)
	if d.partitions != "" {
		out.WriteString("\n" + d.partitions)
	}
	return out.String()
}

// sortKeys puts keys in the order of class and name. The server keeps the
// order in which they were added, which says nothing about the schema.
func (d definition) sortKeys() {
	sort.SliceStable(d.keys, func(i, j int) bool {
		a, b := keyClass(d.keys[i].Text), keyClass(d.keys[j].Text)
		if a != b {
			return a < b
		}
		return d.keys[i].Name < d.keys[j].Name
	})
}

var keyClasses = []string{"PRIMARY KEY", "UNIQUE KEY", "KEY", "FULLTEXT KEY", "SPATIAL KEY", "CONSTRAINT"}

func keyClass(line string) int {
	for i, prefix := range keyClasses {
		if strings.HasPrefix(line, prefix) {
			return i
		}
	}
	return len(keyClasses)
}

func keyName(line string) string {
	if strings.HasPrefix(line, "PRIMARY KEY") {
		return "PRIMARY KEY"
	}
	// A constraint may have the name of a key.
	if strings.HasPrefix(line, "CONSTRAINT") {
		return "CONSTRAINT " + firstQuoted(line)
	}
	return "KEY " + firstQuoted(line)
}

func firstQuoted(line string) string {
	if match := quotedName.FindString(line); match != "" {
		return match
	}
	return line
}

var (
	counter      = regexp.MustCompile(` AUTO_INCREMENT=\d+`)
	tableCharset = regexp.MustCompile(` DEFAULT CHARSET=(\w+)(?: COLLATE=(\w+))?`)
	// columnType is name and type, then the charset clauses.
	columnType = regexp.MustCompile("^(`(?:[^`]|``)+` [a-z]+(?:\\((?:[^()']|'(?:[^']|'')*')*\\))?)( CHARACTER SET (\\w+))?( COLLATE (\\w+))?")
	definer    = regexp.MustCompile("^CREATE ALGORITHM=(\\w+) DEFINER=(?:`(?:[^`]|``)*`@`(?:[^`]|``)*`|\\S+) SQL SECURITY (\\w+) VIEW ")
)

// normalizeTable brings SHOW CREATE TABLE into the package's canonical text.
func (d *Differ) normalizeTable(text string) string {
	table, ok := parseDefinition(text)
	if !ok {
		return text
	}
	comment := strings.Index(table.options, " COMMENT='")
	options, rest := table.options, ""
	if comment >= 0 {
		options, rest = options[:comment], options[comment:]
	}
	options = counter.ReplaceAllString(options, "")
	collation := ""
	if match := tableCharset.FindStringSubmatch(options); match != nil {
		collation = d.collation(match[1], match[2])
	}
	table.options = options + rest
	for i := range table.columns {
		table.columns[i].Text = d.normalizeColumn(table.columns[i].Text, collation)
	}
	table.sortKeys()
	return table.String()
}

// normalizeColumn writes a column's charset and collation both or, where they
// are the table's, neither: the server remembers whether they were spelt out.
func (d *Differ) normalizeColumn(text, tableCollation string) string {
	match := columnType.FindStringSubmatch(text)
	if match == nil || match[2] == "" && match[4] == "" {
		return text
	}
	rest := text[len(match[0]):]
	collation := d.collation(match[3], match[5])
	if collation == tableCollation {
		return match[1] + rest
	}
	charset := match[3]
	if charset == "" {
		charset, _, _ = strings.Cut(collation, "_")
	}
	return match[1] + " CHARACTER SET " + charset + " COLLATE " + collation + rest
}

// collation is the one given, or the charset's default.
func (d *Differ) collation(charset, collation string) string {
	if collation != "" {
		return collation
	}
	env := d.env.CollationEnv()
	return env.LookupName(env.DefaultCollationForCharset(charset))
}

// normalizeView leaves out the definer, who may not exist on another server,
// and the clauses that say the default.
func normalizeView(text string) string {
	match := definer.FindStringSubmatch(text)
	if match == nil {
		return text
	}
	create := "CREATE "
	if match[1] != "UNDEFINED" {
		create += "ALGORITHM=" + match[1] + " "
	}
	if match[2] != "DEFINER" {
		create += "SQL SECURITY " + match[2] + " "
	}
	return create + "VIEW " + text[len(match[0]):]
}
