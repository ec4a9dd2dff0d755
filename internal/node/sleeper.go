package node

import (
	"context"
	"time"
)

// runSleeper puts branches to sleep that nobody has used for a while. They
// wake when somebody connects.
func (n *Node) runSleeper() {
	ctx, stop := context.WithCancel(context.Background())
	n.stop, n.done = stop, make(chan struct{})
	go func() {
		defer close(n.done)
		if n.config.SleepAfter == 0 {
			<-ctx.Done()
			return
		}
		started := time.Now()
		ticker := time.NewTicker(max(time.Second, n.config.SleepAfter/10))
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				n.sleepIdle(ctx, started)
			}
		}
	}()
}

func (n *Node) sleepIdle(ctx context.Context, started time.Time) {
	ids, err := n.Platform.Sleepers(ctx)
	if err != nil {
		n.log.Error("look for idle branches", "error", err)
		return
	}
	for _, id := range ids {
		last := n.gateway.LastActivity(id)
		if used := n.Platform.LastUsed(id); used.After(last) {
			last = used
		}
		if last.Before(started) {
			last = started
		}
		if n.gateway.ActiveSessions(id) > 0 || time.Since(last) < n.config.SleepAfter {
			continue
		}
		n.gateway.CloseBackends(id)
		if err := n.Platform.SleepBranch(ctx, id); err != nil {
			n.log.Error("put an idle branch to sleep", "branch", id, "error", err)
			continue
		}
		n.log.Info("branch sleeps", "branch", id, "idle", time.Since(last).Round(time.Second))
	}
}
