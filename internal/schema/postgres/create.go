package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/orrerydb/orrery/internal/schema"
)

// Create makes the databases that are missing and fills each in one go. Roles
// that privileges and policies name are made without login where they are
// missing: who may log in is not a schema's matter.
func (d *Differ) Create(ctx context.Context, server schema.Server, snapshot schema.Snapshot) error {
	for _, keyspace := range snapshot.Keyspaces {
		if err := createDatabase(ctx, server, keyspace); err != nil {
			return fmt.Errorf("create database %s: %w", keyspace.Name, err)
		}
	}
	return nil
}

func createDatabase(ctx context.Context, server schema.Server, keyspace schema.Keyspace) error {
	conn, err := connect(ctx, server, keyspace.Name)
	if sqlState(err) == "3D000" {
		if err := makeDatabase(ctx, server, keyspace.Name); err != nil {
			return err
		}
		conn, err = connect(ctx, server, keyspace.Name)
	}
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := createRoles(ctx, conn, keyspace); err != nil {
		return err
	}
	return fill(ctx, conn, keyspace)
}

func makeDatabase(ctx context.Context, server schema.Server, name string) error {
	conn, err := connect(ctx, server, "postgres")
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return run(ctx, conn, "CREATE DATABASE "+quote(name))
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// sqlState is the server's error code, "" for any other error.
func sqlState(err error) string {
	if failure, ok := errors.AsType[*pgconn.PgError](err); ok {
		return failure.Code
	}
	return ""
}

// fill runs all statements as one. When an object comes before one that it
// needs, they are run one by one, and those that fail wait for the others.
func fill(ctx context.Context, conn *pgx.Conn, keyspace schema.Keyspace) error {
	waiting := creationOrder(keyspace)
	if len(waiting) == 0 {
		return nil
	}
	if run(ctx, conn, strings.Join(waiting, ";\n")) == nil {
		return nil
	}
	for len(waiting) > 0 {
		var failed []string
		var failure error
		for _, statement := range waiting {
			if err := run(ctx, conn, statement); err != nil {
				failed = append(failed, statement)
				failure = fmt.Errorf("%s: %w", firstLine(statement), err)
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(failed) == len(waiting) {
			return failure
		}
		waiting = failed
	}
	return nil
}

func firstLine(statement string) string {
	line, _, _ := strings.Cut(statement, "\n")
	return strings.TrimSuffix(line, " (")
}

// creationOrder takes what can name another table's key, or any function, to
// the end; the rest is in the order of the dump.
func creationOrder(keyspace schema.Keyspace) []string {
	var list []element
	for _, object := range keyspace.Objects {
		list = append(list, elements(object.SQL)...)
	}
	late := func(e element) int { return max(e.rank, rankForeignKey-1) }
	sort.SliceStable(list, func(i, j int) bool { return late(list[i]) < late(list[j]) })
	var statements []string
	for _, element := range list {
		statements = append(statements, element.sql)
	}
	return statements
}

var (
	grantee    = regexp.MustCompile(`(?s)^(?:GRANT|REVOKE) .* (?:TO|FROM) (` + ident + `)`)
	policyRole = regexp.MustCompile(`^CREATE POLICY ` + ident + ` ON ` + qualified + `(?: AS [A-Z]+)?(?: FOR [A-Z]+)? TO (` + ident + `(?:, ` + ident + `)*)`)
)

// createRoles makes the roles that are missing and returns their names.
func createRoles(ctx context.Context, conn *pgx.Conn, keyspaces ...schema.Keyspace) ([]string, error) {
	var made []string
	for _, role := range rolesIn(keyspaces...) {
		err := asLogin(ctx, conn, "CREATE ROLE "+role+" NOLOGIN")
		if code := sqlState(err); code == "42710" || code == "23505" {
			continue
		}
		if err != nil {
			return made, fmt.Errorf("create role %s: %w", role, err)
		}
		made = append(made, role)
	}
	return made, nil
}

// asLogin runs a statement as the role that logged in, which may make roles;
// the one that it acts as may not.
func asLogin(ctx context.Context, conn *pgx.Conn, statement string) error {
	if err := run(ctx, conn, "SET ROLE NONE"); err != nil {
		return err
	}
	err := run(ctx, conn, statement)
	return errors.Join(err, run(ctx, conn, "RESET ROLE"))
}

// rolesIn lists the roles that statements name, quoted as they are there.
func rolesIn(keyspaces ...schema.Keyspace) []string {
	found := map[string]bool{}
	for _, keyspace := range keyspaces {
		for _, object := range keyspace.Objects {
			for _, element := range elements(object.SQL) {
				if match := grantee.FindStringSubmatch(element.sql); match != nil {
					found[match[1]] = true
				}
				if match := policyRole.FindStringSubmatch(element.sql); match != nil {
					for role := range strings.SplitSeq(match[1], ", ") {
						found[role] = true
					}
				}
			}
		}
	}
	var roles []string
	for role := range found {
		if role != "PUBLIC" && !strings.HasPrefix(role, "pg_") {
			roles = append(roles, role)
		}
	}
	slices.Sort(roles)
	return roles
}
