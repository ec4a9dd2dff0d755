package main

import (
	"fmt"
	"net/http"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/orrerydb/orrery/internal/client"
)

func statusCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show databases, branches, their state, memory and tables",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			rows, err := collectStatus(command, c)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(command.OutOrStdout(), rows)
			}
			return printStatus(command, rows)
		},
	}
}

// branchStatus is one branch with what it holds. Tables are counted on
// running branches only: looking must not wake one.
type branchStatus struct {
	Database   string         `json:"database"`
	Kind       string         `json:"kind"`
	Branch     string         `json:"branch"`
	Production bool           `json:"production"`
	Safe       bool           `json:"safe_migrations"`
	State      string         `json:"state"`
	Failure    string         `json:"failure,omitempty"`
	Memory     int64          `json:"memory_bytes"`
	Keyspaces  []string       `json:"keyspaces"`
	Tables     map[string]int `json:"tables,omitempty"`
}

func collectStatus(command *cobra.Command, c *client.Client) ([]branchStatus, error) {
	databases, err := c.All(command.Context(), "databases")
	if err != nil {
		return nil, err
	}
	rows := []branchStatus{}
	for _, d := range databases {
		branches, err := c.All(command.Context(), "databases/"+d.Text("name")+"/branches")
		if err != nil {
			return nil, err
		}
		for _, b := range branches {
			row, err := statusOf(command, c, d, b)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func statusOf(command *cobra.Command, c *client.Client, d, b client.Object) (branchStatus, error) {
	row := branchStatus{
		Database: d.Text("name"), Kind: d.Text("kind"), Branch: b.Text("name"), Production: b.True("production"),
		Safe: b.True("safe_migrations"), State: b.Text("state"), Failure: b.Text("failure"), Memory: int64(b.Number("memory_bytes")),
	}
	path := "databases/" + row.Database + "/branches/" + row.Branch
	keyspaces, err := c.All(command.Context(), path+"/keyspaces")
	if err != nil {
		return row, err
	}
	for _, k := range keyspaces {
		row.Keyspaces = append(row.Keyspaces, k.Text("name"))
	}
	if row.State != "ready" {
		return row, nil
	}
	schema, err := c.Do(command.Context(), http.MethodGet, path+"/schema", nil)
	if err != nil {
		return row, err
	}
	row.Tables = map[string]int{}
	for _, object := range schema.Objects("data") {
		if object.Text("kind") == "table" {
			row.Tables[object.Text("keyspace")]++
		}
	}
	return row, nil
}

func printStatus(command *cobra.Command, rows []branchStatus) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(command.OutOrStdout(), "There are no databases yet: orrery database create NAME")
		return err
	}
	table := tabwriter.NewWriter(command.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DATABASE\tBRANCH\tKIND\tSTATE\tSAFE MIGRATIONS\tMEMORY\tKEYSPACE\tTABLES")
	for _, r := range rows {
		name := r.Branch
		if r.Production {
			name += " (production)"
		}
		memory := "-"
		if r.Memory > 0 {
			memory = fmt.Sprintf("%d MB", r.Memory>>20)
		}
		cells := []string{r.Database, name, r.Kind, r.State, yesNo(r.Safe), memory}
		if r.Failure != "" {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", cells[0], cells[1], cells[2], "failed", cells[4], cells[5], r.Failure)
			continue
		}
		for _, keyspace := range r.Keyspaces {
			tables := "-"
			if r.Tables != nil {
				tables = strconv.Itoa(r.Tables[keyspace])
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], keyspace, tables)
			cells = make([]string, len(cells))
		}
	}
	return table.Flush()
}
