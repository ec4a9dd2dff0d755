// Package platform is the domain: organizations, databases, branches,
// credentials and deploy requests, and what can be done with them.
//
// It knows no SQL driver and no HTTP. Names, states and rules are those of
// PlanetScale's public API. Invariants:
//   - A secret's plain text leaves Create once and is kept nowhere; what is
//     stored verifies it and cannot give it back.
//   - What touches a server is recorded first, so that Open can finish or undo
//     what a killed process began.
//   - Every change by somebody is in the audit log.
package platform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"github.com/orrerydb/orrery/internal/deploy"
	"github.com/orrerydb/orrery/internal/engine"
)

// Error codes as PlanetScale's clients know them.
const (
	NotFound      = "not_found"
	Unauthorized  = "unauthorized"
	Forbidden     = "forbidden"
	Invalid       = "invalid_params"
	Unprocessable = "unprocessable"
)

// Error is a refusal for the person or program that asked.
type Error struct {
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Message }

func refuse(code, format string, arguments ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, arguments...)}
}

// ErrNotFound is returned by a Store when no record matches.
var ErrNotFound = errors.New("no such record")

// Actor is who acts.
type Actor = deploy.Actor

// By is an equality on a column.
type By struct {
	Column string
	Value  any
}

// Store keeps the platform's records: pointers to this package's structs. It
// is answered by SQLite or PostgreSQL, which pass one suite.
type Store interface {
	deploy.Store
	Insert(ctx context.Context, record any) error
	// Save writes all columns of the record with that id.
	Save(ctx context.Context, record any) error
	Delete(ctx context.Context, record any) error
	// Get fills the record with the one row that matches, or ErrNotFound.
	Get(ctx context.Context, record any, by ...By) error
	// List fills the slice with all rows that match, in that order
	// ("created_at", or "number DESC").
	List(ctx context.Context, records any, order string, by ...By) error
	// Transaction runs f on a store whose changes all happen or none. What f
	// gets stays as it is until f has ended.
	Transaction(ctx context.Context, f func(Store) error) error
}

// Settings of one running platform.
type Settings struct {
	Organization string
	// URLs that answers name.
	APIURL string
	// Addresses that credentials name: host:port.
	MySQLAddress, PostgresAddress string
	RevertWindow                  time.Duration
}

// Platform is the use-cases. Its methods may be called at the same time.
type Platform struct {
	store    Store
	engines  map[Kind]engine.Engine
	settings Settings
	log      *slog.Logger
	runner   *deploy.Runner
	now      func() time.Time
	attached map[string]*engine.Attached // by database name: where production lives

	live  *directory
	locks sync.Map // branch id → *sync.Mutex: one change of a branch at a time

	used sync.Map // branch id → time.Time of its last use

	ctx        context.Context // ends with Close
	cancel     context.CancelFunc
	background sync.WaitGroup
}

// New returns a platform on a store. Open makes it ready.
func New(store Store, engines map[Kind]engine.Engine, settings Settings, log *slog.Logger) *Platform {
	p := &Platform{
		store: store, engines: engines, settings: settings, log: log,
		now:      func() time.Time { return time.Now().UTC().Truncate(time.Millisecond) },
		attached: map[string]*engine.Attached{}, live: newDirectory(),
	}
	if log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.runner = deploy.NewRunner(store, executor{p}, hooks{p}, settings.RevertWindow, log)
	return p
}

// Attach says that a database's production branch lives on that server.
// It is called before Open.
func (p *Platform) Attach(database string, server *engine.Attached) { p.attached[database] = server }

// Open finishes what an earlier process began, and goes on with its deployments.
func (p *Platform) Open(ctx context.Context) error {
	if err := p.ensureOrganization(ctx); err != nil {
		return err
	}
	if err := p.finishBranches(ctx); err != nil {
		return err
	}
	return p.runner.Start(ctx)
}

// Stop begins to close: what is made in the background is left for the next
// start.
func (p *Platform) Stop() { p.cancel() }

// Close stops deployments and the making of branches where they are.
func (p *Platform) Close() {
	p.cancel()
	p.runner.Close()
	p.background.Wait()
	p.live.close()
}

// Organization owns everything.
type Organization struct {
	ID        string `bun:",pk"`
	Name      string
	CreatedAt time.Time
	UpdatedAt time.Time
}

func (p *Platform) ensureOrganization(ctx context.Context) error {
	_, err := p.Organization(ctx, p.settings.Organization)
	if _, ok := errors.AsType[*Error](err); !ok {
		return err
	}
	if err := validName("organization", p.settings.Organization); err != nil {
		return err
	}
	now := p.now()
	return p.store.Insert(ctx, &Organization{ID: deploy.NewID(), Name: p.settings.Organization, CreatedAt: now, UpdatedAt: now})
}

// Organizations are all there are.
func (p *Platform) Organizations(ctx context.Context) ([]*Organization, error) {
	var all []*Organization
	return all, p.store.List(ctx, &all, "name")
}

// Organization by name.
func (p *Platform) Organization(ctx context.Context, name string) (*Organization, error) {
	o := &Organization{}
	return o, found(p.store.Get(ctx, o, By{"name", name}), "organization %s does not exist", name)
}

// change reads a record, changes it and writes it, as one step: whoever else
// changes it waits, and finds what was written.
func change[T any](ctx context.Context, store Store, id string, f func(*T) error) (*T, error) {
	record := new(T)
	err := store.Transaction(ctx, func(s Store) error {
		if err := s.Get(ctx, record, By{"id", id}); err != nil {
			return err
		}
		if err := f(record); err != nil {
			return err
		}
		return s.Save(ctx, record)
	})
	return record, err
}

// found turns the store's "no such record" into a refusal with a text.
func found(err error, format string, arguments ...any) error {
	if errors.Is(err, ErrNotFound) || errors.Is(err, deploy.ErrNotFound) {
		return refuse(NotFound, format, arguments...)
	}
	return err
}

var name = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

func validName(what, value string) error {
	if name.MatchString(value) {
		return nil
	}
	return refuse(Invalid, "%s name %q is not valid: use 1 to 63 lower-case letters, digits, '-' and '_', starting with a letter or digit", what, value)
}

// lock makes the changes of one thing happen one after the other.
func (p *Platform) lock(id string) func() {
	value, _ := p.locks.LoadOrStore(id, &sync.Mutex{})
	mutex := value.(*sync.Mutex) //nolint:forcetypeassert // only mutexes are stored
	mutex.Lock()
	return mutex.Unlock
}
