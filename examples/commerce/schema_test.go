package commerce_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sqlc-dev/oliphant"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/config"
)

// Every record table has these: generic code labels and lists all of them alike.
var recordColumns = []string{"uid", "status", "labels", "annotations", "create_ts", "update_ts"}

type table struct {
	columns map[string]string // name: type
	leading map[string]bool   // columns that lead an index
}

func TestSchemaHasTheRecordTables(t *testing.T) {
	tables := readSchema(t)
	for _, name := range []string{"product", "order_header", "order_line", "tag", "asset", "suggestion", "template", "combo_report", "document", "metric"} {
		assert.Contains(t, tables, name)
	}
	assert.Len(t, tables, 26)
}

func TestTablesFollowTheHouseRules(t *testing.T) {
	for name, table := range readSchema(t) {
		t.Run(name, func(t *testing.T) {
			for _, column := range recordColumns {
				assert.Contains(t, table.columns, column)
			}
			for column, kind := range table.columns {
				switch {
				case column == "uid" || strings.HasSuffix(column, "_uid"):
					assert.Equalf(t, "text", kind, "type of %s", column)
					assert.Truef(t, table.leading[column], "%s needs an index that it leads", column)
				case column == "status" || column == "labels" || column == "annotations":
					assert.Equalf(t, "jsonb", kind, "type of %s", column)
				case strings.HasSuffix(column, "_ts"):
					assert.Equalf(t, "timestamptz", kind, "type of %s", column)
				}
			}
		})
	}
}

func readSchema(t *testing.T) map[string]*table {
	t.Helper()
	files, err := filepath.Glob("schema/*.sql")
	require.NoError(t, err)
	tables := map[string]*table{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		tree, err := oliphant.Parse(string(text))
		require.NoError(t, err, file)
		for _, statement := range tree.GetStmts() {
			node := statement.GetStmt()
			switch {
			case node.GetCreateStmt() != nil:
				addTable(t, tables, node.GetCreateStmt())
			case node.GetIndexStmt() != nil:
				addIndex(tables, node.GetIndexStmt())
			default:
				require.NotNilf(t, node.GetCommentStmt(), "%s holds something other than tables, indexes and comments", file)
			}
		}
	}
	return tables
}

func addTable(t *testing.T, tables map[string]*table, statement *oliphant.CreateStmt) {
	t.Helper()
	name := statement.GetRelation().GetRelname()
	require.NotContains(t, tables, name)
	added := &table{columns: map[string]string{}, leading: map[string]bool{}}
	tables[name] = added
	for _, element := range statement.GetTableElts() {
		column := element.GetColumnDef()
		if column == nil {
			continue
		}
		names := column.GetTypeName().GetNames()
		added.columns[column.GetColname()] = names[len(names)-1].GetString_().GetSval()
		for _, constraint := range column.GetConstraints() {
			kind := constraint.GetConstraint().GetContype()
			assert.NotEqual(t, oliphant.ConstrType_CONSTR_FOREIGN, kind, "relations are declared, not enforced")
			if kind == oliphant.ConstrType_CONSTR_PRIMARY {
				added.leading[column.GetColname()] = true
			}
		}
	}
}

func addIndex(tables map[string]*table, statement *oliphant.IndexStmt) {
	first := statement.GetIndexParams()[0].GetIndexElem().GetName()
	tables[statement.GetRelation().GetRelname()].leading[first] = true
}

func TestConfigIsRead(t *testing.T) {
	settings, err := config.Read("orrery.yaml")
	require.NoError(t, err)
	require.Len(t, settings.Bindings, 2)
	assert.Equal(t, "reader", settings.Bindings[1].Role)
}
