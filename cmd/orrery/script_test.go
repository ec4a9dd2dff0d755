package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rogpeppe/go-internal/testscript" // scripts with expected output, as Go's own command is tested
	"github.com/stretchr/testify/require"

	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/node"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"orrery": main})
}

func TestScript(t *testing.T) {
	cache, err := instance.CacheFolder()
	require.NoError(t, err)
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: func(env *testscript.Env) error { return prepare(t, env, cache) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"capture": capture,
		},
		RequireUniqueNames: true,
	})
}

// prepare opens a script's folder to PostgreSQL's user, whom servers run as
// when we are root, and ends what the script leaves running.
func prepare(t *testing.T, env *testscript.Env, cache string) error {
	env.Setenv("ORRERY_CACHE", cache)
	// Under the race detector a program ends a second late, unless told not to.
	env.Setenv("GORACE", "atexit_sleep_ms=0")
	// The folder that has orrery and nothing else.
	env.Setenv("BIN", filepath.SplitList(env.Getenv("PATH"))[0])
	for _, folder := range []string{filepath.Dir(env.WorkDir), env.WorkDir, env.Getenv("TMPDIR")} {
		if err := os.Chmod(folder, 0o755); err != nil {
			return err
		}
	}
	env.Defer(func() {
		running, _ := filepath.Glob(filepath.Join(env.WorkDir, "*", "orrery.json"))
		hidden, _ := filepath.Glob(filepath.Join(env.WorkDir, ".*", "orrery.json"))
		for _, file := range append(running, hidden...) {
			err := down(context.Background(), &options{data: filepath.Dir(file)})
			if err != nil && !errors.Is(err, node.ErrNotRunning) {
				t.Errorf("stop what runs on %s: %v", file, err)
			}
		}
	})
	return nil
}

// capture VARIABLE REGEXP keeps the first group of a match in the last
// command's output.
func capture(script *testscript.TestScript, negated bool, arguments []string) {
	if negated || len(arguments) != 2 {
		script.Fatalf("usage: capture VARIABLE REGEXP")
	}
	match := regexp.MustCompile("(?m)" + arguments[1]).FindStringSubmatch(script.ReadFile("stdout"))
	if len(match) != 2 {
		script.Fatalf("no match of %s with one group", arguments[1])
	}
	script.Setenv(arguments[0], match[1])
}
