package gateway

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
	"github.com/xdg-go/scram"
	"go.uber.org/goleak"
)

// The servers of this test binary, started when first asked for.
var (
	testMySQL    = &testServer{}
	testPostgres = &testServer{}
)

// testServer is one real database server process.
type testServer struct {
	once    sync.Once
	missing string
	dir     string
	socket  string
	command *exec.Cmd
	start   func() *exec.Cmd
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, s := range []*testServer{testMySQL, testPostgres} {
		s.stop()
		if s.dir != "" {
			_ = os.RemoveAll(s.dir)
		}
	}
	if code == 0 {
		if err := goleak.Find(goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func (s *testServer) run() {
	s.command = s.start()
	s.command.SysProcAttr = withDeathSignal(s.command.SysProcAttr)
	if err := s.command.Start(); err != nil {
		panic(err)
	}
}

func withDeathSignal(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	if a == nil {
		a = &syscall.SysProcAttr{}
	}
	a.Pdeathsig = syscall.SIGKILL
	return a
}

func (s *testServer) stop() {
	if s.command == nil || s.command.Process == nil {
		return
	}
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
	s.command = nil
}

func mysqlFolder() string {
	if path, err := exec.LookPath("mysqld"); err == nil {
		return filepath.Dir(path)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "orrery", "mysql", "bin")
}

// needMySQL returns the running MySQL server.
func needMySQL(t testing.TB) *testServer {
	t.Helper()
	s := testMySQL
	s.once.Do(func() {
		mysqld := filepath.Join(mysqlFolder(), "mysqld")
		if _, err := os.Stat(mysqld); err != nil {
			s.missing = "no mysqld: run scripts/install-mysql"
			return
		}
		s.dir = tempFolder("orrery-mysql")
		data := filepath.Join(s.dir, "data")
		out, err := exec.Command(mysqld, "--no-defaults", "--initialize-insecure", "--datadir="+data, "--secure-file-priv=").CombinedOutput()
		if err != nil {
			panic(fmt.Sprintf("initialise mysqld: %v\n%s", err, out))
		}
		s.socket = filepath.Join(s.dir, "s.sock")
		s.start = func() *exec.Cmd {
			return exec.Command(mysqld, "--no-defaults", "--datadir="+data, "--socket="+s.socket, "--skip-networking",
				"--mysqlx=OFF", "--performance-schema=OFF", "--innodb-buffer-pool-size=32M", "--secure-file-priv=",
				"--local-infile=ON", "--pid-file="+filepath.Join(s.dir, "pid"), "--log-error="+filepath.Join(s.dir, "log"),
				"--max-allowed-packet=64M", "--skip-log-bin", "--innodb-flush-log-at-trx-commit=0")
		}
		s.run()
		db := mustMySQL("root@unix(" + s.socket + ")/?multiStatements=true")
		defer db.Close()
		waitFor(func() error { return db.Ping() })
		_, err = db.Exec("CREATE USER gw IDENTIFIED BY 'backend-secret'; GRANT ALL ON *.* TO gw; CREATE DATABASE ks1; CREATE DATABASE ks2; CREATE DATABASE direct")
		if err != nil {
			panic(err)
		}
	})
	if s.missing != "" {
		t.Fatal(s.missing)
	}
	return s
}

func tempFolder(name string) string {
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		panic(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		panic(err)
	}
	return dir
}

func mustMySQL(dsn string) *sql.DB {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		panic(err)
	}
	return db
}

// waitFor waits until f succeeds: a server that starts gives no other signal.
func waitFor(f func() error) {
	var err error
	for range 600 {
		if err = f(); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	panic(err)
}

// needPostgres returns the running PostgreSQL server.
func needPostgres(t testing.TB) *testServer {
	t.Helper()
	s := testPostgres
	s.once.Do(func() {
		found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
		if len(found) == 0 {
			s.missing = "no postgres: install postgresql"
			return
		}
		bin := filepath.Dir(found[len(found)-1])
		s.dir = tempFolder("orrery-postgres")
		data := filepath.Join(s.dir, "data")
		as := postgresUser(s.dir)
		initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
		initdb.SysProcAttr = as()
		initdb.Dir = s.dir
		if out, err := initdb.CombinedOutput(); err != nil {
			panic(fmt.Sprintf("initdb: %v\n%s", err, out))
		}
		s.socket = filepath.Join(s.dir, ".s.PGSQL.5432")
		s.start = func() *exec.Cmd {
			c := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200")
			c.SysProcAttr = as()
			c.Dir = s.dir
			return c
		}
		s.run()
		waitFor(func() error {
			return psqlDirect(s, "postgres", "SELECT 1")
		})
		for _, q := range []string{"CREATE DATABASE app", "CREATE DATABASE direct", "CREATE ROLE app LOGIN", "GRANT ALL ON DATABASE app TO app", "ALTER DATABASE app OWNER TO app"} {
			if err := psqlDirect(s, "postgres", q); err != nil {
				panic(err)
			}
		}
	})
	if s.missing != "" {
		t.Fatal(s.missing)
	}
	return s
}

func psqlDirect(s *testServer, db, query string) error {
	out, err := exec.Command("psql", "-X", "-h", s.dir, "-U", "postgres", "-d", db, "-c", query).CombinedOutput()
	if err != nil {
		return fmt.Errorf("psql: %w: %s", err, out)
	}
	return nil
}

// postgresUser makes the folder the postgres user's when we are root, as whom
// the server does not run.
func postgresUser(dir string) func() *syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return func() *syscall.SysProcAttr { return nil }
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		panic(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		panic(err)
	}
	return func() *syscall.SysProcAttr {
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
}

// testDirectory is a control plane in memory.
type testDirectory struct {
	mu          sync.Mutex
	credentials map[string]*Credential
	endpoint    Endpoint
	asleep      atomic.Bool
	user        string
}

func (d *testDirectory) Resolve(_ context.Context, _ Protocol, username string) (*Credential, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.credentials[username]; c != nil {
		return c, nil
	}
	if _, branch, ok := strings.Cut(username, "."); ok && branch != "main" {
		return nil, fmt.Errorf("%w: %s", ErrUnknownBranch, branch)
	}
	return nil, ErrUnknownUser
}

func (d *testDirectory) Endpoint(_ context.Context, c *Credential) (Endpoint, error) {
	if d.asleep.Load() {
		return Endpoint{}, fmt.Errorf("%w: disk full", ErrUnavailable)
	}
	return d.endpoint, nil
}

const testPassword = "pscale_pw_test"

// fixture is a gateway before real servers.
type fixture struct {
	t         testing.TB
	server    *Server
	directory *testDirectory
	branch    *Branch
	safe      atomic.Bool
	revoke    map[string]chan struct{}
}

type option func(*Config)

func newFixture(t testing.TB, endpoint Endpoint, options ...option) *fixture {
	t.Helper()
	f := &fixture{t: t, revoke: map[string]chan struct{}{}}
	f.branch = &Branch{
		ID: "br_" + t.Name(), Name: "main", Database: "shop", DefaultKeyspace: "ks1",
		Keyspaces:      func() []string { return []string{"ks1"} },
		SafeMigrations: f.safe.Load,
	}
	f.directory = &testDirectory{credentials: map[string]*Credential{}, endpoint: endpoint}
	config := Config{
		Directory: f.directory, TLS: testTLS(t), MySQLAddress: "127.0.0.1:0", PostgresAddress: "127.0.0.1:0",
		PoolWait: 5 * time.Second,
	}
	if testing.Verbose() {
		config.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	for _, o := range options {
		o(&config)
	}
	f.server = New(config)
	require.NoError(t, f.server.Start())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		_ = f.server.Shutdown(ctx)
		for _, p := range f.server.PoolStats() {
			require.Zero(t, p.Open, "backend connections left open")
		}
	})
	return f
}

func mysqlFixture(t testing.TB, options ...option) *fixture {
	t.Helper()
	s := needMySQL(t)
	f := newFixture(t, Endpoint{Network: "unix", Address: s.socket, User: "gw", Password: "backend-secret"}, options...)
	f.addMySQL("admin", Admin)
	return f
}

func (f *fixture) addMySQL(name string, role Role, changes ...func(*Credential)) *Credential {
	one := sha1.Sum([]byte(testPassword))
	one256 := sha256.Sum256([]byte(testPassword))
	revoked := make(chan struct{})
	c := &Credential{
		ID: "pw_" + name, Username: name, Role: role, Protocol: MySQL,
		NativeHash: sha1.Sum(one[:]), SHA256Hash: sha256.Sum256(one256[:]),
		Branch: f.branch, PoolSize: 4, Revoked: revoked,
	}
	for _, change := range changes {
		change(c)
	}
	f.directory.mu.Lock()
	defer f.directory.mu.Unlock()
	f.directory.credentials[name] = c
	f.revoke[name] = revoked
	return c
}

func (f *fixture) addPostgres(role string, changes ...func(*Credential)) *Credential {
	client, err := scram.SHA256.NewClient(role, testPassword, "")
	require.NoError(f.t, err)
	stored, err := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "0123456789abcdef", Iters: 4096})
	require.NoError(f.t, err)
	b64 := base64.StdEncoding.EncodeToString
	revoked := make(chan struct{})
	c := &Credential{
		ID: "role_" + role, Username: role + ".main", Role: Admin, Protocol: Postgres,
		SCRAM:  fmt.Sprintf("SCRAM-SHA-256$4096:%s$%s:%s", b64([]byte(stored.Salt)), b64(stored.StoredKey), b64(stored.ServerKey)),
		Branch: f.branch, PoolSize: 4, Revoked: revoked,
	}
	for _, change := range changes {
		change(c)
	}
	f.directory.mu.Lock()
	defer f.directory.mu.Unlock()
	f.directory.credentials[c.Username] = c
	f.revoke[role] = revoked
	return c
}

func (f *fixture) dsn(user, database, params string) string {
	return fmt.Sprintf("%s:%s@tcp(%s)/%s?%s", user, testPassword, f.server.MySQLAddr(), database, params)
}

// open returns one client connection through the gateway.
func (f *fixture) open(user, database, params string) *sql.Conn {
	f.t.Helper()
	db, err := sql.Open("mysql", f.dsn(user, database, params))
	require.NoError(f.t, err)
	f.t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(context.Background())
	require.NoError(f.t, err)
	f.t.Cleanup(func() { conn.Close() })
	return conn
}

var tlsOnce = sync.OnceValue(func() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
})

func testTLS(testing.TB) *tls.Config { return tlsOnce() }

func isMySQLError(t testing.TB, err error, number uint16, contains string) {
	t.Helper()
	var e *mysql.MySQLError
	require.ErrorAs(t, err, &e)
	require.Equal(t, number, e.Number, e.Message)
	require.Contains(t, e.Message, contains)
}

func runProgram(t testing.TB, stdin string, env []string, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), env...)
	c.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	require.NoError(t, err, out.String())
	return out.String()
}
