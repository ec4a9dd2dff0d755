package main

import (
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

func passwordCommand(o *options) *cobra.Command {
	command := &cobra.Command{Use: "password", Short: "Make, list and revoke MySQL passwords"}
	command.AddCommand(passwordCreateCommand(o), &cobra.Command{
		Use: "list <database> <branch>", Short: "List passwords", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.list(command, branchPath(arguments[0], arguments[1])+"/passwords",
				field("ID", "id"), field("NAME", "name"), field("USERNAME", "username"), field("ROLE", "role"), day("EXPIRES", "expires_at"), day("CREATED", "created_at"))
		},
	}, &cobra.Command{
		Use: "renew <database> <branch> <id>", Short: "Start a password's time to live again", Args: cobra.ExactArgs(3),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.call(command, http.MethodPost, branchPath(arguments[0], arguments[1])+"/passwords/"+arguments[2]+"/renew", nil, "Password %s is renewed.", arguments[2])
		},
	}, &cobra.Command{
		Use: "delete <database> <branch> <id>", Short: "Revoke a password; its sessions end", Args: cobra.ExactArgs(3),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.call(command, http.MethodDelete, branchPath(arguments[0], arguments[1])+"/passwords/"+arguments[2], nil, "Password %s is deleted.", arguments[2])
		},
	})
	return command
}

func passwordCreateCommand(o *options) *cobra.Command {
	var role string
	var ttl time.Duration
	command := &cobra.Command{
		Use: "create <database> <branch> <name>", Short: "Make a password; it is shown once", Args: cobra.ExactArgs(3),
		Example: "  orrery password create shop main app --role readwriter",
		RunE: func(command *cobra.Command, arguments []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			body := map[string]any{"name": arguments[2], "role": role, "ttl": int64(ttl.Seconds())}
			w, err := c.Do(command.Context(), http.MethodPost, branchPath(arguments[0], arguments[1])+"/passwords", body)
			if err != nil {
				return err
			}
			return o.showOne(command.OutOrStdout(), w, field("ID", "id"), field("HOST", "access_host_url"), field("USERNAME", "username"), field("PASSWORD", "plain_text"), field("ROLE", "role"), day("EXPIRES", "expires_at"))
		},
	}
	command.Flags().StringVar(&role, "role", "admin", "reader, writer, readwriter or admin")
	command.Flags().DurationVar(&ttl, "ttl", 0, "time to live, such as 1h; 0: no end")
	return command
}
