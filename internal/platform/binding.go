package platform

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/orrerydb/orrery/internal/deploy"
	"github.com/orrerydb/orrery/internal/engine"
)

// Binding is a named entry point of the config to one branch.
type Binding struct {
	Name     string
	Database string
	Branch   string
	Keyspace string // MySQL; empty: all keyspaces
	Role     Role
	PoolSize int
}

// BoundCredential is what a client of a binding connects with.
type BoundCredential struct {
	Binding
	Kind     Kind
	Username string
	Password string
}

// BoundCredential is the binding's credential. User name and password are
// derived from the key, so that they stay the same and need not be stored.
func (p *Platform) BoundCredential(ctx context.Context, binding Binding, key []byte) (*BoundCredential, error) {
	d, b, err := p.madeBranch(ctx, p.settings.Organization, binding.Database, binding.Branch)
	if err != nil {
		return nil, err
	}
	return boundCredential(d, b, binding, key), nil
}

func boundCredential(d *Database, b *Branch, binding Binding, key []byte) *BoundCredential {
	purpose := "binding\x00" + binding.Name + "\x00" + b.ID
	c := &BoundCredential{Binding: binding, Kind: d.Kind, Password: DerivedPassword(key, purpose+"\x00password")}
	c.Username = Derived(key, purpose+"\x00user", lowerAlphabet, 20)
	if d.Kind == Postgres {
		c.Username = "pscale_api_" + c.Username[:12] + "." + b.ID
	}
	return c
}

// EnsureBinding makes the binding's credential valid.
func (p *Platform) EnsureBinding(ctx context.Context, binding Binding, key []byte) (*BoundCredential, error) {
	d, b, err := p.madeBranch(ctx, p.settings.Organization, binding.Database, binding.Branch)
	if err != nil {
		return nil, err
	}
	if binding.Keyspace != "" && d.Kind == MySQL {
		if _, err := p.Keyspace(ctx, p.settings.Organization, d.Name, b.Name, binding.Keyspace); err != nil {
			return nil, err
		}
	}
	credential := boundCredential(d, b, binding, key)
	if d.Kind == Postgres {
		return credential, p.ensureBoundRole(ctx, d, b, credential)
	}
	return credential, p.ensureBoundPassword(ctx, b, credential)
}

func (p *Platform) ensureBoundPassword(ctx context.Context, b *Branch, c *BoundCredential) error {
	w := &Password{}
	err := p.store.Get(ctx, w, By{"username", c.Username})
	isNew := errors.Is(err, ErrNotFound)
	if err != nil && !isNew {
		return err
	}
	if isNew {
		w = &Password{ID: deploy.NewID(), BranchID: b.ID, Username: c.Username, Binding: c.Name, Actor: b.Actor, CreatedAt: p.now()}
	}
	w.Name, w.Role, w.Keyspace, w.PoolSize = c.Name, c.Role, c.Keyspace, int64(c.PoolSize)
	w.hash(c.Password)
	if isNew {
		return p.store.Insert(ctx, w)
	}
	return p.store.Save(ctx, w)
}

func (p *Platform) ensureBoundRole(ctx context.Context, d *Database, b *Branch, c *BoundCredential) error {
	r := &PostgresRole{}
	username := strings.TrimSuffix(c.Username, "."+b.ID)
	err := p.store.Get(ctx, r, By{"branch_id", b.ID}, By{"username", username})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	isNew := err != nil
	now := p.now()
	if isNew {
		r = &PostgresRole{ID: deploy.NewID(), BranchID: b.ID, Username: username, Binding: c.Name, Actor: b.Actor, CreatedAt: now}
	}
	changed := !slices.Equal(r.Inherited, inheritedBy(c.Role))
	r.Name, r.PoolSize, r.Inherited, r.UpdatedAt, r.PlainText = c.Name, int64(c.PoolSize), inheritedBy(c.Role), now, c.Password
	if isNew {
		return p.insertRole(ctx, d, b, r)
	}
	if changed {
		keeper, hosted, err := p.keeper(ctx, d, b)
		if err != nil {
			return err
		}
		if err := keeper.CreateRole(ctx, hosted, engine.Role{Name: r.Username, Inherits: r.Inherited}); err != nil {
			return err
		}
		p.live.revoke(r.ID)
	}
	return p.store.Save(ctx, r)
}

// KeepBindings revokes the credentials of bindings that the config no longer
// has, or has elsewhere. kept are the user names of those it has.
func (p *Platform) KeepBindings(ctx context.Context, kept map[string]bool) error {
	var passwords []*Password
	if err := p.store.List(ctx, &passwords, "created_at"); err != nil {
		return err
	}
	for _, w := range passwords {
		if w.Binding == "" || kept[w.Username] {
			continue
		}
		if err := p.store.Delete(ctx, w); err != nil {
			return err
		}
		p.live.revoke(w.ID)
	}
	var roles []*PostgresRole
	if err := p.store.List(ctx, &roles, "created_at"); err != nil {
		return err
	}
	for _, r := range roles {
		if r.Binding == "" || kept[r.FullUsername()] {
			continue
		}
		if err := p.dropBoundRole(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (p *Platform) dropBoundRole(ctx context.Context, r *PostgresRole) error {
	d, b, err := p.branchByID(ctx, r.BranchID)
	if err != nil {
		return err
	}
	keeper, hosted, err := p.keeper(ctx, d, b)
	if err != nil {
		return err
	}
	if err := keeper.DropRole(ctx, hosted, r.Username, ""); err != nil {
		return err
	}
	if err := p.store.Delete(ctx, r); err != nil {
		return err
	}
	p.live.revoke(r.ID)
	return nil
}

// inheritedBy maps roles as pscale does.
func inheritedBy(role Role) []string {
	switch role {
	case Reader:
		return []string{"pg_read_all_data"}
	case Writer:
		return []string{"pg_write_all_data"}
	case ReadWriter:
		return []string{"pg_read_all_data", "pg_write_all_data"}
	default:
		return []string{DefaultRole}
	}
}
