package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/orrerydb/orrery/internal/client"
)

func deployRequestCommand(o *options) *cobra.Command {
	command := &cobra.Command{
		Use: "deploy-request", Aliases: []string{"dr"}, Short: "Bring a branch's schema to production, reviewed",
		Example: `  orrery deploy-request create shop add-email --auto-delete-branch
  orrery deploy-request diff shop 1
  orrery deploy-request review shop 1 --approve
  orrery deploy-request deploy shop 1 --wait`,
	}
	command.AddCommand(requestListCommand(o), requestShowCommand(o), requestCreateCommand(o), requestDiffCommand(o), requestReviewCommand(o), requestDeployCommand(o),
		requestEditCommand(o), requestActCommand(o, "apply", "apply-deploy", "Let a gated deployment cut over"),
		requestActCommand(o, "cancel", "cancel", "Take a deployment out of the queue, or stop it before its cutover"),
		requestActCommand(o, "revert", "revert", "Undo a deployment within its revert window"),
		requestActCommand(o, "skip-revert", "skip-revert", "End the revert window"),
		requestActCommand(o, "unblock", "complete-deploy", "Take a failed deployment off the queue"),
		requestCloseCommand(o))
	return command
}

func requests(database string) string {
	return "databases/" + url.PathEscape(database) + "/deploy-requests"
}

func requestPath(database, number string) string {
	return requests(database) + "/" + url.PathEscape(number)
}

var requestColumns = []column{
	field("NUMBER", "number"), field("BRANCH", "branch"), field("INTO", "into_branch"), field("STATE", "state"), field("DEPLOYMENT", "deployment_state"),
	boolean("APPROVED", "approved"), field("BY", "actor.display_name"), day("CREATED", "created_at"),
}

func requestListCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list <database>", Short: "List deploy requests", Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.list(command, requests(arguments[0]), requestColumns...)
		},
	}
}

func requestShowCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "show <database> <number>", Short: "Show a deploy request and its operations", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			r, err := c.Do(command.Context(), http.MethodGet, requestPath(arguments[0], arguments[1]), nil)
			if err != nil {
				return err
			}
			return o.showRequest(command, r)
		},
	}
}

func (o *options) showRequest(command *cobra.Command, r client.Object) error {
	out := command.OutOrStdout()
	if o.json {
		return printJSON(out, r)
	}
	if err := o.show(out, []client.Object{r}, requestColumns...); err != nil {
		return err
	}
	if problem := r.Text("deployment.deploy_check_errors"); problem != "" {
		fmt.Fprintf(out, "\n%s\n", problem)
	}
	for _, e := range r.Objects("deployment.lint_errors") {
		fmt.Fprintf(out, "\n%s: %s\n", e.Text("lint_error"), e.Text("error_description"))
	}
	for _, text := range r.Texts("deployment.warnings") {
		fmt.Fprintf(out, "\nwarning: %s\n", text)
	}
	for _, text := range r.Texts("deployment.revert_notes") {
		fmt.Fprintf(out, "\ncannot be reverted: %s\n", text)
	}
	if operations := r.Objects("deployment.deploy_operations"); len(operations) > 0 {
		fmt.Fprintln(out)
		return o.show(out, operations, field("STATE", "state"), field("KEYSPACE", "keyspace_name"), field("TABLE", "table_name"), field("STATEMENT", "ddl_statement"))
	}
	return nil
}

func requestCreateCommand(o *options) *cobra.Command {
	var into, notes string
	var autoDelete, gated bool
	command := &cobra.Command{
		Use: "create <database> <branch>", Short: "Ask for a branch's schema to reach production", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			body := map[string]any{"branch": arguments[1], "notes": notes, "auto_delete_branch": autoDelete, "auto_cutover": !gated}
			if into != "" {
				body["into_branch"] = into
			}
			r, err := c.Do(command.Context(), http.MethodPost, requests(arguments[0]), body)
			if err != nil {
				return err
			}
			return o.showRequest(command, r)
		},
	}
	command.Flags().StringVar(&into, "into", "", "target branch (default: the branch's parent)")
	command.Flags().StringVar(&notes, "notes", "", "what reviewers should know")
	command.Flags().BoolVar(&autoDelete, "auto-delete-branch", false, "delete the branch when all is done")
	command.Flags().BoolVar(&gated, "gated", false, "wait for `deploy-request apply` before the cutover")
	return command
}

func requestDiffCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "diff <database> <number>", Short: "Show what a deploy request changes", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.texts(command, requestPath(arguments[0], arguments[1])+"/diff")
		},
	}
}

func requestReviewCommand(o *options) *cobra.Command {
	var approve bool
	var comment string
	command := &cobra.Command{
		Use: "review <database> <number>", Short: "Approve or comment on a deploy request", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			state := "commented"
			if approve {
				state = "approved"
			}
			return o.call(command, http.MethodPost, requestPath(arguments[0], arguments[1])+"/reviews", map[string]any{"state": state, "body": comment}, "Deploy request %s: %s.", arguments[1], state)
		},
	}
	command.Flags().BoolVar(&approve, "approve", false, "approve it")
	command.Flags().StringVar(&comment, "comment", "", "what you have to say")
	return command
}

func requestDeployCommand(o *options) *cobra.Command {
	var instant, wait bool
	command := &cobra.Command{
		Use: "deploy <database> <number>", Short: "Put a deploy request into the queue", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			path := requestPath(arguments[0], arguments[1])
			r, err := c.Do(command.Context(), http.MethodPost, path+"/deploy", map[string]any{"instant_ddl": instant})
			if err != nil {
				return err
			}
			if wait {
				if r, err = o.awaitDeploy(command, c, path); err != nil {
					return err
				}
			}
			if err := o.showRequest(command, r); err != nil {
				return err
			}
			if r.Text("deployment_state") == "complete_error" {
				return &exitError{1}
			}
			return nil
		},
	}
	command.Flags().BoolVar(&instant, "instant", false, "change metadata only, where the server can")
	command.Flags().BoolVar(&wait, "wait", false, "wait until it is deployed, failed, or waits for somebody")
	return command
}

// resting are the states in which a deployment waits for somebody, or is over.
var resting = []string{"complete", "complete_pending_revert", "pending_cutover", "complete_error", "complete_cancel", "cancelled", "complete_revert", "complete_revert_error", "ready", "error"}

func (o *options) awaitDeploy(command *cobra.Command, c *client.Client, path string) (client.Object, error) {
	last := ""
	for {
		r, err := c.Do(command.Context(), http.MethodGet, path, nil)
		if err != nil {
			return nil, err
		}
		state := r.Text("deployment_state")
		if state != last && !o.json {
			fmt.Fprintf(command.ErrOrStderr(), "%s  %s\n", time.Now().Format(time.TimeOnly), state)
		}
		gate := state == "pending_cutover" && r.True("deployment.auto_cutover")
		if slices.Contains(resting, state) && !gate {
			return r, nil
		}
		last = state
		select {
		case <-command.Context().Done():
			return nil, command.Context().Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func requestActCommand(o *options, verb, endpoint, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " <database> <number>", Short: short, Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			r, err := c.Do(command.Context(), http.MethodPost, requestPath(arguments[0], arguments[1])+"/"+endpoint, map[string]any{})
			if err != nil {
				return err
			}
			return o.say(command.OutOrStdout(), r, "Deploy request %s: %s.", arguments[1], r.Text("deployment_state"))
		},
	}
}

func requestEditCommand(o *options) *cobra.Command {
	var gated, ungated bool
	command := &cobra.Command{
		Use: "edit <database> <number>", Short: "Change whether a deployment waits before its cutover", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			said := "waits before its cutover"
			if ungated {
				said = "cuts over by itself"
			}
			return o.call(command, http.MethodPut, requestPath(arguments[0], arguments[1])+"/auto-apply", map[string]any{"enable": ungated}, "Deploy request %s %s.", arguments[1], said)
		},
	}
	command.Flags().BoolVar(&gated, "disable-auto-apply", false, "wait for `deploy-request apply`")
	command.Flags().BoolVar(&ungated, "enable-auto-apply", false, "cut over as soon as it is ready")
	command.MarkFlagsMutuallyExclusive("disable-auto-apply", "enable-auto-apply")
	command.MarkFlagsOneRequired("disable-auto-apply", "enable-auto-apply")
	return command
}

func requestCloseCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "close <database> <number>", Short: "Close a deploy request without deploying it", Args: cobra.ExactArgs(2),
		RunE: func(command *cobra.Command, arguments []string) error {
			return o.call(command, http.MethodPatch, requestPath(arguments[0], arguments[1]), map[string]any{"state": "closed"}, "Deploy request %s is closed.", arguments[1])
		},
	}
}
