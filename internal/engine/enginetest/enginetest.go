// Package enginetest is the one suite that every engine passes. What a dialect
// says in its own words is in Dialect; what an engine must do is said once.
package enginetest

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/engine"
	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/instance/instancetest"
	"github.com/orrerydb/orrery/internal/schema"
)

// Dialect is what differs between engines.
type Dialect struct {
	New func(*instance.Manager) engine.Engine
	// Keyspaces of the suite's branches; the first is the one it works in.
	Keyspaces []string
	// Open connects to an endpoint, in the first keyspace.
	Open func(t *testing.T, endpoint engine.Endpoint) *sql.DB
	// Logins by role: reader, writer, readwriter, admin.
	Logins map[string]engine.Login
	// Roles that must exist before their logins work.
	Roles []engine.Role
	// Schema is what plans put before a table's name, with its dot.
	Schema string
	// Forbidden are statements that no login may run, whatever its role.
	Forbidden []string
}

const table = "CREATE TABLE item (id int NOT NULL PRIMARY KEY, name varchar(100) NOT NULL)"

// suite is one engine under test with one branch.
type suite struct {
	Dialect
	engine engine.Engine
	branch engine.Branch
}

// Run runs the suite.
func Run(t *testing.T, d Dialect) {
	manager := instancetest.Open(t, instancetest.Folder(t))
	s := &suite{Dialect: d, engine: d.New(manager), branch: engine.Branch{ID: "suite", Keyspaces: d.Keyspaces}}
	require.NoError(t, s.engine.Create(t.Context(), s.branch))
	require.NoError(t, s.engine.Create(t.Context(), s.branch), "creating is idempotent")
	s.makeRoles(t, s.branch)
	require.NoError(t, s.engine.Run(t.Context(), s.branch, s.Keyspaces[0], table+"; INSERT INTO item VALUES (1, 'first')"))

	t.Run("rights", s.rights)
	t.Run("forbidden", s.forbidden)
	t.Run("schema", s.schema)
	t.Run("copy data", s.copyData)
	t.Run("sleep and wake", s.sleepAndWake)
	t.Run("durable", s.durable)
	t.Run("safe", s.safe)
	t.Run("drop", s.drop)
}

func (s *suite) makeRoles(t *testing.T, b engine.Branch) {
	t.Helper()
	keeper, ok := s.engine.(engine.RoleKeeper)
	require.Equal(t, len(s.Roles) > 0, ok, "an engine with roles keeps them")
	for _, role := range s.Roles {
		require.NoError(t, keeper.CreateRole(t.Context(), b, role))
		require.NoError(t, keeper.CreateRole(t.Context(), b, role), "making a role is idempotent")
	}
}

func (s *suite) open(t *testing.T, b engine.Branch, role string) *sql.DB {
	t.Helper()
	endpoint, err := s.engine.Endpoint(t.Context(), b, s.Logins[role])
	require.NoError(t, err)
	db := s.Open(t, endpoint)
	t.Cleanup(func() { _ = db.Close() }) // its server may be asleep by then
	return db
}

// rights: the server itself keeps a role within its rights. A writer may read
// there, for its updates have to.
func (s *suite) rights(t *testing.T) {
	const (
		read  = "SELECT count(*) FROM item"
		write = "INSERT INTO item (id, name) SELECT max(id) + 1, 'more' FROM item"
		ddl   = "ALTER TABLE item ADD COLUMN extra int"
	)
	may := map[string]map[string]bool{
		"reader":     {read: true, write: false, ddl: false},
		"writer":     {"INSERT INTO item (id, name) VALUES (1000, 'written')": true, ddl: false},
		"readwriter": {read: true, write: true, ddl: false},
		"admin":      {read: true, write: true, ddl: true},
	}
	for role, statements := range may {
		db := s.open(t, s.branch, role)
		for statement, allowed := range statements {
			_, err := db.ExecContext(t.Context(), statement)
			if allowed {
				require.NoError(t, err, "%s: %s", role, statement)
			} else {
				require.Error(t, err, "%s: %s", role, statement)
			}
		}
	}
}

func (s *suite) forbidden(t *testing.T) {
	db := s.open(t, s.branch, "admin")
	for _, statement := range s.Forbidden {
		_, err := db.ExecContext(t.Context(), statement)
		require.Error(t, err, statement)
	}
}

// schema: what is read from one server makes an equal one.
func (s *suite) schema(t *testing.T) {
	snapshot := s.load(t, s.branch)
	copied := engine.Branch{ID: "schemacopy", Keyspaces: s.Keyspaces}
	require.NoError(t, s.engine.Create(t.Context(), copied))
	server, err := s.engine.Server(t.Context(), copied)
	require.NoError(t, err)
	require.NoError(t, s.engine.Differ().Create(t.Context(), server, snapshot))
	require.Equal(t, snapshot, s.load(t, copied))
	s.makeRoles(t, copied)
	_, err = s.open(t, copied, "admin").ExecContext(t.Context(), "DROP TABLE item")
	require.NoError(t, err, "whoever may change the schema may change what Orrery made")
	require.NoError(t, s.engine.Drop(t.Context(), copied))
}

func (s *suite) load(t *testing.T, b engine.Branch) schema.Snapshot {
	t.Helper()
	server, err := s.engine.Server(t.Context(), b)
	require.NoError(t, err)
	snapshot, err := s.engine.Differ().Load(t.Context(), server)
	require.NoError(t, err)
	return snapshot
}

func (s *suite) copyData(t *testing.T) {
	copied := engine.Branch{ID: "datacopy", Keyspaces: s.Keyspaces}
	require.NoError(t, s.engine.SetSafe(t.Context(), s.branch, true), "what keeps the source safe does not come along")
	defer func() { require.NoError(t, s.engine.SetSafe(t.Context(), s.branch, false)) }()
	require.NoError(t, s.engine.Create(t.Context(), copied))
	require.NoError(t, s.engine.CopyData(t.Context(), s.branch, copied))
	require.Equal(t, s.load(t, s.branch), s.load(t, copied))
	s.makeRoles(t, copied)
	require.Equal(t, s.count(t, s.branch), s.count(t, copied))
	_, err := s.open(t, copied, "admin").ExecContext(t.Context(), "CREATE TABLE free (id int NOT NULL PRIMARY KEY)")
	require.NoError(t, err)
	require.NoError(t, s.engine.Drop(t.Context(), copied))
}

func (s *suite) count(t *testing.T, b engine.Branch) int {
	t.Helper()
	var rows int
	require.NoError(t, s.open(t, b, "reader").QueryRowContext(t.Context(), "SELECT count(*) FROM item").Scan(&rows))
	require.Positive(t, rows)
	return rows
}

func (s *suite) sleepAndWake(t *testing.T) {
	before := s.count(t, s.branch)
	require.NoError(t, s.engine.Sleep(t.Context(), s.branch))
	status := s.engine.Status(s.branch)
	require.Equal(t, instance.Asleep, status.State)
	require.Zero(t, status.Memory)
	require.Equal(t, before, s.count(t, s.branch), "asking for an endpoint wakes the branch")
	require.Equal(t, instance.Running, s.engine.Status(s.branch).State)
}

func (s *suite) durable(t *testing.T) {
	before := s.count(t, s.branch)
	for _, durable := range []bool{true, false} {
		require.NoError(t, s.engine.SetDurable(t.Context(), s.branch, durable))
		require.Equal(t, before, s.count(t, s.branch))
	}
}

// safe: it never stands in the way of a deployment, and can be turned off.
func (s *suite) safe(t *testing.T) {
	require.NoError(t, s.engine.SetSafe(t.Context(), s.branch, true))
	require.NoError(t, s.engine.SetSafe(t.Context(), s.branch, true), "it is idempotent")
	before := s.load(t, s.branch)
	server, err := s.engine.Server(t.Context(), s.branch)
	require.NoError(t, err)
	change := schema.Operation{Keyspace: s.Keyspaces[0], Table: "safe", Kind: schema.Table, Name: "CREATE", Statement: "CREATE TABLE " + s.Schema + "safe (id int NOT NULL PRIMARY KEY)"}
	require.NoError(t, s.engine.Differ().Apply(t.Context(), server, change))
	change.Name, change.Statement = "DROP", "DROP TABLE "+s.Schema+"safe"
	require.NoError(t, s.engine.Differ().Apply(t.Context(), server, change))
	require.Equal(t, before, s.load(t, s.branch), "what keeps a branch safe is no part of its schema")
	require.NoError(t, s.engine.SetSafe(t.Context(), s.branch, false))
	_, err = s.open(t, s.branch, "admin").ExecContext(t.Context(), "CREATE TABLE direct (id int NOT NULL PRIMARY KEY)")
	require.NoError(t, err)
}

func (s *suite) drop(t *testing.T) {
	require.NoError(t, s.engine.Drop(t.Context(), s.branch))
	require.NoError(t, s.engine.Drop(t.Context(), s.branch), "dropping is idempotent")
	_, err := s.engine.Server(t.Context(), s.branch)
	require.ErrorIs(t, err, instance.ErrUnknown)
}
