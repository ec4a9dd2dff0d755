// The seed command fills every table of the commerce application with
// plausible data that agrees with itself. It is a client like any other: it
// knows the binding's URL and nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

const (
	// copyRows go into one COPY: a gateway ends statements that run for long.
	copyRows = 5000
	// deleteRows stays below the most rows a gateway lets one statement change.
	deleteRows = 10000
)

type options struct {
	products, orders, connections int
	seed                          uint64
	force                         bool
}

func main() {
	var o options
	flag.IntVar(&o.products, "products", 500, "products; variants, prices, assets and so on in proportion")
	flag.IntVar(&o.orders, "orders", 2000, "orders; customers, payments, shipments and so on in proportion")
	flag.Uint64Var(&o.seed, "seed", 1, "the same seed makes the same data")
	flag.IntVar(&o.connections, "connections", 4, "parallel connections")
	flag.BoolVar(&o.force, "force", false, "empty the tables first")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "seed:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.products < 1 || o.orders < 1 || o.connections < 1 {
		return errors.New("--products, --orders and --connections must be at least 1")
	}
	address := os.Getenv("COMMERCE")
	if address == "" {
		return errors.New(`COMMERCE is not set; run: eval "$(orrery env)"`)
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("COMMERCE: %w", err)
	}
	config.MaxConns = int32(min(o.connections, 100))
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	s := newShop(o)
	if !o.force {
		if full, err := firstFull(ctx, pool, s); err != nil || full != "" {
			if err == nil {
				fmt.Printf("%s has rows already; nothing was changed. --force empties all tables and fills them anew.\n", full)
			}
			return err
		}
	}
	return fill(ctx, pool, s, o)
}

func fill(ctx context.Context, pool *pgxpool.Pool, s *shop, o options) error {
	began, total := time.Now(), 0
	jobs, ctx := errgroup.WithContext(ctx)
	jobs.SetLimit(o.connections)
	if o.force {
		for _, t := range s.tables {
			if err := empty(ctx, pool, t); err != nil {
				return err
			}
		}
	}
	for _, t := range s.tables {
		total += t.rows
		for from := 0; from < t.rows; from += copyRows {
			jobs.Go(func() error { return copyRange(ctx, pool, t, from, min(t.rows, from+copyRows)) })
		}
	}
	if err := jobs.Wait(); err != nil {
		return err
	}
	fmt.Printf("%-16s %9s\n", "TABLE", "ROWS")
	for _, t := range s.tables {
		fmt.Printf("%-16s %9d\n", t.name, t.rows)
	}
	fmt.Printf("%-16s %9d rows in %.1f s\n", "total", total, time.Since(began).Seconds())
	return nil
}

func firstFull(ctx context.Context, pool *pgxpool.Pool, s *shop) (string, error) {
	for _, t := range s.tables {
		var full bool
		if err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+t.name+")").Scan(&full); err != nil || full {
			return t.name, wrap(err, "look into", t)
		}
	}
	return "", nil
}

func empty(ctx context.Context, pool *pgxpool.Pool, t *table) error {
	for {
		done, err := pool.Exec(ctx, fmt.Sprintf("DELETE FROM %s WHERE uid IN (SELECT uid FROM %s LIMIT %d)", t.name, t.name, deleteRows))
		if err != nil || done.RowsAffected() < deleteRows {
			return wrap(err, "empty", t)
		}
	}
}

func copyRange(ctx context.Context, pool *pgxpool.Pool, t *table, from, to int) error {
	names := make([]string, len(t.columns))
	for c, column := range t.columns {
		names[c] = column.name
	}
	_, err := pool.CopyFrom(ctx, pgx.Identifier{t.name}, names, pgx.CopyFromSlice(to-from, func(i int) ([]any, error) {
		values := make([]any, len(t.columns))
		for c, column := range t.columns {
			values[c] = column.make(from + i)
		}
		return values, nil
	}))
	return wrap(err, "fill", t)
}

func wrap(err error, what string, t *table) error {
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, t.name, err)
	}
	return nil
}
