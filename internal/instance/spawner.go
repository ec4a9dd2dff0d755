package instance

import (
	"os/exec"
	"runtime"
	"sync"
)

// spawner starts processes from one thread that lives as long as it does. The
// kernel sends the parent death signal when the starting thread ends, not the
// process, so a server must not be started from a thread that Go may end.
type spawner struct {
	requests chan spawnRequest
	once     sync.Once
}

type spawnRequest struct {
	cmd    *exec.Cmd
	result chan<- error
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan spawnRequest)}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // the thread goes back to Go and lives on
		for request := range s.requests {
			request.result <- request.cmd.Start()
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	s.requests <- spawnRequest{cmd, result}
	return <-result
}

func (s *spawner) close() { s.once.Do(func() { close(s.requests) }) }
