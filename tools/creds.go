package tools

import (
	"context"
	"fmt"
	"io"
	"strings"

	"example.com/akos/workspace"
	"example.com/akos/workspace/catalog"
)

// filter is what creds list and creds check have in common.
type filter struct {
	Kind     []string `json:"kind,omitempty" enum:"providerKind" jsonschema:"only these kinds"`
	Provider []string `json:"provider,omitempty" offers:"provider" jsonschema:"only these provider ids"`
	AirGap   bool     `json:"airGap,omitempty" jsonschema:"skip cloud providers"`
}

func (f filter) domain() workspace.Filter {
	return workspace.Filter{Kinds: f.Kind, Providers: f.Provider, AirGap: f.AirGap}
}

// Providers is the result of creds list.
type Providers struct {
	Providers []catalog.Provider `json:"providers"`
}

// WriteText writes a table.
func (r Providers) WriteText(w io.Writer) error {
	var rows []string
	for _, p := range r.Providers {
		rows = append(rows, row(p.ID, p.Kind, strings.Join(p.RequiredKeys, " "), strings.Join(p.OptionalKeys, " ")))
	}
	return table(w, "PROVIDER\tKIND\tREQUIRED KEYS\tOPTIONAL KEYS", rows)
}

func credsList() *Tool {
	return define(spec[filter, Providers]{
		Name: "creds list", Short: "List providers and the keys they require", Effect: Reads, Idempotent: true,
		Long:    "The catalog: what each provider is for, which keys it needs, where to get them. It looks for no key; creds_check does.",
		Example: "akos creds list --kind llm\nakos creds list --air-gap --json",
		Run: func(ctx context.Context, s Session, in filter) (Providers, error) {
			ps, err := s.Workspace.Providers(ctx, in.domain())
			return Providers{ps}, err
		},
	})
}

// Check is the result of creds check.
type Check struct{ workspace.Check }

// WriteText writes one line a provider.
func (r Check) WriteText(w io.Writer) error {
	for _, c := range r.Results {
		text := "[" + c.Status + "] " + c.ProviderID
		switch c.Status {
		case workspace.StatusMissing:
			text = fmt.Sprintf("[MISSING] %s  missing: %s  hint: %s", c.ProviderID, strings.Join(c.MissingKeys, ", "), c.Remediation)
		case workspace.StatusInvalid:
			k := c.Invalid[0]
			from := "the environment"
			if k.FoundIn == "file" {
				from = "the secrets file"
			}
			text = fmt.Sprintf("[INVALID] %s  %s, from %s: %s  hint: %s", c.ProviderID, k.Key, from, k.Reason, c.Remediation)
		}
		if err := line(w, "%s", text); err != nil {
			return err
		}
	}
	return nil
}

// Verdict returns a CredentialsMissing error if a required key is missing.
func (r Check) Verdict() error {
	var bad []string
	what, hint := "missing for", ""
	for _, c := range r.Results {
		if c.Status == workspace.StatusInvalid {
			what = "missing, or can't be right, for"
		}
		if c.Status == workspace.StatusMissing || c.Status == workspace.StatusInvalid {
			bad = append(bad, c.ProviderID)
			if hint == "" {
				hint = c.Remediation
			}
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return workspace.Errorf(workspace.CredentialsMissing, "required credentials are %s %s", what, strings.Join(bad, ", ")).WithHint("%s", hint)
}

func credsCheck() *Tool {
	type in struct {
		filter
		SecretsFile string `json:"secretsFile,omitempty" jsonschema:"dotenv file to look in too (an agent's: in the workspace's directory or the client's roots)"`
		EnvPrefix   string `json:"envPrefix,omitempty" face:"cli" jsonschema:"prefix of variables to try after the bare name (default AGENTSKITOS_)"`
	}
	return define(spec[in, Check]{
		Name: "creds check", Short: "Check that required credentials are there", Effect: Reads, Idempotent: true, Files: true,
		Long:    "Looks in the environment, the secrets file, the vault; says for each missing key where to get it and the next tool call. Call it first. It reads no value to you.",
		Help:    "Looks in the environment, the secrets file and the vault, and says which command stores what is missing. It shows no value.",
		Example: "# exit 7 if one is missing\nakos creds check --provider openai --provider slack\n\n# with a dotenv file\nakos creds check --secrets-file .env",
		Run: func(ctx context.Context, s Session, in in) (Check, error) {
			if in.EnvPrefix == "" {
				in.EnvPrefix = workspace.DefaultEnvPrefix
			}
			c, err := s.Workspace.Check(ctx, workspace.CheckRequest{
				Filter: in.domain(), EnvPrefix: in.EnvPrefix,
				SecretsFile: s.file(in.SecretsFile),
			})
			askPerson(c.Results, s)
			return Check{c}, err
		},
	})
}

// askPerson names the command of a person in the place of the tool that stores
// a key, for a caller that has no such tool.
func askPerson(results []workspace.CheckResult, s Session) {
	for _, r := range results {
		for i, m := range r.Missing {
			if tool, _, _ := strings.Cut(m.Next, " "); m.Store != "" && s.Offers != nil && !s.Offers(tool) {
				r.Missing[i].Next = s.next("akos vault put " + m.Store)
			}
		}
	}
}

// CredsSet is the result of creds set.
type CredsSet struct {
	Results []Stored `json:"results"`
	ask     page
}

// Page returns the page on which the person enters the values, the first time.
func (r CredsSet) Page() (url, say, id string) { return r.ask.url, r.ask.say, r.ask.id }

// WriteText writes one line a key.
func (r CredsSet) WriteText(w io.Writer) error {
	for _, s := range r.Results {
		if err := s.WriteText(w); err != nil {
			return err
		}
	}
	return nil
}

// Notes returns the notices.
func (r CredsSet) Notes() (all []string) {
	for _, s := range r.Results {
		all = append(all, s.Notes()...)
	}
	return all
}

func credsSet() *Tool {
	type in struct {
		Provider string `json:"provider,omitempty" jsonschema:"store each missing key of this provider"`
		Key      string `json:"key,omitempty" jsonschema:"or this one key"`
		Scope    string `json:"scope,omitempty" enum:"scope"`
	}
	return define(spec[in, CredsSet]{
		Name: "creds set", Short: "Store a provider's credentials that a person enters", Effect: Writes, Slow: true, Right: "akos creds check",
		Long:    "As vault_put, for each missing key of a provider; says where to get it. It takes no value.",
		Help:    "As akos vault put, for each missing key of a provider: says where to get it, and asks for it unseen. Without an argument it asks for which provider.",
		Example: "# guided: choose, see where to get the key, type it unseen\nakos creds set\n\nakos creds set slack\n\n# from another program\npass show openai | akos creds set openai --stdin",
		Run: func(ctx context.Context, s Session, in in) (CredsSet, error) {
			keysToSet := func(ctx context.Context) ([]string, error) {
				keys, missing, err := s.Workspace.KeysToSet(ctx, in.Provider, in.Key)
				if err == nil && !missing && s.Agent {
					err = workspace.Errorf(workspace.Invalid, "nothing of %s is missing; name a key to have it entered anew", in.Provider).
						WithHint("akos creds set %s", keys[0])
				}
				return keys, err
			}
			if s.onPage() {
				return enterCreds(ctx, s, in.Provider, in.Key, workspace.Scope(in.Scope), keysToSet)
			}
			keys, err := keysToSet(ctx)
			if err != nil {
				return CredsSet{}, err
			}
			command := "akos vault put"
			if in.Provider != "" {
				command = "akos creds set"
			}
			// All are entered before one is stored, so that whoever gives up in
			// between leaves nothing half done.
			var all []entered
			for _, key := range keys {
				e, err := enter(ctx, s, workspace.PutRequest{Key: key, Scope: workspace.Scope(in.Scope)}, command)
				if s.Agent && in.Provider != "" && workspace.Explain(err).Kind == workspace.HumanNeeded {
					err = enterThemselves(keys, in.Provider, in.Scope)
				}
				if err != nil {
					return CredsSet{}, err
				}
				all = append(all, e)
			}
			r := CredsSet{Results: []Stored{}}
			for _, e := range all {
				stored, err := e.store(ctx, s)
				if err != nil {
					return CredsSet{}, err
				}
				r.Results = append(r.Results, stored)
			}
			return r, nil
		},
	})
}

// enterThemselves is the error for a provider whose keys a person has to enter
// in a terminal: all of them with one command.
func enterThemselves(keys []string, provider, scope string) error {
	command := "akos creds set " + provider
	if scope != "" {
		command += " --scope " + scope
	}
	return workspace.Errorf(workspace.HumanNeeded, "a person must enter %s in a terminal; no value passes through this conversation", strings.Join(keys, " and ")).
		WithHint("%s", command)
}

// enterCreds has a person enter the keys of a provider, or one key, on a page:
// all of them are stored, or none.
func enterCreds(ctx context.Context, s Session, provider, key string, scope workspace.Scope, keys func(context.Context) ([]string, error)) (CredsSet, error) {
	if (provider == "") == (key == "") {
		_, err := keys(ctx) // it says what is wrong
		return CredsSet{}, err
	}
	name := "key " + key // the page of vault put
	if key == "" {
		name = "provider " + provider
	}
	e, err := s.Workspace.Enter(ctx, workspace.EnterRequest{Name: name, Keys: keys, Scope: scope, Client: s.Client, Page: s.Page})
	if err != nil {
		return CredsSet{}, err
	}
	r := CredsSet{Results: []Stored{}, ask: pageOf(e)}
	for _, st := range e.Results {
		r.Results = append(r.Results, Stored{Stored: st})
	}
	return r, nil
}
