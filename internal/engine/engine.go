// Package engine is what hosts branches: MySQL or PostgreSQL servers that
// Orrery manages, or attached ones. Everything above it speaks this interface
// and passes no SQL of its own dialect.
package engine

import (
	"context"
	"errors"

	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/schema"
)

// ErrAttached is returned when something is asked of an attached server that
// only a managed one can do (sleep, for example).
var ErrAttached = errors.New("the branch lives on an attached server")

// ErrUnknownRole is returned when a role is to be a member of one that the
// server does not have.
var ErrUnknownRole = errors.New("the server has no such role")

// Branch is what an engine needs to know of a branch.
type Branch struct {
	ID         string
	Keyspaces  []string // MySQL keyspaces; PostgreSQL: the one database, "postgres"
	Production bool
	Attached   *Attached
}

// Attached is a server that runs without Orrery.
type Attached struct {
	Address  string `json:"address"` // host:port, or the path of a unix socket
	User     string `json:"user"`
	Password string `json:"-"` // from the config or its environment, never stored
	TLS      bool   `json:"tls"`
}

// Login is a set of rights that a backend connection is opened with.
type Login struct {
	// Name of the role: for MySQL reader, writer, readwriter or admin; for
	// PostgreSQL the role's own name on the server.
	Name string
}

// Endpoint is where and as whom a backend connection is opened.
type Endpoint struct {
	Network  string // "unix" or "tcp"
	Address  string
	User     string
	Password string
	TLS      bool
}

// Role is a PostgreSQL login role.
type Role struct {
	Name        string
	Inherits    []string
	Replication bool
}

// Status is what runs a branch right now.
type Status struct {
	State  instance.State
	Memory int64 // bytes
	PID    int
	Detail string // why it is not ready, if known
}

// Engine hosts branches of one kind.
type Engine interface {
	// Create makes an empty server with the branch's keyspaces, and leaves it
	// running. Creating one that exists finishes what an earlier call began.
	Create(ctx context.Context, b Branch) error
	Drop(ctx context.Context, b Branch) error
	Wake(ctx context.Context, b Branch) error
	Sleep(ctx context.Context, b Branch) error
	Status(b Branch) Status

	// Server is the branch's server with full rights, awake.
	Server(ctx context.Context, b Branch) (schema.Server, error)
	// Endpoint is where the gateway dials, as the login's backend user, awake.
	Endpoint(ctx context.Context, b Branch, login Login) (Endpoint, error)
	// SetDurable makes the server keep every commit through a crash of the
	// machine, or not; the server restarts for it.
	SetDurable(ctx context.Context, b Branch, durable bool) error
	// SetSafe makes the server itself refuse direct DDL, where DDL could come
	// in other ways than as a statement that the gateway sees.
	SetSafe(ctx context.Context, b Branch, safe bool) error
	// CopyData makes an empty branch a copy of another, schema and rows.
	CopyData(ctx context.Context, from, to Branch) error
	// Run executes a script of statements in a keyspace ("" for none).
	Run(ctx context.Context, b Branch, keyspace, script string) error
	CreateKeyspace(ctx context.Context, b Branch, name string) error
	DropKeyspace(ctx context.Context, b Branch, name string) error

	Differ() schema.Differ
}

// Locator is an Engine with several keyspaces a branch, which finds where a
// table is.
type Locator interface {
	// Tables are the keyspaces of every table and view of a branch, by name.
	Tables(ctx context.Context, b Branch) (map[string][]string, error)
}

// RoleKeeper is an Engine whose credentials are real roles on the server.
type RoleKeeper interface {
	CreateRole(ctx context.Context, b Branch, role Role) error
	// DropRole gives what the role owns to the successor ("" for the
	// administrator) and removes it.
	DropRole(ctx context.Context, b Branch, name, successor string) error
	ReassignRole(ctx context.Context, b Branch, name, successor string) error
}

// Managed implements the part of Engine that is the same for every managed
// server; an attached one is always awake.
type Managed struct {
	Instances *instance.Manager
	Kind      instance.Kind
}

// Start makes the instance if it is not there, and wakes it.
func (m Managed) Start(ctx context.Context, b Branch) (instance.Socket, error) {
	spec := instance.Spec{ID: b.ID, Kind: m.Kind, Durable: b.Production}
	if err := m.Instances.Create(ctx, spec); err != nil {
		return instance.Socket{}, err
	}
	return m.Instances.Wake(ctx, b.ID)
}

// Drop removes the server and its data. An attached server is left alone.
func (m Managed) Drop(ctx context.Context, b Branch) error {
	if b.Attached != nil {
		return nil
	}
	return m.Instances.Drop(ctx, b.ID)
}

// Wake starts the server if it sleeps.
func (m Managed) Wake(ctx context.Context, b Branch) error {
	if b.Attached != nil {
		return nil
	}
	_, err := m.Instances.Wake(ctx, b.ID)
	return err
}

// SetDurable rewrites the instance's spec and restarts it.
func (m Managed) SetDurable(ctx context.Context, b Branch, durable bool) error {
	if b.Attached != nil {
		return nil
	}
	return m.Instances.SetDurable(ctx, b.ID, durable)
}

// Sleep stops the server and keeps its data.
func (m Managed) Sleep(ctx context.Context, b Branch) error {
	if b.Attached != nil {
		return ErrAttached
	}
	return m.Instances.Sleep(ctx, b.ID)
}

// Status of the server. An attached one counts as ready.
func (m Managed) Status(b Branch) Status {
	if b.Attached != nil {
		return Status{State: instance.Running}
	}
	s, err := m.Instances.Status(b.ID)
	if err != nil {
		return Status{State: instance.Asleep, Detail: err.Error()}
	}
	return Status{State: s.State, Memory: s.Memory, PID: s.PID, Detail: s.LastExit}
}
