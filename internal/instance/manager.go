package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// Manager owns all instances below one folder.
type Manager struct {
	folder   string
	sockets  string
	binaries Binaries
	log      *slog.Logger
	spawn    *spawner
	unlock   func()

	mu      sync.Mutex
	servers map[string]*server
}

// A unix socket's path has at most 107 bytes.
const maxSocketPath = 100

// neededSpace is what must be free before a data folder is made: the folder
// itself and room to work in.
const neededSpace = 400 << 20

// Open takes over the folder: it ends servers that an earlier process left and
// knows the instances that are there, all asleep.
func Open(folder string, binaries Binaries, log *slog.Logger) (*Manager, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // PostgreSQL's user must pass when we are root
		return nil, fmt.Errorf("instance folder: %w", err)
	}
	unlock, err := lockFile(filepath.Join(folder, "lock"), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	m := &Manager{
		folder: folder, sockets: socketFolder(folder), binaries: binaries, log: log,
		unlock: unlock, servers: map[string]*server{},
	}
	if err := m.load(); err != nil {
		unlock()
		return nil, err
	}
	m.spawn = newSpawner()
	return m, nil
}

// socketFolder is below the data folder, or below the temporary folder where
// the path would be too long for a socket.
func socketFolder(folder string) string {
	sockets := filepath.Join(folder, "run")
	if len(filepath.Join(sockets, "0123456789ab", ".s.PGSQL.5432")) <= maxSocketPath {
		return sockets
	}
	sum := fnv.New64a()
	sum.Write([]byte(folder))
	return filepath.Join(os.TempDir(), fmt.Sprintf("orrery-%d-%016x", os.Geteuid(), sum.Sum64()))
}

func (m *Manager) load() error {
	if err := os.MkdirAll(m.sockets, 0o755); err != nil { //nolint:gosec // as above
		return fmt.Errorf("socket folder: %w", err)
	}
	specs, err := filepath.Glob(filepath.Join(m.folder, "*", "spec.json"))
	if err != nil {
		return err
	}
	for _, path := range specs {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("instance: %w", err)
		}
		var spec Spec
		if err := json.Unmarshal(text, &spec); err != nil {
			return fmt.Errorf("instance %s: %w", path, err)
		}
		m.servers[spec.ID] = m.newServer(spec)
	}
	if err := endLeftovers(m.folder, m.log); err != nil {
		return err
	}
	return m.removeIncomplete()
}

// removeIncomplete removes what a create or drop left when it was killed: a
// folder counts only when it has its spec, which is written last and removed first.
func (m *Manager) removeIncomplete() error {
	entries, err := os.ReadDir(m.folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.IsDir() || entry.Name() == "run" || m.servers[entry.Name()] != nil {
			continue
		}
		m.log.Info("removing an incomplete instance", "id", entry.Name())
		if err := os.RemoveAll(filepath.Join(m.folder, entry.Name())); err != nil {
			return fmt.Errorf("incomplete instance: %w", err)
		}
	}
	return nil
}

func (m *Manager) newServer(spec Spec) *server {
	return &server{
		manager: m, spec: spec, state: Asleep,
		folder: filepath.Join(m.folder, spec.ID),
		socket: spec.socket(filepath.Join(m.sockets, spec.ID)),
		logger: m.log.With("instance", spec.ID, "kind", string(spec.Kind)),
	}
}

// Create makes the data folder of a new instance, asleep.
func (m *Manager) Create(ctx context.Context, spec Spec) error {
	m.mu.Lock()
	_, exists := m.servers[spec.ID]
	m.mu.Unlock()
	if exists {
		return nil
	}
	if err := m.checkSpace(); err != nil {
		return err
	}
	if err := m.findServer(ctx, spec.Kind); err != nil {
		return err
	}
	owner, err := serverAccount(spec.Kind)
	if err != nil {
		return err
	}
	template, err := m.template(ctx, spec.Kind)
	if err != nil {
		return err
	}
	s := m.newServer(spec)
	if err := owner.canReach(s.folder); err != nil {
		return err
	}
	if err := m.makeFolders(ctx, s, template, owner); err != nil {
		return errors.Join(err, os.RemoveAll(s.folder))
	}
	m.mu.Lock()
	m.servers[spec.ID] = s
	m.mu.Unlock()
	return nil
}

func (m *Manager) makeFolders(ctx context.Context, s *server, template string, owner account) error {
	if err := os.MkdirAll(s.folder, 0o755); err != nil { //nolint:gosec // the data folder below is 0700
		return fmt.Errorf("instance folder: %w", err)
	}
	if err := copyTree(ctx, template, s.data()); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if err := owner.giveTo(s.folder); err != nil {
		return fmt.Errorf("owner of the data folder: %w", err)
	}
	return s.writeSpec(s.spec)
}

// writeSpec replaces the spec in one step.
func (s *server) writeSpec(spec Spec) error {
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	path := filepath.Join(s.folder, "spec.json")
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("instance spec: %w", err)
	}
	return os.Rename(path+".new", path)
}

// SetDurable changes the spec and, if the server runs, restarts it.
func (m *Manager) SetDurable(ctx context.Context, id string, durable bool) error {
	s, err := m.server(id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	spec, running := s.spec, s.state == Running
	s.mu.Unlock()
	if spec.Durable == durable {
		return nil
	}
	spec.Durable = durable
	if err := s.writeSpec(spec); err != nil {
		return err
	}
	if err := s.stop(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.spec = spec
	s.mu.Unlock()
	if !running {
		return nil
	}
	return s.wake(ctx)
}

// findServer looks for the kind's programs once they are needed, so that a
// MySQL-only setup does not ask for PostgreSQL.
func (m *Manager) findServer(ctx context.Context, kind Kind) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	folder, find := &m.binaries.MySQL, FindMySQL
	if kind == Postgres {
		folder, find = &m.binaries.Postgres, FindPostgres
	}
	if *folder != "" {
		return nil
	}
	found, err := find(ctx)
	if err != nil {
		return err
	}
	*folder = found
	return nil
}

// Programs returns the folder of the kind's programs.
func (m *Manager) Programs(ctx context.Context, kind Kind) (string, error) {
	if err := m.findServer(ctx, kind); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if kind == Postgres {
		return m.binaries.Postgres, nil
	}
	return m.binaries.MySQL, nil
}

func (m *Manager) checkSpace() error {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(m.folder, &stat); err != nil {
		return fmt.Errorf("free space of %s: %w", m.folder, err)
	}
	free := int64(stat.Bavail) * stat.Bsize
	if free < neededSpace {
		return fmt.Errorf("the disk is nearly full: %d MiB free in %s, a new branch needs %d MiB; "+
			"delete branches you no longer need, or free some space", free>>20, m.folder, int64(neededSpace)>>20)
	}
	return nil
}

// Wake starts the server when it sleeps and returns when it answers queries.
func (m *Manager) Wake(ctx context.Context, id string) (Socket, error) {
	s, err := m.server(id)
	if err != nil {
		return Socket{}, err
	}
	if err := m.findServer(ctx, s.spec.Kind); err != nil {
		return Socket{}, err
	}
	return s.socket, s.wake(ctx)
}

// Sleep stops the server and keeps its data.
func (m *Manager) Sleep(ctx context.Context, id string) error {
	s, err := m.server(id)
	if err != nil {
		return err
	}
	return s.stop(ctx)
}

// Drop stops the server and removes its data.
func (m *Manager) Drop(ctx context.Context, id string) error {
	s, err := m.server(id)
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.stop(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	delete(m.servers, id)
	m.mu.Unlock()
	if err := os.Remove(filepath.Join(s.folder, "spec.json")); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("drop instance: %w", err)
	}
	return errors.Join(os.RemoveAll(s.folder), os.RemoveAll(s.socket.Folder))
}

// Status returns one instance's state.
func (m *Manager) Status(id string) (Status, error) {
	s, err := m.server(id)
	if err != nil {
		return Status{}, err
	}
	return s.status(), nil
}

// IDs are all instances there are.
func (m *Manager) IDs() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := make([]string, 0, len(m.servers))
	for id := range m.servers {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}

// Close stops all servers, at the same time, and gives the folder back.
func (m *Manager) Close(ctx context.Context) error {
	var group errgroup.Group
	for _, id := range m.IDs() {
		s, err := m.server(id)
		if err != nil {
			continue
		}
		group.Go(func() error { return s.stop(ctx) })
	}
	err := group.Wait()
	m.spawn.close()
	m.unlock()
	return err
}

func (m *Manager) server(id string) (*server, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, found := m.servers[id]
	if !found {
		return nil, fmt.Errorf("instance %s: %w", id, ErrUnknown)
	}
	return s, nil
}
