package instance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// template returns an initialised data folder of the kind, made once a server
// version and kept in the cache folder. Initialising takes seconds, a copy of
// the result a tenth of one.
func (m *Manager) template(ctx context.Context, kind Kind) (string, error) {
	version, err := m.version(ctx, kind)
	if err != nil {
		return "", err
	}
	cache, err := CacheFolder()
	if err != nil {
		return "", err
	}
	templates := filepath.Join(cache, "templates")
	if err := os.MkdirAll(templates, 0o700); err != nil {
		return "", fmt.Errorf("template folder: %w", err)
	}
	folder := filepath.Join(templates, fmt.Sprintf("%s-%08x", kind, version))
	unlock, err := lockFile(folder+".lock", syscall.LOCK_EX)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	m.log.Info("making a data template", "kind", kind, "folder", folder)
	if err := m.makeTemplate(ctx, kind, folder); err != nil {
		return "", fmt.Errorf("initialise %s: %w", kind, err)
	}
	return folder, nil
}

// makeTemplate initialises in a folder of its own that the server's user can
// reach, and moves the result into place only when it is complete.
func (m *Manager) makeTemplate(ctx context.Context, kind Kind, folder string) error {
	work, err := os.MkdirTemp("", "orrery-template-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := os.Chmod(work, 0o755); err != nil { //nolint:gosec // the server's user must pass
		return err
	}
	made := filepath.Join(work, "data")
	initialise := m.mysqlInitialise
	if kind == Postgres {
		initialise = m.postgresInitialise
	}
	if err := initialise(ctx, made); err != nil {
		return err
	}
	incomplete := folder + ".incomplete"
	if err := os.RemoveAll(incomplete); err != nil {
		return err
	}
	if err := copyTree(ctx, made, incomplete); err != nil {
		return err
	}
	return os.Rename(incomplete, folder)
}

// version is a hash of everything that a template depends on.
func (m *Manager) version(ctx context.Context, kind Kind) (uint32, error) {
	program := filepath.Join(m.binaries.MySQL, "mysqld")
	options := mysqlOptions(Spec{Kind: MySQL})
	if kind == Postgres {
		program = filepath.Join(m.binaries.Postgres, "postgres")
		options = nil
	}
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("%s --version: %w", program, err)
	}
	sum := fnv.New32a()
	sum.Write(out)
	sum.Write([]byte(strings.Join(options, "\n")))
	return sum.Sum32(), nil
}

// copyTree copies a folder with owners and modes; by reference where the file
// system can.
func copyTree(ctx context.Context, from, to string) error {
	return run(ctx, account{}, "cp", "-a", "--reflink=auto", from, to)
}

func run(ctx context.Context, as account, program string, arguments ...string) error {
	cmd := exec.CommandContext(ctx, program, arguments...)
	cmd.SysProcAttr = as.attributes(syscall.SIGKILL)
	cmd.Dir = "/"
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, lastLines(output.String()))
}

// lockFile takes an advisory lock and returns what releases it. The kernel
// releases it when the process dies.
func lockFile(path string, how int) (func(), error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock file: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), how); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { file.Close() }, nil
}
