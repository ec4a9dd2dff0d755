package instance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Pipe runs two programs, the first one's output being the second one's input.
func Pipe(from, to *exec.Cmd) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	var fromErr, toErr strings.Builder
	from.Stdout, from.Stderr = write, &fromErr
	to.Stdin, to.Stderr = read, &toErr
	from.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	to.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	startErr := from.Start()
	write.Close()
	if startErr != nil {
		read.Close()
		return startErr
	}
	runErr := to.Run()
	read.Close()
	if err := from.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(from.Path), err, strings.TrimSpace(fromErr.String()))
	}
	if runErr != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(to.Path), runErr, strings.TrimSpace(toErr.String()))
	}
	return nil
}
