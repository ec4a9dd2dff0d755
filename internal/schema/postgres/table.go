package postgres

import (
	"errors"
	"regexp"
	"sort"
	"strings"

	"github.com/orrerydb/orrery/internal/schema"
)

// body is a CREATE TABLE statement taken apart.
type body struct {
	head    string // up to and with the opening parenthesis
	columns []named
	checks  []named
	tail    string // from the closing parenthesis
}

type named = schema.Part

var (
	leadingName = regexp.MustCompile(`^` + ident)
	checkName   = regexp.MustCompile(`^CONSTRAINT (` + ident + `) `)
)

func parseBody(statement string) (body, bool) {
	open := strings.Index(statement, " (\n")
	if open < 0 {
		return body{}, false
	}
	open++
	end := closing(statement, open)
	b := body{head: statement[:open+1], tail: statement[end-1:]}
	for _, item := range splitList(statement[open+1 : end-1]) {
		if match := checkName.FindStringSubmatch(item); match != nil {
			b.checks = append(b.checks, named{Name: match[1], Text: item})
			continue
		}
		b.columns = append(b.columns, named{Name: leadingName.FindString(item), Text: item})
	}
	return b, true
}

func (b body) String() string {
	sort.SliceStable(b.checks, func(i, j int) bool { return b.checks[i].Name < b.checks[j].Name })
	var lines []string
	for _, list := range [][]named{b.columns, b.checks} {
		for _, item := range list {
			lines = append(lines, "    "+item.Text)
		}
	}
	if len(lines) == 0 {
		return b.head + "\n" + b.tail
	}
	return b.head + "\n" + strings.Join(lines, ",\n") + "\n" + b.tail
}

// unordered is a text of an object in which the order of a table's columns
// does not show: PostgreSQL adds columns at the end only, so their order is a
// trace of history that no ALTER can change.
func unordered(sql string) string {
	list := elements(sql)
	for i, element := range list {
		if element.key != mainKey {
			continue
		}
		table, ok := parseTable(element.sql)
		if !ok {
			return sql
		}
		sort.Slice(table.columns, func(i, j int) bool { return table.columns[i].Name < table.columns[j].Name })
		list[i].sql = table.String()
	}
	return join(list)
}

var createsTable = regexp.MustCompile(`^CREATE (?:UNLOGGED |FOREIGN )?TABLE (` + qualified + `)`)

func parseTable(statement string) (body, bool) {
	if !createsTable.MatchString(statement) {
		return body{}, false
	}
	return parseBody(statement)
}

// mergeBodies is the three-way merge of two CREATE TABLE statements.
func mergeBodies(ancestor, branch, target string) (string, error) {
	a, okA := parseTable(ancestor)
	b, okB := parseTable(branch)
	t, okT := parseTable(target)
	if !okA || !okB || !okT {
		return "", errors.New("its definition was changed differently on both sides")
	}
	merged := body{head: t.head}
	var err error
	if merged.columns, err = schema.MergeParts("column ", a.columns, b.columns, t.columns); err != nil {
		return "", err
	}
	if merged.checks, err = schema.MergeParts("constraint ", a.checks, b.checks, t.checks); err != nil {
		return "", err
	}
	if merged.head, err = schema.Pick("its persistence", a.head, b.head, t.head); err != nil {
		return "", err
	}
	if merged.tail, err = schema.Pick("its storage options or partitioning", a.tail, b.tail, t.tail); err != nil {
		return "", err
	}
	return merged.String(), nil
}
