// Package gateway is the data plane: it takes clients of the MySQL and the
// PostgreSQL protocol, checks who they are, judges what they send, and lends
// them backend connections for a transaction at a time.
//
// Invariants:
//   - A backend connection goes back to its pool only when the protocol is
//     idle and everything that the session left on it is known: settings that
//     can be replayed are noted, everything else pins the connection to the
//     session until it has been reset. In doubt: pinned; on any error: closed.
//   - No statement reaches a backend without the guard's word, whichever way
//     it came (text, prepared, batched).
//   - Response bytes pass as they came, through buffers that are reused.
//     Only what ends a response is understood.
//   - A session is one goroutine; what others may touch of it is in session.
package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orrerydb/orrery/internal/gateway/pool"
	"github.com/orrerydb/orrery/internal/statement"
)

// Config is what a Server needs. Only Directory is required.
type Config struct {
	Directory Directory
	// TLS is offered on both protocols when set.
	TLS *tls.Config
	// MySQLAddress and PostgresAddress are where to listen; empty: not at all.
	MySQLAddress    string
	PostgresAddress string
	Log             *slog.Logger

	// MySQLVersion is what the greeting announces.
	MySQLVersion string

	MaxConnections   int           // clients of both protocols; default 10,000
	HandshakeTimeout time.Duration // default 10 s
	ConnectTimeout   time.Duration // for a backend, its branch's wake-up included; default 30 s
	MaxMessage       int           // largest statement or message of a client; default 1 GiB

	PoolSize     int           // when the credential does not say; default 20
	PoolWait     time.Duration // for a free backend connection; default 15 s
	PoolLifetime time.Duration // default 1 h
	PoolIdle     time.Duration // default 5 min
}

func (c *Config) defaults() {
	setDefault(&c.MySQLVersion, "8.4.0-orrery")
	setDefault(&c.MaxConnections, 10_000)
	setDefault(&c.HandshakeTimeout, 10*time.Second)
	setDefault(&c.ConnectTimeout, 30*time.Second)
	setDefault(&c.MaxMessage, 1<<30)
	setDefault(&c.PoolSize, 20)
	setDefault(&c.PoolWait, 15*time.Second)
	setDefault(&c.PoolLifetime, time.Hour)
	setDefault(&c.PoolIdle, 5*time.Minute)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Server is the data plane of one process.
type Server struct {
	config   Config
	sessions registry
	branches sync.Map // branch ID → *branchState

	mysqlPlans *statement.Cache
	pgPlans    *statement.Cache
	mysqlPools pools[*mysqlBackend]
	pgPools    pools[*pgBackend]

	mysqlListener, pgListener net.Listener

	// lifetime ends when the server has shut down; it bounds backend dials.
	lifetime context.Context
	end      context.CancelFunc
	draining atomic.Bool
	tasks    sync.WaitGroup
}

// branchState is what the sleep logic wants to know of a branch.
type branchState struct {
	lastActivity atomic.Int64
	active       atomic.Int64
	// schemaEpoch counts the times a server refused a prepared statement because
	// the schema had changed; connections prepared before forget theirs.
	schemaEpoch atomic.Int64
}

// New returns a server that does not listen yet.
func New(config Config) *Server {
	config.defaults()
	s := &Server{
		config:     config,
		mysqlPlans: statement.NewCache(statement.MySQL, 20_000, 64<<20),
		pgPlans:    statement.NewCache(statement.Postgres, 20_000, 64<<20),
	}
	s.lifetime, s.end = context.WithCancel(context.Background())
	return s
}

// Start listens and returns; an address that cannot be used is in the error.
func (s *Server) Start() error {
	var err error
	if s.mysqlListener, err = listen("MySQL", s.config.MySQLAddress); err != nil {
		return err
	}
	if s.pgListener, err = listen("PostgreSQL", s.config.PostgresAddress); err != nil {
		if s.mysqlListener != nil {
			_ = s.mysqlListener.Close()
		}
		return err
	}
	if s.mysqlListener != nil {
		s.tasks.Go(func() { s.accept(s.mysqlListener, s.serveMySQL, refuseMySQL) })
	}
	if s.pgListener != nil {
		s.tasks.Go(func() { s.accept(s.pgListener, s.servePostgres, refusePostgres) })
	}
	s.tasks.Go(s.janitor)
	return nil
}

func listen(what, address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for %s clients on %s: %w", what, address, err)
	}
	return l, nil
}

// MySQLAddr returns the address that MySQL clients reach, nil when off.
func (s *Server) MySQLAddr() net.Addr { return addr(s.mysqlListener) }

// PostgresAddr returns the address that PostgreSQL clients reach, nil when off.
func (s *Server) PostgresAddr() net.Addr { return addr(s.pgListener) }

func addr(l net.Listener) net.Addr {
	if l == nil {
		return nil
	}
	return l.Addr()
}

func (s *Server) accept(l net.Listener, serve, refuse func(net.Conn)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of descriptors, most likely: those in use will be freed.
			s.config.Log.Warn("accept failed", "address", l.Addr(), "error", err)
			select {
			case <-time.After(50 * time.Millisecond):
			case <-s.lifetime.Done():
				return
			}
			continue
		}
		if s.sessions.count.Add(1) > int64(s.config.MaxConnections) {
			s.tasks.Go(func() {
				defer s.sessions.count.Add(-1)
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Second))
				refuse(conn)
			})
			continue
		}
		s.tasks.Go(func() {
			defer s.sessions.count.Add(-1)
			defer conn.Close()
			if s.sessions.enter(conn) {
				serve(conn)
				s.sessions.leave(conn)
			}
		})
	}
}

// janitor closes what has been idle for too long.
func (s *Server) janitor() {
	ticker := time.NewTicker(10 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			s.mysqlPools.each(func(_ poolKey, p *pool.Pool[*mysqlBackend]) { p.Sweep(now) })
			s.pgPools.each(func(_ poolKey, p *pool.Pool[*pgBackend]) { p.Sweep(now) })
		case <-s.lifetime.Done():
			return
		}
	}
}

func (s *Server) branch(id string) *branchState {
	if b, ok := s.branches.Load(id); ok {
		return b.(*branchState)
	}
	b, _ := s.branches.LoadOrStore(id, &branchState{})
	return b.(*branchState)
}

// LastActivity returns when a client last asked something of the branch; the
// zero time when none has since the start.
func (s *Server) LastActivity(branchID string) time.Time {
	at := s.branch(branchID).lastActivity.Load()
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(0, at)
}

// ActiveSessions counts the sessions that hold a backend connection of the
// branch: in a statement, in a transaction, or pinned.
func (s *Server) ActiveSessions(branchID string) int {
	return int(s.branch(branchID).active.Load())
}

// CloseBackends closes the branch's idle backend connections at once, and
// those in use when their transaction ends.
func (s *Server) CloseBackends(branchID string) {
	s.mysqlPools.each(func(k poolKey, p *pool.Pool[*mysqlBackend]) {
		if k.branch == branchID {
			p.CloseIdle()
		}
	})
	s.pgPools.each(func(k poolKey, p *pool.Pool[*pgBackend]) {
		if k.branch == branchID {
			p.CloseIdle()
		}
	})
}

// PoolStats is one pool's counters and whose they are.
type PoolStats struct {
	Branch, User, Database string
	Protocol               Protocol
	pool.Stats
}

// PoolStats returns the counters of every pool.
func (s *Server) PoolStats() []PoolStats {
	var all []PoolStats
	s.mysqlPools.each(func(k poolKey, p *pool.Pool[*mysqlBackend]) {
		all = append(all, PoolStats{Branch: k.branch, User: k.user, Protocol: MySQL, Stats: p.Stats()})
	})
	s.pgPools.each(func(k poolKey, p *pool.Pool[*pgBackend]) {
		all = append(all, PoolStats{Branch: k.branch, User: k.user, Database: k.database, Protocol: Postgres, Stats: p.Stats()})
	})
	return all
}

// Connections returns the number of client connections.
func (s *Server) Connections() int { return int(s.sessions.count.Load()) }

// Shutdown stops listening, ends idle sessions, lets transactions finish until
// ctx is done, then ends what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	for _, l := range []net.Listener{s.mysqlListener, s.pgListener} {
		if l != nil {
			_ = l.Close()
		}
	}
	finished := s.sessions.shut()
	s.sessions.each(func(t *session) { t.wake() })
	var err error
	select {
	case <-finished:
	case <-ctx.Done():
		err = fmt.Errorf("transactions were still open: %w", ctx.Err())
		s.sessions.each(func(t *session) { t.stop(endShutdown) })
		<-finished
	}
	s.end()
	s.mysqlPools.each(func(_ poolKey, p *pool.Pool[*mysqlBackend]) { p.Close() })
	s.pgPools.each(func(_ poolKey, p *pool.Pool[*pgBackend]) { p.Close() })
	s.tasks.Wait()
	return err
}
