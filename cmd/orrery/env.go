package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

func envCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print export lines that make clients find the platform",
		Long: `Prints export lines for a shell: what pscale and PlanetScale's SDKs read
(PLANETSCALE_API_URL, PLANETSCALE_ORG, the service token), SSL_CERT_FILE with the
local certificate authority, and a connection URL for each binding of the config
under the binding's own name.`,
		Example: `  eval "$(orrery env)"
  psql "$COMMERCE"`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			variables, err := o.folder().Environment(command.Context())
			if err != nil {
				return err
			}
			object := map[string]string{}
			for i, v := range variables {
				if v.Name == "SSL_CERT_FILE" {
					if absolute, err := filepath.Abs(v.Value); err == nil {
						variables[i].Value = absolute
					}
				}
				object[v.Name] = variables[i].Value
			}
			if o.json {
				return printJSON(command.OutOrStdout(), object)
			}
			for _, v := range variables {
				fmt.Fprintf(command.OutOrStdout(), "export %s='%s'\n", v.Name, strings.ReplaceAll(v.Value, "'", `'\''`))
			}
			return nil
		},
	}
}
