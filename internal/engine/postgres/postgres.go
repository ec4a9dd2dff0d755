// Package postgres hosts branches on PostgreSQL 15 or newer.
//
// A managed branch is one postgres with the database "postgres", owned by the
// role "postgres", which is no superuser: it cannot read files, run programs
// or change the server's settings, and neither can any credential. Every
// credential is a real role, so the server itself enforces what it may do.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/orrerydb/orrery/internal/engine"
	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/schema"
	schemapostgres "github.com/orrerydb/orrery/internal/schema/postgres"
)

// Owner is the role that owns a branch's database.
const Owner = "postgres"

// superuser makes roles; nobody else connects as it.
const superuser = "orrery"

// deployer logs in for deployments and acts as the owner. Its name is what
// tells a deployment from a client of the owner: session_user, which no
// statement can change.
const deployer = "orrery_deploy"

// Engine implements engine.Engine and engine.RoleKeeper.
type Engine struct {
	engine.Managed
	differ schema.Differ
}

// New returns an engine on a manager's instances.
func New(instances *instance.Manager) *Engine {
	return &Engine{Managed: engine.Managed{Instances: instances, Kind: instance.Postgres}, differ: schemapostgres.New()}
}

// Differ implements engine.Engine.
func (e *Engine) Differ() schema.Differ { return e.differ }

// Create implements engine.Engine.
func (e *Engine) Create(ctx context.Context, b engine.Branch) error {
	if b.Attached != nil {
		return e.administer(ctx, b, func(conn *pgx.Conn) error { return conn.Ping(ctx) })
	}
	if _, err := e.Start(ctx, b); err != nil {
		return err
	}
	return e.administer(ctx, b, func(conn *pgx.Conn) error {
		if err := errors.Join(ensureRole(ctx, conn, engine.Role{Name: Owner}), ensureRole(ctx, conn, engine.Role{Name: deployer})); err != nil {
			return err
		}
		for _, statement := range []string{
			`ALTER ROLE postgres CREATEDB ` + createRole(conn) + ` REPLICATION BYPASSRLS`,
			`ALTER ROLE ` + deployer + ` CREATEROLE`,
			`ALTER DATABASE postgres OWNER TO postgres`,
			`GRANT pg_read_all_data, pg_write_all_data, pg_monitor, pg_signal_backend, pg_checkpoint TO postgres WITH ADMIN OPTION`,
			`GRANT postgres TO ` + deployer,
			`ALTER ROLE ` + deployer + ` SET role TO postgres`,
		} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("role %s: %w", Owner, err)
			}
		}
		return nil
	})
}

// createRole is the owner's right to make roles. Before PostgreSQL 16 it would
// include granting itself any role but a superuser's: programs and files of
// the machine, and our own logins.
func createRole(conn *pgx.Conn) string {
	major, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), ".")
	if version, err := strconv.Atoi(major); err == nil && version >= 16 {
		return "CREATEROLE"
	}
	return "NOCREATEROLE"
}

func ensureRole(ctx context.Context, conn *pgx.Conn, role engine.Role) error {
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role.Name).Scan(&exists); err != nil {
		return fmt.Errorf("role %s: %w", role.Name, err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "CREATE ROLE "+quote(role.Name)+" LOGIN"); err != nil {
		return fmt.Errorf("role %s: %w", role.Name, err)
	}
	return nil
}

func quote(identifier string) string { return pgx.Identifier{identifier}.Sanitize() }

// CreateRole implements engine.RoleKeeper. Making one that exists completes it.
// On an attached server there are no roles of ours: connections are opened as
// the configured user, and the gateway's rules tell credentials apart.
func (e *Engine) CreateRole(ctx context.Context, b engine.Branch, role engine.Role) error {
	if b.Attached != nil {
		return nil
	}
	return e.administer(ctx, b, func(conn *pgx.Conn) error {
		if err := knownRoles(ctx, conn, role.Inherits); err != nil {
			return err
		}
		if err := ensureRole(ctx, conn, role); err != nil {
			return err
		}
		if err := strip(ctx, conn, role.Name); err != nil {
			return err
		}
		name := quote(role.Name)
		// The owner can alter what the role makes, and hand it on.
		statements := []string{"GRANT " + name + " TO " + quote(Owner)}
		if role.Replication {
			statements = append(statements, "ALTER ROLE "+name+" REPLICATION")
		}
		for _, inherited := range role.Inherits {
			if inherited == Owner {
				// It acts as the owner: what it makes belongs to everybody who
				// may change the schema, and a role cannot be its own member.
				statements = []string{
					"GRANT " + quote(Owner) + " TO " + name,
					"ALTER ROLE " + name + " SET role TO " + quote(Owner),
				}
				break
			}
			statements = append(statements, "GRANT "+quote(inherited)+" TO "+name)
		}
		for _, statement := range statements {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("role %s: %w", role.Name, err)
			}
		}
		return nil
	})
}

// knownRoles tells whether the server has the roles; some came with later versions.
func knownRoles(ctx context.Context, conn *pgx.Conn, names []string) error {
	for _, name := range names {
		var exists bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name).Scan(&exists); err != nil {
			return fmt.Errorf("role %s: %w", name, err)
		}
		if !exists {
			return fmt.Errorf("%w: %s", engine.ErrUnknownRole, name)
		}
	}
	return nil
}

// strip takes every right from a role, so that what is granted next is all
// that it has.
func strip(ctx context.Context, conn *pgx.Conn, name string) error {
	rows, err := conn.Query(ctx, `SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles x ON x.oid = m.member WHERE x.rolname = $1`, name)
	if err != nil {
		return fmt.Errorf("memberships of role %s: %w", name, err)
	}
	memberships, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("memberships of role %s: %w", name, err)
	}
	statements := []string{"ALTER ROLE " + quote(name) + " RESET role", "ALTER ROLE " + quote(name) + " NOREPLICATION", "REVOKE " + quote(name) + " FROM " + quote(Owner)}
	for _, membership := range memberships {
		statements = append(statements, "REVOKE "+quote(membership)+" FROM "+quote(name))
	}
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("role %s: %w", name, err)
		}
	}
	return nil
}

// DropRole implements engine.RoleKeeper.
func (e *Engine) DropRole(ctx context.Context, b engine.Branch, name, successor string) error {
	if b.Attached != nil {
		return nil
	}
	return e.administer(ctx, b, func(conn *pgx.Conn) error {
		var exists bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name).Scan(&exists); err != nil || !exists {
			return err
		}
		if _, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", name); err != nil {
			return fmt.Errorf("end the sessions of role %s: %w", name, err)
		}
		if err := reassign(ctx, conn, name, successor); err != nil {
			return err
		}
		for _, statement := range []string{"DROP OWNED BY " + quote(name), "DROP ROLE " + quote(name)} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return fmt.Errorf("drop role %s: %w", name, err)
			}
		}
		return nil
	})
}

// ReassignRole implements engine.RoleKeeper.
func (e *Engine) ReassignRole(ctx context.Context, b engine.Branch, name, successor string) error {
	if b.Attached != nil {
		return nil
	}
	return e.administer(ctx, b, func(conn *pgx.Conn) error { return reassign(ctx, conn, name, successor) })
}

func reassign(ctx context.Context, conn *pgx.Conn, name, successor string) error {
	if successor == "" {
		successor = Owner
	}
	if _, err := conn.Exec(ctx, "REASSIGN OWNED BY "+quote(name)+" TO "+quote(successor)); err != nil {
		return fmt.Errorf("reassign what role %s owns to %s: %w", name, successor, err)
	}
	return nil
}

// CreateKeyspace implements engine.Engine: a PostgreSQL branch has one.
func (e *Engine) CreateKeyspace(context.Context, engine.Branch, string) error {
	return errors.New("a PostgreSQL branch has one keyspace")
}

// DropKeyspace implements engine.Engine.
func (e *Engine) DropKeyspace(context.Context, engine.Branch, string) error {
	return errors.New("a PostgreSQL branch has one keyspace")
}

// Server implements engine.Engine. It acts as the owner, so that whatever a
// deployment makes belongs to the same role as what people make.
func (e *Engine) Server(ctx context.Context, b engine.Branch) (schema.Server, error) {
	programs, err := e.Instances.Programs(ctx, instance.Postgres)
	if err != nil {
		return schema.Server{}, err
	}
	if a := b.Attached; a != nil {
		network, address, port := split(a.Address)
		return schema.Server{Network: network, Address: address, Port: port, User: a.User, Password: a.Password, TLS: a.TLS, Binaries: programs, Keyspaces: b.Keyspaces}, nil
	}
	socket, err := e.Instances.Wake(ctx, b.ID)
	if err != nil {
		return schema.Server{}, err
	}
	return schema.Server{Network: "unix", Address: socket.Folder, Port: socket.Port, User: deployer, Binaries: programs, Keyspaces: b.Keyspaces}, nil
}

// split takes "host:port" apart, or the path of a socket into folder and port.
func split(address string) (network, host string, port int) {
	if strings.HasPrefix(address, "/") {
		text := address[strings.LastIndexByte(address, '.')+1:]
		port, err := strconv.Atoi(text)
		if err != nil {
			return "unix", address, 5432
		}
		return "unix", filepath.Dir(address), port
	}
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return "tcp", net.JoinHostPort(address, "5432"), 5432
	}
	port, err = strconv.Atoi(text)
	if err != nil {
		return "tcp", address, 5432
	}
	return "tcp", address, port
}

// Endpoint implements engine.Engine.
func (e *Engine) Endpoint(ctx context.Context, b engine.Branch, login engine.Login) (engine.Endpoint, error) {
	if a := b.Attached; a != nil {
		network, _, _ := split(a.Address)
		return engine.Endpoint{Network: network, Address: a.Address, User: a.User, Password: a.Password, TLS: a.TLS}, nil
	}
	socket, err := e.Instances.Wake(ctx, b.ID)
	if err != nil {
		return engine.Endpoint{}, err
	}
	return engine.Endpoint{Network: "unix", Address: socket.Path, User: login.Name}, nil
}

// Run implements engine.Engine, as the owner: the script runs as a whole or not
// at all, unless it has transactions of its own.
func (e *Engine) Run(ctx context.Context, b engine.Branch, _, script string) error {
	return e.connect(ctx, b, deployer, func(conn *pgx.Conn) error {
		_, err := conn.PgConn().Exec(ctx, script).ReadAll()
		return err
	})
}

func (e *Engine) administer(ctx context.Context, b engine.Branch, do func(*pgx.Conn) error) error {
	return e.connect(ctx, b, superuser, do)
}

func (e *Engine) connect(ctx context.Context, b engine.Branch, user string, do func(*pgx.Conn) error) error {
	server, err := e.Server(ctx, b)
	if err != nil {
		return err
	}
	settings := map[string]string{}
	if b.Attached == nil {
		server.User = user
	}
	if user == superuser {
		// Nothing that a client of the branch made is found by a bare name.
		settings["search_path"] = "pg_catalog"
	}
	conn, err := schemapostgres.Dial(ctx, server, "postgres", settings)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

// CopyData implements engine.Engine with pg_dump: one consistent snapshot,
// while the source is written to. The dump is loaded in two parts, because
// pg_dump cannot leave out event triggers, and those of safe migrations must
// not come along: what comes after the data has no rows in it, so that they
// can be told from everything else.
func (e *Engine) CopyData(ctx context.Context, from, to engine.Branch) error {
	if from.Attached != nil || to.Attached != nil {
		return fmt.Errorf("copying data: %w", engine.ErrAttached)
	}
	source, err := e.Server(ctx, from)
	if err != nil {
		return err
	}
	target, err := e.Server(ctx, to)
	if err != nil {
		return err
	}
	return e.administer(ctx, from, func(conn *pgx.Conn) error {
		tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return err
		}
		defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // it only holds the snapshot
		var snapshot string
		if err := tx.QueryRow(ctx, "SELECT pg_export_snapshot()").Scan(&snapshot); err != nil {
			return err
		}
		dump := func(sections ...string) *exec.Cmd {
			arguments := append([]string{"--no-owner", "--no-privileges", "--no-sync", "--exclude-schema=_orrery", "--snapshot=" + snapshot,
				"--host=" + source.Address, "--port=" + strconv.Itoa(source.Port), "--username=" + source.User, "--dbname=postgres"}, sections...)
			return exec.CommandContext(ctx, filepath.Join(source.Binaries, "pg_dump"), arguments...)
		}
		load := func() *exec.Cmd {
			return exec.CommandContext(ctx, filepath.Join(source.Binaries, "psql"), "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--single-transaction",
				"--host="+target.Address, "--port="+strconv.Itoa(target.Port), "--username="+deployer, "--dbname=postgres", "--output=/dev/null")
		}
		if err := instance.Pipe(dump("--section=pre-data", "--section=data"), load()); err != nil {
			return err
		}
		after := dump("--section=post-data")
		var problem strings.Builder
		after.Stderr = &problem
		text, err := after.Output()
		if err != nil {
			return fmt.Errorf("pg_dump: %w: %s", err, problem.String())
		}
		last := load()
		last.Stdin = bytes.NewReader(ownTriggers.ReplaceAll(text, nil))
		if out, err := last.CombinedOutput(); err != nil {
			return fmt.Errorf("psql: %w: %s", err, out)
		}
		return nil
	})
}

var ownTriggers = regexp.MustCompile(`(?m)^(CREATE|ALTER) EVENT TRIGGER _orrery_[^;]*;$`)

var _ engine.RoleKeeper = (*Engine)(nil)
