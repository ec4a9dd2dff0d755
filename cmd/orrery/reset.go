package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orrerydb/orrery/internal/node"
)

func resetCommand(o *options) *cobra.Command {
	var force bool
	command := &cobra.Command{
		Use:   "reset",
		Short: "Stop the platform and delete all its data",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			// Only a folder of ours is ever removed.
			if _, err := os.Stat(filepath.Join(o.data, "branches")); err != nil {
				return fmt.Errorf("%s is no folder of Orrery's state", o.data)
			}
			if !force {
				fmt.Fprintf(command.OutOrStdout(), "This deletes every database and branch in %s. Type \"reset\" to go on: ", o.data)
				answer, _ := bufio.NewReader(command.InOrStdin()).ReadString('\n')
				if strings.TrimSpace(answer) != "reset" {
					return errors.New("nothing was deleted")
				}
			}
			if err := down(command.Context(), o); err != nil && !errors.Is(err, node.ErrNotRunning) {
				return err
			}
			if err := os.RemoveAll(o.data); err != nil {
				return fmt.Errorf("delete the data: %w", err)
			}
			_, err := fmt.Fprintln(command.OutOrStdout(), "All data in "+o.data+" is deleted. `orrery up` starts anew.")
			return err
		},
	}
	command.Flags().BoolVar(&force, "force", false, "do not ask")
	return command
}
