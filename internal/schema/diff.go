package schema

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// FileDiff is the difference of one object as people read it.
type FileDiff struct {
	Keyspace string `json:"keyspace,omitempty"`
	Name     string `json:"name"`
	Raw      string `json:"raw"`
	HTML     string `json:"html"`
}

// RawDiff compares two snapshots object by object, as unified-diff text. Equal
// objects are left out, and lines that did not change are all shown: a table
// is short enough to be read whole.
func RawDiff(a, b Snapshot) []FileDiff {
	diffs := []FileDiff{}
	for _, keyspace := range Names(a, b) {
		before, after := a.Keyspace(keyspace), b.Keyspace(keyspace)
		for _, name := range ObjectNames(before, after) {
			lines := compareLines(text(before.Object(name)), text(after.Object(name)))
			if !changed(lines) {
				continue
			}
			diffs = append(diffs, FileDiff{
				Keyspace: keyspace,
				Name:     name,
				Raw:      renderRaw(lines),
				HTML:     renderHTML(lines),
			})
		}
	}
	return diffs
}

// Text renders a snapshot for people, keyspace by keyspace.
func (s Snapshot) Text() string {
	var out strings.Builder
	for i, keyspace := range s.Keyspaces {
		if len(s.Keyspaces) > 1 {
			if i > 0 {
				out.WriteString("\n")
			}
			fmt.Fprintf(&out, "-- %s --\n", keyspace.Name)
		}
		for _, object := range keyspace.Objects {
			out.WriteString(text(&object))
			out.WriteString("\n")
		}
	}
	return out.String()
}

// diffLine is a line with its mark: ' ', '-' or '+'.
type diffLine struct {
	mark byte
	text string
}

func text(object *Object) string {
	if object == nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimRight(object.SQL, "\n"), ";") + ";\n"
}

// compareLines finds a longest common subsequence. Objects have hundreds of
// lines at most, so the quadratic table is no matter once the common ends are
// cut off.
func compareLines(before, after string) []diffLine {
	a, b := splitLines(before), splitLines(after)
	var head, tail []diffLine
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, diffLine{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, diffLine{' ', a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	lines := append(head, commonSubsequence(a, b)...)
	for _, t := range slices.Backward(tail) {
		lines = append(lines, t)
	}
	return lines
}

func commonSubsequence(a, b []string) []diffLine {
	length := make([][]int, len(a)+1)
	for i := range length {
		length[i] = make([]int, len(b)+1)
	}
	for i, v := range slices.Backward(a) {
		for j := len(b) - 1; j >= 0; j-- {
			if v == b[j] {
				length[i][j] = length[i+1][j+1] + 1
				continue
			}
			length[i][j] = max(length[i+1][j], length[i][j+1])
		}
	}
	var lines []diffLine
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			lines = append(lines, diffLine{' ', a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && length[i+1][j] >= length[i][j+1]:
			lines = append(lines, diffLine{'-', a[i]})
			i++
		default:
			lines = append(lines, diffLine{'+', b[j]})
			j++
		}
	}
	return lines
}

func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func changed(lines []diffLine) bool {
	for _, line := range lines {
		if line.mark != ' ' {
			return true
		}
	}
	return false
}

func renderRaw(lines []diffLine) string {
	var out strings.Builder
	for _, line := range lines {
		out.WriteByte(line.mark)
		out.WriteString(line.text)
		out.WriteByte('\n')
	}
	return out.String()
}

var htmlClass = map[byte]string{' ': "unchanged", '-': "del", '+': "ins"}

func renderHTML(lines []diffLine) string {
	var out strings.Builder
	out.WriteString("<div class=\"diff\"><pre>")
	for _, line := range lines {
		fmt.Fprintf(&out, "<span class=%q>%c%s</span>\n", htmlClass[line.mark], line.mark, html.EscapeString(line.text))
	}
	out.WriteString("</pre></div>")
	return out.String()
}
