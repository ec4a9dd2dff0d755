package node_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orrerydb/orrery/internal/client"
	"github.com/orrerydb/orrery/internal/config"
	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/node"
)

// nodeConfig makes this test binary a node that runs until it is killed.
const nodeConfig = "ORRERY_TEST_NODE_CONFIG"

func TestMain(m *testing.M) {
	if path := os.Getenv(nodeConfig); path != "" {
		runNode(path)
		return
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

func runNode(path string) {
	c, err := config.Read(path)
	if err != nil {
		panic(err)
	}
	folder := node.Folder(filepath.Join(filepath.Dir(path), "state"))
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if _, err := node.Start(context.Background(), c, []string{path}, folder, log, func(string, ...any) {}); err != nil {
		panic(err)
	}
	fmt.Println("ready")
	select {}
}

// process runs the node of a world as a process of its own.
func (w *world) process() *exec.Cmd {
	w.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), nodeConfig+"="+w.config)
	out, err := cmd.StdoutPipe()
	require.NoError(w, err)
	cmd.Stderr = os.Stderr
	require.NoError(w, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if lines.Text() != "ready" {
			continue
		}
		w.operator, err = w.folder.Operator()
		require.NoError(w, err)
		w.api = &client.Client{Base: w.operator.API, TokenID: w.operator.TokenID, Token: w.operator.Token, Organization: w.operator.Organization}
		return cmd
	}
	require.Fail(w, "the node did not start")
	return nil
}

// writer inserts numbers until it is told to stop or an insert fails, and
// remembers which were acknowledged.
type writer struct {
	db           *sql.DB
	insert       string
	from         int
	acknowledged []int
}

func (x *writer) run(ctx context.Context) {
	for n := x.from; ctx.Err() == nil; n++ {
		if _, err := x.db.ExecContext(ctx, x.insert+"("+strconv.Itoa(n)+")"); err != nil {
			return
		}
		x.acknowledged = append(x.acknowledged, n)
	}
}

// TestKill kills orrery with SIGKILL while clients write and a deployment
// runs. After the restart no acknowledged write is missing, and the deployment
// has gone on to its end. ORRERY_CRASH_ROUNDS and ORRERY_CRASH_SEED make it longer.
func TestKill(t *testing.T) {
	rounds, seed := 2, time.Now().UnixNano()
	if text := os.Getenv("ORRERY_CRASH_ROUNDS"); text != "" {
		rounds, _ = strconv.Atoi(text)
	}
	if text := os.Getenv("ORRERY_CRASH_SEED"); text != "" {
		seed, _ = strconv.ParseInt(text, 10, 64)
	}
	t.Logf("seed %d, %d rounds", seed, rounds)
	random := rand.New(rand.NewSource(seed))

	ledger := "CREATE TABLE ledger (n int NOT NULL PRIMARY KEY);\n"
	w := start(t, twoDatabases, map[string]string{
		"mysql/orders/orders.sql": schemaFiles["mysql/orders/orders.sql"] + ledger, "postgres/notes.sql": schemaFiles["postgres/notes.sql"] + ";" + ledger,
	})
	w.down()
	cmd := w.process()
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		// Its servers are shutting down; their folder must stay until they have.
		manager, err := instance.Open(filepath.Join(string(w.folder), "branches"), instance.Binaries{}, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		require.NoError(t, manager.Close(context.Background()))
	})
	for round := range rounds {
		cmd = w.crash(cmd, random, round)
	}
}

// crash is one round: prepare deployments on both databases, write, kill at a
// random moment, restart, check.
func (w *world) crash(cmd *exec.Cmd, random *rand.Rand, round int) *exec.Cmd {
	column := fmt.Sprintf("c%d", round)
	paths := make([]string, len(dialects))
	for i, d := range dialects {
		branch := fmt.Sprintf("feat%d", round)
		w.branch(d.database, branch)
		dev := w.open(d.database, branch, "admin", d.keyspace)
		w.exec(dev, "ALTER TABLE item ADD COLUMN "+column+" int")
		for n := range 5 {
			w.exec(dev, fmt.Sprintf("CREATE TABLE extra_%d_%d (id int NOT NULL PRIMARY KEY)", round, n))
		}
		w.exec(dev, "CREATE INDEX by_"+column+" ON item ("+column+")")
		paths[i], _ = w.request(d, branch, nil)
	}
	writers := w.write(round)
	for _, path := range paths {
		w.do("POST", path+"/deploy", map[string]any{})
	}
	pause := time.Duration(random.Intn(600)) * time.Millisecond
	time.Sleep(pause) // the moment of the kill is the experiment, not a wait for something
	require.NoError(w, cmd.Process.Kill())
	cmd.Wait()
	acknowledged := writers()

	cmd = w.process()
	for i, d := range dialects {
		w.until(paths[i], "deployment_state", "complete_pending_revert")
		db := w.open(d.database, "main", "reader", d.keyspace)
		require.Contains(w, w.columns(db, "item"), column)
		for n := range 5 {
			w.columns(db, fmt.Sprintf("extra_%d_%d", round, n))
		}
		w.holds(db, acknowledged[i])
		w.do("POST", paths[i]+"/skip-revert", map[string]any{})
		w.until(paths[i], "deployment_state", "complete")
	}
	w.Logf("round %d: killed after %s, %d and %d acknowledged writes", round, pause, len(acknowledged[0]), len(acknowledged[1]))
	return cmd
}

// write starts writers on both databases; what is returned stops them and
// gives what each database acknowledged.
func (w *world) write(round int) func() [][]int {
	const each = 4
	ctx, cancel := context.WithCancel(w.Context())
	var group sync.WaitGroup
	writers := make([][]*writer, len(dialects))
	started := make(chan struct{}, each*len(dialects))
	for i, d := range dialects {
		for k := range each {
			x := &writer{db: w.open(d.database, "main", "readwriter", d.keyspace), insert: "INSERT INTO ledger VALUES ", from: (round*each + k) * 1_000_000}
			writers[i] = append(writers[i], x)
			group.Go(func() {
				started <- struct{}{}
				x.run(ctx)
			})
		}
	}
	for range cap(started) {
		<-started
	}
	return func() [][]int {
		cancel()
		group.Wait()
		all := make([][]int, len(writers))
		for i := range writers {
			for _, x := range writers[i] {
				all[i] = append(all[i], x.acknowledged...)
			}
		}
		return all
	}
}

func (w *world) holds(db *sql.DB, acknowledged []int) {
	w.Helper()
	rows, err := db.QueryContext(w.Context(), "SELECT n FROM ledger")
	require.NoError(w, err)
	defer rows.Close()
	present := map[int]bool{}
	for rows.Next() {
		var n int
		require.NoError(w, rows.Scan(&n))
		present[n] = true
	}
	require.NoError(w, rows.Err())
	for _, n := range acknowledged {
		require.True(w, present[n], "acknowledged write %d is missing", n)
	}
}
