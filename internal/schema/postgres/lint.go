package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/orrerydb/orrery/internal/schema"
)

const docs = "https://planetscale.com/docs/vitess/schema-changes/schema-lint-errors"

var (
	keyForm     = regexp.MustCompile(`ADD CONSTRAINT ` + ident + ` (PRIMARY KEY|UNIQUE(?: NULLS NOT DISTINCT)?) \((.*?)\)`)
	uniqueForm  = regexp.MustCompile(`^CREATE UNIQUE INDEX .* USING \w+ \((.*?)\)((?: INCLUDE \(.*?\))?(?: NULLS NOT DISTINCT)?)$`)
	foreignForm = regexp.MustCompile(`FOREIGN KEY \((.*?)\) REFERENCES`)
)

// Lint judges tables by their text; no server is needed. A view cannot refer
// to what is missing: the server does not let it.
func (d *Differ) Lint(_ context.Context, snapshot schema.Snapshot, options schema.LintOptions) ([]schema.LintError, error) {
	found := []schema.LintError{}
	for _, keyspace := range snapshot.Keyspaces {
		for _, object := range keyspace.Objects {
			if object.Kind != schema.Table {
				continue
			}
			found = append(found, lintTable(keyspace.Name, object, options)...)
		}
	}
	return found, nil
}

func lintTable(keyspace string, object schema.Object, options schema.LintOptions) []schema.LintError {
	table, ok := parseTable(mainStatement(object))
	if !ok {
		return []schema.LintError{finding("UNSPECIFIED", keyspace, object.Name, "table %q: its definition has an unknown form", object.Name)}
	}
	var found []schema.LintError
	list := elements(object.SQL)
	if !hasKey(table, list) {
		found = append(found, finding("NO_UNIQUE_KEY", keyspace, object.Name, "table %q has no non-null unique key: all tables must have at least one unique, not-null key without using text / blob columns or partial indexes.", object.Name))
	}
	if columns := foreignKeyColumns(list); len(columns) > 0 && !options.AllowForeignKeys {
		foreign := finding("FOREIGN_KEYS_DISALLOWED", keyspace, object.Name, "table %q has a foreign key constraint: foreign key constraints are not supported.", object.Name)
		foreign.ForeignKeyColumns = columns
		found = append(found, foreign)
	}
	return found
}

func finding(code, keyspace, table, format string, args ...any) schema.LintError {
	return schema.LintError{
		Code: code, SubjectType: "table", Keyspace: keyspace, Table: table, DocsURL: docs,
		Description:       fmt.Sprintf(format, args...),
		ForeignKeyColumns: []string{}, AutoIncrement: []string{},
	}
}

// hasKey looks for one key that identifies each row: all its columns NOT NULL,
// over all rows, without expressions. Text is as good as any type here.
func hasKey(table body, list []element) bool {
	required := map[string]bool{}
	for _, column := range table.columns {
		required[column.Name] = strings.Contains(withoutLiterals(column.Text), " NOT NULL")
	}
	for _, part := range list {
		columns := ""
		if match := keyForm.FindStringSubmatch(part.sql); match != nil {
			columns = match[2]
		}
		if match := uniqueForm.FindStringSubmatch(part.sql); match != nil {
			columns = match[1]
		}
		if columns != "" && allRequired(required, splitList(columns)) {
			return true
		}
	}
	return false
}

func allRequired(required map[string]bool, columns []string) bool {
	for _, column := range columns {
		if !required[leadingName.FindString(column)] || strings.Contains(column, "(") {
			return false
		}
	}
	return true
}

func withoutLiterals(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); {
		end := skip(text, i)
		if text[i] != '\'' {
			out.WriteString(text[i:end])
		}
		i = end
	}
	return out.String()
}

func foreignKeyColumns(list []element) []string {
	var columns []string
	for _, part := range list {
		if match := foreignForm.FindStringSubmatch(part.sql); part.rank == rankForeignKey && match != nil {
			columns = append(columns, splitList(match[1])...)
		}
	}
	return columns
}
