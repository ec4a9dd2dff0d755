package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/orrerydb/orrery/internal/schema"
)

// merge brings what branch changed since ancestor into target. It also tells
// which objects both sides changed: when the merged schema then proves to be
// impossible, that is a conflict and not a mistake of the branch.
func merge(ancestor, branch, target schema.Keyspace) (merged schema.Keyspace, both []string, err error) {
	merged = schema.Keyspace{Name: target.Name, Objects: []schema.Object{}}
	for _, name := range schema.ObjectNames(target, branch, ancestor) {
		a, b, t := ancestor.Object(name), branch.Object(name), target.Object(name)
		object, err := mergeObject(a, b, t)
		if err != nil {
			return schema.Keyspace{}, nil, &schema.ConflictError{Keyspace: target.Name, Table: name, Reason: err.Error()}
		}
		if !same(a, b) && !same(a, t) && !same(b, t) {
			both = append(both, name)
		}
		if object != nil {
			merged.Objects = append(merged.Objects, *object)
		}
	}
	return merged, both, nil
}

func same(a, b *schema.Object) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind && (a.SQL == b.SQL || unordered(a.SQL) == unordered(b.SQL))
}

func mergeObject(ancestor, branch, target *schema.Object) (*schema.Object, error) {
	switch {
	case same(branch, ancestor), same(branch, target):
		return target, nil
	case same(target, ancestor):
		return branch, nil
	case ancestor == nil:
		return nil, errors.New("created on both sides, with different definitions")
	case branch == nil:
		return nil, errors.New("dropped on the branch, but changed on the target")
	case target == nil:
		return nil, errors.New("changed on the branch, but dropped on the target")
	case branch.Kind != target.Kind || branch.Kind != ancestor.Kind:
		return nil, fmt.Errorf("a %s on the branch, a %s on the target", branch.Kind, target.Kind)
	}
	return mergeElements(*ancestor, *branch, *target)
}

// mergeElements merges statement by statement, and a table's own statement
// column by column.
func mergeElements(ancestor, branch, target schema.Object) (*schema.Object, error) {
	a, b, t := byKey(elements(ancestor.SQL)), byKey(elements(branch.SQL)), byKey(elements(target.SQL))
	var merged []element
	seen := map[string]bool{}
	for _, list := range [][]element{elements(target.SQL), elements(branch.SQL)} {
		for _, candidate := range list {
			if seen[candidate.key] {
				continue
			}
			seen[candidate.key] = true
			sql, err := mergeStatement(candidate.key, a[candidate.key].sql, b[candidate.key].sql, t[candidate.key].sql)
			if err != nil {
				return nil, err
			}
			if sql != "" {
				candidate.sql = sql
				merged = append(merged, candidate)
			}
		}
	}
	sortElements(merged)
	return &schema.Object{Kind: target.Kind, Name: target.Name, SQL: join(merged)}, nil
}

func mergeStatement(key, ancestor, branch, target string) (string, error) {
	what := strings.TrimPrefix(strings.TrimPrefix(key, "ADD "), "ALTER ")
	if key == mainKey {
		what = "its definition"
	}
	sql, err := schema.Pick(what, ancestor, branch, target)
	if err == nil {
		return sql, nil
	}
	if key == mainKey && createsTable.MatchString(target) {
		return mergeBodies(ancestor, branch, target)
	}
	return "", err
}
