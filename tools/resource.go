package tools

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"example.com/akos/workspace"
)

// A Resource is what one operation that reads returns, under an address of its
// own. It says nothing that the operation does not.
type Resource struct {
	URI         string // with its variable in braces, if it has one
	Name        string
	Title       string
	Description string
	MIME        string
	// Tool names the MCP tool that says the same: who may not call it may not
	// read the resource either.
	Tool string

	op   func() *Tool
	args func(value string) any
}

// Resources returns every resource, in the order of the reference.
func Resources() []*Resource {
	const markdown, document = "text/markdown", "application/json"
	none := func(string) any { return struct{}{} }
	return []*Resource{
		{
			URI: "akos://guide", Name: "guide", Title: "Onboarding guide", MIME: markdown, Tool: "creds_check",
			Description: "What this workspace has, what can be added and how, up to a ready connection. Never a value.",
			op:          credsGuide, args: none,
		}, {
			URI: "akos://providers", Name: "providers", Title: "Providers", MIME: document, Tool: "creds_list",
			Description: "The catalog, as creds_list returns it.",
			op:          credsList, args: none,
		}, {
			URI: "akos://providers/{id}", Name: "provider", Title: "A provider", MIME: document, Tool: "creds_list",
			Description: "One provider of the catalog: its keys, where to get them, the least scopes.",
			op:          credsList, args: func(id string) any { return map[string][]string{"provider": {id}} },
		}, {
			URI: "akos://connections/{name}", Name: "connection", Title: "A connection", MIME: document, Tool: "connection_inspect",
			Description: "A connection with the vault keys that it names, as connection_inspect returns it. Never a value.",
			op:          connectionInspect, args: func(name string) any { return map[string]string{"name": name} },
		},
	}
}

// Variable returns the name of the variable of r's address; "" if it has none.
func (r *Resource) Variable() string {
	_, rest, _ := strings.Cut(r.URI, "{")
	return strings.TrimSuffix(rest, "}")
}

// Read returns the content at uri, an address of r.
func (r *Resource) Read(ctx context.Context, s Session, uri string) (string, error) {
	start, _, variable := strings.Cut(r.URI, "{")
	rest, ok := strings.CutPrefix(uri, start)
	value, err := url.PathUnescape(rest)
	if !ok || err != nil || variable != (value != "") {
		return "", workspace.Errorf(workspace.NotFound, "there is no such resource")
	}
	args, err := json.Marshal(r.args(value))
	if err != nil {
		return "", err
	}
	out, err := r.op().Call(ctx, s, args)
	if err != nil {
		return "", err
	}
	if guide, ok := out.(Guide); ok {
		return guide.Guide, nil
	}
	b, err := json.Marshal(out)
	return string(b), err
}
