package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/orrerydb/orrery/internal/schema"
)

// scratch is a temporary database with one keyspace's schema.
type scratch struct {
	server schema.Server
	name   string
	conn   *pgx.Conn
}

func newScratch(ctx context.Context, server schema.Server, keyspace schema.Keyspace) (*scratch, error) {
	random := make([]byte, 8)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("name a scratch database: %w", err)
	}
	s := &scratch{server: server, name: "_orrery_scratch_" + hex.EncodeToString(random)}
	if err := makeDatabase(ctx, server, s.name); err != nil {
		// The answer may have been lost on the way back.
		s.drop(ctx)
		return nil, fmt.Errorf("create scratch database: %w", err)
	}
	if err := s.fill(ctx, keyspace); err != nil {
		s.drop(ctx)
		return nil, err
	}
	return s, nil
}

func (s *scratch) fill(ctx context.Context, keyspace schema.Keyspace) error {
	conn, err := connect(ctx, s.server, s.name)
	if err != nil {
		return err
	}
	s.conn = conn
	return fill(ctx, conn, keyspace)
}

// drop also runs when ctx has ended: a scratch database never stays behind.
func (s *scratch) drop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if s.conn != nil {
		s.conn.Close(ctx)
	}
	admin, err := connect(ctx, s.server, "postgres")
	if err != nil {
		return
	}
	defer admin.Close(ctx)
	_ = run(ctx, admin, "DROP DATABASE IF EXISTS "+quote(s.name)+" WITH (FORCE)")
}

// state is a scratch database as read back.
type state struct {
	keyspace schema.Keyspace
	catalog  catalog
}

func (s *scratch) read(ctx context.Context) (state, error) {
	var result state
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		text, err := dump(ctx, s.server, s.name)
		result.keyspace = schema.Keyspace{Objects: assemble(parseDump(text))}
		return err
	})
	group.Go(func() (err error) {
		result.catalog, err = readCatalog(ctx, s.conn)
		return err
	})
	return result, group.Wait()
}

// scratchRoles makes roles that the schemas name but the scratch server lacks,
// and returns how to remove them again.
func scratchRoles(ctx context.Context, server schema.Server, keyspaces ...schema.Keyspace) (func(), error) {
	if len(rolesIn(keyspaces...)) == 0 {
		return func() {}, nil
	}
	conn, err := connect(ctx, server, "postgres")
	if err != nil {
		return nil, err
	}
	made, err := createRoles(ctx, conn, keyspaces...)
	remove := func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		for _, role := range made {
			// Another scratch database may use it by now; its owner then keeps it.
			_ = run(ctx, conn, "DROP ROLE IF EXISTS "+role)
		}
		conn.Close(ctx)
	}
	if err != nil {
		remove()
		return nil, err
	}
	return remove, nil
}
