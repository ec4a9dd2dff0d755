package gateway

import (
	"slices"
	"strings"

	"github.com/orrerydb/orrery/internal/gateway/mysqlwire"
	"github.com/orrerydb/orrery/internal/statement"
)

// effective is the database that the statement in work runs in.
func (s *mysqlSession) effective() string {
	if s.database != "" {
		return s.database
	}
	return s.routed
}

// route finds the keyspace of a statement that does not say it, for a session
// that has selected none: the one keyspace that has its tables, as vtgate's
// global routing does. Statements whose tables all have their keyspace, and
// those that make tables, go on as they are.
func (s *mysqlSession) route(plan *statement.Plan) error {
	s.routed = ""
	locate := s.cred.Branch.Locate
	if s.database != "" || locate == nil || s.pins&statement.PinTempTable != 0 {
		return nil
	}
	for i := range plan.Statements {
		st := &plan.Statements[i]
		if st.Kind == statement.DDL && st.Keyword == "create" {
			continue
		}
		for _, table := range st.Tables {
			if table.Schema != "" || table.Name == "" || strings.EqualFold(table.Name, "dual") {
				continue
			}
			if err := s.routeTable(table.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// routeTable words its errors as vtgate does.
func (s *mysqlSession) routeTable(table string) error {
	keyspaces, err := s.cred.Branch.Locate(s.server.lifetime, table)
	switch {
	case err != nil:
		return mysqlwire.Errorf(1105, "HY000", "the keyspace of table '%s' could not be looked up: %v", table, err)
	case len(keyspaces) == 0:
		return mysqlwire.Errorf(1146, "42S02", "VT05004: table '%s' does not exist; no keyspace of the branch has it", table)
	case len(keyspaces) > 1:
		return mysqlwire.Errorf(1105, "HY000", "ambiguous table reference: %s; it is in keyspaces %s: write keyspace.%s", table, strings.Join(keyspaces, ", "), table)
	case s.routed != "" && s.routed != keyspaces[0]:
		return mysqlwire.Errorf(1105, "HY000", "tables of keyspaces '%s' and '%s' in one statement without their keyspaces: write keyspace.%s", s.routed, keyspaces[0], table)
	}
	s.routed = keyspaces[0]
	return nil
}

// reroute brings a held connection, inside a transaction for example, to the
// statement's keyspace.
func (s *mysqlSession) reroute(b *mysqlBackend) error {
	if s.routed == "" || b.database == s.routed {
		return nil
	}
	if err := b.adopt(s.routed, b.state); err != nil {
		return s.lose(&backendError{err})
	}
	return nil
}

// use changes the session's database.
func (s *mysqlSession) use(name string) error {
	database, replica, err := s.resolveDatabase(name)
	if err != nil {
		return err
	}
	if replica != s.replica {
		if s.held != nil {
			return mysqlwire.Errorf(1192, "HY000", "Can't change between @primary and @replica inside a transaction")
		}
		if err := s.setTarget(replica); err != nil {
			return err
		}
	}
	if s.held == nil {
		s.database = database
		s.ok()
		return nil
	}
	b := s.held.Conn
	if err := s.send(b, append([]byte{mysqlwire.ComInitDB}, database...)); err != nil {
		return err
	}
	if err := s.relay(b, false); err != nil {
		return s.lose(err)
	}
	return s.after(&emptyPlan)
}

// resolveDatabase reads a database name: a keyspace, @primary, @replica, or
// keyspace@replica.
func (s *mysqlSession) resolveDatabase(name string) (database string, replica bool, err error) {
	keyspace, tablet, at := strings.Cut(name, "@")
	replica = s.cred.Replica
	if at {
		switch strings.ToLower(tablet) {
		case "primary", "master":
		case "replica", "rdonly":
			replica = true
		default:
			return "", false, unknownDatabase(name, s.cred.Branch)
		}
	}
	if keyspace == "" {
		if s.cred.Keyspace != "" {
			return s.cred.Keyspace, replica, nil
		}
		return defaultKeyspace(s.cred.Branch), replica, nil
	}
	if s.cred.Keyspace != "" && keyspace != s.cred.Keyspace && !isSystemSchema(keyspace) {
		return "", false, mysqlwire.Errorf(1044, "42000", "Access denied for user '%s' to database '%s': the password is bound to keyspace '%s'", s.cred.Username, keyspace, s.cred.Keyspace)
	}
	if isSystemSchema(keyspace) || s.cred.Branch.Keyspaces == nil {
		return keyspace, replica, nil
	}
	if slices.Contains(s.cred.Branch.Keyspaces(), keyspace) {
		return keyspace, replica, nil
	}
	return "", false, unknownDatabase(keyspace, s.cred.Branch)
}

func defaultKeyspace(b *Branch) string {
	if b.Keyspaces == nil {
		return b.DefaultKeyspace
	}
	if all := b.Keyspaces(); len(all) == 1 {
		if b.DefaultKeyspace != "" {
			return b.DefaultKeyspace
		}
		return all[0]
	}
	return ""
}

func isSystemSchema(name string) bool {
	switch strings.ToLower(name) {
	case "information_schema", "performance_schema", "mysql", "sys":
		return true
	}
	return false
}

func unknownDatabase(name string, b *Branch) error {
	known := ""
	if b.Keyspaces != nil {
		known = "; keyspaces of branch '" + b.Name + "': " + strings.Join(b.Keyspaces(), ", ")
	}
	return mysqlwire.Errorf(1049, "42000", "VT05003: Unknown database '%s' in vschema%s", name, known)
}

// setTarget points the session at the primary or the replica.
func (s *mysqlSession) setTarget(replica bool) error {
	target := s.cred
	if replica && !target.Replica {
		c := *s.cred
		c.Replica = true
		target = &c
	}
	ep, err := s.server.endpoint(s.server.lifetime, target)
	if err != nil {
		return err
	}
	s.target, s.user, s.replica = target, ep.User, replica
	s.scope.ReadOnly = replica
	return nil
}
