package postgres

import (
	"regexp"
	"strings"
)

// entry is one item of pg_dump's table of contents.
type entry struct {
	name   string
	kind   string
	schema string
	body   []string // statements
}

var header = regexp.MustCompile(`(?m)^--\n-- Name: (.*); Type: (.*?); Schema: (.*); Owner: ?.*\n--\n`)

// parseDump takes a dump apart. What stands between entries (SETs, \restrict)
// says how to read the dump, not what the schema is.
func parseDump(text string) []entry {
	if end := strings.LastIndex(text, "\n--\n-- PostgreSQL database dump complete"); end >= 0 {
		text = text[:end]
	}
	var entries []entry
	places := header.FindAllStringSubmatchIndex(text, -1)
	for i, place := range places {
		end := len(text)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		entries = append(entries, entry{
			name:   text[place[2]:place[3]],
			kind:   text[place[4]:place[5]],
			schema: text[place[6]:place[7]],
			body:   withoutSettings(splitStatements(text[place[1]:end])),
		})
	}
	return entries
}

func withoutSettings(statements []string) []string {
	var kept []string
	for _, statement := range statements {
		if strings.HasPrefix(statement, "SET ") || strings.HasPrefix(statement, "SELECT pg_catalog.set_config") {
			continue
		}
		kept = append(kept, statement)
	}
	return kept
}
