package gateway

import (
	"context"
	"sync"

	"github.com/orrerydb/orrery/internal/gateway/pool"
)

// poolKey names what a backend connection is good for. Connections of one pool
// differ only in state that can be replayed.
type poolKey struct {
	branch   string
	user     string // the backend's
	replica  bool
	database string // PostgreSQL
	flags    uint32 // MySQL: result-affecting capabilities
	selected bool   // MySQL: a database is selected; that cannot be undone
}

// pools holds the pools of one protocol.
type pools[C pool.Conn] struct {
	mu  sync.RWMutex
	all map[poolKey]*pool.Pool[C]
}

func (p *pools[C]) get(key poolKey, create func() *pool.Pool[C]) *pool.Pool[C] {
	p.mu.RLock()
	found := p.all[key]
	p.mu.RUnlock()
	if found != nil {
		return found
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if found := p.all[key]; found != nil {
		return found
	}
	if p.all == nil {
		p.all = map[poolKey]*pool.Pool[C]{}
	}
	created := create()
	p.all[key] = created
	return created
}

func (p *pools[C]) each(f func(poolKey, *pool.Pool[C])) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for k, v := range p.all {
		f(k, v)
	}
}

func (s *Server) poolConfig(c *Credential) pool.Config {
	size := c.PoolSize
	if size <= 0 {
		size = s.config.PoolSize
	}
	return pool.Config{
		Max:      size,
		Wait:     s.config.PoolWait,
		Lifetime: s.config.PoolLifetime,
		Idle:     s.config.PoolIdle,
	}
}

// endpoint asks the control plane where the branch is, waking it.
func (s *Server) endpoint(ctx context.Context, c *Credential) (Endpoint, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.ConnectTimeout)
	defer cancel()
	return s.config.Directory.Endpoint(ctx, c)
}
