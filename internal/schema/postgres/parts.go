package postgres

import (
	"regexp"
	"slices"
	"strings"
)

// partChanges turns the differing parts of an object (all but its main
// statement) into statements: what goes comes first, in the reverse order.
func partChanges(changed *change, before, after []element) (drops, creates []string) {
	old, new := byKey(before), byKey(after)
	for _, part := range slices.Backward(before) {

		if part.key == mainKey || new[part.key].sql == part.sql {
			continue
		}
		_, stays := new[part.key]
		if stays && replaceable(part) {
			continue
		}
		if statement := undo(part); statement != "" {
			drops = append(drops, statement)
			noteDropped(changed, part)
		}
	}
	for _, part := range after {
		if part.key == mainKey || old[part.key].sql == part.sql {
			continue
		}
		statement := part.sql
		if previous, ok := old[part.key]; ok {
			statement = again(previous, part)
		}
		creates = append(creates, statement)
		if !instantPart(part) {
			changed.operation.Instant = false
		}
	}
	return drops, creates
}

// replaceable parts are set anew without being dropped first.
func replaceable(part element) bool {
	return part.rank == rankComment || part.rank == rankColumn || part.rank == rankColumn+2 || part.rank == rankColumn+3 ||
		part.rank == rankSequence || part.rank == rankPart+1
}

func instantPart(part element) bool {
	switch part.rank {
	case rankIndex, rankStatistics:
		return false
	case rankConstraint, rankForeignKey:
		return strings.HasSuffix(part.sql, " NOT VALID")
	}
	return !strings.Contains(part.sql, "ADD GENERATED")
}

var generatedAs = regexp.MustCompile(`(?s)^(ALTER TABLE \S+ ALTER COLUMN ` + ident + `) ADD GENERATED (ALWAYS|BY DEFAULT) AS IDENTITY \(\s*SEQUENCE NAME ` + qualified + `\s*(.*?)\s*\)$`)

// again changes a part that is there already. A sequence keeps its position.
func again(before, after element) string {
	switch {
	case after.rank == rankSequence:
		name := sqlName.FindStringSubmatch(after.sql)[1]
		return alterSequence(name, after.sql)
	case strings.Contains(after.sql, " ADD GENERATED "):
		match := generatedAs.FindStringSubmatch(after.sql)
		if match == nil {
			return after.sql
		}
		statement := match[1] + " SET GENERATED " + match[2]
		var statementSb72 strings.Builder
		for line := range strings.SplitSeq(match[3], "\n") {
			statementSb72.WriteString(" SET " + strings.TrimSpace(line))
		}
		statement += statementSb72.String()
		if !strings.HasSuffix(match[3], "CYCLE") {
			statement += " SET NO CYCLE"
		}
		return statement
	}
	return after.sql
}

var (
	alterColumn  = regexp.MustCompile(`^(ALTER TABLE (?:ONLY )?` + qualified + ` ALTER COLUMN ` + ident + `) (ADD GENERATED|SET \w+|SET \()`)
	addConstrain = regexp.MustCompile(`^(ALTER TABLE (?:ONLY )?` + qualified + `)\s+ADD CONSTRAINT (` + ident + `)`)
	alterState   = regexp.MustCompile(`^(ALTER TABLE (?:ONLY )?` + qualified + `) (\w+)(?: ALWAYS| REPLICA)? ((?:TRIGGER|RULE) ` + ident + `|ROW LEVEL SECURITY)`)
	grantForm    = regexp.MustCompile(`(?s)^GRANT (.*) TO (.*?)( WITH GRANT OPTION)?$`)
	revokeForm   = regexp.MustCompile(`(?s)^REVOKE (.*) FROM (.*)$`)
	attachForm   = regexp.MustCompile(`^(ALTER TABLE ONLY ` + qualified + `) ATTACH PARTITION (` + qualified + `)`)
)

// undo is the statement that takes a part away, "" when it goes by itself.
func undo(part element) string {
	if strings.HasPrefix(part.sql, "COMMENT ON ") {
		return part.key + " IS NULL"
	}
	switch part.rank {
	case rankSequence:
		return "DROP SEQUENCE IF EXISTS " + part.owner
	case rankConstraint, rankForeignKey:
		match := addConstrain.FindStringSubmatch(part.sql)
		return match[1] + " DROP CONSTRAINT IF EXISTS " + match[2]
	case rankIndex:
		namespace := regexp.MustCompile(`^` + ident).FindString(part.owner)
		return "DROP INDEX IF EXISTS " + namespace + "." + strings.TrimPrefix(part.key, "INDEX ")
	case rankStatistics:
		return "DROP " + part.key
	case rankPart:
		return "" // an index leaves its parent only by being dropped
	case rankPart + 1:
		return strings.TrimSpace(strings.Split(part.sql, part.key)[0]) + map[string]string{"REPLICA IDENTITY": " REPLICA IDENTITY DEFAULT", "CLUSTER ON": " SET WITHOUT CLUSTER"}[part.key]
	case rankAttach:
		match := attachForm.FindStringSubmatch(part.sql)
		return strings.Replace(match[1], "ONLY ", "", 1) + " DETACH PARTITION " + match[2]
	case rankSecurity, rankTrigger:
		if strings.HasPrefix(part.sql, "CREATE ") {
			return "DROP " + part.key + " ON " + part.owner
		}
		return undoState(part)
	case rankState:
		return undoState(part)
	case rankPrivilege:
		return undoPrivilege(part.sql)
	}
	return undoColumn(part)
}

func undoState(part element) string {
	match := alterState.FindStringSubmatch(part.sql)
	opposite := map[string]string{"ENABLE": " DISABLE ", "DISABLE": " ENABLE ", "FORCE": " NO FORCE "}[match[2]]
	if strings.HasPrefix(part.key, "ENABLE") && match[3] != "ROW LEVEL SECURITY" {
		opposite = " ENABLE " // from ALWAYS or REPLICA back to plain
	}
	return match[1] + opposite + match[3]
}

func undoPrivilege(statement string) string {
	if match := grantForm.FindStringSubmatch(statement); match != nil {
		return "REVOKE " + match[1] + " FROM " + match[2]
	}
	if match := revokeForm.FindStringSubmatch(statement); match != nil {
		return "GRANT " + match[1] + " TO " + match[2]
	}
	return ""
}

func undoColumn(part element) string {
	match := alterColumn.FindStringSubmatch(part.sql)
	if match == nil {
		return ""
	}
	switch match[2] {
	case "ADD GENERATED":
		return match[1] + " DROP IDENTITY IF EXISTS"
	case "SET STATISTICS":
		return match[1] + " SET STATISTICS -1"
	case "SET COMPRESSION":
		return match[1] + " SET COMPRESSION DEFAULT"
	}
	return ""
}

func noteDropped(changed *change, part element) {
	table := changed.operation.Table
	switch {
	case part.rank == rankForeignKey:
		changed.note("table %s: foreign key %s dropped", table, strings.TrimPrefix(part.key, "ADD CONSTRAINT "))
	case part.rank == rankConstraint:
		what := "check constraint"
		if strings.Contains(part.sql, " UNIQUE ") || strings.Contains(part.sql, " PRIMARY KEY ") || strings.Contains(part.sql, " EXCLUDE ") {
			what = "unique constraint"
		}
		changed.note("table %s: %s removed: %s", table, what, strings.TrimPrefix(part.key, "ADD CONSTRAINT "))
	case part.rank == rankIndex && strings.HasPrefix(part.sql, "CREATE UNIQUE"):
		changed.note("table %s: unique constraint removed: %s", table, strings.TrimPrefix(part.key, "INDEX "))
	}
}
