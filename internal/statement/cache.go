package statement

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

const (
	cacheShards = 16
	// maxCachedText is the longest text kept: bulk inserts come once.
	maxCachedText = 16 << 10
)

// Cache keeps plans by raw text. A look-up hashes the text and allocates
// nothing. It is bounded by the number of plans and by the bytes of text; when
// full, entries not used since the last sweep go first.
type Cache struct {
	dialect Dialect
	seed    maphash.Seed
	shards  [cacheShards]shard
}

type shard struct {
	mu       sync.RWMutex
	plans    map[string]*entry
	bytes    int
	maxPlans int
	maxBytes int
}

type entry struct {
	plan *Plan
	used atomic.Bool
}

// touch writes only when it changes something, so that a hot entry's cache
// line stays shared between cores.
func (e *entry) touch() {
	if !e.used.Load() {
		e.used.Store(true)
	}
}

// untouch tells whether the entry was used since the last sweep.
func (e *entry) untouch() bool { return e.used.Swap(false) }

// NewCache returns a cache of at most plans plans and bytes bytes of text.
func NewCache(d Dialect, plans, bytes int) *Cache {
	c := &Cache{dialect: d, seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i] = shard{
			plans:    map[string]*entry{},
			maxPlans: max(plans/cacheShards, 1),
			maxBytes: max(bytes/cacheShards, maxCachedText),
		}
	}
	return c
}

// Get returns the plan of the text, computing it when it is not known.
func (c *Cache) Get(text []byte) *Plan {
	s := &c.shards[maphash.Bytes(c.seed, text)%cacheShards]
	s.mu.RLock()
	e := s.plans[string(text)] // no allocation: the compiler sees a look-up
	s.mu.RUnlock()
	if e != nil {
		e.touch()
		return e.plan
	}
	key := string(text)
	plan := Analyze(c.dialect, key)
	if len(key) <= maxCachedText {
		s.put(key, plan)
	}
	return plan
}

// Len returns the number of plans kept.
func (c *Cache) Len() int {
	n := 0
	for i := range c.shards {
		c.shards[i].mu.RLock()
		n += len(c.shards[i].plans)
		c.shards[i].mu.RUnlock()
	}
	return n
}

func (s *shard) put(key string, plan *Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.plans[key]; ok {
		return
	}
	if len(s.plans) >= s.maxPlans || s.bytes+len(key) > s.maxBytes {
		s.sweep()
	}
	s.plans[key] = &entry{plan: plan}
	s.bytes += len(key)
}

// sweep makes room for at least a quarter: unused entries first, then any.
func (s *shard) sweep() {
	goalPlans, goalBytes := s.maxPlans*3/4, s.maxBytes*3/4
	for _, onlyUnused := range []bool{true, false} {
		for key, e := range s.plans {
			if len(s.plans) <= goalPlans && s.bytes <= goalBytes {
				return
			}
			if onlyUnused && e.untouch() {
				continue
			}
			delete(s.plans, key)
			s.bytes -= len(key)
		}
	}
}
