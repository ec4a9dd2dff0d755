package statement

import (
	"strings"

	"vitess.io/vitess/go/vt/sqlparser"
)

// mysqlParser reads MySQL of a version above every real one, because comments
// are resolved before it sees the text.
var mysqlParser = func() *sqlparser.Parser {
	p, err := sqlparser.New(sqlparser.Options{MySQLServerVersion: "9.7.0"})
	if err != nil {
		panic(err) // a constant that does not parse
	}
	return p
}()

func analyzeMySQL(text string) *Plan {
	plan := &Plan{Backslash: strings.IndexByte(text, '\\') >= 0}
	list := readings(text)
	for _, piece := range list[0].pieces {
		plan.Statements = append(plan.Statements, mysqlStatement(plan, piece))
	}
	if list[0].broken != "" {
		plan.Statements = append(plan.Statements, Statement{Kind: Unknown, Verb: Other, Opaque: list[0].broken})
	}
	var scratch Plan
	for _, other := range list[1:] {
		for _, piece := range other.pieces {
			plan.Alternatives = append(plan.Alternatives, mysqlStatement(&scratch, piece))
		}
		if other.broken != "" {
			plan.Alternatives = append(plan.Alternatives, Statement{Kind: Unknown, Verb: Other, Opaque: other.broken})
		}
	}
	// Alternatives may run on some server: their session effects count too.
	plan.Pins |= scratch.Pins
	plan.SetsMode = plan.SetsMode || scratch.SetsMode
	if plan.Multi() {
		plan.UseDatabase, plan.KillID = "", 0
		markModeChange(plan)
	}
	return plan.finish()
}

// markModeChange: when an earlier statement of the same text may change the
// lexical mode, a backslash in a later one has no certain meaning.
func markModeChange(plan *Plan) {
	if !plan.Backslash {
		return
	}
	for i := range plan.Statements[:len(plan.Statements)-1] {
		switch plan.Statements[i].Kind {
		case Read, Write, DDL, Transaction:
			continue
		}
		plan.Statements[len(plan.Statements)-1].Opaque = "a backslash after a statement that may change how quotes are read"
		return
	}
}

func mysqlStatement(plan *Plan, piece string) Statement {
	words := firstWords(piece, 3)
	keyword := word(words, 0)
	s := Statement{Kind: Unknown, Verb: Other, Keyword: keyword}
	var tree sqlparser.Statement
	parsed := false
	if parsable(piece) {
		var err error
		tree, err = mysqlParser.ParseStrictDDL(piece)
		parsed = err == nil && tree != nil
	}
	if classifyByWords(plan, &s, words, parsed) {
		if parsed {
			collectTables(&s, tree, true)
		}
		return s
	}
	if !parsed {
		classifyUnparsed(plan, &s, words, piece)
		return s
	}
	classifyTree(plan, &s, tree)
	collectTables(&s, tree, s.Kind == Write)
	collectEffects(plan, &s, tree)
	return s
}

func word(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return ""
}

// classifyByWords settles what the first words settle, whatever the parser
// thinks: every DDL statement of MySQL begins with one of these.
func classifyByWords(plan *Plan, s *Statement, words []string, parsed bool) bool {
	first, second := word(words, 0), word(words, 1)
	switch first {
	case "create", "drop", "alter", "rename":
		if second == "temporary" && word(words, 2) == "table" || second == "temporary" && word(words, 2) == "tables" {
			s.Kind, s.Verb = Write, VerbDDL
			plan.Pins |= PinTempTable
			return true
		}
		if second == "user" || second == "role" {
			s.Kind, s.Verb, s.Global = Utility, VerbDDL, true
			return true
		}
		s.Kind, s.Verb = DDL, VerbDDL
		return true
	case "truncate", "optimize", "repair", "import", "install", "uninstall":
		s.Kind, s.Verb = DDL, VerbDDL
		return true
	case "call":
		// A procedure may run DDL, and may leave anything in the session.
		s.Kind, s.Verb, s.Opaque = Utility, Call, "a stored procedure may run DDL"
		plan.Pins |= PinOpaque
		plan.SetsMode = true
		return true
	case "execute":
		if second == "immediate" {
			s.Kind, s.Verb, s.Opaque = Utility, Execute, "EXECUTE IMMEDIATE may run DDL"
			plan.Pins |= PinOpaque
			return true
		}
		s.Kind, s.Verb = Utility, Execute
		plan.Pins |= PinPrepared
		return true
	}
	return false
}

// classifyUnparsed knows the statements that the parser does not.
func classifyUnparsed(plan *Plan, s *Statement, words []string, piece string) {
	switch word(words, 0) {
	case "prepare":
		s.Kind, s.Verb, s.Opaque = Utility, Prepare, "PREPARE of a text that is not known"
		plan.Pins |= PinPrepared
	case "deallocate":
		s.Kind, s.Verb = Utility, Prepare
	case "xa":
		s.Kind, s.Verb = Transaction, Other
		plan.Pins |= PinTwoPhase
	case "handler":
		s.Kind, s.Verb = Utility, Other
		plan.Pins |= PinOpaque
	case "lock":
		s.Kind, s.Verb = Utility, Lock
		plan.Pins |= PinTableLock
	case "unlock":
		s.Kind, s.Verb = Utility, Lock
		plan.Unpins |= PinTableLock
	case "show", "desc", "describe", "help":
		s.Kind, s.Verb = Utility, Show
	case "set":
		s.Kind, s.Verb = Session, Set
		s.Global = mentionsGlobal(piece)
		plan.Pins |= PinSetting
		plan.SetsMode = true
	case "load":
		s.Kind, s.Verb = Write, Load
	case "grant", "revoke", "flush", "analyze", "check", "checksum", "cache", "reset", "purge", "change", "start", "stop", "clone", "shutdown", "restart", "binlog":
		if word(words, 0) == "start" && word(words, 1) == "transaction" {
			s.Kind, s.Verb = Transaction, Begin
			return
		}
		s.Kind, s.Verb, s.Global = Utility, Other, true
	case "insert", "replace":
		// A bulk load too long to parse. With a query inside it could read
		// tables that are not known here.
		plan.Pins |= pinsOfBulk(piece)
		if len(piece) > maxParsed && !strings.Contains(strings.ToLower(piece), "select") {
			s.Kind, s.Verb = Write, Insert
		}
	case "do":
		s.Kind, s.Verb = Read, Other
		plan.Pins |= pinsOfText(piece)
	case "begin", "commit", "rollback", "savepoint", "release":
		s.Kind, s.Verb = Transaction, Other
	default:
		plan.Pins |= pinsOfText(piece)
	}
}

func mentionsGlobal(piece string) bool {
	lower := strings.ToLower(piece)
	return strings.Contains(lower, "global") || strings.Contains(lower, "persist")
}

// pinsOfBulk: data may hold any character, so only a text of a size that
// nobody loads in bulk is searched for user variables.
func pinsOfBulk(piece string) Pin {
	if len(piece) > maxParsed {
		return 0
	}
	return pinsOfText(piece)
}

// pinsOfText is the coarse net under texts that the parser does not know.
func pinsOfText(piece string) Pin {
	lower := strings.ToLower(piece)
	var pins Pin
	if strings.Contains(lower, "get_lock") {
		pins |= PinAdvisoryLock
	}
	if strings.Contains(lower, "@") {
		pins |= PinUserVariable
	}
	return pins
}

func classifyTree(plan *Plan, s *Statement, tree sqlparser.Statement) {
	switch n := tree.(type) {
	case *sqlparser.Select:
		s.Kind, s.Verb, s.Locking = Read, Select, n.Lock != sqlparser.NoLock
	case *sqlparser.Union:
		s.Kind, s.Verb, s.Locking = Read, Select, n.Lock != sqlparser.NoLock
	case *sqlparser.ValuesStatement:
		s.Kind, s.Verb = Read, Select
	case *sqlparser.Insert:
		s.Kind, s.Verb = Write, Insert
	case *sqlparser.Update:
		s.Kind, s.Verb = Write, Update
	case *sqlparser.Delete:
		s.Kind, s.Verb = Write, Delete
	case *sqlparser.Load:
		s.Kind, s.Verb = Write, Load
	case *sqlparser.Set:
		s.Kind, s.Verb = Session, Set
		classifySet(plan, s, n)
	case *sqlparser.Use:
		s.Kind, s.Verb = Session, Use
		plan.UseDatabase = n.DBName.String()
		s.Tables = append(s.Tables, Table{Schema: plan.UseDatabase})
	case *sqlparser.Show:
		s.Kind, s.Verb = Utility, Show
		classifyShow(plan, n)
	case *sqlparser.ExplainStmt:
		s.Kind, s.Verb = Utility, Explain
		if n.Type == sqlparser.AnalyzeType {
			classifyTree(plan, s, n.Statement)
		}
	case *sqlparser.ExplainTab:
		s.Kind, s.Verb = Utility, Explain
	case *sqlparser.Begin:
		s.Kind, s.Verb = Transaction, Begin
		plan.Unpins |= PinTableLock
	case *sqlparser.Commit:
		s.Kind, s.Verb = Transaction, Commit
	case *sqlparser.Rollback:
		s.Kind, s.Verb = Transaction, Rollback
	case *sqlparser.Savepoint, *sqlparser.SRollback, *sqlparser.Release:
		s.Kind, s.Verb = Transaction, Save
	case *sqlparser.LockTables:
		s.Kind, s.Verb = Utility, Lock
		plan.Pins |= PinTableLock
	case *sqlparser.UnlockTables:
		s.Kind, s.Verb = Utility, Lock
		plan.Unpins |= PinTableLock
	case *sqlparser.PrepareStmt:
		s.Kind, s.Verb = Utility, Prepare
		plan.Pins |= PinPrepared
		classifyPrepared(plan, s, n)
	case *sqlparser.DeallocateStmt:
		s.Kind, s.Verb = Utility, Prepare
	case *sqlparser.Kill:
		s.Kind, s.Verb = Utility, Kill
		plan.KillID, plan.KillQuery = n.ProcesslistID, n.Type == sqlparser.QueryType
	case *sqlparser.Flush, *sqlparser.Analyze, *sqlparser.PurgeBinaryLogs:
		s.Kind, s.Verb, s.Global = Utility, Other, true
		plan.Pins |= PinTableLock // FLUSH TABLES … WITH READ LOCK
	case *sqlparser.OtherAdmin:
		s.Kind, s.Verb, s.Global = Utility, Other, true
	case *sqlparser.CommentOnly:
		s.Kind, s.Verb = Utility, Other
	case sqlparser.DDLStatement, sqlparser.DBDDLStatement:
		s.Kind, s.Verb = DDL, VerbDDL
	}
}

func classifyShow(plan *Plan, n *sqlparser.Show) {
	basic, ok := n.Internal.(*sqlparser.ShowBasic)
	if ok && basic.Command == sqlparser.Warnings {
		plan.NeedsPrevious = true
	}
}

// classifyPrepared judges the text inside PREPARE … FROM '…'.
func classifyPrepared(plan *Plan, s *Statement, n *sqlparser.PrepareStmt) {
	literal, ok := n.Statement.(*sqlparser.Literal)
	if !ok {
		s.Opaque = "PREPARE from a variable may carry DDL"
		return
	}
	inner := analyzeMySQL(literal.Val)
	if inner.HasDDL {
		s.Kind, s.Verb = DDL, VerbDDL
	}
	if inner.HasOpaque || inner.Backslash {
		s.Opaque = "PREPARE of a text that cannot be judged"
	}
	for _, in := range inner.Statements {
		s.Tables = append(s.Tables, in.Tables...)
		s.Locking = s.Locking || in.Locking
		s.Global = s.Global || in.Global
		if s.Kind == Utility && in.Kind != DDL {
			s.Kind, s.Verb = in.Kind, in.Verb
		}
	}
	plan.Pins |= inner.Pins
}

// unreplayable settings are one-shot, or mean something else when set again.
var unreplayable = map[string]bool{
	"timestamp": true, "insert_id": true, "last_insert_id": true, "identity": true,
	"rand_seed1": true, "rand_seed2": true, "pseudo_thread_id": true, "pseudo_replica_mode": true,
	"pseudo_slave_mode": true, "gtid_next": true, "sql_log_bin": true, "debug_sync": true,
	"session_track_system_variables": true, "session_track_schema": true,
	"session_track_state_change": true, "session_track_transaction_info": true,
	"session_track_gtids": true, "resultset_metadata": true,
}

func classifySet(plan *Plan, s *Statement, n *sqlparser.Set) {
	for _, e := range n.Exprs {
		name := e.Var.Name.Lowered()
		switch e.Var.Scope {
		case sqlparser.GlobalScope, sqlparser.PersistSysScope, sqlparser.PersistOnlySysScope:
			s.Global = true
		case sqlparser.VariableScope:
			plan.Pins |= PinUserVariable
		case sqlparser.NextTxScope:
			plan.Pins |= PinNextTxn
		default:
			if unreplayable[name] {
				plan.Pins |= PinSetting
			}
			if strings.HasPrefix(name, "tx_") || strings.HasPrefix(name, "transaction_") {
				// @@transaction_isolation without SESSION is one-shot too; the
				// parser folds both into one scope, so the pin lasts a transaction.
				plan.Pins |= PinNextTxn
			}
		}
		if name == "sql_mode" || name == "names" || name == "charset" || strings.HasPrefix(name, "character_set") {
			plan.SetsMode = true
		}
	}
}

func collectTables(s *Statement, tree sqlparser.Statement, write bool) {
	targets := writeTargets(tree)
	ctes := map[string]bool{}
	_ = sqlparser.Walk(func(node sqlparser.SQLNode) (bool, error) {
		if cte, ok := node.(*sqlparser.CommonTableExpr); ok {
			ctes[cte.ID.String()] = true
		}
		return true, nil
	}, tree)
	_ = sqlparser.Walk(func(node sqlparser.SQLNode) (bool, error) {
		var name sqlparser.TableName
		switch n := node.(type) {
		case *sqlparser.AliasedTableExpr:
			t, ok := n.Expr.(sqlparser.TableName)
			if !ok {
				return true, nil
			}
			name = t
			alias := n.As.String()
			s.addTable(name, ctes, write && (targets[alias] || targets[name.Name.String()] || targets["*"]))
			return true, nil
		case sqlparser.DDLStatement:
			for _, t := range n.AffectedTables() {
				s.addTable(t, nil, true)
			}
			if t := n.GetTable(); !t.IsEmpty() {
				s.addTable(t, nil, true)
			}
		case *sqlparser.Load:
			return true, nil
		}
		return true, nil
	}, tree)
}

func (s *Statement) addTable(t sqlparser.TableName, ctes map[string]bool, write bool) {
	schema, name := t.Qualifier.String(), t.Name.String()
	if name == "" || schema == "" && (ctes[name] || strings.EqualFold(name, "dual")) {
		return
	}
	for i := range s.Tables {
		if s.Tables[i].Schema == schema && s.Tables[i].Name == name {
			s.Tables[i].Write = s.Tables[i].Write || write
			return
		}
	}
	s.Tables = append(s.Tables, Table{Schema: schema, Name: name, Write: write})
}

// writeTargets returns the names or aliases that the statement writes to; "*"
// stands for every table.
func writeTargets(tree sqlparser.Statement) map[string]bool {
	targets := map[string]bool{}
	switch n := tree.(type) {
	case *sqlparser.Insert:
		if t, ok := n.Table.Expr.(sqlparser.TableName); ok {
			targets[t.Name.String()] = true
		}
	case *sqlparser.Update:
		if len(n.TableExprs) == 1 {
			if a, ok := n.TableExprs[0].(*sqlparser.AliasedTableExpr); ok {
				markTarget(targets, a)
				return targets
			}
		}
		// Which table of a join is written depends on the columns' owners.
		for _, e := range n.Exprs {
			if q := e.Name.Qualifier.Name.String(); q != "" {
				targets[q] = true
				continue
			}
			targets["*"] = true
		}
	case *sqlparser.Delete:
		for _, t := range n.Targets {
			targets[t.Name.String()] = true
		}
		if len(n.Targets) == 0 {
			for _, e := range n.TableExprs {
				if a, ok := e.(*sqlparser.AliasedTableExpr); ok {
					markTarget(targets, a)
				}
			}
		}
	default:
		targets["*"] = true
	}
	return targets
}

func markTarget(targets map[string]bool, a *sqlparser.AliasedTableExpr) {
	if t, ok := a.Expr.(sqlparser.TableName); ok {
		targets[t.Name.String()] = true
		if !a.As.IsEmpty() {
			targets[a.As.String()] = true
		}
	}
}

func collectEffects(plan *Plan, s *Statement, tree sqlparser.Statement) {
	_ = sqlparser.Walk(func(node sqlparser.SQLNode) (bool, error) {
		switch n := node.(type) {
		case *sqlparser.AssignmentExpr:
			plan.Pins |= PinUserVariable
		case *sqlparser.SelectInto:
			if n.Type == sqlparser.IntoVariables {
				plan.Pins |= PinUserVariable
				return true, nil
			}
			s.Global = true // writes a file on the server
		case *sqlparser.Variable:
			variableEffects(plan, n)
		case *sqlparser.Select:
			s.Locking = s.Locking || n.Lock != sqlparser.NoLock
			plan.CalcFoundRows = plan.CalcFoundRows || n.SQLCalcFoundRows
		case *sqlparser.LockingFunc:
			plan.Pins |= PinAdvisoryLock
		case *sqlparser.FuncExpr:
			functionEffects(plan, n)
		}
		return true, nil
	}, tree)
}

func variableEffects(plan *Plan, n *sqlparser.Variable) {
	if n.Scope == sqlparser.VariableScope {
		// A read of a user variable is NULL on any connection where it was not
		// set; the session that set it is pinned already.
		return
	}
	switch n.Name.Lowered() {
	case "identity", "last_insert_id", "warning_count", "error_count":
		plan.NeedsPrevious = true
	}
}

func functionEffects(plan *Plan, n *sqlparser.FuncExpr) {
	switch n.Name.Lowered() {
	case "last_insert_id", "found_rows", "row_count":
		if len(n.Exprs) == 0 {
			plan.NeedsPrevious = true
		}
	case "get_lock":
		plan.Pins |= PinAdvisoryLock
	}
}
