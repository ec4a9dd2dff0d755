package openinsure_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"vitess.io/vitess/go/vt/sqlparser"

	"github.com/orrerydb/orrery/internal/config"
)

// Other teams count on these numbers: a table more is a decision, not an accident.
var tableCounts = map[string]int{
	"oi_global": 53, "oi_policies": 28, "oi_submissions": 33, "oi_claims": 29, "oi_billing": 47,
}

func TestSchemaParsesAndHasItsTables(t *testing.T) {
	seen := map[string]string{}
	for keyspace, count := range tableCounts {
		tables := readKeyspace(t, keyspace)
		assert.Lenf(t, tables, count, "tables of %s", keyspace)
		for _, table := range tables {
			name := table.Table.Name.String()
			assert.Emptyf(t, seen[name], "%s is in %s and %s: the monolith binding could not tell them apart", name, seen[name], keyspace)
			seen[name] = keyspace
		}
	}
	assert.Len(t, seen, 190)
}

func TestTablesFollowTheHouseRules(t *testing.T) {
	for keyspace := range tableCounts {
		for _, table := range readKeyspace(t, keyspace) {
			t.Run(keyspace+"/"+table.Table.Name.String(), func(t *testing.T) { checkTable(t, keyspace, table) })
		}
	}
}

func checkTable(t *testing.T, keyspace string, table *sqlparser.CreateTable) {
	t.Helper()
	columns := map[string]*sqlparser.ColumnDefinition{}
	for _, column := range table.TableSpec.Columns {
		columns[column.Name.Lowered()] = column
	}
	leading := leadingColumns(table)
	assert.GreaterOrEqual(t, len(columns), 8)
	assert.LessOrEqual(t, len(columns), 30)
	require.Contains(t, columns, "id")
	for _, name := range []string{"created_at", "updated_at"} {
		if assert.Contains(t, columns, name) {
			assert.NotNil(t, columns[name].Type.Options.Default, "%s needs a default", name)
		}
	}
	if keyspace != "oi_global" {
		if assert.Contains(t, columns, "org_id") {
			null := columns["org_id"].Type.Options.Null
			assert.True(t, null != nil && !*null, "org_id must be NOT NULL")
		}
	}
	uuid := sqlparser.CanonicalString(&sqlparser.ColumnType{Type: columns["id"].Type.Type, Length: columns["id"].Type.Length, Charset: columns["id"].Type.Charset})
	for name, column := range columns {
		if !strings.HasSuffix(name, "_id") {
			continue
		}
		assert.Truef(t, leading[name], "%s would be a foreign key and needs an index that it leads", name)
		assert.Equalf(t, uuid, sqlparser.CanonicalString(&sqlparser.ColumnType{Type: column.Type.Type, Length: column.Type.Length, Charset: column.Type.Charset}), "type of %s", name)
	}
	for _, constraint := range table.TableSpec.Constraints {
		assert.IsType(t, &sqlparser.CheckConstraintDefinition{}, constraint.Details, "only checks: foreign keys are not enforced here")
	}
}

func leadingColumns(table *sqlparser.CreateTable) map[string]bool {
	leading := map[string]bool{}
	for _, index := range table.TableSpec.Indexes {
		leading[index.Columns[0].Column.Lowered()] = true
	}
	return leading
}

func readKeyspace(t *testing.T, keyspace string) []*sqlparser.CreateTable {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("schema", keyspace, "*.sql"))
	require.NoError(t, err)
	parser := sqlparser.NewTestParser()
	var tables []*sqlparser.CreateTable
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		statements, err := parser.SplitStatementToPieces(string(text))
		require.NoError(t, err)
		for _, text := range statements {
			statement, err := parser.ParseStrictDDL(text)
			require.NoErrorf(t, err, "%s: %s", file, text)
			table, isTable := statement.(*sqlparser.CreateTable)
			require.Truef(t, isTable, "%s holds something other than CREATE TABLE: %s", file, text)
			require.NotNilf(t, table.TableSpec, "%s: %s", file, text)
			tables = append(tables, table)
		}
	}
	return tables
}

func TestConfigIsRead(t *testing.T) {
	settings, err := config.Read("orrery.yaml")
	require.NoError(t, err)
	require.Len(t, settings.Databases, 1)
	assert.Equal(t, []string{"oi_global"}, settings.Databases[0].Tenancy.ExemptKeyspaces)
	assert.Len(t, settings.Bindings, 6)
}
