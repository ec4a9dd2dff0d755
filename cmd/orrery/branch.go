package main

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/orrerydb/orrery/internal/client"
)

func branchCommand(o *options) *cobra.Command {
	command := &cobra.Command{
		Use: "branch", Short: "Make, list, compare and delete branches",
		Example: `  orrery branch create shop add-email
  orrery branch diff shop add-email
  orrery branch delete shop add-email`,
	}
	command.AddCommand(branchListCommand(o), branchShowCommand(o), branchCreateCommand(o), branchDeleteCommand(o), branchSchemaCommand(o), branchDiffCommand(o),
		branchLintCommand(o), branchChangeCommand(o, "promote", "Make it a production branch"), branchChangeCommand(o, "demote", "Make it a development branch"), safeMigrationsCommand(o))
	return command
}

var branchColumns = []column{
	field("NAME", "name"), field("PARENT", "parent_branch"), boolean("PRODUCTION", "production"), boolean("SAFE MIGRATIONS", "safe_migrations"),
	field("STATE", "state"), {"MEMORY", func(b client.Object) string {
		if b.Number("memory_bytes") == 0 {
			return ""
		}
		return fmt.Sprintf("%.0f MB", b.Number("memory_bytes")/(1<<20))
	}}, day("CREATED", "created_at"),
}

func branches(database string) string { return "databases/" + url.PathEscape(database) + "/branches" }

func branchPath(database, branch string) string {
	return branches(database) + "/" + url.PathEscape(branch)
}

func branchListCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list <database>", Short: "List branches", Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.list(command, branches(arguments[0]), branchColumns...)
		},
	}
}

func branchShowCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "show <database> <branch>", Short: "Show one branch", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			b, err := c.Do(command.Context(), http.MethodGet, branchPath(arguments[0], arguments[1]), nil)
			if err != nil {
				return err
			}
			return o.showOne(command.OutOrStdout(), b, branchColumns...)
		},
	}
}

func branchCreateCommand(o *options) *cobra.Command {
	var from string
	var seed bool
	command := &cobra.Command{
		Use: "create <database> <branch>", Short: "Make a branch with its parent's schema and wait until it is ready", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			body := map[string]any{"name": arguments[1], "parent_branch": from}
			if seed {
				body["seed_data"] = "last_successful_backup"
			}
			if _, err := c.Do(command.Context(), http.MethodPost, branches(arguments[0]), body); err != nil {
				return err
			}
			b, err := awaitBranch(command, c, branchPath(arguments[0], arguments[1]))
			if err != nil {
				return err
			}
			return o.say(command.OutOrStdout(), b, "Branch %s of %s is ready: orrery shell %s %s", arguments[1], arguments[0], arguments[0], arguments[1])
		},
	}
	command.Flags().StringVar(&from, "from", "", "parent branch (default: the database's default branch)")
	command.Flags().BoolVar(&seed, "seed-data", false, "copy the parent's data too, as it is now")
	return command
}

func branchDeleteCommand(o *options) *cobra.Command {
	var descendants bool
	command := &cobra.Command{
		Use: "delete <database> <branch>", Short: "Delete a branch and its server", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			path := branchPath(arguments[0], arguments[1])
			if descendants {
				path += "?delete_descendants=true"
			}
			return o.call(command, http.MethodDelete, path, nil, "Branch %s of %s is deleted.", arguments[1], arguments[0])
		},
	}
	command.Flags().BoolVar(&descendants, "delete-descendants", false, "delete the branches made from it too")
	return command
}

func branchSchemaCommand(o *options) *cobra.Command {
	var keyspace string
	command := &cobra.Command{
		Use: "schema <database> <branch>", Short: "Print a branch's schema", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.texts(command, branchPath(arguments[0], arguments[1])+"/schema?keyspace="+url.QueryEscape(keyspace))
		},
	}
	command.Flags().StringVar(&keyspace, "keyspace", "", "only this keyspace")
	return command
}

// texts prints an answer of {name, raw} objects.
func (o *options) texts(command *cobra.Command, path string) error {
	c, err := o.client()
	if err != nil {
		return err
	}
	answer, err := c.Do(command.Context(), http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	objects := answer.Objects("data")
	if o.json {
		return printJSON(command.OutOrStdout(), objects)
	}
	for _, object := range objects {
		fmt.Fprintf(command.OutOrStdout(), "-- %s --\n%s\n\n", object.Text("name"), object.Text("raw"))
	}
	return nil
}

func branchDiffCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "diff <database> <branch>", Short: "Show what a branch changed since it was made", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.texts(command, branchPath(arguments[0], arguments[1])+"/diff")
		},
	}
}

func branchLintCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "lint <database> <branch>", Short: "List what keeps a branch's schema from being deployed", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.list(command, branchPath(arguments[0], arguments[1])+"/schema/lint",
				field("CODE", "lint_error"), field("KEYSPACE", "keyspace_name"), field("TABLE", "table_name"), field("WHAT", "error_description"))
		},
	}
}

func branchChangeCommand(o *options, verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " <database> <branch>", Short: short, Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.call(command, http.MethodPost, branchPath(arguments[0], arguments[1])+"/"+verb, nil, "Branch %s of %s: %sd.", arguments[1], arguments[0], verb)
		},
	}
}

func safeMigrationsCommand(o *options) *cobra.Command {
	command := &cobra.Command{Use: "safe-migrations", Short: "Refuse or allow direct DDL on a branch"}
	for verb, method := range map[string]string{"enable": http.MethodPost, "disable": http.MethodDelete} {
		command.AddCommand(&cobra.Command{
			Use: verb + " <database> <branch>", Short: map[string]string{"enable": "Refuse direct DDL", "disable": "Allow direct DDL"}[verb], Args: cobra.ExactArgs(2),
			RunE: func(command *cobra.Command, arguments []string) error {
				return o.call(command, method, branchPath(arguments[0], arguments[1])+"/safe-migrations", nil, "Safe migrations on %s of %s: %sd.", arguments[1], arguments[0], verb)
			},
		})
	}
	return command
}
