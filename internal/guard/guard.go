// Package guard decides whether a session may run a planned statement: role
// rights, the keyspace that a credential is bound to, safe migrations.
//
// Invariants:
//   - What cannot be judged is refused where a rule depends on the judgement
//     (a protected branch, a limited role), and passed on where none does.
//   - Every reading of a text must be allowed, not only the likely one.
//   - An allowed statement costs no allocation.
package guard

import (
	"slices"
	"strings"

	"github.com/orrerydb/orrery/internal/statement"
)

// Role is what a credential may do.
type Role uint8

const (
	Admin Role = iota
	Reader
	Writer
	ReadWriter
)

// Scope is the session as far as the guard needs it.
type Scope struct {
	Dialect statement.Dialect
	User    string
	Role    Role
	// Keyspace is the only keyspace that the credential may name; empty: any.
	Keyspace string
	// Protected: the branch has safe migrations enabled right now.
	Protected bool
	// ReadOnly: the session reads from a replica.
	ReadOnly bool
	// AmbiguousText: the session's mode or character set changes how quotes and
	// backslashes are read, so the plan holds only for text without them.
	AmbiguousText bool
}

// Error is a refusal, in both protocols' words.
type Error struct {
	Errno    uint16 // MySQL
	SQLState string // MySQL's or PostgreSQL's, by the scope's dialect
	Message  string
	Detail   string // PostgreSQL only
	Hint     string // PostgreSQL only
}

func (e *Error) Error() string { return e.Message }

const openDeployRequest = "Make the change on a development branch and open a deploy request to bring it here."

// Judge returns nil when the scope may run the plan.
func Judge(s *Scope, p *statement.Plan) *Error {
	if s.Protected {
		if err := safeMigrations(s, p); err != nil {
			return err
		}
	}
	if s.Role == Admin && s.Keyspace == "" && !s.ReadOnly {
		return nil
	}
	for i := range p.Statements {
		if err := rights(s, p, &p.Statements[i]); err != nil {
			return err
		}
	}
	for i := range p.Alternatives {
		if err := rights(s, p, &p.Alternatives[i]); err != nil {
			return err
		}
	}
	return nil
}

func safeMigrations(s *Scope, p *statement.Plan) *Error {
	if p.HasDDL {
		return directDDL(s, "This branch has safe migrations enabled.")
	}
	if s.AmbiguousText && p.Backslash {
		return directDDL(s, "A backslash in this session's sql_mode, string mode or character set can be read in more than one way, so the statement could carry DDL.")
	}
	if p.HasOpaque {
		return directDDL(s, "The statement may carry DDL: "+reason(p)+".")
	}
	if s.Dialect != statement.MySQL {
		return nil
	}
	for i := range p.Statements {
		st := &p.Statements[i]
		if st.Global && st.Kind == statement.Session {
			return &Error{Errno: 1227, SQLState: "42000", Message: "Access denied; server-wide settings cannot be changed on a branch with safe migrations enabled"}
		}
	}
	return nil
}

func reason(p *statement.Plan) string {
	for _, list := range [][]statement.Statement{p.Statements, p.Alternatives} {
		for i := range list {
			if list[i].Opaque != "" {
				return list[i].Opaque
			}
		}
	}
	return "it cannot be parsed"
}

// directDDL carries PlanetScale's text; MySQL has no room for a detail.
func directDDL(s *Scope, detail string) *Error {
	if s.Dialect == statement.MySQL {
		return &Error{Errno: 1105, SQLState: "HY000", Message: "direct DDL is disabled"}
	}
	return &Error{SQLState: "42501", Message: "direct DDL is disabled", Detail: detail, Hint: openDeployRequest}
}

func rights(s *Scope, p *statement.Plan, st *statement.Statement) *Error {
	if s.ReadOnly {
		if err := readOnly(s, st); err != nil {
			return err
		}
	}
	if s.Keyspace != "" {
		if err := bound(s, st); err != nil {
			return err
		}
	}
	if s.Role == Admin {
		return nil
	}
	if s.AmbiguousText && p.Backslash || st.Opaque != "" || st.Kind == statement.Unknown {
		return denied(s, st.Verb, "")
	}
	return role(s, st)
}

func readOnly(s *Scope, st *statement.Statement) *Error {
	if st.Kind != statement.Write && st.Kind != statement.DDL {
		return nil
	}
	if s.Dialect == statement.Postgres {
		return &Error{
			SQLState: "25006",
			Message:  "cannot execute " + strings.ToUpper(string(st.Verb)) + " in a read-only transaction",
			Hint:     "This session reads from a replica; connect without |replica to write.",
		}
	}
	return &Error{Errno: 1290, SQLState: "HY000", Message: "The MySQL server is running with the --read-only option so it cannot execute this statement (the session reads from @replica)"}
}

var systemSchemas = []string{"information_schema", "performance_schema", "mysql", "sys"}

// bound keeps a credential inside its keyspace.
func bound(s *Scope, st *statement.Statement) *Error {
	for i := range st.Tables {
		schema := st.Tables[i].Schema
		if schema == "" || strings.EqualFold(schema, s.Keyspace) || isSystem(schema) {
			continue
		}
		return &Error{Errno: 1044, SQLState: "42000", Message: "Access denied for user '" + s.User + "' to database '" + schema + "': the password is bound to keyspace '" + s.Keyspace + "'"}
	}
	return nil
}

func isSystem(schema string) bool {
	return slices.ContainsFunc(systemSchemas, func(x string) bool { return strings.EqualFold(x, schema) })
}

func role(s *Scope, st *statement.Statement) *Error {
	if st.Global {
		return denied(s, st.Verb, tableOf(st))
	}
	switch st.Kind {
	case statement.DDL:
		return denied(s, statement.VerbDDL, tableOf(st))
	case statement.Write:
		if s.Role == Reader {
			return denied(s, st.Verb, tableOf(st))
		}
	case statement.Utility:
		if st.Verb == statement.Lock && s.Role != ReadWriter && st.Keyword != "unlock" {
			return denied(s, st.Verb, tableOf(st))
		}
		// EXPLAIN and SHOW name tables without reading rows.
		return nil
	}
	if st.Locking && s.Role == Reader {
		return denied(s, "SelectLock", tableOf(st))
	}
	if s.Role != Writer {
		return nil
	}
	for i := range st.Tables {
		if !st.Tables[i].Write && st.Tables[i].Name != "" && !isSystem(st.Tables[i].Schema) {
			return denied(s, statement.Select, st.Tables[i].Name)
		}
	}
	return nil
}

func tableOf(st *statement.Statement) string {
	for i := range st.Tables {
		if st.Tables[i].Write {
			return st.Tables[i].Name
		}
	}
	if len(st.Tables) > 0 {
		return st.Tables[0].Name
	}
	return ""
}

// denied carries vttablet's text and the code that vtgate gives it;
// PostgreSQL's clients know 42501.
func denied(s *Scope, verb statement.Verb, table string) *Error {
	target := ""
	if table != "" {
		target = " for table '" + table + "'"
	}
	state := "28000"
	if s.Dialect == statement.Postgres {
		state = "42501"
	}
	return &Error{
		Errno: 1045, SQLState: state,
		Message: string(verb) + " command denied to user '" + s.User + "'" + target + " (ACL check error) (CallerID: " + s.User + ")",
	}
}
