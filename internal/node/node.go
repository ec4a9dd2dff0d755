// Package node is one running Orrery: it puts the store, the servers, the
// platform, the gateway and the API together, and takes them apart in order.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/orrerydb/orrery/internal/api"
	"github.com/orrerydb/orrery/internal/config"
	"github.com/orrerydb/orrery/internal/engine"
	"github.com/orrerydb/orrery/internal/engine/mysql"
	"github.com/orrerydb/orrery/internal/engine/postgres"
	"github.com/orrerydb/orrery/internal/gateway"
	"github.com/orrerydb/orrery/internal/instance"
	"github.com/orrerydb/orrery/internal/platform"
	"github.com/orrerydb/orrery/internal/platform/store"
)

// Node is one running Orrery.
type Node struct {
	config    *config.Config
	folder    Folder
	key       []byte
	log       *slog.Logger
	store     *store.Store
	instances *instance.Manager
	Platform  *platform.Platform
	gateway   *gateway.Server
	http      *http.Server
	listener  net.Listener
	stop      context.CancelFunc
	done      chan struct{}
}

// Progress is told what a start is doing, for people who wait for it.
type Progress func(format string, arguments ...any)

// Start brings everything up. It returns when clients can connect to what the
// config names.
func Start(ctx context.Context, c *config.Config, files []string, folder Folder, log *slog.Logger, progress Progress) (*Node, error) {
	n := &Node{config: c, folder: folder, log: log, done: make(chan struct{})}
	close(n.done)
	if err := n.start(ctx, files, progress); err != nil {
		return nil, errors.Join(err, n.Close(context.WithoutCancel(ctx)))
	}
	return n, nil
}

func (n *Node) start(ctx context.Context, files []string, progress Progress) error {
	if err := n.folder.make(); err != nil {
		return err
	}
	var err error
	// The instances' lock is the folder's: it comes first, so that a second
	// Orrery touches nothing.
	if n.instances, err = instance.Open(n.folder.path("branches"), instance.Binaries{}, n.log); err != nil {
		return err
	}
	if n.key, err = n.folder.key(); err != nil {
		return err
	}
	if n.listener, err = net.Listen("tcp", n.config.Listen.API); err != nil {
		return fmt.Errorf("listen for API clients on %s: %w", n.config.Listen.API, err)
	}
	if err := n.openPlatform(ctx); err != nil {
		return err
	}
	if err := n.openGateway(); err != nil {
		return err
	}
	n.serveAPI()
	if err := n.folder.record(n.running(files)); err != nil {
		return err
	}
	if err := n.ensureDatabases(ctx, progress); err != nil {
		return err
	}
	n.runSleeper()
	return nil
}

func (n *Node) openPlatform(ctx context.Context) error {
	address := n.config.Store
	if address == "" {
		address = n.folder.path("orrery.db")
	}
	var err error
	if n.store, err = store.Open(ctx, address); err != nil {
		return err
	}
	engines := map[platform.Kind]engine.Engine{
		platform.MySQL:    mysql.New(n.instances),
		platform.Postgres: postgres.New(n.instances),
	}
	n.Platform = platform.New(n.store, engines, platform.Settings{Organization: n.config.Organization}, n.log)
	for _, d := range n.config.Databases {
		if d.Attached != nil {
			n.Platform.Attach(d.Name, &engine.Attached{Address: d.Attached.Address, User: d.Attached.User, Password: d.Attached.Password, TLS: d.Attached.TLS})
		}
	}
	if err := n.Platform.Open(ctx); err != nil {
		return err
	}
	_, _, err = n.Platform.EnsureOperator(ctx, n.key)
	return err
}

func (n *Node) openGateway() error {
	certificates, err := n.folder.tls()
	if err != nil {
		return err
	}
	server := gateway.New(gateway.Config{
		Directory: directory{n.Platform, &sync.Map{}}, TLS: certificates, MySQLAddress: n.config.Listen.MySQL, PostgresAddress: n.config.Listen.Postgres,
		Log: n.log, MaxConnections: n.config.ConnectionLimit,
	})
	if err := server.Start(); err != nil {
		return err
	}
	n.gateway = server
	return nil
}

func (n *Node) serveAPI() {
	urls := api.URLs{Base: "http://" + n.listener.Addr().String(), MySQL: n.gateway.MySQLAddr().String(), Postgres: n.gateway.PostgresAddr().String()}
	n.http = &http.Server{Handler: api.New(n.Platform, urls, n.log), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelWarn)}
	go func() {
		if err := n.http.Serve(n.listener); !errors.Is(err, http.ErrServerClosed) {
			n.log.Error("API ended", "error", err)
		}
	}()
}

// Running is what other processes may know of a running node.
type Running struct {
	PID          int      `json:"pid"`
	Organization string   `json:"organization"`
	API          string   `json:"api"` // URL
	MySQL        string   `json:"mysql"`
	Postgres     string   `json:"postgresql"`
	Config       []string `json:"config"` // files
}

func (n *Node) running(files []string) Running {
	absolute := make([]string, len(files))
	for i, file := range files {
		absolute[i], _ = filepath.Abs(file)
	}
	return Running{
		Organization: n.config.Organization, API: "http://" + n.listener.Addr().String(),
		MySQL: n.gateway.MySQLAddr().String(), Postgres: n.gateway.PostgresAddr().String(), Config: absolute,
	}
}

// Close ends it in the order in which nothing is lost: no new work, sessions
// finish their transactions, deployments stop where they can go on, servers
// shut down.
func (n *Node) Close(ctx context.Context) error {
	var errs []error
	if n.stop != nil {
		n.stop()
	}
	<-n.done
	if n.Platform != nil {
		n.Platform.Stop() // so that no request waits for a branch to be made
	}
	// A client that does not leave must not take the time that servers need
	// for an orderly end.
	polite, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	switch {
	case n.http != nil:
		errs = append(errs, n.http.Shutdown(polite))
	case n.listener != nil:
		errs = append(errs, n.listener.Close())
	}
	if n.gateway != nil {
		errs = append(errs, n.gateway.Shutdown(polite))
	}
	if n.Platform != nil {
		n.Platform.Close()
	}
	if n.instances != nil {
		errs = append(errs, n.instances.Close(ctx))
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	n.folder.forget()
	return errors.Join(errs...)
}
