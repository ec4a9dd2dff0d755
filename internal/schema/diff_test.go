package schema

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func one(sql string) Snapshot {
	return Snapshot{Keyspaces: []Keyspace{{Name: "k", Objects: []Object{{Kind: Table, Name: "t", SQL: sql}}}}}
}

func TestRawDiff(t *testing.T) {
	diffs := RawDiff(one("CREATE TABLE t (\n  a int,\n  b int\n)"), one("CREATE TABLE t (\n  a int,\n  c text DEFAULT '<x>'\n)"))
	require.Len(t, diffs, 1)
	require.Equal(t, " CREATE TABLE t (\n   a int,\n-  b int\n+  c text DEFAULT '<x>'\n );\n", diffs[0].Raw)
	require.Contains(t, diffs[0].HTML, `<span class="ins">+  c text DEFAULT &#39;&lt;x&gt;&#39;</span>`)
	require.Empty(t, RawDiff(one("x"), one("x")))
}

func TestRawDiffOfNewAndDroppedObjects(t *testing.T) {
	require.Equal(t, "+a;\n", RawDiff(Snapshot{}, one("a"))[0].Raw)
	require.Equal(t, "-a;\n", RawDiff(one("a"), Snapshot{})[0].Raw)
}

func TestEqualIgnoresOrder(t *testing.T) {
	a := Keyspace{Name: "k", Objects: []Object{{Name: "x"}, {Name: "y"}}}
	b := Keyspace{Name: "k", Objects: []Object{{Name: "y"}, {Name: "x"}}}
	require.True(t, Snapshot{Keyspaces: []Keyspace{a}}.Equal(Snapshot{Keyspaces: []Keyspace{b}}))
	require.False(t, Snapshot{Keyspaces: []Keyspace{a}}.Equal(Snapshot{}))
}
