package platform

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/orrerydb/orrery/internal/deploy"
)

// Keyspace is one logical database of a MySQL branch. A PostgreSQL branch has
// one, "postgres".
type Keyspace struct {
	ID        string `bun:",pk"`
	BranchID  string
	Name      string
	Position  int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

var keyspaceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// reserved are the server's own databases.
var reserved = map[string]bool{"mysql": true, "sys": true, "information_schema": true, "performance_schema": true}

func validKeyspace(name string) error {
	if keyspaceName.MatchString(name) && !reserved[name] {
		return nil
	}
	return refuse(Invalid, "keyspace name %q is not valid: use 1 to 63 letters, digits, '_' and '-', and none of the server's own names", name)
}

func (p *Platform) insertKeyspaces(ctx context.Context, s Store, branchID string, names []string) error {
	now := p.now()
	for i, n := range names {
		k := &Keyspace{ID: deploy.NewID(), BranchID: branchID, Name: n, Position: int64(i), CreatedAt: now, UpdatedAt: now}
		if err := s.Insert(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (p *Platform) keyspacesOf(ctx context.Context, branchID string) ([]*Keyspace, error) {
	var all []*Keyspace
	return all, p.store.List(ctx, &all, "position", By{"branch_id", branchID})
}

// Keyspaces of a branch, in the order of the config.
func (p *Platform) Keyspaces(ctx context.Context, organization, database, branch string) ([]*Keyspace, error) {
	_, b, err := p.Branch(ctx, organization, database, branch)
	if err != nil {
		return nil, err
	}
	return p.keyspacesOf(ctx, b.ID)
}

// Keyspace of a branch by name.
func (p *Platform) Keyspace(ctx context.Context, organization, database, branch, name string) (*Keyspace, error) {
	_, b, err := p.Branch(ctx, organization, database, branch)
	if err != nil {
		return nil, err
	}
	k := &Keyspace{}
	err = p.store.Get(ctx, k, By{"branch_id", b.ID}, By{"name", name})
	return k, found(err, "keyspace %s does not exist in branch %s", name, branch)
}

// CreateKeyspace makes a keyspace on a branch.
func (p *Platform) CreateKeyspace(ctx context.Context, organization, database, branch, name string, actor Actor) (*Keyspace, error) {
	d, b, err := p.madeBranch(ctx, organization, database, branch)
	if err != nil {
		return nil, err
	}
	if d.Kind == Postgres {
		return nil, refuse(Unprocessable, "a PostgreSQL branch has one keyspace; create schemas or databases in it instead")
	}
	if err := validKeyspace(name); err != nil {
		return nil, err
	}
	defer p.lock(b.ID)()
	present, err := p.keyspacesOf(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	for _, k := range present {
		if k.Name == name {
			return nil, refuse(Unprocessable, "keyspace %s already exists in branch %s", name, branch)
		}
	}
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return nil, err
	}
	if err := e.CreateKeyspace(ctx, hosted, name); err != nil {
		return nil, err
	}
	now := p.now()
	k := &Keyspace{ID: deploy.NewID(), BranchID: b.ID, Name: name, Position: int64(len(present)), CreatedAt: now, UpdatedAt: now}
	if err := p.store.Insert(ctx, k); err != nil {
		return nil, err
	}
	p.live.forgetKeyspaces(b.ID)
	p.audit(ctx, actor, "keyspace.created", "Keyspace", k.ID, k.Name, map[string]string{"database": d.Name, "branch": b.Name})
	return k, nil
}

// DeleteKeyspace drops a keyspace of a development branch.
func (p *Platform) DeleteKeyspace(ctx context.Context, organization, database, branch, name string, actor Actor) error {
	d, b, err := p.madeBranch(ctx, organization, database, branch)
	if err != nil {
		return err
	}
	if b.Production {
		return refuse(Unprocessable, "keyspaces of the production branch %s cannot be deleted", branch)
	}
	k, err := p.Keyspace(ctx, organization, database, branch, name)
	if err != nil {
		return err
	}
	defer p.lock(b.ID)()
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return err
	}
	if err := errors.Join(e.DropKeyspace(ctx, hosted, name), p.store.Delete(ctx, k)); err != nil {
		return err
	}
	p.live.forgetKeyspaces(b.ID)
	p.audit(ctx, actor, "keyspace.deleted", "Keyspace", k.ID, k.Name, map[string]string{"database": d.Name, "branch": b.Name})
	return nil
}
