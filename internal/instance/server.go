package instance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
	// healthyAfter is how long a server must live for its restarts to count
	// from one again.
	healthyAfter = time.Minute
)

// server is one instance's process and what is wanted of it.
type server struct {
	manager *Manager
	spec    Spec
	folder  string
	socket  Socket
	logger  *slog.Logger

	mu       sync.Mutex
	state    State
	process  *process
	started  *attempt // the start under way, nil if none
	restarts int
	inARow   int
	lastExit string
}

// process is one life of a server.
type process struct {
	pid    int
	since  time.Time
	exited chan struct{} // closed when it is gone
	exit   string        // how it ended; set before exited is closed
	wanted bool          // guarded by server.mu: false once it is being stopped
}

// attempt is one start that callers wait for together.
type attempt struct {
	done chan struct{}
	err  error
}

func (s *server) data() string { return filepath.Join(s.folder, "data") }
func (s *server) log() string  { return filepath.Join(s.folder, "server.log") }

func (s *server) status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := Status{Spec: s.spec, State: s.state, Restarts: s.restarts, LastExit: s.lastExit}
	if s.process != nil {
		status.PID = s.process.pid
		status.Memory = memory(s.process.pid)
	}
	return status
}

func (s *server) wake(ctx context.Context) error {
	for {
		s.mu.Lock()
		switch {
		case s.state == Running:
			s.mu.Unlock()
			return nil
		case s.state == Stopping:
			stopping := s.process
			s.mu.Unlock()
			if err := await(ctx, stopping.exited); err != nil {
				return fmt.Errorf("waiting for the server to stop: %w", err)
			}
			continue
		case s.started == nil:
			s.begin(0)
		}
		start := s.started
		s.mu.Unlock()
		if err := await(ctx, start.done); err != nil {
			return fmt.Errorf("waiting for the server to start: %w", err)
		}
		return start.err
	}
}

func await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin starts the server after a pause. s.mu is held.
func (s *server) begin(pause time.Duration) {
	start := &attempt{done: make(chan struct{})}
	s.started = start
	s.state = Starting
	if pause > 0 {
		s.state = Crashed
	}
	time.AfterFunc(pause, func() {
		start.err = s.start(start)
		close(start.done)
	})
}

// start runs one start to its end: the server answers, or it is gone.
func (s *server) start(start *attempt) error {
	life, err := s.launch(start)
	if err != nil {
		if life != nil {
			life.end()
		}
		s.settle(start, err)
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := s.untilReady(ctx, life); err != nil {
		life.end()
		s.settle(start, err)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = nil
	if s.process != life {
		return fmt.Errorf("the server ended right after its start: %s", life.exit)
	}
	s.state = Running
	s.logger.Info("server is ready", "pid", life.pid, "took", time.Since(life.since).Round(time.Millisecond))
	return nil
}

// settle records a failed start. One that followed a crash is tried again.
func (s *server) settle(start *attempt, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started != start {
		return // stopped meanwhile
	}
	s.started, s.process, s.state = nil, nil, Asleep
	s.lastExit = cause.Error()
	if s.inARow == 0 {
		return
	}
	s.inARow++
	s.logger.Error("server does not start again", "error", cause, "tries", s.inARow)
	s.begin(backoff(s.inARow - 1))
}

// end kills the process if it still runs, and waits for its end.
func (p *process) end() {
	select {
	case <-p.exited:
	default:
		kill(-p.pid, syscall.SIGKILL)
		<-p.exited
	}
}

var errAbandoned = errors.New("the server was stopped while it started")

func (s *server) launch(start *attempt) (*process, error) {
	owner, err := serverAccount(s.spec.Kind)
	if err != nil {
		return nil, err
	}
	if err := s.prepareSocketFolder(owner); err != nil {
		return nil, err
	}
	command, signal := s.manager.mysqlCommand, syscall.SIGTERM
	if s.spec.Kind == Postgres {
		command, signal = s.manager.postgresCommand, syscall.SIGINT
	}
	program, arguments := command(s)
	cmd := exec.Command(program, arguments...)
	cmd.SysProcAttr = owner.attributes(signal)
	cmd.Dir = s.data()
	output, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("server log: %w", err)
	}
	defer output.Close()
	cmd.Stdout, cmd.Stderr = output, output

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started != start {
		return nil, errAbandoned
	}
	if err := s.manager.spawn.start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	life := &process{pid: cmd.Process.Pid, since: time.Now(), exited: make(chan struct{}), wanted: true}
	s.process = life
	go s.supervise(cmd, life)
	return life, s.record(life.pid)
}

func (s *server) prepareSocketFolder(owner account) error {
	if err := os.MkdirAll(s.socket.Folder, 0o700); err != nil {
		return fmt.Errorf("socket folder: %w", err)
	}
	if err := owner.giveTo(s.socket.Folder); err != nil {
		return fmt.Errorf("owner of the socket folder: %w", err)
	}
	if s.spec.Kind != Postgres {
		return nil
	}
	// postgres takes a lock file whose number is alive, even as another
	// program's, for a running server; we know that ours is gone.
	err := os.Remove(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("stale lock file: %w", err)
	}
	return nil
}

func (s *server) untilReady(ctx context.Context, life *process) error {
	probe := mysqlProbe
	if s.spec.Kind == Postgres {
		probe = postgresProbe
	}
	for {
		err := probe(ctx, s)
		if err == nil {
			return nil
		}
		select {
		case <-life.exited:
			return fmt.Errorf("the server did not start (%s): %s", life.exit, s.tail())
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer after %s: %w: %s", startTimeout, err, s.tail())
		case <-time.After(15 * time.Millisecond):
		}
	}
}

func (s *server) tail() string {
	text, err := os.ReadFile(s.log())
	if err != nil {
		return "no log: " + err.Error()
	}
	return lastLines(string(text))
}

// supervise waits for the end of a life. When nobody asked for it, the next
// one begins after a pause.
func (s *server) supervise(cmd *exec.Cmd, life *process) {
	err := cmd.Wait()
	life.exit = cmd.ProcessState.String()
	if err == nil {
		life.exit = "exit status 0"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(life.exited)
	if s.process == life {
		s.process = nil
	}
	s.lastExit = life.exit
	if !life.wanted {
		s.state = Asleep
		return
	}
	if s.state != Running {
		return // its start is still under way and reports the end
	}
	s.restarts++
	s.inARow++
	if time.Since(life.since) > healthyAfter {
		s.inARow = 1
	}
	pause := backoff(s.inARow - 1)
	s.logger.Warn("server died; starting it again", "exit", life.exit, "pause", pause)
	s.begin(pause)
}

// stop ends the process and any start under way.
func (s *server) stop(ctx context.Context) error {
	s.mu.Lock()
	s.started = nil
	s.inARow = 0
	life := s.process
	if life == nil {
		s.state = Asleep
		s.mu.Unlock()
		return nil
	}
	life.wanted = false
	s.state = Stopping
	signal := syscall.SIGTERM
	if s.spec.Kind == Postgres {
		signal = syscall.SIGINT // fast: ends sessions, keeps all that is committed
	}
	kill(life.pid, signal)
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if await(ctx, life.exited) == nil {
		return nil
	}
	s.logger.Warn("server does not stop; killing it", "pid", life.pid)
	kill(-life.pid, syscall.SIGKILL)
	<-life.exited
	return nil
}

// kill signals a process of ours; one that is gone already is fine.
func kill(pid int, signal syscall.Signal) { _ = syscall.Kill(pid, signal) }
