// Package statement tells what a piece of SQL text does, before a server sees
// it: which statements it holds, of which kind, on which tables, and what it
// leaves behind in the session.
//
// Invariants:
//   - A Plan is immutable and depends on the text and the dialect alone, so it
//     is computed once and shared by every session that sends the same text.
//   - The judgement errs towards caution. A text that different servers, or
//     the same server in different session modes, could read differently
//     carries every reading (Alternatives) or a reason why it cannot be judged
//     (Opaque). DDL in MySQL is found by the statement's first words, after
//     our own scanner has expanded executable comments: it does not depend on
//     the parser knowing the statement.
//   - What the parser does not know is Kind Unknown, never an error: the
//     server has the last word on syntax.
package statement

// Dialect is the SQL language of a text.
type Dialect uint8

const (
	MySQL Dialect = iota
	Postgres
)

// Kind is the class of a statement, as far as rights and routing need it.
type Kind uint8

const (
	Unknown Kind = iota
	Read
	Write
	DDL
	Transaction
	Session
	Utility
)

func (k Kind) String() string {
	return [...]string{"unknown", "read", "write", "ddl", "transaction", "session", "utility"}[k]
}

// Verb names the statement; it is the first word of "Select command denied".
type Verb string

const (
	Select   Verb = "Select"
	Insert   Verb = "Insert"
	Replace  Verb = "Replace"
	Update   Verb = "Update"
	Delete   Verb = "Delete"
	Merge    Verb = "Merge"
	Load     Verb = "Load"
	Copy     Verb = "Copy"
	VerbDDL  Verb = "DDL"
	Call     Verb = "Call"
	Begin    Verb = "Begin"
	Commit   Verb = "Commit"
	Rollback Verb = "Rollback"
	Save     Verb = "Savepoint"
	Set      Verb = "Set"
	Use      Verb = "Use"
	Show     Verb = "Show"
	Explain  Verb = "Explain"
	Prepare  Verb = "Prepare"
	Execute  Verb = "Execute"
	Kill     Verb = "Kill"
	Lock     Verb = "Lock"
	Other    Verb = "Other"
)

// Pin is a reason why the session must keep its backend connection.
type Pin uint16

const (
	PinTempTable Pin = 1 << iota
	PinUserVariable
	PinAdvisoryLock
	PinListen
	PinTableLock
	PinHoldCursor
	PinPrepared   // SQL-level PREPARE
	PinSetting    // a setting that cannot be replayed
	PinOpaque     // something ran whose effect is not known (CALL, DO, unknown text)
	PinNextTxn    // SET TRANSACTION: until the next transaction has ended
	PinTwoPhase   // XA
	PinConnection // COM_SET_OPTION and other state below SQL
)

// Table is one reference to a table.
type Table struct {
	Schema string // keyspace or schema as written; empty: unqualified
	Name   string // empty: the schema itself (USE)
	Write  bool
}

// Statement is one statement of a text.
type Statement struct {
	Kind    Kind
	Verb    Verb
	Tables  []Table
	Locking bool // a read that takes row locks
	// Opaque, when not empty, says why it is not known what will run.
	Opaque string
	// Global marks a change of the server itself: SET GLOBAL, INTO OUTFILE …
	Global bool
	// Keyword is the first word, lower case.
	Keyword string
}

// Plan is what is known of one text.
type Plan struct {
	Statements []Statement
	// Alternatives are statements that another server version would see in the
	// same text. A guard must judge them too; they have no other effect.
	Alternatives []Statement

	Pins Pin
	// Unpins are pins that this text ends (UNLOCK TABLES, UNLISTEN *).
	Unpins Pin
	// Settings are PostgreSQL settings whose session value may have changed.
	Settings []string
	// ResetAll: every setting went back to its default (RESET ALL, DISCARD ALL).
	ResetAll bool
	// Discard: DISCARD ALL; prepared statements and temporary tables are gone.
	Discard bool
	// Deallocate is the prepared statement that SQL text drops; "*" for all.
	Deallocate string
	// SetsMode: the text changes a setting that changes how later text is read.
	SetsMode bool
	// UseDatabase is the target of a lone USE statement.
	UseDatabase string
	// KillID and KillQuery describe a lone KILL statement.
	KillID    uint64
	KillQuery bool
	// NeedsPrevious: the answer depends on the session's previous statement
	// (LAST_INSERT_ID(), FOUND_ROWS(), SHOW WARNINGS, currval …).
	NeedsPrevious bool
	// CalcFoundRows: the next statement may ask for FOUND_ROWS().
	CalcFoundRows bool
	// Backslash: the text holds a backslash, whose meaning depends on the
	// session's mode and character set.
	Backslash bool

	HasDDL    bool // in Statements or Alternatives
	HasOpaque bool
	AllReads  bool
	Tokens    int
}

// Multi tells whether the text holds more than one statement.
func (p *Plan) Multi() bool { return len(p.Statements) > 1 }

// One returns the only statement, or a zero one for an empty or longer text.
func (p *Plan) One() Statement {
	if len(p.Statements) != 1 {
		return Statement{}
	}
	return p.Statements[0]
}

func (p *Plan) finish() *Plan {
	p.AllReads = len(p.Statements) > 0
	for _, s := range p.Statements {
		if s.Kind != Read || s.Locking {
			p.AllReads = false
		}
	}
	for _, list := range [][]Statement{p.Statements, p.Alternatives} {
		for _, s := range list {
			p.HasDDL = p.HasDDL || s.Kind == DDL
			p.HasOpaque = p.HasOpaque || s.Opaque != ""
		}
	}
	return p
}

// Analyze computes the plan of a text. A parser that fails on it in a way it
// should not makes the text one that cannot be judged.
func Analyze(d Dialect, text string) (plan *Plan) {
	defer func() {
		if recover() != nil {
			plan = (&Plan{
				Statements: []Statement{{Kind: Unknown, Verb: Other, Opaque: "the statement cannot be parsed"}},
				Pins:       PinOpaque,
				Backslash:  true,
			}).finish()
		}
	}()
	if d == Postgres {
		return analyzePostgres(text)
	}
	return analyzeMySQL(text)
}
