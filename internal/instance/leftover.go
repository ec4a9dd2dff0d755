package instance

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endLeftovers ends the servers that an earlier manager of this folder started
// and waits until they are gone. Normally the kernel has told them to shut down
// when that manager died, and this only waits for them.
func endLeftovers(folder string, log *slog.Logger) error {
	deadline := time.Now().Add(stopTimeout)
	signalled := map[int]bool{}
	for {
		pids, err := leftovers(folder)
		if err != nil {
			return err
		}
		if len(pids) == 0 && !recordedAlive(folder) {
			return nil
		}
		for _, pid := range pids {
			switch {
			case time.Now().After(deadline):
				kill(pid, syscall.SIGKILL)
			case !signalled[pid]:
				log.Info("ending a server that an earlier orrery left", "pid", pid)
				// SIGTERM is an orderly shutdown for both; for postgres it is
				// the "smart" one, which the parent death signal (fast) precedes.
				kill(pid, syscall.SIGINT)
				kill(pid, syscall.SIGTERM)
				signalled[pid] = true
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A process that is shutting down has lost its command line before it has given
// up its files, so each life is recorded too: pid and start time, which together
// name one process and no other.

func (s *server) record(pid int) error {
	text := fmt.Sprintf("%d %s", pid, startTime(pid))
	return os.WriteFile(filepath.Join(s.folder, "pid"), []byte(text), 0o600)
}

func recordedAlive(folder string) bool {
	records, err := filepath.Glob(filepath.Join(folder, "*", "pid"))
	if err != nil {
		return false
	}
	for _, path := range records {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		pid, since, _ := strings.Cut(string(text), " ")
		if id, err := strconv.Atoi(pid); err == nil && since != "" && startTime(id) == since {
			return true
		}
	}
	return false
}

// startTime is field 22 of /proc/<pid>/stat; "" for no process or a zombie.
func startTime(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}

// leftovers are the servers whose command line names a data folder below ours.
func leftovers(folder string) ([]int, error) {
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, path := range commands {
		text, err := os.ReadFile(path)
		if err != nil || !ourServer(text, folder) {
			continue // gone meanwhile, or not ours
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func ourServer(cmdline []byte, folder string) bool {
	arguments := bytes.Split(cmdline, []byte{0})
	for i, argument := range arguments {
		data, found := strings.CutPrefix(string(argument), "--datadir=")
		if !found && i > 0 && string(arguments[i-1]) == "-D" {
			data, found = string(argument), true
		}
		if found && strings.HasPrefix(data, folder+"/") {
			return true
		}
	}
	return false
}
