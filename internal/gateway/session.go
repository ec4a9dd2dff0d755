package gateway

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// ending is why a session must end although its client did not ask for it.
type ending int32

const (
	endNone ending = iota
	endRevoked
	endShutdown
	endKilled
)

// session is what is common to both protocols, and all of a session that
// another goroutine may touch.
type session struct {
	server *Server
	conn   net.Conn
	id     uint32
	secret uint32
	cred   *Credential
	branch *branchState
	ended  atomic.Int32

	// backendMu is held while a cancellation is sent to the backend, so that
	// the connection cannot be lent to another session meanwhile.
	backendMu   sync.Mutex
	backendConn net.Conn
	backendID   uint32
	backendKey  uint32
	backendAt   Endpoint
	cancelled   bool
}

// wake interrupts a session that waits for its client, so that it looks around.
func (s *session) wake() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) }

// stop ends the session, also in the middle of a statement.
func (s *session) stop(why ending) {
	s.ended.CompareAndSwap(int32(endNone), int32(why))
	s.wake()
	s.backendMu.Lock()
	defer s.backendMu.Unlock()
	if s.backendConn != nil {
		_ = s.backendConn.SetDeadline(time.Unix(1, 0))
	}
}

// why tells whether and why the session must end now. A session that holds a
// backend may finish its transaction when the server drains.
func (s *session) why(holds bool) ending {
	if e := ending(s.ended.Load()); e != endNone {
		return e
	}
	if s.server.draining.Load() && !holds {
		return endShutdown
	}
	return endNone
}

// attach notes the backend that the session holds.
func (s *session) attach(conn net.Conn, id, key uint32) {
	s.backendMu.Lock()
	s.backendConn, s.backendID, s.backendKey, s.cancelled = conn, id, key, false
	s.backendMu.Unlock()
	s.branch.active.Add(1)
}

// detach forgets the backend and tells whether it was cancelled meanwhile.
func (s *session) detach() bool {
	s.backendMu.Lock()
	defer s.backendMu.Unlock()
	s.backendConn, s.backendID, s.backendKey = nil, 0, 0
	s.branch.active.Add(-1)
	return s.cancelled
}

func (s *session) touch() { s.branch.lastActivity.Store(time.Now().UnixNano()) }

// allowed tells whether the client's address passes the credential's list.
func allowed(c *Credential, conn net.Conn) bool {
	if len(c.CIDRs) == 0 {
		return true
	}
	ap, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return false
	}
	ip := ap.Addr().Unmap()
	for _, prefix := range c.CIDRs {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// registry knows the live sessions.
type registry struct {
	count atomic.Int64

	mu   sync.Mutex
	byID map[uint32]*session
	// pending are the connections that have not logged in.
	pending map[net.Conn]struct{}
	// closing: no session may begin; drained is closed with the last one.
	closing bool
	drained chan struct{}
	next    uint32
	// watched holds the sessions of each credential; one goroutine a
	// credential waits for its revocation.
	watched map[*Credential]*watch
}

type watch struct {
	sessions map[*session]struct{}
	done     chan struct{}
}

// firstID keeps the gateway's connection ids apart from those of servers.
const firstID = 1 << 30

// reserve returns an id for a session that is not authenticated yet.
func (r *registry) reserve() uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		r.next = (r.next + 1) % firstID
		id := firstID + r.next
		if _, taken := r.byID[id]; !taken {
			return id
		}
	}
}

// enter notes a connection that has not logged in.
func (r *registry) enter(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return false
	}
	if r.pending == nil {
		r.pending = map[net.Conn]struct{}{}
	}
	r.pending[conn] = struct{}{}
	return true
}

func (r *registry) leave(conn net.Conn) {
	r.mu.Lock()
	delete(r.pending, conn)
	r.mu.Unlock()
}

// shut refuses new sessions, ends the logins under way, and returns a channel
// that is closed when no session is left.
func (r *registry) shut() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closing {
		r.closing = true
		r.drained = make(chan struct{})
		if len(r.byID) == 0 {
			close(r.drained)
		}
	}
	for conn := range r.pending {
		_ = conn.Close()
	}
	return r.drained
}

// add enters an authenticated session, unless the server shuts down.
func (r *registry) add(s *session) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closing {
		return false
	}
	if r.byID == nil {
		r.byID = map[uint32]*session{}
		r.watched = map[*Credential]*watch{}
	}
	r.byID[s.id] = s
	r.watch(s)
	return true
}

func (r *registry) watch(s *session) {
	w := r.watched[s.cred]
	if w == nil {
		w = &watch{sessions: map[*session]struct{}{}, done: make(chan struct{})}
		r.watched[s.cred] = w
		if s.cred.Revoked != nil {
			go r.await(s.cred, w)
		}
	}
	w.sessions[s] = struct{}{}
}

func (r *registry) await(c *Credential, w *watch) {
	select {
	case <-c.Revoked:
	case <-w.done:
		return
	}
	r.mu.Lock()
	list := make([]*session, 0, len(w.sessions))
	for s := range w.sessions {
		list = append(list, s)
	}
	r.mu.Unlock()
	for _, s := range list {
		s.stop(endRevoked)
	}
}

func (r *registry) unwatch(s *session) {
	w := r.watched[s.cred]
	if w == nil {
		return
	}
	delete(w.sessions, s)
	if len(w.sessions) == 0 {
		delete(r.watched, s.cred)
		close(w.done)
	}
}

func (r *registry) remove(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byID, s.id)
	r.unwatch(s)
	if r.closing && len(r.byID) == 0 {
		close(r.drained)
	}
}

// change moves the session to another credential.
func (r *registry) change(s *session, c *Credential) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unwatch(s)
	s.cred = c
	r.watch(s)
}

func (r *registry) find(id uint32) *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id]
}

// findBackend returns the session of the branch that holds this backend.
func (r *registry) findBackend(branch string, id uint32) *session {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.byID {
		if s.cred.Branch.ID != branch {
			continue
		}
		s.backendMu.Lock()
		found := s.backendID == id
		s.backendMu.Unlock()
		if found {
			return s
		}
	}
	return nil
}

func (r *registry) each(f func(*session)) {
	r.mu.Lock()
	list := make([]*session, 0, len(r.byID))
	for _, s := range r.byID {
		list = append(list, s)
	}
	r.mu.Unlock()
	for _, s := range list {
		f(s)
	}
}
