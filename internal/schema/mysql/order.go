package mysql

import (
	"regexp"
	"sort"

	"github.com/orrerydb/orrery/internal/schema"
)

var (
	referenced = regexp.MustCompile("REFERENCES `((?:[^`]|``)+)`")
	quotedName = regexp.MustCompile("`((?:[^`]|``)+)`")
)

// creationOrder sorts objects so that each comes after what it needs: tables
// after the tables that their foreign keys name, views after tables and views
// that they read. Objects that need each other stay in the order of names.
func creationOrder(objects []schema.Object) []schema.Object {
	sort.Slice(objects, func(i, j int) bool {
		if objects[i].Kind != objects[j].Kind {
			return objects[i].Kind == schema.Table
		}
		return objects[i].Name < objects[j].Name
	})
	byName := map[string]schema.Object{}
	for _, object := range objects {
		byName[object.Name] = object
	}
	ordered := make([]schema.Object, 0, len(objects))
	visited := map[string]bool{}
	var visit func(object schema.Object)
	visit = func(object schema.Object) {
		if visited[object.Name] {
			return
		}
		visited[object.Name] = true
		for _, name := range needs(object) {
			if needed, ok := byName[name]; ok && needed.Kind == object.Kind {
				visit(needed)
			}
		}
		ordered = append(ordered, object)
	}
	for _, object := range objects {
		visit(object)
	}
	return ordered
}

// needs lists names that may have to exist before the object. For a view each
// quoted word counts: one too many only makes the order stricter.
func needs(object schema.Object) []string {
	pattern := referenced
	if object.Kind == schema.View {
		pattern = quotedName
	}
	var names []string
	for _, match := range pattern.FindAllStringSubmatch(object.SQL, -1) {
		names = append(names, match[1])
	}
	return names
}
