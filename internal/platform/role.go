package platform

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/orrerydb/orrery/internal/deploy"
	"github.com/orrerydb/orrery/internal/engine"
)

// DefaultRole owns a PostgreSQL branch's database. It is not a superuser.
const DefaultRole = "postgres"

// inheritable are the roles that a credential may be a member of.
var inheritable = []string{
	"pg_checkpoint", "pg_create_subscription", "pg_maintain", "pg_monitor", "pg_read_all_data",
	"pg_read_all_settings", "pg_read_all_stats", "pg_signal_backend", "pg_stat_scan_tables",
	"pg_use_reserved_connections", "pg_write_all_data", DefaultRole,
}

// PostgresRole is a PostgreSQL credential for one branch, and a role on its
// server.
type PostgresRole struct {
	ID          string `bun:",pk"`
	BranchID    string
	Name        string
	Username    string   // on the server; clients say Username.BranchID
	SCRAM       string   `bun:"scram"`
	Inherited   []string `bun:"type:text"`
	Replication bool
	PoolSize    int64
	Binding     string
	TTL         int64 `bun:"ttl"`
	Actor       Actor `bun:"type:text"`
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ExpiresAt   *time.Time
	// PlainText is set by Create and Reset only.
	PlainText string `bun:"-"`
}

// NewRole is what a role is made from.
type NewRole struct {
	Name        string
	Inherited   []string
	Replication bool
	TTL         int64
}

// Default tells whether it is the branch's "postgres".
func (r *PostgresRole) Default() bool { return r.Username == DefaultRole }

// FullUsername is what clients connect as.
func (r *PostgresRole) FullUsername() string { return r.Username + "." + r.BranchID }

func (p *Platform) keeper(ctx context.Context, d *Database, b *Branch) (engine.RoleKeeper, engine.Branch, error) {
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return nil, hosted, err
	}
	keeper, ok := e.(engine.RoleKeeper)
	if !ok {
		return nil, hosted, refuse(Unprocessable, "roles are for PostgreSQL databases; %s is MySQL: create a password instead", d.Name)
	}
	return keeper, hosted, nil
}

// ensureDefaultRole records the role "postgres" of a new branch. Nobody can
// use it before its password is reset.
func (p *Platform) ensureDefaultRole(ctx context.Context, b *Branch) error {
	err := p.store.Get(ctx, &PostgresRole{}, By{"branch_id", b.ID}, By{"username", DefaultRole})
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	now := p.now()
	return p.store.Insert(ctx, &PostgresRole{
		ID: deploy.NewID(), BranchID: b.ID, Name: DefaultRole, Username: DefaultRole, PoolSize: DefaultPoolSize,
		Inherited: []string{DefaultRole}, Actor: b.Actor, CreatedAt: now, UpdatedAt: now,
	})
}

// Roles of a branch, newest first. Bindings' are left out.
func (p *Platform) Roles(ctx context.Context, organization, database, branch string) (*Branch, []*PostgresRole, error) {
	d, b, err := p.Branch(ctx, organization, database, branch)
	if err != nil {
		return nil, nil, err
	}
	if d.Kind != Postgres {
		return nil, nil, refuse(Unprocessable, "roles are for PostgreSQL databases; %s is MySQL", database)
	}
	var all []*PostgresRole
	return b, all, p.store.List(ctx, &all, "created_at DESC", By{"branch_id", b.ID}, By{"binding", ""})
}

// Role by id, or "default" for the branch's postgres.
func (p *Platform) Role(ctx context.Context, organization, database, branch, id string) (*Database, *Branch, *PostgresRole, error) {
	d, b, err := p.Branch(ctx, organization, database, branch)
	if err != nil {
		return nil, nil, nil, err
	}
	by := By{"id", id}
	if id == "default" {
		by = By{"username", DefaultRole}
	}
	r := &PostgresRole{}
	err = p.store.Get(ctx, r, By{"branch_id", b.ID}, by)
	return d, b, r, found(err, "role %s does not exist in branch %s", id, branch)
}

// CreateRole makes a credential and its role on the branch's server.
func (p *Platform) CreateRole(ctx context.Context, organization, database, branch string, actor Actor, asked NewRole) (*Branch, *PostgresRole, error) {
	d, b, err := p.madeBranch(ctx, organization, database, branch)
	if err != nil {
		return nil, nil, err
	}
	for _, inherited := range asked.Inherited {
		if !slices.Contains(inheritable, inherited) {
			return nil, nil, refuse(Invalid, "inherited_roles: %q is not valid; use any of %s", inherited, strings.Join(inheritable, ", "))
		}
	}
	if err := validTTL(asked.TTL); err != nil {
		return nil, nil, err
	}
	now := p.now()
	r := &PostgresRole{
		ID: deploy.NewID(), BranchID: b.ID, Name: asked.Name, Username: "pscale_api_" + random(lowerAlphabet, 12),
		Inherited: asked.Inherited, Replication: asked.Replication, PoolSize: DefaultPoolSize, TTL: asked.TTL, Actor: actor,
		CreatedAt: now, UpdatedAt: now, ExpiresAt: expiry(now, asked.TTL),
		PlainText: "pscale_pw_" + random(secretAlphabet, secretLength),
	}
	if err := p.insertRole(ctx, d, b, r); err != nil {
		return nil, nil, err
	}
	p.audit(ctx, actor, "role.created", "PostgresRole", r.ID, r.Name, map[string]string{"database": d.Name, "branch": b.Name})
	return b, r, nil
}

func (p *Platform) insertRole(ctx context.Context, d *Database, b *Branch, r *PostgresRole) error {
	keeper, hosted, err := p.keeper(ctx, d, b)
	if err != nil {
		return err
	}
	if b.Attached != nil && roleOf(r.Inherited) == "" {
		return refuse(Unprocessable, "branch %s lives on an attached server: a role there needs inherited_roles postgres, pg_read_all_data or pg_write_all_data", b.Name)
	}
	if r.SCRAM, err = scramVerifier(r.PlainText); err != nil {
		return err
	}
	role := engine.Role{Name: r.Username, Inherits: r.Inherited, Replication: r.Replication}
	if err := keeper.CreateRole(ctx, hosted, role); err != nil {
		if errors.Is(err, engine.ErrUnknownRole) {
			return refuse(Invalid, "inherited_roles: %v", err)
		}
		return err
	}
	return p.store.Insert(ctx, r)
}

// roleOf is the gateway's role that stands for memberships; "" for none.
func roleOf(inherited []string) Role {
	reads, writes := slices.Contains(inherited, "pg_read_all_data"), slices.Contains(inherited, "pg_write_all_data")
	switch {
	case slices.Contains(inherited, DefaultRole):
		return Admin
	case reads && writes:
		return ReadWriter
	case writes:
		return Writer
	case reads:
		return Reader
	}
	return ""
}

// RenameRole changes the name people see.
func (p *Platform) RenameRole(ctx context.Context, organization, database, branch, id string, actor Actor, name *string) (*Branch, *PostgresRole, error) {
	_, b, r, err := p.Role(ctx, organization, database, branch, id)
	if err != nil {
		return nil, nil, err
	}
	r, err = change(ctx, p.store, r.ID, func(r *PostgresRole) error {
		set(&r.Name, name)
		r.UpdatedAt = p.now()
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	p.audit(ctx, actor, "role.updated", "PostgresRole", r.ID, r.Name, nil)
	return b, r, nil
}

// RenewRole starts its time to live again.
func (p *Platform) RenewRole(ctx context.Context, organization, database, branch, id string, actor Actor) (*Branch, *PostgresRole, error) {
	_, b, r, err := p.Role(ctx, organization, database, branch, id)
	if err != nil {
		return nil, nil, err
	}
	if r.TTL == 0 {
		return nil, nil, refuse(Unprocessable, "role %s does not expire and cannot be renewed", id)
	}
	r, err = change(ctx, p.store, r.ID, func(r *PostgresRole) error {
		r.ExpiresAt, r.UpdatedAt = expiry(p.now(), r.TTL), p.now()
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	p.live.expire(r.ID, r.ExpiresAt)
	p.audit(ctx, actor, "role.renewed", "PostgresRole", r.ID, r.Name, nil)
	return b, r, nil
}

// ResetRole gives a role a new password; sessions with the old one end.
func (p *Platform) ResetRole(ctx context.Context, organization, database, branch, id string, actor Actor) (*Branch, *PostgresRole, error) {
	_, b, r, err := p.Role(ctx, organization, database, branch, id)
	if err != nil {
		return nil, nil, err
	}
	secret := "pscale_pw_" + random(secretAlphabet, secretLength)
	verifier, err := scramVerifier(secret)
	if err != nil {
		return nil, nil, err
	}
	r, err = change(ctx, p.store, r.ID, func(r *PostgresRole) error {
		r.SCRAM, r.UpdatedAt = verifier, p.now()
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	r.PlainText = secret
	p.live.revoke(r.ID)
	p.audit(ctx, actor, "role.password_reset", "PostgresRole", r.ID, r.Name, nil)
	return b, r, nil
}

// DeleteRole removes a credential and its role; what it owns goes to the
// successor (an id or user name; empty: postgres).
func (p *Platform) DeleteRole(ctx context.Context, organization, database, branch, id, successor string, actor Actor) error {
	d, b, r, err := p.Role(ctx, organization, database, branch, id)
	if err != nil {
		return err
	}
	if r.Default() {
		return refuse(Unprocessable, "the default role of a branch cannot be deleted")
	}
	keeper, hosted, err := p.keeper(ctx, d, b)
	if err != nil {
		return err
	}
	heir, err := p.successor(ctx, b, successor)
	if err != nil {
		return err
	}
	p.live.revoke(r.ID)
	if err := keeper.DropRole(ctx, hosted, r.Username, heir); err != nil {
		return err
	}
	if err := p.store.Delete(ctx, r); err != nil {
		return err
	}
	p.live.revoke(r.ID) // who logged in meanwhile
	p.audit(ctx, actor, "role.deleted", "PostgresRole", r.ID, r.Name, nil)
	return nil
}

// ReassignRole gives what a role owns to another.
func (p *Platform) ReassignRole(ctx context.Context, organization, database, branch, id, successor string, actor Actor) error {
	d, b, r, err := p.Role(ctx, organization, database, branch, id)
	if err != nil {
		return err
	}
	keeper, hosted, err := p.keeper(ctx, d, b)
	if err != nil {
		return err
	}
	heir, err := p.successor(ctx, b, successor)
	if err != nil {
		return err
	}
	if err := keeper.ReassignRole(ctx, hosted, r.Username, heir); err != nil {
		return err
	}
	p.audit(ctx, actor, "role.reassigned", "PostgresRole", r.ID, r.Name, nil)
	return nil
}

// successor accepts a role's id, or its user name with or without the branch.
func (p *Platform) successor(ctx context.Context, b *Branch, text string) (string, error) {
	if text == "" {
		return DefaultRole, nil
	}
	var all []*PostgresRole
	if err := p.store.List(ctx, &all, "created_at", By{"branch_id", b.ID}); err != nil {
		return "", err
	}
	for _, r := range all {
		if text == r.ID || text == r.Username || text == r.FullUsername() {
			return r.Username, nil
		}
	}
	return "", refuse(Invalid, "successor %q is no role of branch %s", text, b.Name)
}
