package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/orrerydb/orrery/internal/node"
)

func downCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Stop the platform; data stays",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			err := down(command.Context(), o)
			if errors.Is(err, node.ErrNotRunning) {
				_, err := fmt.Fprintln(command.OutOrStdout(), "Orrery does not run.")
				return err
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(command.OutOrStdout(), "Orrery has stopped; its data is kept in "+o.data+".")
			return err
		},
	}
}

// down ends the running node and waits until all its servers are gone.
func down(ctx context.Context, o *options) error {
	r, err := o.folder().Running()
	if err != nil {
		return err
	}
	if err := syscall.Kill(r.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop process %d: %w", r.PID, err)
	}
	for {
		if _, err := o.folder().Running(); errors.Is(err, node.ErrNotRunning) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
