package schema

import "fmt"

// Part is a named piece of an object's definition: a column, an index.
type Part struct{ Name, Text string }

// MergeParts takes, of each part, what one side changed since the ancestor;
// parts changed differently on both sides are an error. The target's parts come
// first, in its order. what is put before a part's name in the error.
func MergeParts(what string, ancestor, branch, target []Part) ([]Part, error) {
	a, b, t := PartTexts(ancestor), PartTexts(branch), PartTexts(target)
	var merged []Part
	seen := map[string]bool{}
	for _, list := range [][]Part{target, branch} {
		for _, part := range list {
			if seen[part.Name] {
				continue
			}
			seen[part.Name] = true
			text, err := Pick(what+part.Name, a[part.Name], b[part.Name], t[part.Name])
			if err != nil {
				return nil, err
			}
			if text != "" {
				merged = append(merged, Part{part.Name, text})
			}
		}
	}
	return merged, nil
}

// PartTexts are the parts by name.
func PartTexts(parts []Part) map[string]string {
	texts := map[string]string{}
	for _, part := range parts {
		texts[part.Name] = part.Text
	}
	return texts
}

// Pick is the three-way choice of one text; "" stands for not there.
func Pick(what, ancestor, branch, target string) (string, error) {
	if branch == ancestor || branch == target {
		return target, nil
	}
	if target == ancestor {
		return branch, nil
	}
	return "", fmt.Errorf("%s was changed differently on both sides", what)
}
