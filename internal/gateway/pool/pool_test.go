package pool

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type fake struct {
	id   int
	dead atomic.Bool
	shut atomic.Bool
}

func (f *fake) Alive() bool  { return !f.dead.Load() }
func (f *fake) Close() error { f.shut.Store(true); return nil }

func fakes() func(context.Context) (*fake, error) {
	var n atomic.Int32
	return func(context.Context) (*fake, error) { return &fake{id: int(n.Add(1))}, nil }
}

func TestReuseAndStale(t *testing.T) {
	p := New(Config{Max: 2}, fakes())
	a, err := p.Get(t.Context())
	require.NoError(t, err)
	p.Put(a, false)
	b, err := p.Get(t.Context())
	require.NoError(t, err)
	require.Same(t, a, b)
	p.Put(b, false)
	a.Conn.dead.Store(true)
	c, err := p.Get(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, c.Conn.id)
	require.True(t, a.Conn.shut.Load())
	p.Drop(c)
	require.Zero(t, p.Stats().Open)
}

func TestWaitersAreServedInOrder(t *testing.T) {
	p := New(Config{Max: 1}, fakes())
	held, err := p.Get(t.Context())
	require.NoError(t, err)
	order := make(chan int, 3)
	var group sync.WaitGroup
	for i := range 3 {
		group.Go(func() {
			item, err := p.Get(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			order <- i
			p.Put(item, false)
		})
		require.Eventually(t, func() bool { return p.Stats().Waiting == i+1 }, time.Second, time.Millisecond)
	}
	p.Put(held, false)
	group.Wait()
	for i := range 3 {
		require.Equal(t, i, <-order)
	}
}

func TestWaitEnds(t *testing.T) {
	p := New(Config{Max: 1, Wait: time.Millisecond}, fakes())
	held, err := p.Get(t.Context())
	require.NoError(t, err)
	_, err = p.Get(t.Context())
	require.ErrorIs(t, err, ErrTimeout)
	p.Drop(held)
	next, err := p.Get(t.Context())
	require.NoError(t, err)
	p.Drop(next)
}

func TestDropLetsAWaiterOpen(t *testing.T) {
	p := New(Config{Max: 1}, fakes())
	held, err := p.Get(t.Context())
	require.NoError(t, err)
	got := make(chan *Item[*fake])
	go func() { item, _ := p.Get(context.Background()); got <- item }()
	require.Eventually(t, func() bool { return p.Stats().Waiting == 1 }, time.Second, time.Millisecond)
	p.Drop(held)
	item := <-got
	require.Equal(t, 2, item.Conn.id)
	p.Drop(item)
}

func TestReservedIsTakenLast(t *testing.T) {
	p := New(Config{Max: 2}, fakes())
	a, _ := p.Get(t.Context())
	uses := a.Uses()
	p.Put(a, true)
	b, _ := p.Get(t.Context())
	require.NotSame(t, a, b)
	require.True(t, p.TakeBack(a, uses))
	p.Put(a, true)
	c, _ := p.Get(t.Context())
	require.Same(t, a, c)
	require.False(t, p.TakeBack(a, uses))
	p.Drop(b)
	p.Drop(c)
}

func TestOpenFails(t *testing.T) {
	broken := errors.New("broken")
	p := New(Config{Max: 1}, func(context.Context) (*fake, error) { return nil, broken })
	for range 3 {
		_, err := p.Get(t.Context())
		require.ErrorIs(t, err, broken)
	}
	require.Zero(t, p.Stats().Open)
}

func TestSweepAndCloseIdle(t *testing.T) {
	p := New(Config{Max: 3, Idle: time.Minute, Lifetime: time.Hour}, fakes())
	a, _ := p.Get(t.Context())
	b, _ := p.Get(t.Context())
	p.Put(a, false)
	p.Sweep(time.Now().Add(2 * time.Minute))
	require.True(t, a.Conn.shut.Load())
	p.CloseIdle()
	p.Put(b, false)
	require.True(t, b.Conn.shut.Load())
	p.Close()
	_, err := p.Get(t.Context())
	require.ErrorIs(t, err, ErrClosed)
	require.Zero(t, p.Stats().Open)
}
