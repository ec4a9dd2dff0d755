package platform

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orrerydb/orrery/internal/engine"
)

// directory is what live sessions hold on to: switches that are thrown while
// they run.
type directory struct {
	mu      sync.Mutex
	holders map[string]*holder
	flags   map[string]*branchFlags
}

// holder ends the sessions of one credential.
type holder struct {
	revoked chan struct{}
	timer   *time.Timer
}

type branchFlags struct {
	safe      atomic.Bool
	keyspaces atomic.Pointer[[]string]
	tables    atomic.Pointer[tableMap]
}

// tableMap is where a branch's tables were at a moment.
type tableMap struct {
	keyspaces map[string][]string
	read      time.Time
}

// tablesKnown is how long a table that was not found is taken for missing:
// long enough that a client's wrong name, repeated, does not occupy the server.
const tablesKnown = 50 * time.Millisecond

func newDirectory() *directory {
	return &directory{holders: map[string]*holder{}, flags: map[string]*branchFlags{}}
}

// hold returns what is closed when the credential is revoked or expires.
func (l *directory) hold(id string, expires *time.Time) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, found := l.holders[id]
	if !found {
		h = &holder{revoked: make(chan struct{})}
		l.holders[id] = h
		if expires != nil {
			h.timer = time.AfterFunc(time.Until(*expires), func() { l.revoke(id) })
		}
	}
	return h.revoked
}

func (l *directory) revoke(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, found := l.holders[id]
	if !found {
		return
	}
	delete(l.holders, id)
	if h.timer != nil {
		h.timer.Stop()
	}
	close(h.revoked)
}

// expire moves the end of a live credential.
func (l *directory) expire(id string, at *time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h, found := l.holders[id]; found && h.timer != nil && at != nil {
		h.timer.Reset(time.Until(*at))
	}
}

// branch returns the live switches of a branch, made on first use.
func (l *directory) branch(id string, fill func(*branchFlags)) *branchFlags {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, found := l.flags[id]
	if !found {
		f = &branchFlags{}
		fill(f)
		l.flags[id] = f
	}
	return f
}

func (l *directory) setSafe(id string, safe bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, found := l.flags[id]
	if !found {
		f = &branchFlags{}
		l.flags[id] = f
	}
	f.safe.Store(safe)
}

func (l *directory) forgetKeyspaces(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f, found := l.flags[id]; found {
		f.keyspaces.Store(nil)
		f.tables.Store(nil)
	}
}

func (l *directory) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.holders {
		if h.timer != nil {
			h.timer.Stop()
		}
	}
}

// Credential is one verified way in, as the data plane needs it.
type Credential struct {
	ID           string
	Username     string
	Role         Role
	NativeHash   []byte
	SHA256Hash   []byte
	SCRAM        string
	Replica      bool
	CIDRs        []netip.Prefix
	Keyspace     string
	PoolSize     int
	Revoked      <-chan struct{}
	Organization string
	Database     *Database
	Branch       *Branch
	// Keyspaces and SafeMigrations answer for now, not for when the session began.
	Keyspaces      func() []string
	SafeMigrations func() bool
	// Locate is nil where a branch has one keyspace.
	Locate func(ctx context.Context, table string) ([]string, error)
}

// ResolvePassword finds a MySQL credential by its user name. It returns a
// not_found refusal when there is none, or it has expired.
func (p *Platform) ResolvePassword(ctx context.Context, username string) (*Credential, error) {
	w := &Password{}
	if err := found(p.store.Get(ctx, w, By{"username", username}), "unknown user %q", username); err != nil {
		return nil, err
	}
	if w.Expired(p.now()) {
		return nil, refuse(NotFound, "unknown user %q", username)
	}
	c := &Credential{
		ID: w.ID, Username: w.Username, Role: w.Role, NativeHash: w.NativeHash, SHA256Hash: w.SHA256Hash,
		Replica: w.Replica, Keyspace: w.Keyspace, PoolSize: int(w.PoolSize),
	}
	for _, text := range w.CIDRs {
		prefix, err := parseCIDR(text)
		if err != nil {
			return nil, err
		}
		c.CIDRs = append(c.CIDRs, prefix)
	}
	return c, p.complete(ctx, c, w.BranchID, w.ExpiresAt)
}

// ResolveRole finds a PostgreSQL credential by "role.branch", where branch is
// the branch's id. An unknown branch is told apart from an unknown role.
func (p *Platform) ResolveRole(ctx context.Context, username string) (*Credential, error) {
	role, branch, ok := cutLast(username)
	if !ok {
		return nil, refuse(Invalid, "invalid user format: username must include branch (e.g., user.branch)")
	}
	if err := found(p.store.Get(ctx, &Branch{}, By{"id", branch}), "branch %s does not exist", branch); err != nil {
		return nil, err
	}
	r := &PostgresRole{}
	err := p.store.Get(ctx, r, By{"branch_id", branch}, By{"username", role})
	if err != nil || r.SCRAM == "" || (r.ExpiresAt != nil && !p.now().Before(*r.ExpiresAt)) {
		return nil, refuse(Unauthorized, "unknown user %q", username)
	}
	c := &Credential{ID: r.ID, Username: r.FullUsername(), Role: Admin, SCRAM: r.SCRAM, PoolSize: int(r.PoolSize)}
	if err := p.complete(ctx, c, branch, r.ExpiresAt); err != nil {
		return nil, err
	}
	if c.Branch.Attached != nil {
		c.Role = roleOf(r.Inherited) // the server cannot tell credentials apart
	}
	return c, nil
}

func cutLast(username string) (role, branch string, ok bool) {
	i := strings.LastIndexByte(username, '.')
	if i <= 0 || i == len(username)-1 {
		return "", "", false
	}
	return username[:i], username[i+1:], true
}

func (p *Platform) complete(ctx context.Context, c *Credential, branchID string, expires *time.Time) error {
	d, b, err := p.branchByID(ctx, branchID)
	if err != nil {
		return err
	}
	if b.State == BranchDeleting {
		return refuse(NotFound, "branch is missing or sleeping: %s", branchID)
	}
	c.Organization, c.Database, c.Branch = p.settings.Organization, d, b
	c.Revoked = p.live.hold(c.ID, expires)
	if err := p.stillThere(ctx, d.Kind, c.ID); err != nil {
		p.live.revoke(c.ID)
		return err
	}
	flags := p.live.branch(b.ID, func(f *branchFlags) { f.safe.Store(b.SafeMigrations) })
	c.SafeMigrations = flags.safe.Load
	c.Keyspaces = func() []string { return p.liveKeyspaces(flags, b.ID) }
	if d.Kind == MySQL {
		c.Locate = func(ctx context.Context, table string) ([]string, error) { return p.locate(ctx, flags, b.ID, table) }
	}
	return nil
}

// stillThere asks again once a revocation would be heard: one that came
// between the first look and now would otherwise be missed.
func (p *Platform) stillThere(ctx context.Context, kind Kind, id string) error {
	var record any = &Password{}
	if kind == Postgres {
		record = &PostgresRole{}
	}
	return found(p.store.Get(ctx, record, By{"id", id}), "the credential was deleted")
}

// locate looks a table up in what was read of the branch, and reads again when
// it is not there: tables come by deploy requests, by DDL, and from outside.
func (p *Platform) locate(ctx context.Context, flags *branchFlags, branchID, table string) ([]string, error) {
	known := flags.tables.Load()
	if known != nil && (known.keyspaces[table] != nil || time.Since(known.read) < tablesKnown) {
		return known.keyspaces[table], nil
	}
	d, b, err := p.branchByID(ctx, branchID)
	if err != nil {
		return nil, err
	}
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return nil, err
	}
	locator, ok := e.(engine.Locator)
	if !ok {
		return nil, nil
	}
	found, err := locator.Tables(ctx, hosted)
	if err != nil {
		return nil, err
	}
	flags.tables.Store(&tableMap{keyspaces: found, read: time.Now()})
	return found[table], nil
}

func (p *Platform) liveKeyspaces(flags *branchFlags, branchID string) []string {
	if known := flags.keyspaces.Load(); known != nil {
		return *known
	}
	keyspaces, err := p.keyspacesOf(context.WithoutCancel(p.ctx), branchID)
	if err != nil {
		p.log.Error("keyspaces of a branch", "branch", branchID, "error", err)
		return nil
	}
	names := make([]string, len(keyspaces))
	for i, k := range keyspaces {
		names[i] = k.Name
	}
	flags.keyspaces.Store(&names)
	return names
}

// Endpoint is where a credential's backend connections go; it wakes the
// branch. For PostgreSQL the user name, and for MySQL the role, says as whom.
func (p *Platform) Endpoint(ctx context.Context, kind Kind, branchID, username, role string) (engine.Endpoint, error) {
	d, b, err := p.branchByID(ctx, branchID)
	if err != nil {
		return engine.Endpoint{}, err
	}
	if b.State != BranchReady {
		reason := "it is still being made"
		if b.Failure != "" {
			reason = b.Failure
		}
		return engine.Endpoint{}, refuse(Unprocessable, "branch %s is not ready: %s", b.Name, reason)
	}
	e, hosted, err := p.hosted(ctx, d, b)
	if err != nil {
		return engine.Endpoint{}, err
	}
	p.touch(b.ID)
	if kind == Postgres {
		role, _, _ = cutLast(username)
	}
	return e.Endpoint(ctx, hosted, engine.Login{Name: role})
}

// touch notes that a branch is used.
func (p *Platform) touch(branchID string) { p.used.Store(branchID, time.Now()) }

// LastUsed is when the platform itself last worked on a branch's server.
func (p *Platform) LastUsed(branchID string) time.Time {
	at, found := p.used.Load(branchID)
	if !found {
		return time.Time{}
	}
	return at.(time.Time) //nolint:forcetypeassert // only times are stored
}

// revokeAll ends every session of a branch.
func (p *Platform) revokeAll(ctx context.Context, b *Branch) error {
	var passwords []*Password
	var roles []*PostgresRole
	if err := p.store.List(ctx, &passwords, "created_at", By{"branch_id", b.ID}); err != nil {
		return err
	}
	if err := p.store.List(ctx, &roles, "created_at", By{"branch_id", b.ID}); err != nil {
		return err
	}
	for _, w := range passwords {
		p.live.revoke(w.ID)
	}
	for _, r := range roles {
		p.live.revoke(r.ID)
	}
	return nil
}
