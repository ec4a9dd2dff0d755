// Command orrery is the whole platform in one program: `orrery up` runs it,
// the other commands talk to the one that runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra" // the CLI library that pscale, kubectl and docker use: flags, help and completion as people know them

	"github.com/orrerydb/orrery/internal/client"
	"github.com/orrerydb/orrery/internal/node"
)

// options are the flags of every command.
type options struct {
	data string
	json bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	if exit, ok := errors.AsType[*exitError](err); ok {
		os.Exit(exit.code)
	}
	fmt.Fprintln(os.Stderr, "orrery:", err)
	os.Exit(1)
}

// exitError passes on the exit code of a program that ran in our place.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

func root() *cobra.Command {
	o := &options{}
	command := &cobra.Command{
		Use:   "orrery",
		Short: "Branches, deploy requests and pooled connections for MySQL and PostgreSQL",
		Long: `Orrery runs a database platform on your own machine: every branch is a real
MySQL or PostgreSQL server, schema changes reach production by reviewed deploy
requests, and clients connect through one gateway.`,
		Example: `  orrery up -d                                   start it in the background
  eval "$(orrery env)"                           let pscale, mysql and your programs find it
  orrery branch create shop add-email            a branch of its own to change the schema on
  orrery shell shop add-email                    a mysql or psql prompt on it
  orrery deploy-request create shop add-email    ask for the change to reach production`,
		SilenceUsage: true, SilenceErrors: true,
	}
	command.PersistentFlags().StringVar(&o.data, "data", ".orrery", "folder of Orrery's state")
	command.PersistentFlags().BoolVar(&o.json, "json", false, "print JSON for programs")
	command.AddCommand(upCommand(o), downCommand(o), statusCommand(o), envCommand(o), shellCommand(o), resetCommand(o),
		databaseCommand(o), branchCommand(o), passwordCommand(o), roleCommand(o), deployRequestCommand(o))
	for _, group := range command.Commands() {
		refuseUnknown(group)
	}
	finish(command)
	return command
}

// sample stands for a command's arguments in its example.
var sample = strings.NewReplacer("<database>", "shop", "<branch>", "add-email", "<number>", "1", "<id>", "t0k3n1d", "<name>", "app")

// finish gives every command an example, and its usage to an error about its
// arguments.
func finish(command *cobra.Command) {
	for _, inner := range command.Commands() {
		finish(inner)
	}
	if command.Example == "" && !command.HasSubCommands() {
		command.Example = "  " + strings.TrimSuffix(sample.Replace(command.UseLine()), " [flags]")
	}
	if command.Example == "" {
		for _, inner := range command.Commands() {
			command.Example += strings.SplitN(inner.Example, "\n", 2)[0] + "\n"
		}
		command.Example = strings.TrimRight(command.Example, "\n")
	}
	check := command.Args
	if check == nil {
		return
	}
	command.Args = func(c *cobra.Command, arguments []string) error {
		if err := check(c, arguments); err != nil {
			return fmt.Errorf("%w\nusage: %s", err, c.UseLine())
		}
		return nil
	}
}

// refuseUnknown makes a group of commands refuse one that it does not have;
// cobra would print the help and call it well done.
func refuseUnknown(group *cobra.Command) {
	if !group.HasSubCommands() || group.Runnable() {
		return
	}
	group.Args = func(command *cobra.Command, arguments []string) error {
		if len(arguments) > 0 {
			return fmt.Errorf("unknown command %q for %q; see %s --help", arguments[0], command.CommandPath(), command.CommandPath())
		}
		return nil
	}
	group.RunE = func(command *cobra.Command, _ []string) error { return command.Help() }
	for _, inner := range group.Commands() {
		refuseUnknown(inner)
	}
}

func (o *options) folder() node.Folder { return node.Folder(o.data) }

// client speaks to the node that runs on the data folder.
func (o *options) client() (*client.Client, error) {
	operator, err := o.folder().Operator()
	if err != nil {
		return nil, err
	}
	return &client.Client{Base: operator.API, TokenID: operator.TokenID, Token: operator.Token, Organization: operator.Organization}, nil
}
