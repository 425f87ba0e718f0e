package play

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table writes results for people: a line each, then what was wrong.
func Table(w io.Writer, results []Result) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "\tNAME\tOVER\tCALLS\tBYTES\tMS\tTITLE")
	for _, r := range results {
		mark := "ok"
		if !r.Passed {
			mark = "FAIL"
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", mark, r.Name, r.Over, r.Calls, r.Bytes, r.MS, r.Title)
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	total, passed := map[string]int{}, map[string]int{}
	for _, r := range results {
		sort, _, _ := strings.Cut(r.Name, "/")
		total[sort]++
		if r.Passed {
			passed[sort]++
			continue
		}
		fmt.Fprintf(w, "\nFAIL %s over %s: %s\n", r.Name, r.Over, r.Title)
		for _, p := range r.Problems {
			fmt.Fprintf(w, "  %s\n", p)
		}
	}
	fmt.Fprintln(w)
	for _, sort := range []string{"tasks", "attacks", "control"} {
		if total[sort] > 0 {
			fmt.Fprintf(w, "%s: %d of %d\n", sort, passed[sort], total[sort])
		}
	}
	return nil
}

// JSON writes results for programs.
func JSON(w io.Writer, results []Result) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Passed  bool     `json:"passed"`
		Results []Result `json:"results"`
	}{Passed(results), results})
}

// Passed reports whether every result is right.
func Passed(results []Result) bool {
	for _, r := range results {
		if !r.Passed {
			return false
		}
	}
	return len(results) > 0
}
