// Package mysql loads, compares and lints MySQL schemas.
//
// Invariants:
//   - An Object's SQL is the server's own SHOW CREATE text, minus what differs
//     between servers that hold the same schema: AUTO_INCREMENT counters, view
//     definers, the order in which indexes were added, charset clauses that
//     repeat the table's. So equal schemas have equal text.
//   - Names that start with _orrery_ are Orrery's own and never in a snapshot.
//   - Every statement of a plan leaves a valid schema behind; Plan.Desired is,
//     word for word, what Load returns once all of them have run.
package mysql

import (
	"fmt"
	"log/slog"

	"vitess.io/vitess/go/vt/log"
	"vitess.io/vitess/go/vt/schemadiff"
	"vitess.io/vitess/go/vt/vtenv"

	"github.com/orrerydb/orrery/internal/schema"
)

// hidden starts the names of Orrery's own tables.
const hidden = "_orrery_"

// Differ is schema.Differ for MySQL 8.0 and newer. It keeps no state and may be
// used from many goroutines.
type Differ struct {
	env *schemadiff.Environment
}

var _ schema.Differ = (*Differ)(nil)

// New returns a Differ.
func New() *Differ {
	// schemadiff tells at length why a change is not INSTANT, for each column,
	// on a logger of its own that knows nothing of ours.
	log.SwapLogger(slog.New(slog.DiscardHandler))
	env, err := vtenv.New(vtenv.Options{MySQLServerVersion: "8.4.0"})
	if err != nil {
		panic(fmt.Sprintf("mysql schema: parser for a constant version: %v", err))
	}
	return &Differ{env: schemadiff.NewEnv(env, env.CollationEnv().DefaultConnectionCharset())}
}
