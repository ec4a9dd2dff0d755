package config

import (
	"reflect"
	"strings"
)

// keys are the known keys of each part of the file, for messages.
var keys = func() map[string][]string {
	known := map[string][]string{}
	for _, part := range []any{file{}, Listen{}, limits{}, database{}, attached{}, tenancy{}, binding{}} {
		kind := reflect.TypeOf(part)
		for field := range kind.Fields() {
			tag, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			known[kind.Name()] = append(known[kind.Name()], tag)
		}
	}
	return known
}()
