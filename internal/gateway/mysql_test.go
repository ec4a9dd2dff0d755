package gateway

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

var ctx = context.Background()

func TestMySQLQueries(t *testing.T) {
	f := mysqlFixture(t)
	c := f.open("admin", "", "multiStatements=true&interpolateParams=true")
	var one int
	require.NoError(t, c.QueryRowContext(ctx, "SELECT 1").Scan(&one))
	require.Equal(t, 1, one)
	_, err := c.ExecContext(ctx, "DROP TABLE IF EXISTS q1; CREATE TABLE q1 (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(50))")
	require.NoError(t, err)
	r, err := c.ExecContext(ctx, "INSERT INTO q1 (v) VALUES (?), (?)", "a", "it's")
	require.NoError(t, err)
	id, err := r.LastInsertId()
	require.NoError(t, err)
	require.EqualValues(t, 1, id)
	var last int
	require.NoError(t, c.QueryRowContext(ctx, "SELECT LAST_INSERT_ID()").Scan(&last))
	require.Equal(t, 1, last)
	rows, err := c.QueryContext(ctx, "SELECT v FROM q1 ORDER BY id; SELECT 42")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "it's"}, texts(t, rows))
	require.True(t, rows.NextResultSet())
	require.Equal(t, []string{"42"}, texts(t, rows))
	require.NoError(t, rows.Close())
	require.Zero(t, f.server.ActiveSessions(f.branch.ID))
}

func texts(t testing.TB, rows *sql.Rows) []string {
	t.Helper()
	var all []string
	for rows.Next() {
		var v sql.NullString
		require.NoError(t, rows.Scan(&v))
		all = append(all, v.String)
	}
	require.NoError(t, rows.Err())
	return all
}

func TestMySQLPrepared(t *testing.T) {
	f := mysqlFixture(t)
	c := f.open("admin", "", "")
	stmt, err := c.PrepareContext(ctx, "SELECT CONCAT(?, '-', ?)")
	require.NoError(t, err)
	for i := range 20 {
		var got string
		require.NoError(t, stmt.QueryRow(i, "x").Scan(&got))
		require.Equal(t, fmt.Sprintf("%d-x", i), got)
	}
	require.NoError(t, stmt.Close())
}
