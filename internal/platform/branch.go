package platform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orrerydb/orrery/internal/deploy"
	"github.com/orrerydb/orrery/internal/engine"
	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/schema"
)

// What a branch's record says of its making. Whether a made branch sleeps is
// asked of its engine.
const (
	BranchPending  = "pending"
	BranchReady    = "ready"
	BranchDeleting = "deleting"
)

// Branch is one real database server with its own schema and data.
type Branch struct {
	ID             string `bun:",pk"`
	DatabaseID     string
	Name           string
	ParentID       string // empty for the first
	Parent         string // its name
	Production     bool
	SafeMigrations bool
	State          string
	Failure        string // why it is still pending, if making it failed
	WithData       bool   // seeded with the parent's data
	Actor          Actor  `bun:"type:text"`
	// Ancestor is the schema that the branch began with: the base of the
	// three-way diff.
	Ancestor        schema.Snapshot  `bun:"type:text"`
	Attached        *engine.Attached `bun:"type:text"`
	CreatedAt       time.Time
	UpdatedAt       time.Time
	SchemaChangedAt *time.Time
}

// NewBranch is what a branch is made from.
type NewBranch struct {
	Name     string
	Parent   string // empty: the default branch
	WithData bool
}

// Status is a branch's state as PlanetScale names it.
type Status struct {
	State  string // pending, sleeping, awakening, sleep_in_progress or ready
	Ready  bool   // made: it can be connected to, and wakes if it sleeps
	Memory int64  // bytes
}

// Branches of a database, oldest first.
func (p *Platform) Branches(ctx context.Context, organization, database string) ([]*Branch, error) {
	d, err := p.Database(ctx, organization, database)
	if err != nil {
		return nil, err
	}
	return p.branchesOf(ctx, d)
}

func (p *Platform) branchesOf(ctx context.Context, d *Database) ([]*Branch, error) {
	var all, visible []*Branch
	if err := p.store.List(ctx, &all, "created_at", By{"database_id", d.ID}); err != nil {
		return nil, err
	}
	for _, b := range all {
		if b.State != BranchDeleting {
			visible = append(visible, b)
		}
	}
	return visible, nil
}

// Branch by name, with its database.
func (p *Platform) Branch(ctx context.Context, organization, database, name string) (*Database, *Branch, error) {
	d, err := p.Database(ctx, organization, database)
	if err != nil {
		return nil, nil, err
	}
	b, err := p.branchOf(ctx, d, name)
	return d, b, err
}

func (p *Platform) branchOf(ctx context.Context, d *Database, name string) (*Branch, error) {
	b := &Branch{}
	err := p.store.Get(ctx, b, By{"database_id", d.ID}, By{"name", name})
	if err == nil && b.State == BranchDeleting {
		err = ErrNotFound
	}
	return b, found(err, "branch %s does not exist in database %s", name, d.Name)
}

func (p *Platform) branchByID(ctx context.Context, id string) (*Database, *Branch, error) {
	b := &Branch{}
	if err := found(p.store.Get(ctx, b, By{"id", id}), "branch is missing or sleeping: %s", id); err != nil {
		return nil, nil, err
	}
	d, err := p.databaseByID(ctx, b.DatabaseID)
	return d, b, err
}

// hosted is the branch as its engine knows it.
func (p *Platform) hosted(ctx context.Context, d *Database, b *Branch) (engine.Engine, engine.Branch, error) {
	e, err := p.engine(d.Kind)
	if err != nil {
		return nil, engine.Branch{}, err
	}
	keyspaces, err := p.keyspacesOf(ctx, b.ID)
	if err != nil {
		return nil, engine.Branch{}, err
	}
	hosted := engine.Branch{ID: b.ID, Production: b.Production}
	if b.Attached != nil {
		// The password is in the config only.
		if hosted.Attached = p.attached[d.Name]; hosted.Attached == nil {
			return nil, hosted, refuse(Unprocessable, "branch %s of %s lives on an attached server that the config no longer names", b.Name, d.Name)
		}
	}
	for _, k := range keyspaces {
		hosted.Keyspaces = append(hosted.Keyspaces, k.Name)
	}
	return e, hosted, nil
}

// BranchStatus asks the branch's engine.
func (p *Platform) BranchStatus(ctx context.Context, d *Database, b *Branch) Status {
	if b.State != BranchReady {
		return Status{State: BranchPending}
	}
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return Status{State: BranchPending}
	}
	s := e.Status(hosted)
	state := string(s.State)
	if s.State == instance.Crashed {
		state = string(instance.Starting)
	}
	return Status{State: state, Ready: true, Memory: s.Memory}
}

// CreateBranch records a branch and makes it in the background.
func (p *Platform) CreateBranch(ctx context.Context, organization, database string, actor Actor, asked NewBranch) (*Branch, error) {
	d, err := p.Database(ctx, organization, database)
	if err != nil {
		return nil, err
	}
	if err := validName("branch", asked.Name); err != nil {
		return nil, err
	}
	if asked.Parent == "" {
		asked.Parent = d.DefaultBranch
	}
	parent, err := p.branchOf(ctx, d, asked.Parent)
	if err != nil {
		return nil, err
	}
	if parent.State != BranchReady {
		return nil, refuse(Unprocessable, "parent branch %s is not ready yet", parent.Name)
	}
	keyspaces, err := p.keyspacesOf(ctx, parent.ID)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(keyspaces))
	for i, k := range keyspaces {
		names[i] = k.Name
	}
	now := p.now()
	b := &Branch{
		ID: deploy.NewID(), DatabaseID: d.ID, Name: asked.Name, ParentID: parent.ID, Parent: parent.Name,
		State: BranchPending, WithData: asked.WithData, Actor: actor, CreatedAt: now, UpdatedAt: now,
	}
	err = p.store.Transaction(ctx, func(s Store) error {
		err := s.Get(ctx, &Branch{}, By{"database_id", d.ID}, By{"name", asked.Name})
		switch {
		case err == nil:
			return refuse(Unprocessable, "branch %s already exists in database %s", asked.Name, database)
		case !errors.Is(err, ErrNotFound):
			return err
		}
		if err := s.Insert(ctx, b); err != nil {
			return err
		}
		return p.insertKeyspaces(ctx, s, b.ID, names)
	})
	if err != nil {
		return nil, err
	}
	p.audit(ctx, actor, "branch.created", "DatabaseBranch", b.ID, b.Name, map[string]string{"database": d.Name, "parent_branch": parent.Name})
	p.makeInBackground(d, b)
	return b, nil
}

// makeInBackground makes the branch's server. It outlives the request.
func (p *Platform) makeInBackground(d *Database, b *Branch) {
	p.background.Go(func() {
		ctx, cancel := context.WithTimeout(p.ctx, 10*time.Minute)
		defer cancel()
		if err := p.makeBranch(ctx, d.ID, b.ID); err != nil && p.ctx.Err() == nil {
			p.log.Error("branch could not be made", "database", d.Name, "branch", b.Name, "error", err)
		}
	})
}

// makeBranch brings a pending branch to ready, from wherever an earlier try
// stopped.
func (p *Platform) makeBranch(ctx context.Context, databaseID, branchID string) error {
	defer p.lock(branchID)()
	d, b, err := p.branchByID(ctx, branchID)
	if err != nil || b.State != BranchPending {
		return err
	}
	fillErr := p.fillBranch(ctx, d, b)
	_, err = change(context.WithoutCancel(ctx), p.store, b.ID, func(current *Branch) error {
		now := p.now()
		current.UpdatedAt = now
		if fillErr != nil {
			current.Failure = fillErr.Error()
			return nil //nolint:nilerr // the failure is the record
		}
		current.State, current.Failure, current.SchemaChangedAt, current.Ancestor = BranchReady, "", &now, b.Ancestor
		return nil
	})
	if err := errors.Join(fillErr, err); err != nil {
		return err
	}
	if b.ParentID == "" && d.State != "ready" {
		return p.setDatabaseReady(ctx, databaseID)
	}
	return nil
}

func (p *Platform) setDatabaseReady(ctx context.Context, id string) error {
	return p.store.Transaction(ctx, func(s Store) error {
		d := &Database{}
		if err := s.Get(ctx, d, By{"id", id}); err != nil {
			return err
		}
		d.State, d.UpdatedAt = "ready", p.now()
		return s.Save(ctx, d)
	})
}

func (p *Platform) fillBranch(ctx context.Context, d *Database, b *Branch) error {
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return err
	}
	if err := e.Create(ctx, hosted); err != nil {
		return fmt.Errorf("start a server for branch %s: %w", b.Name, err)
	}
	if d.Kind == Postgres {
		if err := p.ensureDefaultRole(ctx, b); err != nil {
			return err
		}
	}
	if b.ParentID == "" {
		return nil
	}
	_, parent, err := p.branchByID(ctx, b.ParentID)
	if err != nil {
		return err
	}
	_, source, err := p.hosted(ctx, d, parent)
	if err != nil {
		return err
	}
	if b.WithData {
		if err := e.CopyData(ctx, source, hosted); err != nil {
			return fmt.Errorf("copy the data of branch %s: %w", parent.Name, err)
		}
		b.Ancestor, err = p.loadSchema(ctx, d, b)
		return err
	}
	b.Ancestor, err = p.loadSchema(ctx, d, parent)
	if err != nil {
		return fmt.Errorf("read the schema of branch %s: %w", parent.Name, err)
	}
	server, err := e.Server(ctx, hosted)
	if err != nil {
		return err
	}
	if err := e.Differ().Create(ctx, server, b.Ancestor); err != nil {
		return fmt.Errorf("copy the schema of branch %s: %w", parent.Name, err)
	}
	return nil
}

// finishBranches goes on with what an earlier process left half made or half
// deleted.
func (p *Platform) finishBranches(ctx context.Context) error {
	var all []*Branch
	if err := p.store.List(ctx, &all, "created_at"); err != nil {
		return err
	}
	for _, b := range all {
		d, err := p.databaseByID(ctx, b.DatabaseID)
		if err != nil {
			return err
		}
		switch b.State {
		case BranchPending:
			err = p.restartPending(ctx, d, b)
		case BranchDeleting:
			err = p.dropBranch(ctx, d, b)
		}
		if err != nil {
			// One branch that cannot be finished must not keep the others down.
			p.log.Error("branch could not be finished", "database", d.Name, "branch", b.Name, "error", err)
			failure := err.Error()
			if _, err := change(ctx, p.store, b.ID, func(b *Branch) error { b.Failure = failure; return nil }); err != nil {
				return err
			}
		}
	}
	return p.forgetEmptyDatabases(ctx)
}

// forgetEmptyDatabases ends what a DeleteDatabase began: a database has a
// branch for as long as it lives.
func (p *Platform) forgetEmptyDatabases(ctx context.Context) error {
	var all []*Database
	if err := p.store.List(ctx, &all, "name"); err != nil {
		return err
	}
	for _, d := range all {
		var branches []*Branch
		if err := p.store.List(ctx, &branches, "created_at", By{"database_id", d.ID}); err != nil {
			return err
		}
		if len(branches) > 0 {
			continue
		}
		if err := p.store.Delete(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// restartPending empties a half-made branch, for its schema may be half
// there, and makes it again.
func (p *Platform) restartPending(ctx context.Context, d *Database, b *Branch) error {
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return err
	}
	if err := e.Drop(ctx, hosted); err != nil {
		return err
	}
	p.makeInBackground(d, b)
	return nil
}

// DeleteBranch drops a branch and its server.
func (p *Platform) DeleteBranch(ctx context.Context, organization, database, name string, actor Actor, descendants bool) error {
	d, b, err := p.Branch(ctx, organization, database, name)
	if err != nil {
		return err
	}
	if b.Name == d.DefaultBranch {
		return refuse(Unprocessable, "branch %s is the default branch of %s and cannot be deleted", name, database)
	}
	if descendants {
		var children []*Branch
		if err := p.store.List(ctx, &children, "created_at", By{"parent_id", b.ID}); err != nil {
			return err
		}
		for _, child := range children {
			if err := p.DeleteBranch(ctx, organization, database, child.Name, actor, true); err != nil {
				return err
			}
		}
	}
	return p.removeBranch(ctx, d, b, actor)
}

func (p *Platform) removeBranch(ctx context.Context, d *Database, b *Branch, actor Actor) error {
	if err := p.refuseWhileDeploying(ctx, d, b); err != nil {
		return err
	}
	return p.removeUnused(ctx, d, b, actor)
}

func (p *Platform) removeUnused(ctx context.Context, d *Database, b *Branch, actor Actor) error {
	defer p.lock(b.ID)()
	b, err := change(ctx, p.store, b.ID, func(b *Branch) error {
		b.State = BranchDeleting
		return nil
	})
	if err != nil {
		return err
	}
	if err := p.closeRequestsOf(ctx, b, actor); err != nil {
		return err
	}
	if err := p.dropBranch(ctx, d, b); err != nil {
		return err
	}
	p.audit(ctx, actor, "branch.deleted", "DatabaseBranch", b.ID, b.Name, map[string]string{"database": d.Name})
	return nil
}

func (p *Platform) dropBranch(ctx context.Context, d *Database, b *Branch) error {
	if err := p.revokeAll(ctx, b); err != nil {
		return err
	}
	if b.Attached != nil {
		return p.store.Delete(ctx, b) // the server is not ours to drop
	}
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return err
	}
	if err := e.Drop(ctx, hosted); err != nil {
		return fmt.Errorf("drop the server of branch %s: %w", b.Name, err)
	}
	return p.store.Delete(ctx, b) // keyspaces, passwords and roles go with it
}

// PromoteBranch makes a production branch. Its schema must be deployable.
func (p *Platform) PromoteBranch(ctx context.Context, organization, database, name string, actor Actor) (*Branch, error) {
	d, b, err := p.Branch(ctx, organization, database, name)
	if err != nil {
		return nil, err
	}
	if b.Production {
		return b, nil
	}
	found, err := p.lintBranch(ctx, d, b)
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		return nil, refuse(Unprocessable, "branch %s has schema errors and cannot be promoted: %s", name, found[0].Description)
	}
	return p.setProduction(ctx, d, b, actor, true)
}

// DemoteBranch makes a development branch.
func (p *Platform) DemoteBranch(ctx context.Context, organization, database, name string, actor Actor) (*Branch, error) {
	d, b, err := p.Branch(ctx, organization, database, name)
	if err != nil {
		return nil, err
	}
	if b.Name == d.DefaultBranch {
		return nil, refuse(Unprocessable, "branch %s is the default branch of %s and cannot be demoted", name, database)
	}
	if !b.Production {
		return b, nil
	}
	return p.setProduction(ctx, d, b, actor, false)
}

func (p *Platform) setProduction(ctx context.Context, d *Database, b *Branch, actor Actor, production bool) (*Branch, error) {
	defer p.lock(b.ID)()
	b, err := change(ctx, p.store, b.ID, func(b *Branch) error {
		b.Production, b.UpdatedAt = production, p.now()
		b.SafeMigrations = b.SafeMigrations && production
		return nil
	})
	if err != nil {
		return nil, err
	}
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return nil, err
	}
	if err := e.SetDurable(ctx, hosted, production); err != nil {
		return nil, err
	}
	if err := e.SetSafe(ctx, hosted, b.SafeMigrations); err != nil {
		return nil, err
	}
	p.live.setSafe(b.ID, b.SafeMigrations)
	action := "branch.demoted"
	if production {
		action = "branch.promoted"
	}
	p.audit(ctx, actor, action, "DatabaseBranch", b.ID, b.Name, map[string]string{"database": d.Name})
	return b, nil
}

// SetSafeMigrations turns direct DDL on a branch off or on, for open sessions too.
func (p *Platform) SetSafeMigrations(ctx context.Context, organization, database, name string, actor Actor, enable bool) (*Branch, error) {
	d, b, err := p.Branch(ctx, organization, database, name)
	if err != nil {
		return nil, err
	}
	defer p.lock(b.ID)()
	if enable && !b.SafeMigrations {
		found, err := p.lintBranch(ctx, d, b)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return nil, refuse(Unprocessable, "branch %s has schema errors; correct them before turning safe migrations on: %s", name, found[0].Description)
		}
	}
	if err := p.setSafe(ctx, d, b, enable); err != nil {
		return nil, err
	}
	b, err = change(ctx, p.store, b.ID, func(b *Branch) error {
		b.SafeMigrations, b.UpdatedAt = enable, p.now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.live.setSafe(b.ID, enable)
	action := "branch.safe_migrations_disabled"
	if enable {
		action = "branch.safe_migrations_enabled"
	}
	p.audit(ctx, actor, action, "DatabaseBranch", b.ID, b.Name, map[string]string{"database": d.Name})
	return b, nil
}

func (p *Platform) setSafe(ctx context.Context, d *Database, b *Branch, safe bool) error {
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return err
	}
	return e.SetSafe(ctx, hosted, safe)
}

// WakeBranch starts a branch's server if it sleeps.
func (p *Platform) WakeBranch(ctx context.Context, organization, database, name string) error {
	d, b, err := p.madeBranch(ctx, organization, database, name)
	if err != nil {
		return err
	}
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return err
	}
	p.touch(b.ID)
	return e.Wake(ctx, hosted)
}

// SleepBranch stops a branch's server until somebody connects.
func (p *Platform) SleepBranch(ctx context.Context, id string) error {
	d, b, err := p.branchByID(ctx, id)
	if err != nil {
		return err
	}
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return err
	}
	return e.Sleep(ctx, hosted)
}

// Sleepers are the development branches on managed servers that run now.
func (p *Platform) Sleepers(ctx context.Context) ([]string, error) {
	var all []*Branch
	if err := p.store.List(ctx, &all, "created_at", By{"state", BranchReady}); err != nil {
		return nil, err
	}
	var ids []string
	for _, b := range all {
		d, err := p.databaseByID(ctx, b.DatabaseID)
		if err != nil {
			return nil, err
		}
		if !b.Production && b.Attached == nil && p.BranchStatus(ctx, d, b).State == string(instance.Running) {
			ids = append(ids, b.ID)
		}
	}
	return ids, nil
}
