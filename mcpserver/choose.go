package mcpserver

import (
	"slices"
	"strings"

	"example.com/akos/tools"
	"example.com/akos/workspace"
)

// choose returns the tools that opts offers, in the order of the catalog.
func choose(opts Options) ([]*tools.Tool, error) {
	var all []*tools.Tool
	var names []string
	for _, t := range tools.Catalog() {
		if t.CLIOnly == "" {
			all = append(all, t)
			names = append(names, t.ID())
		}
	}
	for _, name := range slices.Concat(opts.Tools, opts.Exclude) {
		if !slices.Contains(names, name) {
			return nil, workspace.Errorf(workspace.Invalid, "there is no such tool; the tools are %s", strings.Join(names, ", "))
		}
	}
	offered := slices.DeleteFunc(all, func(t *tools.Tool) bool {
		return opts.ReadOnly && t.Effect != tools.Reads ||
			len(opts.Tools) > 0 && !slices.Contains(opts.Tools, t.ID()) ||
			slices.Contains(opts.Exclude, t.ID()) ||
			opts.HTTP && slices.Contains(notOverHTTP, t.ID())
	})
	if len(offered) == 0 {
		return nil, workspace.Errorf(workspace.Invalid, "these flags leave no tool at all")
	}
	return offered, nil
}

// trimStack keeps of a stack trace the lines that name files: the others show
// the arguments of functions.
func trimStack(stack []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(stack)) {
		if file, ok := strings.CutPrefix(line, "\t"); ok {
			b.WriteString(strings.TrimSpace(file))
			b.WriteByte(' ')
		}
	}
	return b.String()
}
