package main

import (
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

func roleCommand(o *options) *cobra.Command {
	command := &cobra.Command{Use: "role", Short: "Make, list and revoke PostgreSQL roles"}
	command.AddCommand(roleCreateCommand(o), &cobra.Command{
		Use: "list <database> <branch>", Short: "List roles", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.list(command, branchPath(arguments[0], arguments[1])+"/roles",
				field("ID", "id"), field("NAME", "name"), field("USERNAME", "username"), field("INHERITS", "inherited_roles"), day("EXPIRES", "expires_at"), day("CREATED", "created_at"))
		},
	}, &cobra.Command{
		Use: "delete <database> <branch> <id>", Short: "Revoke a role; what it owns goes to postgres", Args: cobra.ExactArgs(3),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.call(command, http.MethodDelete, branchPath(arguments[0], arguments[1])+"/roles/"+arguments[2], map[string]any{}, "Role %s is deleted.", arguments[2])
		},
	})
	return command
}

func roleCreateCommand(o *options) *cobra.Command {
	var inherits []string
	var ttl time.Duration
	command := &cobra.Command{
		Use: "create <database> <branch> <name>", Short: "Make a role; its password is shown once", Args: cobra.ExactArgs(3),
		Example: "  orrery role create notes main app --inherits pg_read_all_data,pg_write_all_data",
		RunE: func(command *cobra.Command, arguments []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			body := map[string]any{"name": arguments[2], "inherited_roles": inherits, "ttl": int64(ttl.Seconds())}
			r, err := c.Do(command.Context(), http.MethodPost, branchPath(arguments[0], arguments[1])+"/roles", body)
			if err != nil {
				return err
			}
			return o.showOne(command.OutOrStdout(), r, field("ID", "id"), field("HOST", "access_host_url"), field("USERNAME", "username"), field("PASSWORD", "password"), field("DATABASE", "database_name"), day("EXPIRES", "expires_at"))
		},
	}
	command.Flags().StringSliceVar(&inherits, "inherits", []string{"postgres"}, "roles it is a member of")
	command.Flags().DurationVar(&ttl, "ttl", 0, "time to live, such as 1h; 0: no end")
	return command
}
