package postgres

import (
	"regexp"
	"sort"
	"strings"
)

// element is one statement of an object. Its key says what of the object it
// makes, so that two versions of an object compare element by element.
type element struct {
	key   string
	rank  int // the order in which elements can run
	owner string
	sql   string
}

// Ranks. An element may need those of lower rank.
const (
	rankSequence   = 5
	rankMain       = 10
	rankColumn     = 20
	rankConstraint = 40
	rankIndex      = 50
	rankStatistics = 55
	// A partition joins its table with its own keys and indexes made: those that
	// match the table's are adopted, and no second ones are built.
	rankAttach     = 57
	rankPart       = 60
	rankForeignKey = 70
	rankSecurity   = 80
	rankTrigger    = 90
	rankState      = 91
	rankComment    = 95
	rankPrivilege  = 97
)

const (
	ident     = `(?:"(?:[^"]|"")*"|[^\s."(),;]+)`
	qualified = `(?:` + ident + `\.` + ident + `)`
	onTable   = `^ALTER TABLE (?:ONLY )?(?P<owner>` + qualified + `)\s+`
)

type rule struct {
	pattern *regexp.Regexp
	rank    int
}

func newRule(pattern string, rank int) rule {
	return rule{regexp.MustCompile(`(?s)` + pattern), rank}
}

// rules know the forms in which pg_dump writes what belongs to a relation. The
// key is the text that the group "key" matches, or all that the rule matches.
var rules = []rule{
	newRule(`^(?P<key>CREATE SEQUENCE) (?P<owner>`+qualified+`)`, rankSequence),
	newRule(`^(?P<key>ALTER SEQUENCE `+qualified+`) OWNED BY (?P<owner>`+qualified+`)\.`+ident+`$`, rankColumn),
	newRule(onTable+`(?P<key>ALTER COLUMN `+ident+` ADD GENERATED)`, rankColumn),
	newRule(onTable+`(?P<key>ALTER COLUMN `+ident+` SET DEFAULT)`, rankColumn+2),
	newRule(onTable+`(?P<key>ALTER COLUMN `+ident+` SET (?:STORAGE|STATISTICS|COMPRESSION|\())`, rankColumn+3),
	newRule(onTable+`(?P<key>ADD CONSTRAINT `+ident+`) FOREIGN KEY`, rankForeignKey),
	newRule(onTable+`(?P<key>ADD CONSTRAINT `+ident+`)`, rankConstraint),
	newRule(`^ALTER TABLE (?:ONLY )?`+qualified+` (?P<key>ATTACH PARTITION) (?P<owner>`+qualified+`)`, rankAttach),
	newRule(onTable+`(?P<key>REPLICA IDENTITY)`, rankPart+1),
	newRule(onTable+`(?P<key>CLUSTER ON)`, rankPart+1),
	newRule(onTable+`(?P<key>(?:ENABLE|FORCE) ROW LEVEL SECURITY)`, rankSecurity),
	newRule(onTable+`(?P<key>(?:ENABLE|DISABLE)(?: ALWAYS| REPLICA)? (?:TRIGGER|RULE) `+ident+`)`, rankState),
	newRule(`^CREATE (?:UNIQUE )?(?P<key>INDEX `+ident+`) ON (?:ONLY )?(?P<owner>`+qualified+`)`, rankIndex),
	newRule(`^(?P<key>ALTER INDEX `+qualified+` ATTACH PARTITION (?P<owner>`+qualified+`))`, rankPart),
	newRule(`^CREATE (?P<key>STATISTICS `+qualified+`).* FROM (?P<owner>`+qualified+`)`, rankStatistics),
	newRule(`^CREATE (?:CONSTRAINT )?(?P<key>TRIGGER `+ident+`) .*? ON (?P<owner>`+qualified+`)`, rankTrigger),
	newRule(`^CREATE (?P<key>POLICY `+ident+`) ON (?P<owner>`+qualified+`)`, rankSecurity),
	newRule(`^CREATE (?P<key>RULE `+ident+`) AS\s+ON \w+ TO (?P<owner>`+qualified+`)`, rankTrigger),
	newRule(`^(?P<key>COMMENT ON COLUMN (?P<owner>`+qualified+`)\.`+ident+`) IS `, rankComment),
	newRule(`^(?P<key>COMMENT ON (?:CONSTRAINT|TRIGGER|POLICY|RULE) `+ident+` ON (?:DOMAIN )?(?P<owner>`+qualified+`)) IS `, rankComment),
	newRule(`^(?P<key>COMMENT ON [A-Z ]+ (?P<owner>`+qualified+`(?:\(.*?\))?|`+ident+`)) IS `, rankComment),
	newRule(`^(?:GRANT|REVOKE) .*? ON (?:[A-Z]+ )+(?P<owner>`+qualified+`(?:\(.*?\))?|`+ident+`) (?:TO|FROM) `, rankPrivilege),
}

// elementOf recognises a statement that adds to an object.
func elementOf(statement string) (element, bool) {
	for _, rule := range rules {
		match := rule.pattern.FindStringSubmatch(statement)
		if match == nil {
			continue
		}
		found := element{rank: rule.rank, sql: statement, owner: match[rule.pattern.SubexpIndex("owner")], key: statement}
		if i := rule.pattern.SubexpIndex("key"); i >= 0 {
			found.key = match[i]
		}
		return found, true
	}
	return element{}, false
}

// mainKey is the key of the statement that an object starts from.
const mainKey = ""

// elements takes an object's SQL apart. The main statement is the first that
// adds to nothing else; an owned sequence adds to its table.
func elements(sql string) []element {
	var list []element
	haveMain := false
	for _, statement := range splitStatements(sql) {
		found, ok := elementOf(statement)
		isSequence := strings.HasPrefix(statement, "CREATE SEQUENCE ")
		switch {
		case isSequence:
			found.key = "CREATE SEQUENCE " + found.owner
		case !ok && !haveMain:
			haveMain = true
			found = element{key: mainKey, rank: rankMain, sql: statement}
		case !ok:
			found = element{key: statement, rank: rankPart, sql: statement}
		}
		list = append(list, found)
	}
	if !haveMain && len(list) > 0 && strings.HasPrefix(list[0].sql, "CREATE SEQUENCE ") {
		list[0].key, list[0].rank = mainKey, rankMain
	}
	return list
}

func sortElements(list []element) {
	sort.SliceStable(list, func(i, j int) bool {
		if list[i].rank != list[j].rank {
			return list[i].rank < list[j].rank
		}
		return list[i].sql < list[j].sql
	})
}

// join writes statements as an Object holds them.
func join(list []element) string {
	if len(list) == 1 {
		return list[0].sql
	}
	var out strings.Builder
	for _, element := range list {
		out.WriteString(element.sql)
		out.WriteString(";\n")
	}
	return out.String()
}

func byKey(list []element) map[string]element {
	found := make(map[string]element, len(list))
	for _, element := range list {
		found[element.key] = element
	}
	return found
}
