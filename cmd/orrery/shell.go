package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/orrerydb/orrery/internal/client"
	"github.com/orrerydb/orrery/internal/instance"
)

func shellCommand(o *options) *cobra.Command {
	var role string
	command := &cobra.Command{
		Use:   "shell <database> <branch> [keyspace] [-- client arguments]",
		Short: "Open a mysql or psql prompt on a branch",
		Long:  "Opens a mysql or psql prompt on a branch, through the gateway, with a credential that is deleted afterwards.",
		Example: `  orrery shell openinsure main oi_policies
  orrery shell commerce main -- -c 'select count(*) from product'`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			extra := []string{}
			if dash := command.ArgsLenAtDash(); dash >= 0 {
				arguments, extra = arguments[:dash], arguments[dash:]
			}
			if len(arguments) < 2 || len(arguments) > 3 {
				return errors.New("shell takes a database, a branch and, on MySQL, a keyspace")
			}
			keyspace := ""
			if len(arguments) == 3 {
				keyspace = arguments[2]
			}
			return shell(command, o, arguments[0], arguments[1], keyspace, role, extra)
		},
	}
	command.Flags().StringVar(&role, "role", "admin", "reader, writer, readwriter or admin")
	return command
}

func shell(command *cobra.Command, o *options, database, branch, keyspace, role string, extra []string) error {
	c, err := o.client()
	if err != nil {
		return err
	}
	d, err := c.Do(command.Context(), http.MethodGet, "databases/"+database, nil)
	if err != nil {
		return err
	}
	path := "databases/" + database + "/branches/" + branch
	prepare := mysqlShell
	if d.Text("kind") == "postgresql" {
		prepare = psqlShell
	}
	cmd, credential, err := prepare(command.Context(), c, path, keyspace, role, extra)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	runErr := cmd.Run()
	_, deleteErr := c.Do(context.WithoutCancel(command.Context()), http.MethodDelete, credential, map[string]any{})
	if exit, ok := errors.AsType[*exec.ExitError](runErr); ok {
		return errors.Join(&exitError{max(exit.ExitCode(), 1)}, deleteErr)
	}
	return errors.Join(runErr, deleteErr)
}

const shellTTL = 24 * 60 * 60

func mysqlShell(ctx context.Context, c *client.Client, path, keyspace, role string, extra []string) (*exec.Cmd, string, error) {
	programs, err := instance.FindMySQL(ctx)
	if err != nil {
		return nil, "", err
	}
	password, err := c.Do(ctx, http.MethodPost, path+"/passwords", map[string]any{"name": "orrery-shell", "role": role, "ttl": shellTTL})
	if err != nil {
		return nil, "", err
	}
	host, port, err := net.SplitHostPort(password.Text("access_host_url"))
	if err != nil {
		return nil, "", fmt.Errorf("gateway address: %w", err)
	}
	if keyspace == "" {
		keyspace = "@primary"
	}
	arguments := append([]string{"--no-defaults", "--host=" + host, "--port=" + port, "--user=" + password.Text("username"), "--database=" + keyspace}, extra...)
	cmd := exec.CommandContext(ctx, filepath.Join(programs, "mysql"), arguments...)
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+password.Text("plain_text"))
	return cmd, path + "/passwords/" + password.Text("id"), nil
}

// inherited are the PostgreSQL roles that stand for ours, as pscale maps them.
var inherited = map[string][]string{
	"admin": {"postgres"}, "reader": {"pg_read_all_data"}, "writer": {"pg_write_all_data"},
	"readwriter": {"pg_read_all_data", "pg_write_all_data"},
}

func psqlShell(ctx context.Context, c *client.Client, path, database, role string, extra []string) (*exec.Cmd, string, error) {
	roles, known := inherited[role]
	if !known {
		return nil, "", fmt.Errorf("role %q is not known; use reader, writer, readwriter or admin", role)
	}
	program, err := exec.LookPath("psql")
	if err != nil {
		return nil, "", fmt.Errorf("psql is not installed: run `make setup`, or install your distribution's postgresql-client: %w", err)
	}
	created, err := c.Do(ctx, http.MethodPost, path+"/roles", map[string]any{"name": "orrery-shell", "ttl": shellTTL, "inherited_roles": roles})
	if err != nil {
		return nil, "", err
	}
	host, port, err := net.SplitHostPort(created.Text("access_host_url"))
	if err != nil {
		return nil, "", fmt.Errorf("gateway address: %w", err)
	}
	if database == "" {
		database = created.Text("database_name")
	}
	arguments := append([]string{"--host=" + host, "--port=" + port, "--username=" + created.Text("username"), "--dbname=" + database}, extra...)
	cmd := exec.CommandContext(ctx, program, arguments...)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+created.Text("password"))
	return cmd, path + "/roles/" + created.Text("id"), nil
}
