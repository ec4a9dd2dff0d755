package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// catalog is what the server knows of relations beyond pg_dump's text.
type catalog struct {
	relations map[string]*relation // by qualified, quoted name
	// readers are views by what they read: a relation, or one of its columns.
	readers map[string][]string
	version int
}

type relation struct {
	kind      string // pg_class.relkind
	partition bool
	columns   []column
}

type column struct {
	name      string // quoted
	typ       string
	collation string
	def       string
	generated string
	notNull   bool
	identity  bool
	inherited bool
	volatile  bool // the default calls something volatile
}

func (r *relation) column(name string) *column {
	if r == nil {
		return nil
	}
	for i := range r.columns {
		if r.columns[i].name == name {
			return &r.columns[i]
		}
	}
	return nil
}

const columnsQuery = `
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text, c.relispartition,
	quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
	CASE WHEN a.attcollation <> t.typcollation THEN quote_ident(cn.nspname) || '.' || quote_ident(co.collname) ELSE '' END,
	CASE WHEN a.attgenerated = '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END,
	CASE WHEN a.attgenerated <> '' THEN coalesce(pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END,
	a.attnotnull, a.attidentity <> '', a.attinhcount > 0,
	coalesce((SELECT bool_or(p.provolatile = 'v') FROM pg_proc p WHERE p.oid IN (
		SELECT m[1]::oid FROM regexp_matches(d.adbin::text, ':(?:funcid|opfuncid) (\d+)', 'g') AS m)), false)
		OR coalesce(d.adbin::text LIKE '%{NEXTVALUEEXPR%', false)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
ORDER BY c.oid, a.attnum`

const readersQuery = `
SELECT DISTINCT quote_ident(vn.nspname) || '.' || quote_ident(v.relname),
	quote_ident(n.nspname) || '.' || quote_ident(c.relname), coalesce(quote_ident(a.attname), '')
FROM pg_depend d
JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
JOIN pg_class v ON v.oid = r.ev_class AND v.relkind IN ('v', 'm')
JOIN pg_namespace vn ON vn.oid = v.relnamespace
JOIN pg_class c ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
WHERE v.oid <> c.oid AND vn.nspname NOT LIKE 'pg\_%' AND vn.nspname <> 'information_schema'`

func readCatalog(ctx context.Context, conn *pgx.Conn) (catalog, error) {
	found := catalog{relations: map[string]*relation{}, readers: map[string][]string{}}
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int / 10000").Scan(&found.version); err != nil {
		return catalog{}, fmt.Errorf("read the server's version: %w", err)
	}
	rows, err := conn.Query(ctx, columnsQuery)
	if err != nil {
		return catalog{}, fmt.Errorf("read columns: %w", err)
	}
	var name, kind string
	var partition bool
	var c column
	_, err = pgx.ForEachRow(rows, []any{&name, &kind, &partition, &c.name, &c.typ, &c.collation, &c.def, &c.generated, &c.notNull, &c.identity, &c.inherited, &c.volatile}, func() error {
		if found.relations[name] == nil {
			found.relations[name] = &relation{kind: kind, partition: partition}
		}
		found.relations[name].columns = append(found.relations[name].columns, c)
		return nil
	})
	if err != nil {
		return catalog{}, fmt.Errorf("read columns: %w", err)
	}
	rows, err = conn.Query(ctx, readersQuery)
	if err != nil {
		return catalog{}, fmt.Errorf("read view dependencies: %w", err)
	}
	var view, read, columnName string
	_, err = pgx.ForEachRow(rows, []any{&view, &read, &columnName}, func() error {
		found.readers[read] = append(found.readers[read], view)
		if columnName != "" {
			found.readers[read+"."+columnName] = append(found.readers[read+"."+columnName], view)
		}
		return nil
	})
	if err != nil {
		return catalog{}, fmt.Errorf("read view dependencies: %w", err)
	}
	return found, nil
}

// allReaders lists the views that read a relation or column, and the views
// that read those.
func (c catalog) allReaders(what string) []string {
	var list []string
	seen := map[string]bool{}
	var visit func(string)
	visit = func(what string) {
		for _, view := range c.readers[what] {
			if seen[view] {
				continue
			}
			seen[view] = true
			list = append(list, view)
			visit(view)
		}
	}
	visit(what)
	return list
}
