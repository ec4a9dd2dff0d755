package gateway

import (
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
