package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-sql-driver/mysql"
	"golang.org/x/sync/errgroup"
)

const (
	// chunkRows go into one INSERT: enough to be quick, few enough that a
	// statement is over in some milliseconds.
	chunkRows = 100
	// jobRows are one transaction: a commit costs a flush to disk, and a
	// transaction must be over long before a gateway would end it.
	jobRows = 5000
	// deleteRows stays below the most rows a gateway lets one statement change.
	deleteRows = 10000
)

// loader fills one keyspace.
type loader struct {
	*world
	keyspace    string
	db          *sql.DB
	tables      []*table
	columns     map[string][]column
	connections int
}

// openURL turns a binding's URL into a connection pool.
func openURL(text string, connections int) (*sql.DB, error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "mysql" || parsed.User == nil {
		return nil, errors.New("want mysql://user:password@host:port/keyspace")
	}
	config := mysql.NewConfig()
	config.Net, config.Addr = "tcp", parsed.Host
	config.User = parsed.User.Username()
	config.Passwd, _ = parsed.User.Password()
	config.DBName = strings.TrimPrefix(parsed.Path, "/")
	config.Timeout = 10 * time.Second
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func connect(ctx context.Context, w *world, o options) ([]*loader, error) {
	var loaders []*loader
	for _, keyspace := range w.keyspaces {
		variable := bindings[keyspace]
		address := os.Getenv(variable)
		if address == "" {
			return loaders, fmt.Errorf(`%s is not set; run: eval "$(orrery env)"`, variable)
		}
		db, err := openURL(address, o.connections)
		if err != nil {
			return loaders, fmt.Errorf("%s: %w", variable, err)
		}
		l := &loader{world: w, keyspace: keyspace, db: db, tables: w.order[keyspace], connections: o.connections}
		loaders = append(loaders, l)
		if err := l.readColumns(ctx); err != nil {
			return loaders, fmt.Errorf("%s (%s): %w", keyspace, variable, err)
		}
	}
	return loaders, nil
}

func closeAll(loaders []*loader) {
	for _, l := range loaders {
		_ = l.db.Close()
	}
}

// readColumns learns the tables from the server: a branch's may differ from the schema files'.
func (l *loader) readColumns(ctx context.Context) error {
	checks, err := l.readChecks(ctx)
	if err != nil {
		return err
	}
	rows, err := l.db.QueryContext(ctx, `SELECT table_name, column_name, data_type, column_type, is_nullable = 'YES', COALESCE(character_maximum_length, 0)
		FROM information_schema.columns WHERE table_schema = ? ORDER BY table_name, ordinal_position`, l.keyspace)
	if err != nil {
		return err
	}
	defer rows.Close()
	l.columns = map[string][]column{}
	for rows.Next() {
		var name, full string
		var c column
		if err := rows.Scan(&name, &c.name, &c.kind, &full, &c.nullable, &c.length); err != nil {
			return err
		}
		if c.kind == "enum" {
			c.values = quotedIn(full)
		} else {
			c.values = checks[c.name]
		}
		l.columns[name] = append(l.columns[name], c)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, t := range l.tables {
		if len(l.columns[t.name]) == 0 {
			return fmt.Errorf("table %s is missing: is the schema of this branch complete?", t.name)
		}
		if err := l.compile(l.newRow(t)); err != nil {
			return err
		}
	}
	return nil
}

// readChecks finds the words that CHECK (column IN (…)) allows.
func (l *loader) readChecks(ctx context.Context) (map[string][]string, error) {
	rows, err := l.db.QueryContext(ctx, "SELECT check_clause FROM information_schema.check_constraints WHERE constraint_schema = ? AND check_clause LIKE '% in (%'", l.keyspace)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	checks := map[string][]string{}
	for rows.Next() {
		var clause string
		if err := rows.Scan(&clause); err != nil {
			return nil, err
		}
		if parts := strings.SplitN(clause, "`", 3); len(parts) == 3 {
			checks[parts[1]] = both(checks[parts[1]], quotedIn(clause))
		}
	}
	return checks, rows.Err()
}

// both keeps the words that every check of a column's name allows.
func both(known, more []string) []string {
	if known == nil {
		return more
	}
	var result []string
	for _, word := range known {
		for _, other := range more {
			if word == other {
				result = append(result, word)
			}
		}
	}
	return result
}

func (l *loader) compile(r *row) error {
	r.gens, r.knows = map[string]generator{}, map[string]bool{}
	for _, c := range l.columns[r.t.name] {
		make, err := l.generatorOf(r.t, c)
		if err != nil {
			return err
		}
		if c.name == "status" {
			for _, word := range c.values {
				r.knows[word] = true
			}
		}
		if c.kind == "varchar" || c.kind == "char" {
			make = fitting(make, c.length)
		}
		r.gens[c.name] = make
		r.list = append(r.list, make)
	}
	return nil
}

func fitting(make generator, length int) generator {
	return func(r *row) any {
		value := make(r)
		if text, is := value.(string); is && len(text) > length {
			return text[:length]
		}
		return value
	}
}

func firstFull(ctx context.Context, loaders []*loader) (string, error) {
	for _, l := range loaders {
		for _, t := range l.tables {
			var one int
			err := l.db.QueryRowContext(ctx, "SELECT 1 FROM "+t.name+" LIMIT 1").Scan(&one)
			if err == nil {
				return l.keyspace + "." + t.name, nil
			}
			if !errors.Is(err, sql.ErrNoRows) {
				return "", fmt.Errorf("%s.%s: %w", l.keyspace, t.name, err)
			}
		}
	}
	return "", nil
}

func (l *loader) empty(ctx context.Context) error {
	jobs, ctx := errgroup.WithContext(ctx)
	jobs.SetLimit(l.connections)
	for _, t := range l.tables {
		jobs.Go(func() error { return l.emptyTable(ctx, t) })
	}
	return jobs.Wait()
}

// emptyTable deletes from one id to the next: a DELETE … LIMIT from the start
// would walk over all that was deleted before, again and again.
func (l *loader) emptyTable(ctx context.Context, t *table) error {
	for last := ""; ; {
		var next string
		err := l.db.QueryRowContext(ctx, fmt.Sprintf("SELECT id FROM %s WHERE id > ? ORDER BY id LIMIT 1 OFFSET %d", t.name, deleteRows-1), last).Scan(&next)
		if errors.Is(err, sql.ErrNoRows) {
			_, err = l.db.ExecContext(ctx, "DELETE FROM "+t.name+" WHERE id > ?", last)
			return l.emptying(t, err)
		}
		if err == nil {
			_, err = l.db.ExecContext(ctx, "DELETE FROM "+t.name+" WHERE id > ? AND id <= ?", last, next)
		}
		if err != nil {
			return l.emptying(t, err)
		}
		last = next
	}
}

func (l *loader) emptying(t *table, err error) error {
	if err != nil {
		return fmt.Errorf("empty %s.%s: %w", l.keyspace, t.name, err)
	}
	return nil
}

func (l *loader) fill(ctx context.Context) (int, error) {
	jobs, ctx := errgroup.WithContext(ctx)
	jobs.SetLimit(l.connections)
	total := 0
	var done atomic.Int64
	for _, t := range l.tables {
		total += t.rows
	}
	stop := l.progress(&done, total)
	defer stop()
	for _, t := range l.tables {
		for from := 0; from < t.rows; from += jobRows {
			jobs.Go(func() error {
				to := min(t.rows, from+jobRows)
				if err := l.fillRange(ctx, t, from, to); err != nil {
					return fmt.Errorf("fill %s.%s: %w", l.keyspace, t.name, err)
				}
				done.Add(int64(to - from))
				return nil
			})
		}
	}
	return total, jobs.Wait()
}

// progress prints a line now and then, and the last one when stopped.
func (l *loader) progress(done *atomic.Int64, total int) func() {
	ticker, quit, ended := time.NewTicker(5*time.Second), make(chan struct{}), make(chan struct{})
	show := func() { fmt.Printf("%s: %d of %d rows\n", l.keyspace, done.Load(), total) }
	go func() {
		defer close(ended)
		for {
			select {
			case <-ticker.C:
				show()
			case <-quit:
				show()
				return
			}
		}
	}()
	return func() { ticker.Stop(); close(quit); <-ended }
}

// fillRange inserts through a prepared statement: whoever is between us and
// the server then need not parse megabytes of text.
func (l *loader) fillRange(ctx context.Context, t *table, from, to int) error {
	r := l.newRow(t)
	if err := l.compile(r); err != nil {
		return err
	}
	transaction, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = transaction.Rollback() }()
	insert := &inserter{tx: transaction, head: l.insertHead(t), columns: len(r.list)}
	for start := from; start < to; start += chunkRows {
		end := min(to, start+chunkRows)
		insert.values = insert.values[:0]
		for i := start; i < end; i++ {
			r.set(i)
			for _, make := range r.list {
				insert.values = append(insert.values, make(r))
			}
		}
		if err := insert.send(ctx, end-start); err != nil {
			return err
		}
	}
	insert.close()
	return transaction.Commit()
}

func (l *loader) insertHead(t *table) string {
	names := make([]string, 0, 30)
	for _, c := range l.columns[t.name] {
		names = append(names, "`"+c.name+"`")
	}
	return "INSERT INTO " + t.name + " (" + strings.Join(names, ", ") + ") VALUES "
}

// inserter keeps the statement for full chunks prepared.
type inserter struct {
	tx      *sql.Tx
	head    string
	columns int
	values  []any
	full    *sql.Stmt
}

func (n *inserter) send(ctx context.Context, rows int) error {
	if rows < chunkRows {
		_, err := n.tx.ExecContext(ctx, n.text(rows), n.values...)
		return err
	}
	if n.full == nil {
		statement, err := n.tx.PrepareContext(ctx, n.text(rows))
		if err != nil {
			return err
		}
		n.full = statement
	}
	_, err := n.full.ExecContext(ctx, n.values...)
	return err
}

func (n *inserter) text(rows int) string {
	one := "(" + strings.TrimSuffix(strings.Repeat("?, ", n.columns), ", ") + ")"
	return n.head + strings.TrimSuffix(strings.Repeat(one+", ", rows), ", ")
}

func (n *inserter) close() {
	if n.full != nil {
		_ = n.full.Close()
	}
}
