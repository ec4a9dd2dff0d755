package platform

import (
	"context"
	"errors"
	"time"

	"github.com/orrerydb/orrery/internal/deploy"
	"github.com/orrerydb/orrery/internal/engine"
	"github.com/orrerydb/orrery/internal/schema"
)

// Kind is a database's dialect.
type Kind string

const (
	MySQL    Kind = "mysql"
	Postgres Kind = "postgresql"
)

// Database is a production branch and all branches off it.
type Database struct {
	ID             string `bun:",pk"`
	OrganizationID string
	Name           string
	Kind           Kind
	Notes          string
	State          string // pending or ready
	DefaultBranch  string
	// NextNumber is the next deploy request's.
	NextNumber int64

	RequireApproval     bool
	ForeignKeys         bool
	AllowDataBranching  bool
	RestrictRegion      bool
	InsightsRawQueries  bool
	WebConsole          bool
	AutomaticMigrations bool
	MigrationTable      string
	MigrationFramework  string
	DeletionProtected   bool
	AutoCutover         bool // what the last deploy request chose

	CreatedAt time.Time
	UpdatedAt time.Time
}

// NewDatabase is what a database is made from.
type NewDatabase struct {
	Name            string
	Kind            Kind
	Keyspaces       []string // MySQL; empty: one, named as the database
	RequireApproval bool
	ForeignKeys     bool
	SafeMigrations  bool
	DefaultBranch   string // empty: main
	Notes           string
}

func (p *Platform) engine(kind Kind) (engine.Engine, error) {
	e, ok := p.engines[kind]
	if !ok {
		return nil, refuse(Invalid, "kind %q is not supported; use %q or %q", kind, MySQL, Postgres)
	}
	return e, nil
}

// Databases of an organization.
func (p *Platform) Databases(ctx context.Context, organization string) ([]*Database, error) {
	o, err := p.Organization(ctx, organization)
	if err != nil {
		return nil, err
	}
	var all []*Database
	return all, p.store.List(ctx, &all, "name", By{"organization_id", o.ID})
}

// Database by name.
func (p *Platform) Database(ctx context.Context, organization, name string) (*Database, error) {
	o, err := p.Organization(ctx, organization)
	if err != nil {
		return nil, err
	}
	d := &Database{}
	err = p.store.Get(ctx, d, By{"organization_id", o.ID}, By{"name", name})
	return d, found(err, "database %s does not exist in organization %s", name, organization)
}

func (p *Platform) databaseByID(ctx context.Context, id string) (*Database, error) {
	d := &Database{}
	return d, found(p.store.Get(ctx, d, By{"id", id}), "database %s does not exist", id)
}

// CreateDatabase makes a database and its production branch. The branch's
// server starts in the background: the database is "pending" until it is ready.
func (p *Platform) CreateDatabase(ctx context.Context, organization string, actor Actor, asked NewDatabase) (*Database, error) {
	o, err := p.Organization(ctx, organization)
	if err != nil {
		return nil, err
	}
	if asked.Kind == "" {
		asked.Kind = MySQL
	}
	if _, err := p.engine(asked.Kind); err != nil {
		return nil, err
	}
	if err := validName("database", asked.Name); err != nil {
		return nil, err
	}
	if asked.DefaultBranch == "" {
		asked.DefaultBranch = "main"
	}
	if err := validName("branch", asked.DefaultBranch); err != nil {
		return nil, err
	}
	keyspaces, err := keyspaceNames(asked)
	if err != nil {
		return nil, err
	}
	now := p.now()
	d := &Database{
		ID: deploy.NewID(), OrganizationID: o.ID, Name: asked.Name, Kind: asked.Kind, Notes: asked.Notes,
		State: "pending", DefaultBranch: asked.DefaultBranch, NextNumber: 1,
		RequireApproval: asked.RequireApproval, ForeignKeys: asked.ForeignKeys, AutoCutover: true,
		CreatedAt: now, UpdatedAt: now,
	}
	b := &Branch{
		ID: deploy.NewID(), DatabaseID: d.ID, Name: asked.DefaultBranch, Production: true,
		SafeMigrations: asked.SafeMigrations, State: BranchPending, Actor: actor, CreatedAt: now, UpdatedAt: now,
	}
	if server := p.attached[asked.Name]; server != nil {
		b.Attached = server
	}
	err = p.store.Transaction(ctx, func(s Store) error {
		if err := s.Get(ctx, &Database{}, By{"organization_id", o.ID}, By{"name", asked.Name}); !errors.Is(err, ErrNotFound) {
			if err != nil {
				return err
			}
			return refuse(Unprocessable, "database %s already exists in organization %s", asked.Name, organization)
		}
		if err := errors.Join(s.Insert(ctx, d), s.Insert(ctx, b)); err != nil {
			return err
		}
		return p.insertKeyspaces(ctx, s, b.ID, keyspaces)
	})
	if err != nil {
		return nil, err
	}
	p.audit(ctx, actor, "database.created", "Database", d.ID, d.Name, nil)
	p.makeInBackground(d, b)
	return d, nil
}

func keyspaceNames(asked NewDatabase) ([]string, error) {
	if asked.Kind == Postgres {
		return []string{"postgres"}, nil
	}
	names := asked.Keyspaces
	if len(names) == 0 {
		names = []string{asked.Name}
	}
	for _, n := range names {
		if err := validKeyspace(n); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// DatabaseSettings are what UpdateDatabase changes; nil leaves a setting alone.
type DatabaseSettings struct {
	NewName             *string
	DefaultBranch       *string
	RequireApproval     *bool
	ForeignKeys         *bool
	AllowDataBranching  *bool
	RestrictRegion      *bool
	InsightsRawQueries  *bool
	WebConsole          *bool
	AutomaticMigrations *bool
	MigrationTable      *string
	MigrationFramework  *string
	DeletionProtected   *bool
}

// UpdateDatabase changes settings.
func (p *Platform) UpdateDatabase(ctx context.Context, organization, name string, actor Actor, asked DatabaseSettings) (*Database, error) {
	d, err := p.Database(ctx, organization, name)
	if err != nil {
		return nil, err
	}
	if asked.NewName != nil {
		if err := validName("database", *asked.NewName); err != nil {
			return nil, err
		}
	}
	if asked.DefaultBranch != nil {
		b, err := p.branchOf(ctx, d, *asked.DefaultBranch)
		if err != nil {
			return nil, err
		}
		if !b.Production {
			return nil, refuse(Unprocessable, "branch %s is not a production branch: promote it before making it the default", b.Name)
		}
	}
	if asked.NewName != nil && *asked.NewName != d.Name {
		if err := p.refuseRename(ctx, organization, d, *asked.NewName); err != nil {
			return nil, err
		}
	}
	before := d.Name
	d, err = change(ctx, p.store, d.ID, func(d *Database) error {
		set(&d.Name, asked.NewName)
		set(&d.DefaultBranch, asked.DefaultBranch)
		set(&d.RequireApproval, asked.RequireApproval)
		set(&d.ForeignKeys, asked.ForeignKeys)
		set(&d.AllowDataBranching, asked.AllowDataBranching)
		set(&d.RestrictRegion, asked.RestrictRegion)
		set(&d.InsightsRawQueries, asked.InsightsRawQueries)
		set(&d.WebConsole, asked.WebConsole)
		set(&d.AutomaticMigrations, asked.AutomaticMigrations)
		set(&d.MigrationTable, asked.MigrationTable)
		set(&d.MigrationFramework, asked.MigrationFramework)
		set(&d.DeletionProtected, asked.DeletionProtected)
		d.UpdatedAt = p.now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := p.moveAccesses(ctx, before, d.Name); err != nil {
		return nil, err
	}
	p.audit(ctx, actor, "database.settings_updated", "Database", d.ID, d.Name, nil)
	return d, nil
}

func (p *Platform) refuseRename(ctx context.Context, organization string, d *Database, name string) error {
	if p.attached[d.Name] != nil {
		return refuse(Unprocessable, "database %s is named by the config, which attaches its server: rename it there", d.Name)
	}
	if _, err := p.Database(ctx, organization, name); err == nil {
		return refuse(Unprocessable, "database %s already exists in organization %s", name, organization)
	}
	return nil
}

// moveAccesses keeps tokens' rights with their database: after a rename, or
// nowhere ("") when it is gone. A later database of the same name inherits none.
func (p *Platform) moveAccesses(ctx context.Context, from, to string) error {
	if from == to {
		return nil
	}
	var all []*ServiceToken
	if err := p.store.List(ctx, &all, "created_at"); err != nil {
		return err
	}
	for _, t := range all {
		_, err := change(ctx, p.store, t.ID, func(t *ServiceToken) error {
			kept := []TokenAccess{}
			for _, access := range t.Accesses {
				if access.Database == from && to == "" {
					continue
				}
				if access.Database == from {
					access.Database = to
				}
				kept = append(kept, access)
			}
			t.Accesses = kept
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// DeleteDatabase drops a database with all its branches.
func (p *Platform) DeleteDatabase(ctx context.Context, organization, name string, actor Actor) error {
	d, err := p.Database(ctx, organization, name)
	if err != nil {
		return err
	}
	if d.DeletionProtected {
		return refuse(Unprocessable, "database %s is protected from deletion; change its settings first", name)
	}
	var branches []*Branch
	if err := p.store.List(ctx, &branches, "created_at DESC", By{"database_id", d.ID}); err != nil {
		return err
	}
	for _, b := range branches {
		if err := p.removeBranch(ctx, d, b, actor); err != nil {
			return err
		}
	}
	if err := p.store.Delete(ctx, d); err != nil {
		return err
	}
	if err := p.moveAccesses(ctx, d.Name, ""); err != nil {
		return err
	}
	p.audit(ctx, actor, "database.deleted", "Database", d.ID, d.Name, nil)
	return nil
}

// lintOptions of a database.
func (d *Database) lintOptions() schema.LintOptions {
	return schema.LintOptions{AllowForeignKeys: d.ForeignKeys || d.Kind == Postgres}
}
