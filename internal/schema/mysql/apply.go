package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orrerydb/orrery/internal/schema"
)

const (
	lockWaits       = 6
	errLockWait     = 1205
	lockWaitSeconds = "3"
)

// Apply waits for the table's metadata lock only a few seconds at a time: all
// other sessions queue behind a waiting ALTER, so a long transaction must not
// hold up the table through us.
func (d *Differ) Apply(ctx context.Context, server schema.Server, operation schema.Operation) error {
	pool, err := Open(server, operation.Keyspace, 1, map[string]string{"lock_wait_timeout": lockWaitSeconds})
	if err != nil {
		return err
	}
	defer pool.Close()
	pause := 100 * time.Millisecond
	for attempt := 1; ; attempt++ {
		_, err := pool.ExecContext(ctx, operation.Statement)
		if err == nil {
			return nil
		}
		var failure *mysql.MySQLError
		if !errors.As(err, &failure) || failure.Number != errLockWait {
			return fmt.Errorf("%s %s %s.%s: %w", operation.Name, operation.Kind, operation.Keyspace, operation.Table, err)
		}
		if attempt == lockWaits {
			return fmt.Errorf("%s %s %s.%s: a transaction holds the table (%s): %w", operation.Name, operation.Kind, operation.Keyspace, operation.Table, blockers(ctx, pool), err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// blockers names the oldest open transactions. It is best effort: without
// performance_schema the server cannot tell who holds the lock.
func blockers(ctx context.Context, pool *sql.DB) string {
	const oldest = "SELECT CONCAT('session ', trx_mysql_thread_id, ' since ', trx_started) FROM information_schema.innodb_trx ORDER BY trx_started LIMIT 1"
	var text string
	if err := pool.QueryRowContext(ctx, oldest).Scan(&text); err != nil {
		return "which one is not known"
	}
	return "the oldest is " + text
}
