package statement

import (
	"strings"

	"github.com/sqlc-dev/oliphant"
	"github.com/sqlc-dev/oliphant/ast"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// cursorHold is CURSOR_OPT_HOLD of the server's parsenodes.h.
const cursorHold = 0x0020

func analyzePostgres(text string) *Plan {
	plan := &Plan{Backslash: strings.IndexByte(text, '\\') >= 0}
	if !parsable(text) {
		plan.Statements = append(plan.Statements, unparsedPostgres(plan, text))
		return plan.finish()
	}
	tree, err := oliphant.Parse(text)
	if err != nil {
		plan.Statements = append(plan.Statements, unparsedPostgres(plan, text))
		return plan.finish()
	}
	for _, raw := range tree.Stmts {
		if raw.Stmt == nil {
			continue
		}
		plan.Statements = append(plan.Statements, postgresStatement(plan, raw.Stmt))
	}
	return plan.finish()
}

// ddlWords make an unparsable text suspect: the server may know a grammar that
// is newer than ours.
var ddlWords = map[string]bool{
	"create": true, "alter": true, "drop": true, "truncate": true, "rename": true, "do": true,
	"call": true, "comment": true, "reindex": true, "cluster": true, "refresh": true, "import": true,
	"reassign": true, "security": true, "into": true, "execute": true, "prepare": true,
}

func unparsedPostgres(plan *Plan, text string) Statement {
	s := Statement{Kind: Unknown, Verb: Other}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r > 127 || !isWord(byte(r)) })
	if len(words) > 0 {
		s.Keyword = words[0]
	}
	plan.Pins |= PinOpaque
	for _, w := range words {
		if ddlWords[w] {
			s.Opaque = "a text that cannot be parsed may carry DDL"
			break
		}
	}
	// Text that no parser takes cannot have an effect; only what may carry
	// something we do not know is worth a pin.
	if s.Opaque == "" {
		plan.Pins &^= PinOpaque
	}
	return s
}

func postgresStatement(plan *Plan, node *ast.Node) Statement {
	s := Statement{Kind: DDL, Verb: VerbDDL}
	classifyPostgres(plan, &s, node)
	collectPostgres(plan, &s, node)
	return s
}

// classifyPostgres lists what is not DDL. A node that it does not know stays
// DDL: the branch's schema is safe from what we have not thought of.
func classifyPostgres(plan *Plan, s *Statement, node *ast.Node) {
	set := func(k Kind, v Verb) { s.Kind, s.Verb = k, v }
	switch n := node.Node.(type) {
	case *ast.Node_SelectStmt:
		set(Read, Select)
		if into := n.SelectStmt.IntoClause; into != nil {
			intoTable(plan, s, into)
		}
	case *ast.Node_InsertStmt:
		set(Write, Insert)
	case *ast.Node_UpdateStmt:
		set(Write, Update)
	case *ast.Node_DeleteStmt:
		set(Write, Delete)
	case *ast.Node_MergeStmt:
		set(Write, Merge)
	case *ast.Node_CopyStmt:
		set(Read, Copy)
		if n.CopyStmt.IsFrom {
			s.Kind = Write
		}
		s.Global = n.CopyStmt.IsProgram || n.CopyStmt.Filename != ""
	case *ast.Node_TransactionStmt:
		transactionPostgres(plan, s, n.TransactionStmt)
	case *ast.Node_VariableSetStmt:
		set(Session, Set)
		setPostgres(plan, n.VariableSetStmt)
	case *ast.Node_VariableShowStmt:
		set(Utility, Show)
	case *ast.Node_DiscardStmt:
		set(Session, Other)
		discardPostgres(plan, n.DiscardStmt)
	case *ast.Node_DeallocateStmt:
		set(Session, Prepare)
		plan.Deallocate = n.DeallocateStmt.Name
		if n.DeallocateStmt.Isall {
			plan.Deallocate = "*"
		}
	case *ast.Node_PrepareStmt:
		set(Session, Prepare)
		plan.Pins |= PinPrepared
		inner := Statement{Kind: DDL, Verb: VerbDDL}
		classifyPostgres(plan, &inner, n.PrepareStmt.Query)
		s.inherit(inner)
	case *ast.Node_ExecuteStmt:
		set(Session, Execute)
		plan.Pins |= PinPrepared
	case *ast.Node_ExplainStmt:
		set(Utility, Explain)
		inner := Statement{Kind: DDL, Verb: VerbDDL}
		classifyPostgres(plan, &inner, n.ExplainStmt.Query)
		s.inherit(inner)
	case *ast.Node_CreateTableAsStmt:
		if into := n.CreateTableAsStmt.Into; into != nil {
			intoTable(plan, s, into)
		}
	case *ast.Node_CreateStmt:
		temporary(plan, s, n.CreateStmt.Relation)
		if n.CreateStmt.Oncommit == ast.OnCommitAction_ONCOMMIT_DROP && s.Kind == Write {
			plan.Pins &^= PinTempTable
		}
	case *ast.Node_ViewStmt:
		temporary(plan, s, n.ViewStmt.View)
	case *ast.Node_CreateSeqStmt:
		temporary(plan, s, n.CreateSeqStmt.Sequence)
	case *ast.Node_IndexStmt:
		temporary(plan, s, n.IndexStmt.Relation)
	case *ast.Node_AlterTableStmt:
		temporary(plan, s, n.AlterTableStmt.Relation)
	case *ast.Node_DropStmt:
		dropTemporary(plan, s, n.DropStmt)
	case *ast.Node_DoStmt:
		set(Utility, Other)
		s.Opaque = "a DO block may run DDL"
		plan.Pins |= PinOpaque
	case *ast.Node_CallStmt:
		set(Utility, Call)
		s.Opaque = "a procedure may run DDL"
		plan.Pins |= PinOpaque
	case *ast.Node_ListenStmt:
		set(Session, Other)
		plan.Pins |= PinListen
	case *ast.Node_UnlistenStmt:
		set(Session, Other)
		if n.UnlistenStmt.Conditionname == "" {
			plan.Unpins |= PinListen
		}
	case *ast.Node_NotifyStmt:
		set(Write, Other)
	case *ast.Node_DeclareCursorStmt:
		set(Read, Select)
		if n.DeclareCursorStmt.Options&cursorHold != 0 {
			plan.Pins |= PinHoldCursor
		}
	case *ast.Node_FetchStmt, *ast.Node_ClosePortalStmt:
		set(Read, Other)
	case *ast.Node_LockStmt:
		set(Utility, Lock)
	case *ast.Node_ConstraintsSetStmt:
		set(Session, Set)
	case *ast.Node_VacuumStmt, *ast.Node_CheckPointStmt:
		set(Utility, Other)
	case *ast.Node_LoadStmt:
		set(Utility, Other)
		plan.Pins |= PinOpaque
	case *ast.Node_GrantStmt, *ast.Node_GrantRoleStmt, *ast.Node_CreateRoleStmt,
		*ast.Node_AlterRoleStmt, *ast.Node_AlterRoleSetStmt, *ast.Node_DropRoleStmt:
		// Rights and roles are no part of the schema that a deployment compares.
		set(Utility, Other)
		s.Global = true
	case *ast.Node_AlterSystemStmt:
		set(Utility, Set)
		s.Global = true
	}
}

// inherit takes over what a statement inside PREPARE or EXPLAIN would do.
func (s *Statement) inherit(inner Statement) {
	if inner.Kind == DDL || inner.Kind == Write {
		s.Kind, s.Verb = inner.Kind, inner.Verb
	}
	s.Opaque = inner.Opaque
}

func intoTable(plan *Plan, s *Statement, into *ast.IntoClause) {
	s.Kind, s.Verb = DDL, VerbDDL
	temporary(plan, s, into.Rel)
}

// temporary turns DDL on a temporary object into a write that pins.
func temporary(plan *Plan, s *Statement, rel *ast.RangeVar) {
	if rel == nil {
		return
	}
	if rel.Relpersistence != "t" && rel.Schemaname != "pg_temp" {
		return
	}
	s.Kind = Write
	plan.Pins |= PinTempTable
}

func dropTemporary(plan *Plan, s *Statement, n *ast.DropStmt) {
	for _, o := range n.Objects {
		list := o.GetList()
		if list == nil || len(list.Items) < 2 || list.Items[0].GetString_().GetSval() != "pg_temp" {
			return
		}
	}
	if len(n.Objects) > 0 {
		s.Kind = Write
	}
}

func transactionPostgres(plan *Plan, s *Statement, n *ast.TransactionStmt) {
	s.Kind, s.Verb = Transaction, Save
	switch n.Kind {
	case ast.TransactionStmtKind_TRANS_STMT_BEGIN, ast.TransactionStmtKind_TRANS_STMT_START:
		s.Verb = Begin
	case ast.TransactionStmtKind_TRANS_STMT_COMMIT, ast.TransactionStmtKind_TRANS_STMT_COMMIT_PREPARED:
		s.Verb = Commit
	case ast.TransactionStmtKind_TRANS_STMT_ROLLBACK, ast.TransactionStmtKind_TRANS_STMT_ROLLBACK_PREPARED:
		s.Verb = Rollback
	case ast.TransactionStmtKind_TRANS_STMT_PREPARE:
		s.Verb = Commit
	}
}

func setPostgres(plan *Plan, n *ast.VariableSetStmt) {
	name := strings.ToLower(n.Name)
	switch n.Kind {
	case ast.VariableSetKind_VAR_RESET_ALL:
		plan.ResetAll, plan.SetsMode = true, true
		return
	case ast.VariableSetKind_VAR_SET_MULTI:
		// SET TRANSACTION lasts a transaction; SESSION CHARACTERISTICS sets
		// the defaults of the session.
		if name == "session characteristics" {
			plan.Settings = append(plan.Settings, "default_transaction_isolation",
				"default_transaction_read_only", "default_transaction_deferrable")
		}
		return
	}
	switch name {
	case "session_authorization":
		plan.Pins |= PinSetting
		return
	case "standard_conforming_strings", "client_encoding", "backslash_quote":
		plan.SetsMode = true
	case "transaction_isolation", "transaction_read_only", "transaction_deferrable":
		return
	}
	if n.IsLocal {
		return
	}
	plan.Settings = append(plan.Settings, name)
}

func discardPostgres(plan *Plan, n *ast.DiscardStmt) {
	switch n.Target {
	case ast.DiscardMode_DISCARD_ALL:
		plan.Discard, plan.ResetAll, plan.SetsMode = true, true, true
		plan.Unpins |= PinTempTable | PinAdvisoryLock | PinListen | PinHoldCursor | PinPrepared | PinSetting | PinOpaque
	case ast.DiscardMode_DISCARD_TEMP:
		plan.Unpins |= PinTempTable
	}
}

// sessionFunctions leave something in the session that cannot be replayed.
var sessionFunctions = map[string]Pin{
	"pg_advisory_lock": PinAdvisoryLock, "pg_advisory_lock_shared": PinAdvisoryLock,
	"pg_try_advisory_lock": PinAdvisoryLock, "pg_try_advisory_lock_shared": PinAdvisoryLock,
	"setseed": PinSetting, "dblink_connect": PinOpaque, "dblink_connect_u": PinOpaque,
	"pg_create_logical_replication_slot": PinOpaque, "pg_create_physical_replication_slot": PinOpaque,
	"pg_replication_origin_session_setup": PinOpaque,
}

func collectPostgres(plan *Plan, s *Statement, root *ast.Node) {
	ctes := map[string]bool{}
	targets := map[*ast.RangeVar]bool{}
	walkPostgres(root.ProtoReflect(), func(m protoreflect.Message) {
		switch n := m.Interface().(type) {
		case *ast.CommonTableExpr:
			ctes[n.Ctename] = true
		case *ast.InsertStmt:
			targets[n.Relation] = true
			s.writes()
		case *ast.UpdateStmt:
			targets[n.Relation] = true
			s.writes()
		case *ast.DeleteStmt:
			targets[n.Relation] = true
			s.writes()
		case *ast.MergeStmt:
			targets[n.Relation] = true
			s.writes()
		case *ast.CopyStmt:
			targets[n.Relation] = n.IsFrom
		case *ast.LockingClause:
			s.Locking = true
		case *ast.FuncCall:
			functionPostgres(plan, n)
		}
	})
	write := s.Kind == DDL
	walkPostgres(root.ProtoReflect(), func(m protoreflect.Message) {
		n, ok := m.Interface().(*ast.RangeVar)
		if !ok || n.Schemaname == "" && ctes[n.Relname] {
			return
		}
		s.addRelation(n.Schemaname, n.Relname, write || targets[n])
	})
}

// writes marks a read statement that carries a data-modifying CTE.
func (s *Statement) writes() {
	if s.Kind == Read {
		s.Kind = Write
	}
}

func (s *Statement) addRelation(schema, name string, write bool) {
	for i := range s.Tables {
		if s.Tables[i].Schema == schema && s.Tables[i].Name == name {
			s.Tables[i].Write = s.Tables[i].Write || write
			return
		}
	}
	s.Tables = append(s.Tables, Table{Schema: schema, Name: name, Write: write})
}

func functionPostgres(plan *Plan, n *ast.FuncCall) {
	if len(n.Funcname) == 0 {
		return
	}
	name := strings.ToLower(n.Funcname[len(n.Funcname)-1].GetString_().GetSval())
	plan.Pins |= sessionFunctions[name]
	switch name {
	case "pg_advisory_unlock_all":
		plan.Unpins |= PinAdvisoryLock
	case "currval", "lastval":
		plan.NeedsPrevious = true
	case "set_config":
		configPostgres(plan, n)
	}
}

// configPostgres is set_config(name, value, is_local).
func configPostgres(plan *Plan, n *ast.FuncCall) {
	plan.SetsMode = true
	if len(n.Args) != 3 {
		plan.Pins |= PinSetting
		return
	}
	if local := n.Args[2].GetAConst(); local != nil && local.GetBoolval().GetBoolval() {
		return
	}
	name := n.Args[0].GetAConst().GetSval().GetSval()
	if name == "" {
		plan.Pins |= PinSetting
		return
	}
	plan.Settings = append(plan.Settings, strings.ToLower(name))
}

// walkPostgres visits every message of the tree.
func walkPostgres(m protoreflect.Message, visit func(protoreflect.Message)) {
	if !m.IsValid() {
		return
	}
	visit(m)
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Message() == nil {
			return true
		}
		if !field.IsList() {
			walkPostgres(value.Message(), visit)
			return true
		}
		list := value.List()
		for i := range list.Len() {
			walkPostgres(list.Get(i).Message(), visit)
		}
		return true
	})
}
