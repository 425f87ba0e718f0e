package mcpserver

import (
	"context"
	"slices"
	"strings"

	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/mark3labs/mcp-go/mcp"
)

// maxCompletions is what the protocol allows at one time.
const maxCompletions = 100

// A completer proposes names to the client of a Server: for the arguments of
// the prompts and the variables of the addresses that are offered.
type completer struct {
	*Server
	ses tools.Session
}

// CompletePromptArgument completes an argument of a prompt.
func (c completer) CompletePromptArgument(ctx context.Context, name string, arg mcp.CompleteArgument, known mcp.CompleteContext) (*mcp.Completion, error) {
	var names []string
	for _, a := range c.prompts[name].arguments {
		names = append(names, a.Name)
	}
	return c.complete(ctx, names, arg, known.Arguments)
}

// CompleteResourceArgument completes the variable of an address.
func (c completer) CompleteResourceArgument(ctx context.Context, uri string, arg mcp.CompleteArgument, known mcp.CompleteContext) (*mcp.Completion, error) {
	var names []string
	if r := c.templates[uri]; r != nil {
		names = []string{r.Variable()}
	}
	return c.complete(ctx, names, arg, known.Arguments)
}

// complete returns the values that begin with what was typed so far, for an
// argument out of names.
func (c completer) complete(ctx context.Context, names []string, arg mcp.CompleteArgument, given map[string]string) (found *mcp.Completion, err error) {
	defer c.recovered(ctx, string(mcp.MethodCompletionComplete), &err)
	err = c.refuse(ctx, given)
	if err == nil {
		err = c.refuse(ctx, map[string]string{arg.Name: arg.Value})
	}
	if err == nil && !slices.Contains(names, arg.Name) {
		err = workspace.Errorf(workspace.Invalid, "nothing that is offered has such an argument")
	}
	var all []string
	if err == nil {
		all, err = c.values(ctx, c.here(ctx, c.ses), arg.Name, given)
	}
	if err != nil {
		return nil, c.explain(ctx, string(mcp.MethodCompletionComplete), err, mcp.INVALID_PARAMS)
	}
	start := strings.ToLower(arg.Value)
	all = slices.DeleteFunc(all, func(v string) bool { return !strings.HasPrefix(strings.ToLower(v), start) })
	found = &mcp.Completion{Values: all, Total: len(all)}
	if len(all) > maxCompletions {
		found.Values, found.HasMore = all[:maxCompletions], true
	}
	return found, nil
}

// values returns what the argument called name may be, beside what is given
// for the others; nothing where the tool that lists it is not offered.
func (s *Server) values(ctx context.Context, ses tools.Session, name string, given map[string]string) (all []string, err error) {
	tool := map[string]string{"provider": "creds_list", "id": "creds_list", "key": "creds_list", "kind": "connection_kinds", "name": "connection_list"}[name]
	if s.tools[tool] == nil {
		return nil, nil
	}
	out, err := s.ask(ctx, ses, tool, struct{}{})
	if err != nil {
		return nil, err
	}
	switch out := out.(type) {
	case tools.Providers:
		for _, p := range out.Providers {
			switch {
			case name != "key":
				all = append(all, p.ID)
			case given["provider"] == "" || given["provider"] == p.ID:
				all = append(append(all, p.RequiredKeys...), p.OptionalKeys...)
			}
		}
	case tools.Connections:
		for _, c := range out.Connections {
			all = append(all, c.Name)
		}
	case tools.Kinds:
		served, err := s.served(ctx, ses, given["provider"])
		if err != nil {
			return nil, err
		}
		for _, k := range out.Kinds {
			if given["provider"] == "" || slices.Contains(served, k.Kind) {
				all = append(all, k.Kind)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// served returns the connection kinds that a provider serves; none if there is
// no such provider.
func (s *Server) served(ctx context.Context, ses tools.Session, provider string) ([]string, error) {
	if provider == "" || s.tools["creds_list"] == nil {
		return nil, nil
	}
	out, err := s.ask(ctx, ses, "creds_list", struct{}{})
	if err != nil {
		return nil, err
	}
	for _, p := range out.(tools.Providers).Providers {
		if p.ID == provider {
			return p.Connections, nil
		}
	}
	return nil, nil
}
