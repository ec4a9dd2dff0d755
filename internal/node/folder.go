package node

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Folder is where a node keeps its state.
//
//	key          32 random bytes; operator token and bindings derive from it
//	orrery.db    the store (SQLite)
//	branches/    the servers' data
//	ca.pem       the certificate authority that clients trust
//	ca-bundle.pem  the same with the system's authorities, for SSL_CERT_FILE
//	orrery.json  how to reach the running node
//	orrery.log   the log of a node in the background
type Folder string

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

// Log is the log file of a node in the background.
func (f Folder) Log() string { return f.path("orrery.log") }

// CA is the certificate that clients trust.
func (f Folder) CA() string { return f.path("ca.pem") }

// Bundle is CA and the system's authorities in one file.
func (f Folder) Bundle() string { return f.path("ca-bundle.pem") }

func (f Folder) make() error {
	// Others must pass for PostgreSQL's user to reach its data when we are
	// root; the files in it are closed to them.
	if err := os.MkdirAll(string(f), 0o755); err != nil { //nolint:gosec // as said
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

// key reads the node's key, made once.
func (f Folder) key() ([]byte, error) {
	key, err := os.ReadFile(f.path("key"))
	if err == nil {
		return key, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("key: %w", err)
	}
	key = make([]byte, 32)
	_, _ = rand.Read(key)
	return key, write(f.path("key"), key)
}

// write replaces a private file in one step.
func write(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(path+".new", path)
}

func (f Folder) record(r Running) error {
	r.PID = os.Getpid()
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return write(f.path("orrery.json"), text)
}

func (f Folder) forget() {
	if r, err := f.Running(); err == nil && r.PID == os.Getpid() {
		_ = os.Remove(f.path("orrery.json"))
	}
}

// ErrNotRunning is returned when no node runs on the folder.
var ErrNotRunning = errors.New("orrery is not running here: start it with `orrery up`")

// Running tells how to reach the node that runs on this folder.
func (f Folder) Running() (Running, error) {
	var r Running
	text, err := os.ReadFile(f.path("orrery.json"))
	if err != nil {
		return r, fmt.Errorf("%s: %w", f, ErrNotRunning)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", f.path("orrery.json"), err)
	}
	if !f.locked() {
		return r, fmt.Errorf("%s: %w", f, ErrNotRunning)
	}
	return r, nil
}

// locked tells whether a live process holds the folder.
func (f Folder) locked() bool {
	file, err := os.OpenFile(filepath.Join(f.path("branches"), "lock"), os.O_RDWR, 0o600)
	if err != nil {
		return false
	}
	defer file.Close()
	return errors.Is(syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
