package statement

const (
	// maxParsed is the longest text that is parsed, and maxDepth the deepest
	// nesting: parsers recurse, and a goroutine's stack is not without end.
	maxParsed = 256 << 10
	maxDepth  = 400
)

// parsable tells whether a text is within the bounds. It counts brackets also
// inside strings: too careful does no harm.
func parsable(text string) bool {
	if len(text) > maxParsed {
		return false
	}
	depth, chain := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(', '[':
			depth++
			if depth > maxDepth {
				return false
			}
		case ')', ']':
			depth = max(depth-1, 0)
		case '-', '+', '~', '!', '@':
			chain++
		case 'T', 't':
			// NOT NOT NOT … nests without brackets.
			if i >= 2 && text[i-2]|0x20 == 'n' && text[i-1]|0x20 == 'o' {
				chain++
			}
		case 'E', 'e':
			if i >= 3 && text[i-3]|0x20 == 'c' && text[i-2]|0x20 == 'a' && text[i-1]|0x20 == 's' {
				chain++
			}
		case ',', ';':
			chain = 0
		}
		if chain > 4*maxDepth {
			return false
		}
	}
	return true
}
