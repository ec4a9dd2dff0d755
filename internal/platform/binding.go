package platform

import (
	"context"
	"errors"

	"github.com/orrerydb/orrery/internal/deploy"
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

// EnsureBinding makes the binding's credential valid. User name and password
// are derived from the key, so that they stay the same and need not be stored.
func (p *Platform) EnsureBinding(ctx context.Context, binding Binding, key []byte) (*BoundCredential, error) {
	organization := p.settings.Organization
	d, b, err := p.madeBranch(ctx, organization, binding.Database, binding.Branch)
	if err != nil {
		return nil, err
	}
	if binding.Keyspace != "" && d.Kind == MySQL {
		if _, err := p.Keyspace(ctx, organization, d.Name, b.Name, binding.Keyspace); err != nil {
			return nil, err
		}
	}
	purpose := "binding\x00" + binding.Name + "\x00" + b.ID
	credential := &BoundCredential{Binding: binding, Kind: d.Kind, Password: DerivedPassword(key, purpose+"\x00password")}
	if d.Kind == Postgres {
		return credential, p.ensureBoundRole(ctx, d, b, credential, Derived(key, purpose+"\x00user", lowerAlphabet, 12))
	}
	return credential, p.ensureBoundPassword(ctx, b, credential, Derived(key, purpose+"\x00user", lowerAlphabet, 20))
}

func (p *Platform) ensureBoundPassword(ctx context.Context, b *Branch, c *BoundCredential, username string) error {
	c.Username = username
	w := &Password{}
	err := p.store.Get(ctx, w, By{"username", username})
	isNew := errors.Is(err, ErrNotFound)
	if err != nil && !isNew {
		return err
	}
	if isNew {
		w = &Password{ID: deploy.NewID(), BranchID: b.ID, Username: username, Binding: c.Name, Actor: b.Actor, CreatedAt: p.now()}
	}
	w.Name, w.Role, w.Keyspace, w.PoolSize = c.Name, c.Role, c.Keyspace, int64(c.PoolSize)
	w.hash(c.Password)
	if isNew {
		return p.store.Insert(ctx, w)
	}
	return p.store.Save(ctx, w)
}

func (p *Platform) ensureBoundRole(ctx context.Context, d *Database, b *Branch, c *BoundCredential, suffix string) error {
	r := &PostgresRole{}
	username := "pscale_api_" + suffix
	err := p.store.Get(ctx, r, By{"branch_id", b.ID}, By{"username", username})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	isNew := err != nil
	now := p.now()
	if isNew {
		r = &PostgresRole{ID: deploy.NewID(), BranchID: b.ID, Username: username, Binding: c.Name, Actor: b.Actor, CreatedAt: now}
	}
	r.Name, r.PoolSize, r.Inherited, r.UpdatedAt, r.PlainText = c.Name, int64(c.PoolSize), inheritedBy(c.Role), now, c.Password
	c.Username = r.FullUsername()
	if isNew {
		return p.insertRole(ctx, d, b, r)
	}
	return p.store.Save(ctx, r)
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
