package postgres

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/orrerydb/orrery/internal/schema"
)

const (
	lockTimeout  = "500ms"
	lockAttempts = 8
)

// Apply waits half a second for a lock at a time: whoever queues behind our
// request waits no longer than that. Between attempts the queue drains.
func (d *Differ) Apply(ctx context.Context, server schema.Server, operation schema.Operation) error {
	conn, err := connect(ctx, server, operation.Keyspace)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if operation.OutsideTransaction {
		err = applyOutside(ctx, conn, operation)
	} else {
		err = applyLocked(ctx, conn, operation)
	}
	if err != nil {
		return fmt.Errorf("%s %s %s: %w", operation.Name, operation.Kind, operation.Table, err)
	}
	return nil
}

func applyLocked(ctx context.Context, conn *pgx.Conn, operation schema.Operation) error {
	pause := 50 * time.Millisecond
	for attempt := 1; ; attempt++ {
		// One simple query is one transaction: all of it, or none.
		err := run(ctx, conn, "SET lock_timeout = '"+lockTimeout+"'")
		if err == nil {
			err = run(ctx, conn, operation.Statement)
		}
		if err == nil || sqlState(err) != "55P03" {
			return err
		}
		if attempt == lockAttempts {
			return fmt.Errorf("no lock on the table after %d attempts; %s: %w", attempt, blockers(ctx, conn), err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// blockers names the oldest open transaction of the database.
func blockers(ctx context.Context, conn *pgx.Conn) string {
	const oldest = `SELECT format('the oldest open transaction is process %s (%s) since %s: %s', pid, usename, xact_start, left(query, 100))
		FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
		ORDER BY xact_start LIMIT 1`
	var text string
	if err := conn.QueryRow(ctx, oldest).Scan(&text); err != nil {
		return "who holds it is not known"
	}
	return text
}

var concurrentIndex = regexp.MustCompile(`^CREATE (?:UNIQUE )?INDEX CONCURRENTLY (` + ident + `) ON (?:ONLY )?(` + ident + `)\.`)

// applyOutside builds an index. A build that fails leaves an invalid index
// behind, which is dropped, and the build is tried once more.
func applyOutside(ctx context.Context, conn *pgx.Conn, operation schema.Operation) error {
	match := concurrentIndex.FindStringSubmatch(operation.Statement)
	if match == nil {
		return run(ctx, conn, operation.Statement)
	}
	index := match[2] + "." + match[1]
	err := run(ctx, conn, operation.Statement)
	for attempt := 0; err != nil; attempt++ {
		dropped, dropErr := dropInvalid(ctx, conn, index)
		if dropErr != nil {
			return fmt.Errorf("%w (and the invalid index %s could not be dropped: %w)", err, index, dropErr)
		}
		if !dropped || attempt > 0 {
			return err
		}
		err = run(ctx, conn, operation.Statement)
	}
	return nil
}

// dropInvalid drops the index only if no build of it ever succeeded.
func dropInvalid(ctx context.Context, conn *pgx.Conn, index string) (bool, error) {
	// The build may have failed because ctx ended; cleaning up must not.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var invalid bool
	err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass($1) AND NOT indisvalid)", index).Scan(&invalid)
	if err != nil || !invalid {
		return false, err
	}
	return true, run(ctx, conn, "DROP INDEX CONCURRENTLY IF EXISTS "+index)
}
