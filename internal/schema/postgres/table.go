package postgres

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"
)

// body is a CREATE TABLE statement taken apart.
type body struct {
	head    string // up to and with the opening parenthesis
	columns []named
	checks  []named
	tail    string // from the closing parenthesis
}

type named struct {
	name string // quoted as in SQL
	text string
}

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
			b.checks = append(b.checks, named{match[1], item})
			continue
		}
		b.columns = append(b.columns, named{leadingName.FindString(item), item})
	}
	return b, true
}

func (b body) String() string {
	sort.SliceStable(b.checks, func(i, j int) bool { return b.checks[i].name < b.checks[j].name })
	var lines []string
	for _, list := range [][]named{b.columns, b.checks} {
		for _, item := range list {
			lines = append(lines, "    "+item.text)
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
		sort.Slice(table.columns, func(i, j int) bool { return table.columns[i].name < table.columns[j].name })
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
	if merged.columns, err = mergeNamed("column", a.columns, b.columns, t.columns); err != nil {
		return "", err
	}
	if merged.checks, err = mergeNamed("constraint", a.checks, b.checks, t.checks); err != nil {
		return "", err
	}
	if merged.head, err = pick("its persistence", a.head, b.head, t.head); err != nil {
		return "", err
	}
	if merged.tail, err = pick("its storage options or partitioning", a.tail, b.tail, t.tail); err != nil {
		return "", err
	}
	return merged.String(), nil
}

func mergeNamed(what string, ancestor, branch, target []named) ([]named, error) {
	a, b, t := texts(ancestor), texts(branch), texts(target)
	var merged []named
	seen := map[string]bool{}
	for _, list := range [][]named{target, branch} {
		for _, item := range list {
			if seen[item.name] {
				continue
			}
			seen[item.name] = true
			text, err := pick(what+" "+item.name, a[item.name], b[item.name], t[item.name])
			if err != nil {
				return nil, err
			}
			if text != "" {
				merged = append(merged, named{item.name, text})
			}
		}
	}
	return merged, nil
}

func texts(list []named) map[string]string {
	found := map[string]string{}
	for _, item := range list {
		found[item.name] = item.text
	}
	return found
}

func pick(what, ancestor, branch, target string) (string, error) {
	if branch == ancestor || branch == target {
		return target, nil
	}
	if target == ancestor {
		return branch, nil
	}
	return "", fmt.Errorf("%s was changed differently on both sides", what)
}
