package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/orrerydb/orrery/internal/client"
)

// column is one column of a table: its head, and the field or how to make it.
type column struct {
	head  string
	value func(client.Object) string
}

func field(head, path string) column {
	return column{head, func(o client.Object) string { return o.Text(path) }}
}

// show prints objects as a table for people or as JSON for programs.
func (o *options) show(w io.Writer, objects []client.Object, columns ...column) error {
	if o.json {
		return printJSON(w, objects)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = c.head
	}
	fmt.Fprintln(table, strings.Join(heads, "\t"))
	for _, object := range objects {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = orDash(c.value(object))
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

// showOne prints one object, a line a field.
func (o *options) showOne(w io.Writer, object client.Object, columns ...column) error {
	if o.json {
		return printJSON(w, object)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range columns {
		fmt.Fprintf(table, "%s\t%s\n", c.head, orDash(c.value(object)))
	}
	return table.Flush()
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// say prints a line for people; programs get the object instead.
func (o *options) say(w io.Writer, object client.Object, format string, arguments ...any) error {
	if o.json {
		return printJSON(w, object)
	}
	_, err := fmt.Fprintf(w, format+"\n", arguments...)
	return err
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func boolean(head, path string) column {
	return column{head, func(o client.Object) string { return yesNo(o.True(path)) }}
}

// day shortens a timestamp to the minute.
func day(head, path string) column {
	return column{head, func(o client.Object) string {
		text := o.Text(path)
		if len(text) < 16 {
			return text
		}
		return strings.Replace(text[:16], "T", " ", 1)
	}}
}
