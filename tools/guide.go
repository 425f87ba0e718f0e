package tools

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"example.com/akos/workspace"
	"example.com/akos/workspace/catalog"
)

// Guide is the result of creds guide.
type Guide struct {
	Guide string `json:"guide"`
}

// WriteText writes the guide.
func (r Guide) WriteText(w io.Writer) error {
	_, err := io.WriteString(w, r.Guide)
	return err
}

func credsGuide() *Tool {
	type in struct{}
	return define(spec[in, Guide]{
		Name: "creds guide", Short: "Print the onboarding playbook of this workspace", Effect: Reads, Idempotent: true,
		CLIOnly: "a client reads it as the resource akos://guide",
		Long:    "What is there, what is missing, and the commands from here to a ready connection.",
		Example: "akos creds guide",
		Run: func(ctx context.Context, s Session, _ in) (Guide, error) {
			text, err := guide(ctx, s)
			return Guide{text}, err
		},
	})
}

// A playbook is written for a person, or for an agent that has one.
type playbook struct {
	strings.Builder
	s   Session
	env bool // the vault is the environment, where nothing is stored
}

func (b *playbook) p(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }

// guide writes the playbook from what is true now.
func guide(ctx context.Context, s Session) (string, error) {
	w := s.Workspace
	st, err := w.Status(ctx)
	if err != nil {
		return "", err
	}
	b := &playbook{s: s, env: st.Vault.Backend == workspace.BackendEnv}
	b.head(st)
	if !st.Workspace.Trusted {
		b.p("This workspace file is not trusted yet. Look at it, then: %s", st.Next)
		return b.String(), nil
	}
	c, err := w.Check(ctx, workspace.CheckRequest{EnvPrefix: workspace.DefaultEnvPrefix})
	if err != nil {
		return "", err
	}
	providers, err := w.Providers(ctx, workspace.Filter{})
	if err != nil {
		return "", err
	}
	connectable, err := w.Connectable(ctx)
	if err != nil {
		return "", err
	}
	b.there(c.Results)
	b.missing(c.Results, providers)
	b.connect(connectable, st.Missing)
	if !s.Agent {
		b.p("## 4. Let an agent work with it\n\nakos mcp config --client claude-code --write")
	}
	return b.String(), nil
}

// head says where values are, and who sees them.
func (b *playbook) head(st workspace.Status) {
	b.p("# Credentials for the workspace %s\n", st.Workspace.ID)
	switch {
	case b.env:
		b.p("The vault is the environment in which %s starts (env): it is read, and nothing is stored in it. To store values, choose another backend: %s", b.program(), workspace.OtherBackend)
		if b.s.Agent {
			b.p("That is for a person to do. No tool takes or shows a value.")
		}
		b.p("")
	case b.s.Agent:
		b.p("A person enters values, outside of this conversation, into the vault (%s). No tool takes or shows one. A line that begins with akos is a command for the person.\n", st.Vault.Backend)
	default:
		b.p("Values go from you into the vault (%s) and are never shown again: not to an agent, not to you.\n", st.Vault.Backend)
	}
}

// program returns what reads the environment.
func (b *playbook) program() string {
	if b.s.Agent {
		return "this server"
	}
	return "akos"
}

func (b *playbook) there(results []workspace.CheckResult) {
	b.p("## 1. What is there\n")
	there := false
	for _, r := range results {
		for _, key := range sortedKeys(r.FoundIn) {
			place := "the vault (" + r.FoundIn[key] + ")"
			if r.FoundIn[key] == "env" {
				place = "the environment"
			}
			b.p("- %s: %s, in %s", r.ProviderID, key, place)
			there = true
		}
	}
	if !there {
		b.p("- nothing yet")
	}
}

func (b *playbook) missing(results []workspace.CheckResult, providers []catalog.Provider) {
	b.p("\n## 2. What can be added\n\nChoose what you use; nobody needs all of it.\n")
	for _, pr := range providers {
		i := slices.IndexFunc(results, func(r workspace.CheckResult) bool { return r.ProviderID == pr.ID })
		if i < 0 || len(results[i].MissingKeys) == 0 {
			continue
		}
		b.p("- %s (%s): %s", pr.Name, pr.Unlocks, strings.Join(results[i].MissingKeys, ", "))
		if pr.DocsURL != "" {
			b.p("  get it: %s", pr.DocsURL)
		}
		if len(pr.Scopes) > 0 {
			b.p("  ask for no more than: %s", strings.Join(pr.Scopes, ", "))
		}
		command := results[i].Remediation
		switch {
		case b.env:
			b.p("  set it where %s starts", b.program())
		case !strings.HasPrefix(command, "akos "):
			b.p("  first: %s", command) // a variable is in its way
		case !b.s.Agent:
			b.p("  store it: %s", command)
		default:
			for _, m := range results[i].Missing {
				b.p("  have it stored: %s", b.store(m.Store))
			}
		}
	}
	if !b.env {
		b.p("\nA whole dotenv file at once: %s", b.s.next("akos vault import .env"))
		b.p("And once nothing but akos reads the file, with references in the place of its values: %s", b.s.next("akos vault import .env --rewrite"))
	}
}

// connect says how what is stored is connected, and what connections wait for.
func (b *playbook) connect(commands []string, waiting []workspace.MissingUse) {
	b.p("\n## 3. Connect\n\n%s", b.s.next("akos connections kinds"))
	for _, command := range commands {
		b.p("%s", b.s.next(command))
	}
	if len(commands) == 0 {
		b.p("With a key that is there: %s", b.s.next("akos connections create KIND --name NAME --vault-key FIELD=KEY"))
	}
	b.p("")
	for _, m := range waiting {
		b.p("The connection %s waits for %s: %s", m.Connection, m.Key, b.store(m.Key))
	}
	if len(waiting) > 0 && !b.s.Agent {
		b.p("")
	}
}

// store says how key comes into the vault.
func (b *playbook) store(key string) string {
	if b.env {
		return "set it where " + b.program() + " starts"
	}
	return b.s.next("akos vault put " + key)
}
