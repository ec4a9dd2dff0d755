// Package pool keeps backend connections between the transactions that use
// them. It knows no protocol.
//
// Invariants:
//   - At most Max connections of a pool exist, counting those being opened.
//   - Waiters are served first in, first out, and wait at most Wait.
//   - A connection is held by one holder at a time. Whoever takes it gives it
//     back with Put (clean, idle) or Drop (anything else), exactly once.
//   - A reserved idle connection is handed to another holder only when nothing
//     else is left: its last session may come back for what it left there.
package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrTimeout is returned when no connection became free in time.
	ErrTimeout = errors.New("no backend connection became free in time")
	// ErrClosed is returned by a closed pool.
	ErrClosed = errors.New("pool is closed")
)

// Conn is one backend connection.
type Conn interface {
	// Alive tells, without blocking, whether an idle connection still stands.
	Alive() bool
	Close() error
}

// Config bounds a pool. Zero durations mean no bound.
type Config struct {
	Max      int
	Wait     time.Duration
	Lifetime time.Duration
	Idle     time.Duration
}

// Stats are the pool's counters.
type Stats struct {
	Open, Idle, Waiting              int
	Opened, Closed, Reused, Timeouts uint64
	Stale                            uint64 // found dead when taken
	WaitTime                         time.Duration
}

// Item is a pooled connection and what the pool knows of it.
type Item[C Conn] struct {
	Conn     C
	born     time.Time
	idleFrom time.Time
	epoch    uint64
	uses     uint64
	reserved bool
	idle     bool
}

// Uses counts how often the connection was taken; with it a session knows
// whether somebody else had the connection in between.
func (i *Item[C]) Uses() uint64 { return i.uses }

type waiter[C Conn] struct {
	ready chan *Item[C] // receives nil when a place became free to open into
}

// Pool is a bounded set of connections to one backend, as one user.
type Pool[C Conn] struct {
	config Config
	open   func(context.Context) (C, error)

	mu      sync.Mutex
	idle    []*Item[C]
	waiters []*waiter[C]
	count   int
	epoch   atomic.Uint64
	closed  bool

	opened, closings, reused, timeouts, stale atomic.Uint64
	waited                                    atomic.Int64
}

// New returns an empty pool that opens connections with open.
func New[C Conn](config Config, open func(context.Context) (C, error)) *Pool[C] {
	config.Max = max(config.Max, 1)
	return &Pool[C]{config: config, open: open}
}

// Get takes a connection: an idle one, a new one, or the next that is freed.
func (p *Pool[C]) Get(ctx context.Context) (*Item[C], error) {
	for {
		item, w, err := p.take()
		if err != nil {
			return nil, err
		}
		if w != nil {
			if item, err = p.await(ctx, w); err != nil {
				return nil, err
			}
		}
		if item == nil {
			return p.create(ctx)
		}
		if item.Conn.Alive() && !p.worn(item, time.Now()) {
			p.reused.Add(1)
			item.uses++
			return item, nil
		}
		p.stale.Add(1)
		p.Drop(item)
	}
}

// TakeBack takes this very connection when it is idle and nobody had it since
// it had been used uses times.
func (p *Pool[C]) TakeBack(item *Item[C], uses uint64) bool {
	p.mu.Lock()
	if !item.idle || item.uses != uses {
		p.mu.Unlock()
		return false
	}
	for i, other := range p.idle {
		if other == item {
			p.removeIdle(i)
			break
		}
	}
	item.uses++
	p.mu.Unlock()
	if item.Conn.Alive() {
		p.reused.Add(1)
		return true
	}
	p.stale.Add(1)
	p.Drop(item)
	return false
}

// take returns an idle item, or a waiter to wait on, or neither: then the
// caller holds a place to open a connection into.
func (p *Pool[C]) take() (*Item[C], *waiter[C], error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, ErrClosed
	}
	for i, v := range slices.Backward(p.idle) {
		if !v.reserved {
			return p.removeIdle(i), nil, nil
		}
	}
	if p.count < p.config.Max {
		p.count++
		return nil, nil, nil
	}
	if len(p.idle) > 0 {
		return p.removeIdle(0), nil, nil
	}
	w := &waiter[C]{ready: make(chan *Item[C], 1)}
	p.waiters = append(p.waiters, w)
	return nil, w, nil
}

func (p *Pool[C]) removeIdle(i int) *Item[C] {
	item := p.idle[i]
	copy(p.idle[i:], p.idle[i+1:])
	p.idle[len(p.idle)-1] = nil
	p.idle = p.idle[:len(p.idle)-1]
	item.idle, item.reserved = false, false
	return item
}

func (p *Pool[C]) await(ctx context.Context, w *waiter[C]) (*Item[C], error) {
	start := time.Now()
	defer func() { p.waited.Add(int64(time.Since(start))) }()
	var expired <-chan time.Time
	if p.config.Wait > 0 {
		timer := time.NewTimer(p.config.Wait)
		defer timer.Stop()
		expired = timer.C
	}
	var err error
	select {
	case item, ok := <-w.ready:
		if !ok {
			return nil, ErrClosed
		}
		return item, nil
	case <-expired:
		p.timeouts.Add(1)
		err = fmt.Errorf("%w (waited %s, all %d are in use)", ErrTimeout, p.config.Wait, p.config.Max)
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	for i, other := range p.waiters {
		if other == w {
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
			p.mu.Unlock()
			return nil, err
		}
	}
	p.mu.Unlock()
	// It was served at the same moment: take what came.
	item, ok := <-w.ready
	if !ok {
		return nil, ErrClosed
	}
	return item, nil
}

func (p *Pool[C]) create(ctx context.Context) (*Item[C], error) {
	epoch := p.epoch.Load()
	conn, err := p.open(ctx)
	if err != nil {
		p.mu.Lock()
		p.release()
		p.mu.Unlock()
		return nil, err
	}
	p.opened.Add(1)
	return &Item[C]{Conn: conn, born: time.Now(), epoch: epoch, uses: 1}, nil
}

// release gives a place free: to the first waiter, else to the pool.
func (p *Pool[C]) release() {
	if len(p.waiters) > 0 {
		p.pop().ready <- nil
		return
	}
	p.count--
}

func (p *Pool[C]) pop() *waiter[C] {
	w := p.waiters[0]
	p.waiters[0] = nil
	p.waiters = p.waiters[1:]
	return w
}

// Put gives a clean connection back. reserve asks to keep it for TakeBack as
// long as others are free.
func (p *Pool[C]) Put(item *Item[C], reserve bool) {
	now := time.Now()
	p.mu.Lock()
	if p.closed || p.worn(item, now) {
		p.mu.Unlock()
		p.Drop(item)
		return
	}
	if len(p.waiters) > 0 {
		p.pop().ready <- item
		p.mu.Unlock()
		return
	}
	item.idleFrom, item.reserved, item.idle = now, reserve, true
	p.idle = append(p.idle, item)
	p.mu.Unlock()
}

func (p *Pool[C]) worn(item *Item[C], now time.Time) bool {
	// The epoch is read without the lock: a stale answer only keeps a
	// connection for one more use.
	return item.epoch != p.epoch.Load() || p.config.Lifetime > 0 && now.Sub(item.born) > p.config.Lifetime
}

// Drop closes a connection that must not be used again.
func (p *Pool[C]) Drop(item *Item[C]) {
	p.closings.Add(1)
	_ = item.Conn.Close()
	p.mu.Lock()
	p.release()
	p.mu.Unlock()
}

// CloseIdle closes the idle connections, and those in use when they come back.
func (p *Pool[C]) CloseIdle() {
	p.mu.Lock()
	p.epoch.Add(1)
	idle := p.idle
	p.idle = nil
	for _, item := range idle {
		item.idle = false
	}
	p.mu.Unlock()
	for _, item := range idle {
		p.Drop(item)
	}
}

// Sweep closes what was idle or lived too long.
func (p *Pool[C]) Sweep(now time.Time) {
	p.mu.Lock()
	var old []*Item[C]
	for i, item := range slices.Backward(p.idle) {

		if p.worn(item, now) || p.config.Idle > 0 && now.Sub(item.idleFrom) > p.config.Idle || !item.Conn.Alive() {
			old = append(old, p.removeIdle(i))
		}
	}
	p.mu.Unlock()
	for _, item := range old {
		p.Drop(item)
	}
}

// Close closes the idle connections and refuses further use.
func (p *Pool[C]) Close() {
	p.mu.Lock()
	p.closed = true
	for _, w := range p.waiters {
		close(w.ready)
	}
	p.waiters = nil
	p.mu.Unlock()
	p.CloseIdle()
}

// Stats returns the counters.
func (p *Pool[C]) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{
		Open: p.count, Idle: len(p.idle), Waiting: len(p.waiters),
		Opened: p.opened.Load(), Closed: p.closings.Load(), Reused: p.reused.Load(),
		Timeouts: p.timeouts.Load(), Stale: p.stale.Load(),
		WaitTime: time.Duration(p.waited.Load()),
	}
}
