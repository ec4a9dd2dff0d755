package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
)

// Protocol is the wire protocol that a credential is for.
type Protocol string

const (
	MySQL    Protocol = "mysql"
	Postgres Protocol = "postgresql"
)

// Role is what a MySQL credential may do. A PostgreSQL credential is Admin
// here: its rights are those of its own role on the server, which enforces them.
type Role string

const (
	Reader     Role = "reader"
	Writer     Role = "writer"
	ReadWriter Role = "readwriter"
	Admin      Role = "admin"
)

var (
	// ErrUnknownUser is returned when no live credential has that user name.
	ErrUnknownUser = errors.New("unknown user")
	// ErrUnknownBranch is returned when a PostgreSQL user name names a branch
	// that does not exist.
	ErrUnknownBranch = errors.New("unknown branch")
	// ErrUnavailable is returned when the branch's server cannot be reached or
	// started; the wrapping error says why.
	ErrUnavailable = errors.New("branch is missing or sleeping")
)

// Directory is all that the data plane asks of the control plane. It is
// read-only and answered from memory or one indexed look-up, so that queries
// flow when the control plane is down.
type Directory interface {
	// Resolve returns the credential with this user name (MySQL: the
	// password's user name; PostgreSQL: "role.branch").
	Resolve(ctx context.Context, protocol Protocol, username string) (*Credential, error)
	// Endpoint returns where the credential's backend connections dial to. It
	// wakes a sleeping branch and waits for it, bounded by ctx.
	Endpoint(ctx context.Context, credential *Credential) (Endpoint, error)
}

// Credential is one verified way in: who, to which branch, with which limits.
// It is immutable and shared by sessions.
type Credential struct {
	ID       string // of the password or role
	Username string
	Role     Role
	Protocol Protocol

	// MySQL verifiers: SHA1(SHA1(password)) and SHA256(SHA256(password)).
	// Either answers its authentication plugin without the plain text.
	NativeHash [20]byte
	SHA256Hash [32]byte
	// SCRAM is PostgreSQL's own verifier text:
	// SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>, base64.
	SCRAM string

	Branch *Branch
	// Keyspace is the one keyspace a binding is bound to; empty: all.
	Keyspace string
	// Replica marks a credential for reads only from a replica.
	Replica bool
	// CIDRs, when not empty, are the only client addresses let in.
	CIDRs []netip.Prefix
	// PoolSize is the most backend connections for this credential's pool.
	PoolSize int
	// Revoked is closed when the credential is deleted or expires, or its branch is
	// deleted: sessions that hold it end.
	Revoked <-chan struct{}
}

// Branch is what the data plane knows of a branch.
type Branch struct {
	ID              string
	Name            string
	Database        string
	Organization    string
	Production      bool
	DefaultKeyspace string
	// Keyspaces of a MySQL branch, in the order of the config.
	Keyspaces func() []string
	// Locate returns the keyspaces of a MySQL branch that have a table of that
	// name. It is asked for tables without a keyspace in a session that has
	// selected none; nil: such statements are left to the server.
	Locate func(ctx context.Context, table string) ([]string, error)
	// SafeMigrations tells whether direct DDL is refused right now.
	SafeMigrations func() bool
}

// Endpoint is where and as whom a backend connection is opened.
type Endpoint struct {
	Network  string // "unix" or "tcp"
	Address  string // path of the socket, or host:port
	TLS      *tls.Config
	User     string
	Password string
}
