package tools

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/akos/workspace"
)

// TestNextCall makes the call that creds_check names for each missing key, and
// one that it names leads nowhere but to the person: whatever holds the values,
// and whoever's they are.
func TestNextCall(t *testing.T) {
	for _, tt := range []struct{ name, vault, file, remediation string }{
		{"a file", "file", "", "akos creds set "},
		{"a server elsewhere", "file", "server: https://akos.example.com\n", "akos creds set "},
		{"the environment", "env", "", "export AKOS_VAULT=auto"},
		{"the environment, says the file", "", "vault:\n  backend: env\n", "export AKOS_VAULT=auto"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := agent(t)
			w := s.Workspace
			w.LookupEnv = func(name string) (string, bool) { return tt.vault, name == "AKOS_VAULT" && tt.vault != "" }
			dir := w.Place(t.Context())
			if err := os.WriteFile(filepath.Join(dir, "akos.config.yaml"), []byte("schemaVersion: 1\nworkspace:\n  id: app\n"+tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			plan, err := w.PlanTrust(t.Context())
			if err == nil {
				err = w.Trust(t.Context(), plan)
			}
			if err != nil {
				t.Fatal(err)
			}
			c, err := w.Check(t.Context(), workspace.CheckRequest{})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, r := range c.Results {
				if r.Missing != nil && !strings.HasPrefix(r.Remediation, tt.remediation) {
					t.Errorf("%s: %s", r.ProviderID, r.Remediation)
				}
				for _, m := range r.Missing {
					n++
					id, args, _ := strings.Cut(m.Next, " ")
					tool, ok := Lookup(id)
					if !ok || tool.CLIOnly != "" {
						t.Fatalf("%s is no tool", id)
					}
					_, err := tool.Call(t.Context(), s, json.RawMessage(args))
					if e := workspace.Explain(err); err != nil && (e.Kind != workspace.HumanNeeded || !strings.HasSuffix(e.Hint, " "+m.Key)) {
						t.Errorf("%s: %s: %s, hint %s", m.Next, e.Kind, e.Msg, e.Hint)
					}
				}
			}
			if n < 20 {
				t.Errorf("only %d keys are missing", n)
			}
		})
	}
}

// TestTrustQuestion: what a provider of a workspace file does not say is not
// announced.
func TestTrustQuestion(t *testing.T) {
	for want, p := range map[string]workspace.TrustedProvider{
		"adds the provider own (Own): keys OWN_KEY\n":                                                      {ID: "own", Name: "Own", Keys: []string{"OWN_KEY"}},
		"adds the provider own (Own): keys A B, to be had at https://own.example\n":                        {ID: "own", Name: "Own", Keys: []string{"A", "B"}, DocsURL: "https://own.example"},
		"adds the provider own (Own): keys OWN_KEY; it says: it posts\n":                                   {ID: "own", Name: "Own", Keys: []string{"OWN_KEY"}, Unlocks: "it posts"},
		"adds the provider own (Own): keys OWN_KEY, to be had at https://own.example; it says: it posts\n": {ID: "own", Name: "Own", Keys: []string{"OWN_KEY"}, DocsURL: "https://own.example", Unlocks: "it posts"},
	} {
		if got := question(workspace.TrustPlan{Providers: []workspace.TrustedProvider{p}}); !strings.Contains(got, "\n"+want+"Trust it?") {
			t.Errorf("want %q in\n%s", want, got)
		}
	}
}
