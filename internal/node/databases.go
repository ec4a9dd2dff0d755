package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/orrerydb/orrery/internal/config"
	"github.com/orrerydb/orrery/internal/platform"
)

// owner is who the config acts as.
var owner = platform.Actor{ID: "config", Type: "User", DisplayName: "orrery.yaml"}

// ensureDatabases makes what the config names and is not there yet. What is
// there stays as it is: its schema changes by deploy requests from then on.
func (n *Node) ensureDatabases(ctx context.Context, progress Progress) error {
	for _, d := range n.config.Databases {
		if err := n.ensureDatabase(ctx, d, progress); err != nil {
			return fmt.Errorf("database %s: %w", d.Name, err)
		}
	}
	kept := map[string]bool{}
	for _, b := range n.config.Bindings {
		credential, err := n.Platform.EnsureBinding(ctx, binding(b), n.key)
		if err != nil {
			return fmt.Errorf("binding %s: %w", b.Name, err)
		}
		kept[credential.Username] = true
	}
	return n.Platform.KeepBindings(ctx, kept)
}

func binding(b config.Binding) platform.Binding {
	return platform.Binding{Name: b.Name, Database: b.Database, Branch: b.Branch, Keyspace: b.Keyspace, Role: platform.Role(b.Role), PoolSize: b.PoolSize}
}

// ensureDatabase marks its begin and end in the folder, so that a start that
// was killed half-way is begun again instead of taken for done.
func (n *Node) ensureDatabase(ctx context.Context, d config.Database, progress Progress) error {
	marker := n.folder.path("making-" + d.Name)
	present, err := n.find(ctx, d.Name)
	if err != nil {
		return err
	}
	if _, err := os.Stat(marker); err == nil && present != nil {
		if err := n.Platform.DeleteDatabase(ctx, n.config.Organization, d.Name, owner); err != nil {
			return err
		}
		present = nil
	}
	if present != nil {
		return n.wake(ctx, present)
	}
	if err := write(marker, nil); err != nil {
		return err
	}
	progress("making database %s (%s)", d.Name, d.Engine)
	if err := n.makeDatabase(ctx, d, progress); err != nil {
		return err
	}
	return os.Remove(marker)
}

func (n *Node) find(ctx context.Context, name string) (*platform.Database, error) {
	d, err := n.Platform.Database(ctx, n.config.Organization, name)
	var refusal *platform.Error
	if errors.As(err, &refusal) && refusal.Code == platform.NotFound {
		return nil, nil
	}
	return d, err
}

// wake starts production, so that its first client need not wait.
func (n *Node) wake(ctx context.Context, d *platform.Database) error {
	return n.Platform.WakeBranch(ctx, n.config.Organization, d.Name, d.DefaultBranch)
}

func (n *Node) makeDatabase(ctx context.Context, d config.Database, progress Progress) error {
	organization := n.config.Organization
	_, err := n.Platform.CreateDatabase(ctx, organization, owner, platform.NewDatabase{
		Name: d.Name, Kind: platform.Kind(d.Engine), Keyspaces: d.Keyspaces, RequireApproval: d.RequireApproval, ForeignKeys: d.ForeignKeys, DefaultBranch: d.Branch,
	})
	if err != nil {
		return err
	}
	if err := n.awaitBranch(ctx, d.Name, d.Branch); err != nil {
		return err
	}
	if d.Schema != "" && d.Attached == nil {
		if err := n.applySchema(ctx, d, progress); err != nil {
			return err
		}
	}
	if !d.SafeMigrations {
		return nil
	}
	_, err = n.Platform.SetSafeMigrations(ctx, organization, d.Name, d.Branch, owner, true)
	return err
}

// awaitBranch waits until a branch is made, or says why it cannot be.
func (n *Node) awaitBranch(ctx context.Context, database, branch string) error {
	for {
		_, b, err := n.Platform.Branch(ctx, n.config.Organization, database, branch)
		switch {
		case err != nil:
			return err
		case b.State == platform.BranchReady:
			return nil
		case b.Failure != "":
			return errors.New(b.Failure)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// applySchema runs the SQL files of the schema folder: <keyspace>/*.sql on
// MySQL, *.sql on PostgreSQL, in the order of their names.
func (n *Node) applySchema(ctx context.Context, d config.Database, progress Progress) error {
	keyspaces := d.Keyspaces
	if d.Engine == string(platform.Postgres) {
		keyspaces = []string{"."}
	}
	for _, keyspace := range keyspaces {
		files, err := filepath.Glob(filepath.Join(d.Schema, keyspace, "*.sql"))
		if err != nil {
			return err
		}
		sort.Strings(files)
		progress("  %s: %d schema files", filepath.Base(filepath.Join(d.Schema, keyspace)), len(files))
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			target := keyspace
			if target == "." {
				target = ""
			}
			if err := n.Platform.RunScript(ctx, n.config.Organization, d.Name, d.Branch, target, string(text)); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}
