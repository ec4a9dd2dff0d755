package postgres

import "strings"

// splitStatements cuts SQL at the semicolons that end statements. Literals,
// quoted names, dollar quotes, comments, parentheses and BEGIN ATOMIC bodies
// are passed over.
func splitStatements(text string) []string {
	var statements []string
	start := 0
	for i := 0; i < len(text); {
		if text[i] != ';' {
			i = skip(text, i)
			continue
		}
		if inAtomicBody(text[start : i+1]) {
			i++
			continue
		}
		statements = appendStatement(statements, text[start:i])
		i++
		start = i
	}
	return appendStatement(statements, text[start:])
}

func appendStatement(statements []string, statement string) []string {
	if statement = strings.TrimSpace(statement); statement != "" {
		statements = append(statements, statement)
	}
	return statements
}

// inAtomicBody tells that a statement so far is an SQL-standard function body
// that has not reached its END.
func inAtomicBody(statement string) bool {
	statement = strings.TrimSpace(statement)
	if !strings.HasPrefix(statement, "CREATE FUNCTION") && !strings.HasPrefix(statement, "CREATE PROCEDURE") &&
		!strings.HasPrefix(statement, "CREATE OR REPLACE") {
		return false
	}
	return strings.Contains(statement, "\n    BEGIN ATOMIC\n") && !strings.HasSuffix(statement, "\nEND;")
}

// splitList cuts at the commas that are not inside anything.
func splitList(text string) []string {
	var items []string
	start := 0
	for i := 0; i < len(text); {
		switch text[i] {
		case '(', '[':
			i = closing(text, i)
		case ',':
			items = appendStatement(items, text[start:i])
			i++
			start = i
		default:
			i = skip(text, i)
		}
	}
	return appendStatement(items, text[start:])
}

// closing returns the position after the bracket that closes the one at i.
func closing(text string, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '(', '[':
			depth++
			i++
		case ')', ']':
			depth--
			i++
			if depth == 0 {
				return i
			}
		default:
			i = skip(text, i)
		}
	}
	return i
}

// skip returns the position after the token at i, as far as it matters here: a
// literal, a quoted name, a dollar quote and a comment are one token each.
func skip(text string, i int) int {
	switch {
	case text[i] == '\'':
		// pg_dump writes a literal with backslashes as E'…'.
		escaped := i > 0 && (text[i-1] == 'E' || text[i-1] == 'e')
		return quoted(text, i, '\'', escaped)
	case text[i] == '"':
		return quoted(text, i, '"', false)
	case text[i] == '$':
		return dollarQuoted(text, i)
	case strings.HasPrefix(text[i:], "--"):
		if end := strings.IndexByte(text[i:], '\n'); end >= 0 {
			return i + end
		}
		return len(text)
	case strings.HasPrefix(text[i:], "/*"):
		if end := strings.Index(text[i:], "*/"); end >= 0 {
			return i + end + 2
		}
		return len(text)
	}
	return i + 1
}

func quoted(text string, i int, quote byte, escaped bool) int {
	for i++; i < len(text); i++ {
		switch {
		case escaped && text[i] == '\\':
			i++
		case text[i] == quote && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return i
}

func dollarQuoted(text string, i int) int {
	end := i + 1
	for end < len(text) && text[end] != '$' {
		c := text[end]
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return i + 1 // a parameter or an operator
		}
		end++
	}
	if end >= len(text) {
		return i + 1
	}
	tag := text[i : end+1]
	if close := strings.Index(text[end+1:], tag); close >= 0 {
		return end + 1 + close + len(tag)
	}
	return i + 1
}
