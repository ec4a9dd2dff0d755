package mysql

import (
	"slices"

	"github.com/orrerydb/orrery/internal/schema"
)

// sharedBase moves the ancestor forward by what both sides did alike. What
// then is left to merge is only what they did apart, so a branch whose change
// the target already has, in whole or in part, merges without a conflict.
func sharedBase(ancestor, branch, target string) string {
	a, okA := parseDefinition(ancestor)
	b, okB := parseDefinition(branch)
	t, okT := parseDefinition(target)
	if !okA || !okB || !okT {
		return ancestor
	}
	a.columns = sharedParts(a.columns, b.columns, t.columns)
	a.keys = sharedParts(a.keys, b.keys, t.keys)
	if b.options == t.options {
		a.options = t.options
	}
	if b.partitions == t.partitions {
		a.partitions = t.partitions
	}
	return a.String()
}

func sharedParts(ancestor, branch, target []part) []part {
	inBranch, inTarget := schema.PartTexts(branch), schema.PartTexts(target)
	var shared []part
	for _, old := range ancestor {
		text, kept := inBranch[old.Name]
		other, keptToo := inTarget[old.Name]
		switch {
		case !kept && !keptToo:
			continue
		case text == other:
			old.Text = text
		}
		shared = append(shared, old)
	}
	known := schema.PartTexts(ancestor)
	for i, added := range branch {
		if known[added.Name] != "" || inTarget[added.Name] != added.Text {
			continue
		}
		position := 0
		if i > 0 {
			position = 1 + slices.IndexFunc(shared, func(p part) bool { return p.Name == branch[i-1].Name })
			if position == 0 {
				position = len(shared)
			}
		}
		shared = slices.Insert(shared, position, added)
	}
	return shared
}
