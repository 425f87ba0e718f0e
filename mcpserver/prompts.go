package mcpserver

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// A prompt is a text of ours that a person chooses in their client. Its
// arguments are names of the catalogs and nothing else: it says no word that
// somebody else wrote.
type prompt struct {
	name, title, description string
	arguments                []mcp.PromptArgument
	tools                    []string // that its text names: without one of them it is not offered
	text                     func(given map[string]string, p *chosen) string
}

// chosen is the provider that a prompt is about; nil if none was named. All of
// it has the form of an identifier.
type chosen struct{ keys, kinds []string }

var prompts = []prompt{
	{
		name: "onboard-provider", title: "Set up a provider", description: "From nothing to a ready connection, with the person entering the values.",
		arguments: []mcp.PromptArgument{
			{Name: "provider", Title: "Provider", Description: "id of the catalog, such as openai", Required: true},
			{Name: "kind", Title: "Connection kind", Description: "what to connect, if the provider serves several kinds"},
		},
		tools: []string{"creds_list", "creds_check", "creds_set", "connection_kinds", "connection_create", "connection_inspect"},
		text:  onboard,
	}, {
		name: "fix-missing-credentials", title: "Fix missing credentials", description: "Finds what is missing, and has the person enter it.",
		arguments: []mcp.PromptArgument{
			{Name: "provider", Title: "Provider", Description: "only of this provider"},
			{Name: "key", Title: "Key", Description: "only this key of the catalog"},
		},
		tools: []string{"workspace_status", "creds_list", "creds_check", "creds_set", "vault_put", "vault_list", "connection_list"},
		text:  fix,
	},
}

const unseen = "The values never pass through this conversation: do not ask me for one here, and do not read a .env file."

func onboard(given map[string]string, p *chosen) string {
	id := given["provider"]
	steps := []string{`Call creds_check {"provider":["` + id + `"]} and tell me for each missing key what it unlocks, where to get it and the least scopes that it needs.`}
	if len(p.keys) == 0 {
		steps[0] = "The provider needs no key: go on."
	} else {
		steps = append(steps, `If a key is missing (it requires `+strings.Join(p.keys, ", ")+`), call creds_set {"provider":"`+id+`"}. I enter the values where it says; then call creds_check again.`)
	}
	kinds := p.kinds
	if kind := given["kind"]; kind != "" {
		kinds = []string{kind}
	}
	if len(kinds) > 0 {
		steps = append(steps,
			`Call connection_kinds {"kind":"`+kinds[0]+`"}`+others(kinds)+` and agree with me on a name and the config.`,
			"Call connection_create. It takes the names of vault keys.",
			"Call connection_inspect: the connection must be ready.")
	}
	return "Set up the provider " + id + " in akos. " + unseen + "\n" + list(steps)
}

// others offers the kinds after the first.
func others(kinds []string) string {
	if len(kinds) < 2 {
		return ""
	}
	return ", or ask me whether it is to be " + strings.Join(kinds[1:], " or ")
}

func fix(given map[string]string, p *chosen) string {
	id, key := given["provider"], given["key"]
	first := "Call creds_check {} and workspace_status {}. Of the providers that lack a key, take those that I use: ask me which."
	if id != "" {
		first = `Call creds_check {"provider":["` + id + `"]}.`
	}
	second := `For each missing key tell me where to get it and the least scopes that it needs, then call creds_set {"key":"…"}, or vault_put for a key that is not in the catalog.`
	if key != "" {
		second = `If ` + key + ` is missing, tell me where to get it and the least scopes that it needs, then call creds_set {"key":"` + key + `"}.`
	}
	return "Credentials are missing here. Find out which, and have me enter them. " + unseen + "\n" + list([]string{
		first, second,
		"I enter the values where the result says. Call vault_list to see whether I have.",
		"Call connection_list: a connection that is not ready names the key that it lacks. Go on with that one until each is ready.",
	})
}

func list(steps []string) string {
	var b strings.Builder
	for i, step := range steps {
		b.WriteString("\n" + string(rune('1'+i)) + ". " + step)
	}
	return b.String()
}

// addPrompts registers the prompts that name only tools that are offered.
func (s *Server) addPrompts(ses tools.Session) {
	for _, p := range prompts {
		if slices.ContainsFunc(p.tools, func(name string) bool { return s.tools[name] == nil }) {
			continue
		}
		s.prompts[p.name] = p
		s.mcp.AddPrompt(mcp.Prompt{Name: p.name, Title: p.title, Description: p.description, Arguments: p.arguments}, s.prompter(p, ses))
	}
}

func (s *Server) prompter(p prompt, ses tools.Session) server.PromptHandlerFunc {
	return func(ctx context.Context, req mcp.GetPromptRequest) (res *mcp.GetPromptResult, err error) {
		defer s.recovered(ctx, p.name, &err)
		c, err := s.check(ctx, s.here(ctx, ses), p, req.Params.Arguments)
		if err != nil {
			return nil, s.explain(ctx, p.name, err, mcp.INVALID_PARAMS)
		}
		s.log.DebugContext(ctx, "prompt", "name", p.name)
		return &mcp.GetPromptResult{Description: p.description, Messages: []mcp.PromptMessage{
			{Role: mcp.RoleUser, Content: mcp.NewTextContent(p.text(req.Params.Arguments, c))},
		}}, nil
	}
}

// check returns an error unless each argument that is given is one that p has
// and is a name that a completion would offer.
func (s *Server) check(ctx context.Context, ses tools.Session, p prompt, given map[string]string) (*chosen, error) {
	if err := s.refuse(ctx, given); err != nil {
		return nil, err
	}
	var names []string
	for _, a := range p.arguments {
		names = append(names, a.Name)
		if a.Required && given[a.Name] == "" {
			return nil, workspace.Errorf(workspace.Invalid, "%s: the argument %s is missing", p.name, a.Name).WithHint("akos creds list")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(names, name) {
			return nil, workspace.Errorf(workspace.Invalid, "%s: an unknown argument; the arguments are %s", p.name, strings.Join(names, ", "))
		}
		if given[name] == "" {
			continue
		}
		all, err := s.values(ctx, ses, name, given)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(all, given[name]) {
			choices := "there is none to choose"
			if len(all) > 0 {
				choices = "choose from " + strings.Join(all, ", ")
			}
			return nil, workspace.Errorf(workspace.Invalid, "%s: there is no such %s; %s", p.name, name, choices).WithHint("akos creds list")
		}
	}
	if given["provider"] == "" {
		return nil, nil
	}
	out, err := s.ask(ctx, ses, "creds_list", map[string][]string{"provider": {given["provider"]}})
	if err != nil {
		return nil, err
	}
	provider := out.(tools.Providers).Providers[0]
	return &chosen{keys: provider.RequiredKeys, kinds: provider.Connections}, nil
}

// refuse returns an error if a name or a value of given holds a credential, as
// whoever asks knows credentials.
func (s *Server) refuse(ctx context.Context, given map[string]string) error {
	texts := make([]string, 0, 2*len(given))
	for name, value := range given {
		texts = append(texts, name, value)
	}
	return s.at(ctx).RefuseAny(ctx, "an argument", texts...)
}

// ask calls the offered tool of that name.
func (s *Server) ask(ctx context.Context, ses tools.Session, tool string, args any) (tools.Result, error) {
	b, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	return s.tools[tool].Call(ctx, ses, b)
}
