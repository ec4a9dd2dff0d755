package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/orrerydb/orrery/internal/config"
	"github.com/orrerydb/orrery/internal/node"
)

// readyFile is the descriptor on which a node in the background tells the one
// who started it how the start goes.
const readyFile = "ORRERY_READY_FD"

func upCommand(o *options) *cobra.Command {
	var files []string
	var detach bool
	command := &cobra.Command{
		Use:   "up",
		Short: "Run the platform",
		Long: `Runs the platform until it is interrupted, or in the background with -d.
The first start makes the databases of the config; later ones find them as they were.`,
		Example: `  orrery up                                                  ./orrery.yaml if it is there
  orrery up -d --config examples/openinsure/orrery.yaml --config examples/commerce/orrery.yaml`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if len(files) == 0 {
				if _, err := os.Stat("orrery.yaml"); err == nil {
					files = []string{"orrery.yaml"}
				}
			}
			if detach {
				return upInBackground(command, o, files)
			}
			return up(command, o, files)
		},
	}
	command.Flags().StringArrayVar(&files, "config", nil, "config `file`; may be given more than once")
	command.Flags().BoolVarP(&detach, "detach", "d", false, "run in the background")
	return command
}

func up(command *cobra.Command, o *options, files []string) error {
	started := time.Now()
	c, err := config.Read(files...)
	if err != nil {
		return err
	}
	out := command.OutOrStdout()
	if fd := os.Getenv(readyFile); fd != "" {
		pipe := os.NewFile(3, "ready")
		defer pipe.Close()
		out = pipe
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	progress := func(format string, arguments ...any) { fmt.Fprintf(out, format+"\n", arguments...) }
	n, err := node.Start(command.Context(), c, files, o.folder(), log, progress)
	if err != nil {
		return err
	}
	printRunning(progress, o, started)
	if pipe, ok := out.(*os.File); ok && pipe != os.Stdout {
		progress(readyLine)
		pipe.Close()
	}
	<-command.Context().Done()
	log.Info("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return n.Close(ctx)
}

func printRunning(progress node.Progress, o *options, started time.Time) {
	r, err := o.folder().Running()
	if err != nil {
		return
	}
	progress("Orrery runs (started in %.1f s, state in %s).", time.Since(started).Seconds(), o.data)
	progress("  API         %s", r.API)
	progress("  MySQL       %s", r.MySQL)
	progress("  PostgreSQL  %s", r.Postgres)
	progress("  eval \"$(orrery env)\" makes clients find it; orrery status shows what there is.")
}

// readyLine ends a start in the background that went well.
const readyLine = "\x00ready"

func upInBackground(command *cobra.Command, o *options, files []string) error {
	if r, err := o.folder().Running(); err == nil {
		_, err := fmt.Fprintf(command.OutOrStdout(), "Orrery runs already (API %s, process %d).\n", r.API, r.PID)
		return err
	}
	if _, err := config.Read(files...); err != nil {
		return err
	}
	if err := os.MkdirAll(o.data, 0o755); err != nil { //nolint:gosec // see node.Folder
		return fmt.Errorf("data folder: %w", err)
	}
	log, err := os.OpenFile(o.folder().Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("log file: %w", err)
	}
	defer log.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	arguments := []string{"up", "--data", o.data}
	for _, file := range files {
		arguments = append(arguments, "--config", file)
	}
	child := exec.Command(program, arguments...)
	child.Env = append(os.Environ(), readyFile+"=3")
	child.Stdout, child.Stderr, child.ExtraFiles = log, log, []*os.File{write}
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return fmt.Errorf("start in the background: %w", err)
	}
	write.Close()
	if await(command, read) {
		return child.Process.Release()
	}
	_ = child.Wait()
	return errors.New("the start failed: " + lastLine(o.folder().Log()))
}

// await passes on the child's progress and tells whether it got ready.
func await(command *cobra.Command, read *os.File) bool {
	lines := bufio.NewScanner(read)
	for lines.Scan() {
		if lines.Text() == readyLine {
			return true
		}
		fmt.Fprintln(command.OutOrStdout(), lines.Text())
	}
	return false
}

func lastLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.TrimPrefix(lines[len(lines)-1], "orrery: ")
}
