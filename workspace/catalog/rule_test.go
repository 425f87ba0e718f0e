package catalog

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestRules has for each rule what breaks it, and what is next to that and
// does not.
func TestRules(t *testing.T) {
	const (
		login  = "username or from is required: the server has to know who logs in"
		slots  = "slot and publication are for the engine postgres"
		http   = "the transports sse and streamable-http need url"
		stdio  = "the transport stdio needs command"
		args   = "args are for a local server (command)"
		bearer = "token is for a remote server (url): a local one (command) is told in args, as ${vault:NAME}"
		which  = "provider or baseUrl is required, unless the key is named as the provider names it, such as OPENAI_API_KEY"
		cloud  = "this provider is in the cloud and needs a vault key for token; only a local provider or a baseUrl goes without"
	)
	broken := map[string]bool{}
	key := map[string]string{"token": "MY_KEY"}
	mail := func(more object) object { maps.Copy(more, object{"host": "smtp.example.com"}); return more }
	cdc := func(more object) object { maps.Copy(more, object{"host": "h", "database": "d"}); return more }
	const url = "https://mcp.example.com"
	for _, row := range []struct {
		kind string
		in   object
		keys map[string]string
		want string
	}{
		{"email", mail(object{}), nil, login},
		{"email", mail(object{"username": "u"}), nil, ""},
		{"email", mail(object{"from": "a@example.com"}), nil, ""},
		{"cdc", cdc(object{"engine": "mysql", "slot": "s"}), nil, slots},
		{"cdc", cdc(object{"engine": "mysql", "publication": "p"}), nil, slots},
		{"cdc", cdc(object{"engine": "mysql", "slot": "s", "publication": "p"}), nil, slots},
		{"cdc", cdc(object{"engine": "mysql"}), nil, ""},
		{"cdc", cdc(object{"slot": "s", "publication": "p"}), nil, ""},
		{"mcp", object{"command": "npx", "transport": "sse"}, nil, http},
		{"mcp", object{"command": "npx", "transport": "streamable-http"}, nil, http},
		{"mcp", object{"transport": "sse"}, nil, "exactly one of url, command is required; " + http},
		{"mcp", object{"url": url, "transport": "stdio"}, nil, stdio},
		{"mcp", object{"url": url, "args": "-y"}, nil, args},
		{"mcp", object{"command": "npx"}, key, bearer},
		{"mcp", object{"command": "npx", "transport": "stdio"}, key, bearer},
		{"mcp", object{"command": "npx", "transport": "stdio", "args": "-y"}, nil, ""},
		{"mcp", object{"url": url, "transport": "sse"}, key, ""},
		{"mcp", object{"url": url}, key, ""},
		{"llm", nil, nil, which},
		{"llm", object{"model": "m"}, nil, which},
		{"llm", nil, key, which},
		{"llm", nil, map[string]string{"token": "anthropic_api_key"}, ""},
		{"llm", nil, map[string]string{"token": "SLACK_BOT_TOKEN"}, which},
		{"llm", object{"baseUrl": "http://127.0.0.1:11434"}, nil, ""},
		{"llm", object{"baseUrl": "http://127.0.0.1:11434"}, key, ""},
		{"llm", object{"provider": "openai"}, nil, cloud},
		{"llm", object{"provider": "openai"}, key, ""},
		{"llm", object{"provider": "openai", "baseUrl": "http://127.0.0.1:4000"}, nil, ""},
		{"llm", object{"provider": "ollama"}, nil, ""},
		{"llm", object{"provider": "nonsense"}, nil, "provider must be the id of a provider of kind llm or local; akos creds list --kind llm shows them"},
	} {
		_, err := kind(t, row.kind).CheckConfig(row.in, row.keys)
		got := ""
		if err != nil {
			got = strings.TrimPrefix(err.Error(), "config: ")
		}
		if got != row.want {
			t.Errorf("%s %v %v: %q, want %q", row.kind, row.in, row.keys, got, row.want)
		}
		broken[row.want] = true
	}
	for _, k := range Kinds() {
		for _, r := range k.Rules {
			if !broken[r.Say] {
				t.Errorf("%s: no row breaks the rule %q", k.Kind, r.Say)
			}
		}
	}
}

// TestRulesNameFields: a misspelt field would make a rule that never applies.
func TestRulesNameFields(t *testing.T) {
	for _, k := range Kinds() {
		enums := map[string][]string{}
		for _, f := range k.Config {
			enums[f.Name] = f.Enum
		}
		for _, c := range k.Credentials {
			if _, twice := enums[c.Field]; twice {
				t.Errorf("%s.%s is config and a credential, so a rule can't tell which", k.Kind, c.Field)
			}
			enums[c.Field] = nil
		}
		for _, r := range k.Rules {
			for _, name := range slices.Concat(r.Need, r.Never, slices.Collect(maps.Keys(r.When))) {
				if _, ok := enums[name]; !ok {
					t.Errorf("%s: a rule names %s, which is no field", k.Kind, name)
				}
			}
			for name, values := range r.When {
				for _, v := range values {
					if v != "*" && enums[name] != nil && !slices.Contains(enums[name], v) {
						t.Errorf("%s: a rule names the value %s, which %s can't have", k.Kind, v, name)
					}
				}
			}
			if r.Say == "" || len(r.Need)+len(r.Never) == 0 {
				t.Errorf("%s: a rule asks for nothing, or says nothing", k.Kind)
			}
		}
	}
	var cloud []string
	for _, p := range Providers() {
		if p.Kind == "llm" {
			cloud = append(cloud, p.ID)
		}
	}
	llm := kind(t, "llm")
	if named := llm.Rules[len(llm.Rules)-1].When["provider"]; !slices.Equal(named, cloud) {
		t.Errorf("the rule for cloud providers names %v, want %v", named, cloud)
	}
}

// TestProviderIsTold: the name of the key tells the provider, and what is
// given wins.
func TestProviderIsTold(t *testing.T) {
	for _, row := range []struct {
		in   object
		key  string
		want any
	}{
		{nil, "OPENAI_API_KEY", "openai"},
		{nil, "vllm_api_key", "vllm"},
		{object{"provider": "openrouter"}, "OPENAI_API_KEY", "openrouter"},
		{object{"baseUrl": "http://127.0.0.1:4000"}, "MY_KEY", nil},
	} {
		got, err := kind(t, "llm").CheckConfig(row.in, map[string]string{"token": row.key})
		if err != nil || got["provider"] != row.want {
			t.Errorf("%v with %s: %v, %v; want %v", row.in, row.key, got["provider"], err, row.want)
		}
	}
}
