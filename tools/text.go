package tools

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"example.com/akos/workspace"
)

// table writes rows in columns. A row is split at its tabs.
func table(w io.Writer, header string, rows []string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, header)
	for _, r := range rows {
		fmt.Fprintln(tw, r)
	}
	return tw.Flush()
}

// row joins the cells of a row; a cell without text is a dash.
func row(cells ...string) string {
	for i, c := range cells {
		if c == "" {
			cells[i] = "-"
		}
	}
	return strings.Join(cells, "\t")
}

// date returns t as the clock on the wall has it: what --json has is UTC.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

// source says where a value is, or that it is gone.
func source(b workspace.Backend, present bool) string {
	if b == "" || !present {
		return strings.TrimSpace(string(b) + " (gone)")
	}
	return string(b)
}

func line(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format+"\n", args...)
	return err
}
