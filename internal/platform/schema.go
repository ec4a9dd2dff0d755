package platform

import (
	"context"

	"github.com/orrerydb/orrery/internal/schema"
)

func (p *Platform) loadSchema(ctx context.Context, d *Database, b *Branch) (schema.Snapshot, error) {
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return schema.Snapshot{}, err
	}
	p.touch(b.ID)
	server, err := e.Server(ctx, hosted)
	if err != nil {
		return schema.Snapshot{}, err
	}
	return e.Differ().Load(ctx, server)
}

// Schema of a branch, read from its live server.
func (p *Platform) Schema(ctx context.Context, organization, database, name string) (schema.Snapshot, error) {
	d, b, err := p.madeBranch(ctx, organization, database, name)
	if err != nil {
		return schema.Snapshot{}, err
	}
	return p.loadSchema(ctx, d, b)
}

// madeBranch is a branch whose server can be asked.
func (p *Platform) madeBranch(ctx context.Context, organization, database, name string) (*Database, *Branch, error) {
	d, b, err := p.Branch(ctx, organization, database, name)
	if err != nil {
		return nil, nil, err
	}
	if b.State != BranchReady {
		return nil, nil, refuse(Unprocessable, "branch %s is not ready yet; try again in a moment", name)
	}
	return d, b, nil
}

// BranchDiff is what a branch changed since it was made, and its parent's
// schema now: before and after.
func (p *Platform) BranchDiff(ctx context.Context, organization, database, name string) (before, after schema.Snapshot, err error) {
	d, b, err := p.madeBranch(ctx, organization, database, name)
	if err != nil {
		return before, after, err
	}
	after, err = p.loadSchema(ctx, d, b)
	if err != nil || b.ParentID == "" {
		return after, after, err
	}
	return b.Ancestor, after, nil
}

// Lint judges a branch's live schema.
func (p *Platform) Lint(ctx context.Context, organization, database, name string) ([]schema.LintError, error) {
	d, b, err := p.madeBranch(ctx, organization, database, name)
	if err != nil {
		return nil, err
	}
	return p.lintBranch(ctx, d, b)
}

func (p *Platform) lintBranch(ctx context.Context, d *Database, b *Branch) ([]schema.LintError, error) {
	snapshot, err := p.loadSchema(ctx, d, b)
	if err != nil {
		return nil, err
	}
	e, err := p.engine(d.Kind)
	if err != nil {
		return nil, err
	}
	return e.Differ().Lint(ctx, snapshot, d.lintOptions())
}

// RunScript executes a script on a branch with full rights: how the schema
// folder of the config gets into a new database.
func (p *Platform) RunScript(ctx context.Context, organization, database, branch, keyspace, script string) error {
	d, b, err := p.madeBranch(ctx, organization, database, branch)
	if err != nil {
		return err
	}
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return err
	}
	return e.Run(ctx, hosted, keyspace, script)
}
