package main

import (
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/orrerydb/orrery/internal/client"
)

func databaseCommand(o *options) *cobra.Command {
	command := &cobra.Command{Use: "database", Short: "List, make and delete databases", Aliases: []string{"db"}}
	command.AddCommand(databaseListCommand(o), databaseCreateCommand(o), databaseDeleteCommand(o))
	return command
}

var databaseColumns = []column{
	field("NAME", "name"), field("KIND", "kind"), field("STATE", "state"), field("DEFAULT BRANCH", "default_branch"),
	field("BRANCHES", "branches_count"), boolean("APPROVAL", "require_approval_for_deploy"), day("CREATED", "created_at"),
}

func databaseListCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List databases", Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return o.list(command, "databases", databaseColumns...)
		},
	}
}

// list prints every page of a list.
func (o *options) list(command *cobra.Command, path string, columns ...column) error {
	c, err := o.client()
	if err != nil {
		return err
	}
	objects, err := c.All(command.Context(), path)
	if err != nil {
		return err
	}
	return o.show(command.OutOrStdout(), objects, columns...)
}

// call sends one request and says what has come of it.
func (o *options) call(command *cobra.Command, method, path string, body any, said string, arguments ...any) error {
	c, err := o.client()
	if err != nil {
		return err
	}
	answer, err := c.Do(command.Context(), method, path, body)
	if err != nil {
		return err
	}
	return o.say(command.OutOrStdout(), answer, said, arguments...)
}

func databaseCreateCommand(o *options) *cobra.Command {
	var engine string
	command := &cobra.Command{
		Use: "create <name>", Short: "Make a database with its production branch, main",
		Example: "  orrery database create shop\n  orrery database create notes --engine postgresql",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			if _, err := c.Do(command.Context(), http.MethodPost, "databases", map[string]any{"name": arguments[0], "kind": engine}); err != nil {
				return err
			}
			branch, err := awaitBranch(command, c, "databases/"+arguments[0]+"/branches/main")
			if err != nil {
				return err
			}
			return o.say(command.OutOrStdout(), branch, "Database %s is ready; its production branch is main.", arguments[0])
		},
	}
	command.Flags().StringVar(&engine, "engine", "mysql", "mysql or postgresql")
	return command
}

// awaitBranch waits until a branch is made, or says why it cannot be.
func awaitBranch(command *cobra.Command, c *client.Client, path string) (client.Object, error) {
	for {
		branch, err := c.Do(command.Context(), http.MethodGet, path, nil)
		if err != nil {
			return nil, err
		}
		if branch.True("ready") {
			return branch, nil
		}
		if failure := branch.Text("failure"); failure != "" {
			return nil, &client.Error{Message: failure}
		}
		select {
		case <-command.Context().Done():
			return nil, command.Context().Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func databaseDeleteCommand(o *options) *cobra.Command {
	var force bool
	command := &cobra.Command{
		Use: "delete <name>", Short: "Delete a database with all its branches", Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			if !force {
				return &client.Error{Message: "this deletes all data of database " + arguments[0] + "; say --force to do it"}
			}
			return o.call(command, http.MethodDelete, "databases/"+arguments[0], nil, "Database %s is deleted.", arguments[0])
		},
	}
	command.Flags().BoolVar(&force, "force", false, "really delete it")
	return command
}
