// Package instance runs the database servers that Orrery manages: one real
// mysqld or postgres process a branch.
//
// Invariants:
//   - A server listens on a unix socket in a folder that only its user can
//     enter, and on nothing else.
//   - No server outlives its manager. The kernel tells a server to shut down
//     when the manager's process dies (parent death signal), and Open ends what
//     is still there. A process is ours only when its command line names a data
//     folder below ours; nothing else on the machine is ever signalled.
//   - A server that dies unasked is started again, with back-off.
package instance

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Kind is the database server of an instance.
type Kind string

const (
	MySQL    Kind = "mysql"
	Postgres Kind = "postgresql"
)

// State is what an instance is doing.
type State string

const (
	Asleep   State = "sleeping"
	Starting State = "awakening"
	Running  State = "ready"
	Stopping State = "sleep_in_progress"
	Crashed  State = "crashed" // died unasked; a restart is under way
)

var (
	// ErrUnknown is returned when no instance has that id.
	ErrUnknown = errors.New("no such instance")
	// ErrNoServer is returned when the server's program is not installed.
	ErrNoServer = errors.New("database server is not installed")
	// ErrLocked is returned by Open when another process manages the folder.
	ErrLocked = errors.New("the data folder is in use by another orrery process")
)

// Spec says what an instance is. It is kept in its folder, so that the folder
// alone is enough to start the server again.
type Spec struct {
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// Durable servers flush every commit to disk (production branches). The
	// others may lose the last second when the machine, not just the server,
	// crashes.
	Durable bool `json:"durable"`
}

// Status is an instance at one moment.
type Status struct {
	Spec
	State State
	PID   int
	// Memory is the resident set of the server and its children in bytes.
	Memory int64
	// Restarts counts the times it died unasked since the manager started.
	Restarts int
	LastExit string
}

// Socket is where a running server is reached.
type Socket struct {
	Folder string // the socket's folder
	Path   string // the socket itself
	Port   int    // PostgreSQL: the number in the socket's name
	User   string // the superuser, who needs no password on the socket
}

const postgresPort = 5432

func (s Spec) socket(folder string) Socket {
	if s.Kind == MySQL {
		return Socket{Folder: folder, Path: filepath.Join(folder, "mysql.sock"), User: "root"}
	}
	name := ".s.PGSQL." + strconv.Itoa(postgresPort)
	return Socket{Folder: folder, Path: filepath.Join(folder, name), Port: postgresPort, User: "orrery"}
}

// account is whom a server runs as. PostgreSQL refuses to run as root, so for
// root it is Debian's "postgres" user; otherwise it is ourselves.
type account struct {
	switched bool
	uid, gid uint32
}

func serverAccount(kind Kind) (account, error) {
	if kind == MySQL || os.Geteuid() != 0 {
		return account{}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return account{}, fmt.Errorf("PostgreSQL does not run as root and there is no user \"postgres\" to run it as; run orrery as an ordinary user: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("uid of user postgres: %w", err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("gid of user postgres: %w", err)
	}
	return account{switched: true, uid: uint32(uid), gid: uint32(gid)}, nil
}

// canReach tells whether the account can enter every folder on the way to path.
func (a account) canReach(path string) error {
	if !a.switched {
		return nil
	}
	for dir := filepath.Dir(path); dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("stat %s: %w", dir, err)
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || info.Mode()&0o001 != 0 || stat.Uid == a.uid {
			continue
		}
		return fmt.Errorf("folder %s cannot be entered by user postgres, whom PostgreSQL runs as when orrery is root: "+
			"run orrery as an ordinary user, or choose another folder with --data", dir)
	}
	return nil
}

// giveTo makes the account the owner of a tree.
func (a account) giveTo(root string) error {
	if !a.switched {
		return nil
	}
	return filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(a.uid), int(a.gid))
	})
}

func (a account) attributes(deathSignal syscall.Signal) *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: deathSignal}
	if a.switched {
		attributes.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid, NoSetGroups: false}
	}
	return attributes
}

// memory sums the resident sets of a process and its direct children, counting
// shared pages once by taking "RssAnon" of the children only.
func memory(pid int) int64 {
	total := statusField(pid, "VmRSS:")
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return total
	}
	for child := range strings.FieldsSeq(string(children)) {
		if id, err := strconv.Atoi(child); err == nil {
			total += statusField(id, "RssAnon:")
		}
	}
	return total
}

func statusField(pid int, name string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		rest, found := strings.CutPrefix(line, name)
		if !found {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		if err != nil {
			return 0
		}
		return kilobytes << 10
	}
	return 0
}

// backoff is the pause before the n-th restart in a row.
func backoff(n int) time.Duration {
	pause := 100 * time.Millisecond << min(n, 7)
	return min(pause, 10*time.Second)
}
