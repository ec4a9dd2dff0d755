// Package store keeps the platform's records in SQLite (one file, the default)
// or PostgreSQL (for more than one node). Both run the same SQL and pass the
// same suite.
//
// bun maps records to rows: it speaks both dialects, so every statement is
// written once.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/migrate"
	_ "modernc.org/sqlite" // driver "sqlite": no cgo, so the binary is one file

	"github.com/orrerydb/orrery/internal/deploy"
	"github.com/orrerydb/orrery/internal/platform"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Store implements platform.Store.
type Store struct {
	db   *bun.DB // nil inside a transaction
	with bun.IDB
}

// Open connects to a store and brings its tables up to date. The URL is
// "postgres://…", or the path of a SQLite file.
func Open(ctx context.Context, address string) (*Store, error) {
	db, err := connect(address)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, with: db}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("store: %w", err), db.Close())
	}
	return s, nil
}

func connect(address string) (*bun.DB, error) {
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		db, err := sql.Open("pgx", address)
		if err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		return bun.NewDB(db, pgdialect.New()), nil
	}
	// SQLite gives its other files the mode of this one.
	file, err := os.OpenFile(address, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	// Transactions take the write lock at their start: one that read first and
	// writes later would otherwise fail when another has written between.
	source := "file:" + (&url.URL{Path: address}).EscapedPath() + "?_txlock=immediate&_time_format=sqlite" +
		"&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)"
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return bun.NewDB(db, sqlitedialect.New()), nil
}

func (s *Store) migrate(ctx context.Context) error {
	migrations := migrate.NewMigrations()
	if err := migrations.Discover(migrationFiles); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	migrator := migrate.NewMigrator(s.db, migrations, migrate.WithMarkAppliedOnSuccess(true))
	if err := migrator.Init(ctx); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := migrator.Migrate(ctx); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}

// Close closes the store.
func (s *Store) Close() error { return s.db.Close() }

// Insert implements platform.Store.
func (s *Store) Insert(ctx context.Context, record any) error {
	_, err := s.with.NewInsert().Model(record).Exec(ctx)
	return wrap("insert", record, err)
}

// Save implements platform.Store.
func (s *Store) Save(ctx context.Context, record any) error {
	_, err := s.with.NewUpdate().Model(record).WherePK().Exec(ctx)
	return wrap("save", record, err)
}

// Delete implements platform.Store.
func (s *Store) Delete(ctx context.Context, record any) error {
	_, err := s.with.NewDelete().Model(record).WherePK().Exec(ctx)
	return wrap("delete", record, err)
}

// Get implements platform.Store.
func (s *Store) Get(ctx context.Context, record any, by ...platform.By) error {
	query := s.with.NewSelect().Model(record)
	for _, b := range by {
		query = query.Where("? = ?", bun.Ident(b.Column), b.Value)
	}
	if s.db == nil && s.with.Dialect().Name() == dialect.PG {
		query = query.For("UPDATE") // SQLite's transactions exclude each other anyway
	}
	err := query.Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return platform.ErrNotFound
	}
	return wrap("get", record, err)
}

// List implements platform.Store.
func (s *Store) List(ctx context.Context, records any, order string, by ...platform.By) error {
	query := s.with.NewSelect().Model(records)
	for _, b := range by {
		query = query.Where("? = ?", bun.Ident(b.Column), b.Value)
	}
	return wrap("list", records, query.Order(order, "id").Scan(ctx))
}

// Transaction implements platform.Store.
func (s *Store) Transaction(ctx context.Context, f func(platform.Store) error) error {
	if s.db == nil {
		return f(s)
	}
	return s.db.RunInTx(ctx, nil, func(_ context.Context, tx bun.Tx) error { return f(&Store{with: tx}) })
}

// Deployment implements deploy.Store.
func (s *Store) Deployment(ctx context.Context, id string) (*deploy.Deployment, error) {
	d := &deploy.Deployment{}
	err := s.Get(ctx, d, platform.By{Column: "id", Value: id})
	if errors.Is(err, platform.ErrNotFound) {
		return nil, deploy.ErrNotFound
	}
	return d, err
}

// SaveDeployment implements deploy.Store.
func (s *Store) SaveDeployment(ctx context.Context, d *deploy.Deployment) error {
	return s.Save(ctx, d)
}

// ActiveDeployments implements deploy.Store.
func (s *Store) ActiveDeployments(ctx context.Context, databaseID string) ([]*deploy.Deployment, error) {
	var all, active []*deploy.Deployment
	query := s.with.NewSelect().Model(&all).Where("queued_at IS NOT NULL").Order("queued_at", "number")
	if databaseID != "" {
		query = query.Where("database_id = ?", databaseID)
	}
	if err := query.Where("state NOT IN (?)", bun.List(deploy.EndedStates)).Scan(ctx); err != nil {
		return nil, wrap("list", &all, err)
	}
	for _, d := range all {
		if d.State.Active() {
			active = append(active, d)
		}
	}
	return active, nil
}

// Operations implements deploy.Store.
func (s *Store) Operations(ctx context.Context, deploymentID string) ([]*deploy.Operation, error) {
	var all []*deploy.Operation
	return all, s.List(ctx, &all, "position", platform.By{Column: "deployment_id", Value: deploymentID})
}

// SaveOperation implements deploy.Store.
func (s *Store) SaveOperation(ctx context.Context, o *deploy.Operation) error { return s.Save(ctx, o) }

// ReplaceOperations implements deploy.Store.
func (s *Store) ReplaceOperations(ctx context.Context, deploymentID string, operations []*deploy.Operation) error {
	return s.Transaction(ctx, func(inside platform.Store) error {
		tx := inside.(*Store) //nolint:forcetypeassert // Transaction gives ours
		_, err := tx.with.NewDelete().Model((*deploy.Operation)(nil)).Where("deployment_id = ?", deploymentID).Exec(ctx)
		if err != nil || len(operations) == 0 {
			return wrap("replace", operations, err)
		}
		return tx.Insert(ctx, &operations)
	})
}

func wrap(what string, record any, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("store: %s %T: %w", what, record, err)
}
