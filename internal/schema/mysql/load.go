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

// showBatch is how many SHOW CREATE statements go to the server in one packet:
// a round trip costs more than the statement.
const showBatch = 16

// Load reads all keyspaces at once, each over a few connections.
func (d *Differ) Load(ctx context.Context, server schema.Server) (schema.Snapshot, error) {
	snapshot := schema.Snapshot{Keyspaces: make([]schema.Keyspace, len(server.Keyspaces))}
	group, ctx := errgroup.WithContext(ctx)
	for i, name := range server.Keyspaces {
		group.Go(func() error {
			keyspace, err := d.loadKeyspace(ctx, server, name)
			if err != nil {
				return fmt.Errorf("load schema of keyspace %s: %w", name, err)
			}
			snapshot.Keyspaces[i] = keyspace
			return nil
		})
	}
	return snapshot, group.Wait()
}

func (d *Differ) loadKeyspace(ctx context.Context, server schema.Server, name string) (schema.Keyspace, error) {
	pool, err := Open(server, name, 3, nil)
	if err != nil {
		return schema.Keyspace{}, err
	}
	defer pool.Close()
	objects, err := listObjects(ctx, pool)
	if err != nil {
		return schema.Keyspace{}, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(3)
	for start := 0; start < len(objects); start += showBatch {
		batch := objects[start:min(start+showBatch, len(objects))]
		group.Go(func() error { return d.showObjects(ctx, pool, batch) })
	}
	if err := group.Wait(); err != nil {
		return schema.Keyspace{}, err
	}
	return schema.Keyspace{Name: name, Objects: creationOrder(objects)}, nil
}

func listObjects(ctx context.Context, pool *sql.DB) ([]schema.Object, error) {
	rows, err := pool.QueryContext(ctx, "SHOW FULL TABLES")
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer rows.Close()
	objects := []schema.Object{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		if strings.HasPrefix(name, hidden) {
			continue
		}
		object := schema.Object{Kind: schema.Table, Name: name}
		if kind == "VIEW" {
			object.Kind = schema.View
		}
		objects = append(objects, object)
	}
	return objects, rows.Err()
}

// showObjects fills in the SQL of a batch.
func (d *Differ) showObjects(ctx context.Context, pool *sql.DB, batch []schema.Object) error {
	var statements []string
	for _, object := range batch {
		statements = append(statements, "SHOW CREATE "+strings.ToUpper(string(object.Kind))+" "+sqlescape.EscapeID(object.Name))
	}
	rows, err := pool.QueryContext(ctx, strings.Join(statements, ";"))
	if err != nil {
		return fmt.Errorf("show create of %s and following: %w", batch[0].Name, err)
	}
	defer rows.Close()
	for i := range batch {
		if i > 0 && !rows.NextResultSet() {
			return fmt.Errorf("show create of %s: %w", batch[i].Name, orMissing(rows.Err()))
		}
		if err := d.scanCreate(rows, &batch[i]); err != nil {
			return fmt.Errorf("show create of %s: %w", batch[i].Name, err)
		}
	}
	return rows.Err()
}

func orMissing(err error) error {
	if err != nil {
		return err
	}
	return sql.ErrNoRows
}

func (d *Differ) scanCreate(rows *sql.Rows, object *schema.Object) error {
	if !rows.Next() {
		return orMissing(rows.Err())
	}
	var name, text, ignored string
	if object.Kind == schema.View {
		if err := rows.Scan(&name, &text, &ignored, &ignored); err != nil {
			return err
		}
		object.SQL = normalizeView(text)
		return nil
	}
	if err := rows.Scan(&name, &text); err != nil {
		return err
	}
	object.SQL = d.normalizeTable(text)
	return nil
}
