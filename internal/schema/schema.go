// Package schema loads, compares and lints database schemas.
//
// A schema is compared as the server itself writes it, never as a person
// typed it: that is what makes "no difference" mean the same thing on both
// sides. One Differ a dialect stands behind one small interface; everything
// above it is shared.
package schema

import "context"

// Kind is what an object is.
type Kind string

const (
	Table            Kind = "table"
	View             Kind = "view"
	MaterializedView Kind = "materialized view"
	Sequence         Kind = "sequence"
	Type             Kind = "type"
	Domain           Kind = "domain"
	Function         Kind = "function"
	Trigger          Kind = "trigger"
	Extension        Kind = "extension"
	Namespace        Kind = "schema"
)

// Object is one schema object, in the server's own words.
type Object struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"` // PostgreSQL: "schema.name"; MySQL: the bare name
	SQL  string `json:"sql"`  // all statements that make it, each ended by ";\n" when there is more than one
}

// Keyspace is the objects of one MySQL keyspace or PostgreSQL database, in the
// order in which they can be created.
type Keyspace struct {
	Name    string   `json:"name"`
	Objects []Object `json:"objects"`
}

// Snapshot is the schema of one branch at one moment. It is stored as JSON.
type Snapshot struct {
	Keyspaces []Keyspace `json:"keyspaces"`
}

// Operation is one table's step of a deployment.
type Operation struct {
	Keyspace string `json:"keyspace"`
	Table    string `json:"table"` // table, view or other object the statement is about
	Kind     Kind   `json:"kind"`
	Name     string `json:"operation"` // CREATE, ALTER or DROP
	// Statement is SQL without a trailing semicolon. MySQL: one statement.
	// PostgreSQL: one or more, separated by ";\n", that take effect together
	// (all that makes or changes one object is one step), except where
	// OutsideTransaction is set: then it is exactly one.
	Statement string `json:"statement"`
	// CanDropData tells that rows or values are lost when the statement runs.
	CanDropData bool `json:"can_drop_data"`
	// Instant tells that the server does it by metadata only
	// (planetscale-compatible "instant_ddl_eligible").
	Instant bool `json:"instant"`
	// OutsideTransaction marks a PostgreSQL statement that cannot run in a
	// transaction block (CREATE INDEX CONCURRENTLY).
	OutsideTransaction bool `json:"outside_transaction,omitempty"`
}

// Plan is how a target's schema becomes what the branch asks for.
type Plan struct {
	// Operations in an order in which every intermediate schema is valid.
	// Empty: no changes.
	Operations []Operation `json:"operations"`
	// Reverse undoes Operations on a target that already has them. It is nil
	// when something of it could not be undone without losing what was there
	// before; RevertNotes then say what. Notes beside a Reverse tell what may
	// keep it from succeeding once new rows have come (a dropped unique key).
	Reverse     []Operation `json:"reverse,omitempty"`
	RevertNotes []string    `json:"revert_notes,omitempty"`
	// Warnings are for the reviewer: a rename seen as drop and add, for example.
	Warnings []string `json:"warnings,omitempty"`
	// Desired is the target's schema after Operations.
	Desired Snapshot `json:"desired"`
}

// ConflictError is returned when branch and target changed the same thing in
// different ways since their common ancestor.
type ConflictError struct {
	Keyspace string
	Table    string
	Reason   string
}

func (e *ConflictError) Error() string {
	return "schema conflict in " + e.Keyspace + "." + e.Table + ": " + e.Reason
}

// LintError is one finding that keeps a schema from being deployed. Code and
// text are PlanetScale's.
type LintError struct {
	Code              string   `json:"lint_error"`
	SubjectType       string   `json:"subject_type"` // table, vschema or routing_rules
	Keyspace          string   `json:"keyspace_name"`
	Table             string   `json:"table_name"`
	Description       string   `json:"error_description"`
	DocsURL           string   `json:"docs_url"`
	Column            string   `json:"column_name"`
	ForeignKeyColumns []string `json:"foreign_key_column_names"`
	AutoIncrement     []string `json:"auto_increment_column_names"`
	Charset           string   `json:"charset_name"`
	Engine            string   `json:"engine_name"`
	Vindex            string   `json:"vindex_name"`
	JSONPath          string   `json:"json_path"`
	CheckConstraint   string   `json:"check_constraint_name"`
	EnumValue         string   `json:"enum_value"`
	PartitioningType  string   `json:"partitioning_type"`
	Partition         string   `json:"partition_name"`
}

// LintOptions are the database's settings that lint depends on.
type LintOptions struct {
	AllowForeignKeys bool
}

// Server is how a Differ reaches one live database server with full rights.
type Server struct {
	Network  string // "unix" or "tcp"
	Address  string // MySQL: socket file or host:port; PostgreSQL: socket folder or host:port
	User     string
	Password string
	// TLS: the connection is encrypted, and the server's certificate verified.
	TLS bool
	// Port names the socket file of a PostgreSQL server in its folder.
	Port int
	// Binaries is the folder of the server's programs (pg_dump), "" for PATH.
	Binaries string
	// Keyspaces are the MySQL keyspaces, or the PostgreSQL databases, to look at.
	Keyspaces []string
}

// Differ is one dialect's way to read, compare and judge schemas.
type Differ interface {
	// Load reads the schema of a live server, server-normalised.
	Load(ctx context.Context, server Server) (Snapshot, error)
	// Diff is three-way: what branch changed since ancestor, as a plan for
	// target. scratch is a live server of the same version on which a
	// temporary database may be made (MySQL does not need it). A
	// *ConflictError says that the two sides cannot be merged.
	Diff(ctx context.Context, scratch Server, ancestor, branch, target Snapshot) (Plan, error)
	// Lint judges a schema.
	Lint(ctx context.Context, snapshot Snapshot, options LintOptions) ([]LintError, error)
	// Apply runs one operation on a live server. It returns the server's own
	// error text.
	Apply(ctx context.Context, server Server, operation Operation) error
	// Create makes a whole schema on an empty server, as fast as it can.
	Create(ctx context.Context, server Server, snapshot Snapshot) error
}
