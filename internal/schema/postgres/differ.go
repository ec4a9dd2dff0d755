// Package postgres loads, compares and lints PostgreSQL schemas.
//
// Invariants:
//   - An Object's SQL is pg_dump's text, statement by statement in a canonical
//     order: what belongs to a table (constraints, indexes, owned sequences,
//     triggers, policies, privileges, comments …) is in that table's object.
//     Names are schema-qualified throughout, so the text means the same under
//     any search_path.
//   - The schema _orrery and what is in it is Orrery's own and never in a
//     snapshot.
//   - No plan leaves this package that has not been run, on a scratch copy of
//     the target's schema, and been seen to end in the schema asked for. Its
//     order is the order in which the server accepted the statements.
//   - Scratch databases are dropped on every way out.
//
// Plans come from pg_dump's text and the catalog alone. A library of typed
// changes would know only part of the objects (no domains, views, functions,
// triggers, policies, privileges, partitions), and two sources that have to
// agree are worse than one that is complete.
package postgres

import "github.com/orrerydb/orrery/internal/schema"

// hidden is the schema of Orrery's own objects.
const hidden = "_orrery"

// Differ is schema.Differ for PostgreSQL 15 and newer. It keeps no state and
// may be used from many goroutines.
type Differ struct{}

var _ schema.Differ = (*Differ)(nil)

// New returns a Differ.
func New() *Differ { return &Differ{} }
