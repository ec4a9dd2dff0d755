package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
	"vitess.io/vitess/go/sqlescape"

	"github.com/orrerydb/orrery/internal/schema"
)

// createConnections saturate the server's dictionary writes on a small machine.
const createConnections = 4

// Create makes all tables at once with foreign key checks off, so that their
// order does not matter, and then the views one after the other.
func (d *Differ) Create(ctx context.Context, server schema.Server, snapshot schema.Snapshot) error {
	pool, err := Open(server, "", createConnections, map[string]string{"foreign_key_checks": "0"})
	if err != nil {
		return err
	}
	defer pool.Close()
	for _, keyspace := range snapshot.Keyspaces {
		if _, err := pool.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS "+sqlescape.EscapeID(keyspace.Name)); err != nil {
			return fmt.Errorf("create keyspace %s: %w", keyspace.Name, err)
		}
	}
	if err := createTables(ctx, pool, snapshot); err != nil {
		return err
	}
	return createViews(ctx, pool, snapshot)
}

func createTables(ctx context.Context, pool *sql.DB, snapshot schema.Snapshot) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(createConnections)
	for _, keyspace := range snapshot.Keyspaces {
		for _, object := range keyspace.Objects {
			if object.Kind == schema.View {
				continue
			}
			group.Go(func() error { return createObject(ctx, pool, keyspace.Name, object) })
		}
	}
	return group.Wait()
}

// createViews goes round until nothing is left: a view may read another
// keyspace's view, and the order of objects holds within one keyspace only.
func createViews(ctx context.Context, pool *sql.DB, snapshot schema.Snapshot) error {
	type view struct {
		keyspace string
		object   schema.Object
	}
	var waiting []view
	for _, keyspace := range snapshot.Keyspaces {
		for _, object := range only(keyspace, schema.View).Objects {
			waiting = append(waiting, view{keyspace.Name, object})
		}
	}
	for len(waiting) > 0 {
		var failed []view
		var failure error
		for _, view := range waiting {
			if err := createObject(ctx, pool, view.keyspace, view.object); err != nil {
				failed, failure = append(failed, view), err
			}
		}
		if len(failed) == len(waiting) {
			return failure
		}
		waiting = failed
	}
	return nil
}

// createObject sends USE and the statement in one packet, because the pool's
// connections serve all keyspaces.
func createObject(ctx context.Context, pool *sql.DB, keyspace string, object schema.Object) error {
	statement := "USE " + sqlescape.EscapeID(keyspace) + ";" + strings.TrimSuffix(object.SQL, ";")
	if _, err := pool.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("create %s %s.%s: %w", object.Kind, keyspace, object.Name, err)
	}
	return nil
}
