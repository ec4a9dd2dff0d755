package statement

import (
	"slices"
	"strconv"
	"strings"
)

// assumedVersion is the server version at which an executable comment counts
// as executed in the main reading. Every other threshold in the text is an
// alternative reading.
const assumedVersion = 90000

// maxReadings bounds the work that one text with many version comments causes.
const maxReadings = 8

// scanned is a text with its comments resolved for one server version.
type scanned struct {
	pieces   []string // one a statement, without comments
	versions []int    // the version numbers met
	sixth    bool     // a version with a sixth digit was met
	broken   string   // why the text cannot be split with certainty
}

// scanMySQL resolves comments and splits at semicolons with MySQL's own lexical
// rules (default sql_mode). An executable comment is kept when its version is
// at most threshold.
func scanMySQL(text string, threshold int, fiveDigits bool) scanned {
	var out scanned
	if !strings.ContainsAny(text, ";#/\x00") && !strings.Contains(text, "--") {
		out.pieces = appendPiece(nil, text)
		return out
	}
	var b strings.Builder
	b.Grow(len(text))
	inVersion := false
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '\'' || c == '"' || c == '`':
			end := skipQuoted(text, i)
			if end < 0 {
				out.broken = "unterminated quote"
				end = len(text)
			}
			b.WriteString(text[i:end])
			i = end
		case c == '#' || isDashComment(text, i):
			i = skipLine(text, i)
			b.WriteByte(' ')
		case strings.HasPrefix(text[i:], "/*!"):
			version, digits := commentVersion(text[i+3:], fiveDigits)
			if digits > 0 {
				out.versions = append(out.versions, version)
			}
			if sixDigits(text[i+3:]) {
				out.sixth = true
			}
			b.WriteByte(' ')
			if digits > 0 && version > threshold {
				end := skipNested(text, i+3)
				if end < 0 {
					out.broken = "unterminated comment"
					end = len(text)
				}
				i = end
				continue
			}
			inVersion = true
			i += 3 + digits
		case inVersion && strings.HasPrefix(text[i:], "*/"):
			inVersion = false
			b.WriteByte(' ')
			i += 2
		case strings.HasPrefix(text[i:], "/*+"):
			end := strings.Index(text[i+3:], "*/")
			if end < 0 {
				out.broken = "unterminated comment"
				i = len(text)
				continue
			}
			// A hint is kept, because SET_VAR hints and the parser want it.
			b.WriteString(text[i : i+3+end+2])
			i += 3 + end + 2
		case strings.HasPrefix(text[i:], "/*"):
			end := strings.Index(text[i+2:], "*/")
			b.WriteByte(' ')
			if end < 0 {
				out.broken = "unterminated comment"
				i = len(text)
				continue
			}
			i += 2 + end + 2
		case c == 0:
			out.broken = "NUL byte"
			b.WriteByte(' ')
			i++
		case c == ';':
			out.pieces = appendPiece(out.pieces, b.String())
			b.Reset()
			i++
		default:
			b.WriteByte(c)
			i++
		}
	}
	if inVersion {
		out.broken = "unterminated comment"
	}
	out.pieces = appendPiece(out.pieces, b.String())
	return out
}

func appendPiece(pieces []string, piece string) []string {
	piece = strings.TrimSpace(piece)
	if piece == "" {
		return pieces
	}
	return append(pieces, piece)
}

func skipQuoted(text string, i int) int {
	quote := text[i]
	for j := i + 1; j < len(text); j++ {
		switch text[j] {
		case '\\':
			if quote != '`' {
				j++
			}
		case quote:
			return j + 1
		}
	}
	return -1
}

func isDashComment(text string, i int) bool {
	if !strings.HasPrefix(text[i:], "--") {
		return false
	}
	// MySQL wants white space or a control character after the dashes.
	return i+2 == len(text) || text[i+2] <= ' ' || text[i+2] == 0x7f
}

func skipLine(text string, i int) int {
	if end := strings.IndexByte(text[i:], '\n'); end >= 0 {
		return i + end
	}
	return len(text)
}

// skipNested returns the end of a comment that is not executed; MySQL honours
// one level of comments inside it.
func skipNested(text string, i int) int {
	for i < len(text) {
		switch {
		case strings.HasPrefix(text[i:], "/*"):
			end := strings.Index(text[i+2:], "*/")
			if end < 0 {
				return -1
			}
			i += 2 + end + 2
		case strings.HasPrefix(text[i:], "*/"):
			return i + 2
		default:
			i++
		}
	}
	return -1
}

func commentVersion(text string, fiveDigits bool) (version, digits int) {
	for digits < 6 && digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		digits++
	}
	if digits < 5 {
		return 0, 0
	}
	if fiveDigits {
		digits = 5
	}
	version, _ = strconv.Atoi(text[:digits])
	return version, digits
}

func sixDigits(text string) bool {
	_, digits := commentVersion(text, false)
	return digits == 6
}

// readings returns the ways in which servers of different versions read the
// text, the main one first.
func readings(text string) []scanned {
	main := scanMySQL(text, assumedVersion, false)
	all := []scanned{main}
	if len(main.versions) == 0 {
		return all
	}
	// A first pass that skips nothing meets every version, also those inside
	// other comments.
	open := scanMySQL(text, 1<<30, false)
	versions := append(open.versions, main.versions...)
	slices.Sort(versions)
	versions = slices.Compact(versions)
	if len(versions) > maxReadings {
		all[0].broken = "too many version comments"
		return all
	}
	thresholds := append([]int{0}, versions...)
	for _, t := range thresholds {
		all = append(all, scanMySQL(text, t, false))
		if main.sixth || open.sixth {
			all = append(all, scanMySQL(text, t, true))
		}
	}
	return all
}

// firstWords returns up to n leading words in lower case, skipping opening
// parentheses, which MySQL allows before a query.
func firstWords(piece string, n int) []string {
	words := make([]string, 0, n)
	i := 0
	for len(words) < n {
		for i < len(piece) && (piece[i] <= ' ' || piece[i] == '(') {
			i++
		}
		start := i
		for i < len(piece) && isWord(piece[i]) {
			i++
		}
		if start == i {
			return words
		}
		words = append(words, strings.ToLower(piece[start:i]))
	}
	return words
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
