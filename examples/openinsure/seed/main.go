// The seed command fills every table of OpenInsure's five keyspaces with
// plausible data that agrees with itself. It is a client like any other: it
// knows the bindings' URLs and nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"
)

type options struct {
	policies, orgs, connections int
	seed                        uint64
	force                       bool
}

func main() {
	var o options
	flag.IntVar(&o.policies, "policies", 1000, "policies; all else is in proportion")
	flag.IntVar(&o.orgs, "orgs", 0, "organizations (default: 5, and one more for each 5000 policies)")
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

// bindings names the environment variable with each keyspace's URL.
var bindings = map[string]string{
	"oi_global": "HYPERDRIVE_GLOBAL", "oi_policies": "HYPERDRIVE_POLICIES", "oi_submissions": "HYPERDRIVE_SUBMISSIONS",
	"oi_claims": "HYPERDRIVE_CLAIMS", "oi_billing": "HYPERDRIVE_BILLING",
}

func run(ctx context.Context, o options) error {
	if o.orgs == 0 {
		o.orgs = 5 + o.policies/5000
	}
	if o.policies < 1 || o.orgs < 1 || o.connections < 1 {
		return errors.New("--policies, --orgs and --connections must be at least 1")
	}
	if o.policies < o.orgs {
		return fmt.Errorf("%d policies are too few for %d organizations: each needs one", o.policies, o.orgs)
	}
	plan, err := newLayout(o.policies, o.orgs)
	if err != nil {
		return err
	}
	w := &world{layout: plan, seed: mix(o.seed)}
	w.sumLedger()
	loaders, err := connect(ctx, w, o)
	if err != nil {
		return err
	}
	defer closeAll(loaders)
	if !o.force {
		if full, err := firstFull(ctx, loaders); err != nil || full != "" {
			if err == nil {
				fmt.Printf("%s has rows already; nothing was changed. --force empties all tables and fills them anew.\n", full)
			}
			return err
		}
	}
	return fillAll(ctx, loaders, o)
}

func fillAll(ctx context.Context, loaders []*loader, o options) error {
	var lines []string
	started, total := time.Now(), 0
	for _, l := range loaders {
		began := time.Now()
		if o.force {
			if err := l.empty(ctx); err != nil {
				return err
			}
		}
		rows, err := l.fill(ctx)
		if err != nil {
			return err
		}
		total += rows
		seconds := time.Since(began).Seconds()
		lines = append(lines, fmt.Sprintf("%-15s %7d %10d %9.1f", l.keyspace, len(l.tables), rows, seconds))
	}
	fmt.Printf("\n%-15s %7s %10s %9s\n%s\n", "KEYSPACE", "TABLES", "ROWS", "SECONDS", strings.Join(lines, "\n"))
	fmt.Printf("%-15s %7s %10d %9.1f\n", "total", "", total, time.Since(started).Seconds())
	return nil
}
