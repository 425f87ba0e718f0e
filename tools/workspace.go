package tools

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"

	"example.com/akos/workspace"
)

// Status is the result of status.
type Status struct{ workspace.Status }

// WriteText writes one screen.
func (r Status) WriteText(w io.Writer) error {
	where := r.Workspace.Dir
	if where == "" {
		where = "no workspace file here"
	}
	trusted := ""
	if !r.Workspace.Trusted {
		trusted = ", NOT TRUSTED"
	}
	session := "nobody is logged in"
	switch {
	case r.Session.Source == "env":
		session = "a token in the environment"
	case r.Session.LoggedIn:
		session = r.Session.UserID + " at " + r.Session.Server
	}
	vault := string(r.Vault.Backend) + ", " + count(r.Vault.Keys, "key") + ", " + count(r.Vault.Connections, "connection")
	if !r.Vault.Present {
		vault += " (its key-encryption key is lost)"
	}
	var missing []string
	for _, m := range r.Missing {
		missing = append(missing, m.Key+" (for "+m.Connection+")")
	}
	sidecar := "not running"
	if r.Sidecar.Running {
		sidecar = "running at " + r.Sidecar.URL
	}
	return table(w, "workspace\t"+r.Workspace.ID+" ("+where+trusted+")", []string{
		row("tenant", r.Workspace.Tenant), row("vault", vault), row("session", session), row("sidecar", sidecar),
		row("missing", strings.Join(missing, ", ")), row("next", r.Next),
	})
}

func workspaceStatus() *Tool {
	type in struct{}
	return define(spec[in, Status]{
		Name: "workspace status", Command: "status", Short: "Show the state of the workspace", Effect: Reads, Idempotent: true,
		Long:    "Workspace, vault backend, session, sidecar, what is missing and what to do next. It asks no keychain and no network.",
		Example: "akos status\nakos status --json",
		Run: func(ctx context.Context, s Session, _ in) (Status, error) {
			st, err := s.Workspace.Status(ctx)
			if tool, _, _ := strings.Cut(st.NextCall, " "); s.Offers != nil && !s.Offers(tool) {
				st.NextCall = ""
			}
			return Status{st}, err
		},
	})
}

// Initialized is the result of init.
type Initialized struct{ workspace.Initialized }

// WriteText writes one line.
func (r Initialized) WriteText(w io.Writer) error {
	return line(w, "Initialized the workspace %s in %s", r.ID, r.Path)
}

func workspaceInit() *Tool {
	type in struct {
		Dir   string `json:"dir,omitempty" arg:"DIR" jsonschema:"directory (default: the current one)"`
		ID    string `json:"id,omitempty" jsonschema:"id, the same for all who share the secrets (default: the directory's name)"`
		Name  string `json:"name,omitempty" jsonschema:"name for people (default: the directory's name)"`
		Vault string `json:"vault,omitempty" enum:"backend" jsonschema:"vault backend for new values"`
		Force bool   `json:"force,omitempty" jsonschema:"write over a workspace file"`
	}
	return define(spec[in, Initialized]{
		Name: "workspace init", Command: "init", Short: "Make a workspace in a directory", Effect: Writes,
		CLIOnly: "which directory gets the use of which secrets is a person's decision",
		Long:    "Writes akos.config.yaml, trusts it, and adds .env* and .agentskitos/ to .gitignore. State never lives in the directory: clones and worktrees with one id share it.",
		Example: "akos init\nakos init ~/src/app --id app --vault file",
		Run: func(ctx context.Context, s Session, in in) (Initialized, error) {
			r, err := s.Workspace.Init(ctx, workspace.InitRequest{Dir: in.Dir, ID: in.ID, Name: in.Name, Backend: workspace.Backend(in.Vault), Force: in.Force})
			return Initialized{r}, err
		},
	})
}

// Trusted is the result of trust.
type Trusted struct{ workspace.TrustPlan }

// WriteText writes one line.
func (r Trusted) WriteText(w io.Writer) error {
	return line(w, "Trusted %s (workspace %s)", r.Path, r.WorkspaceID)
}

func workspaceTrust() *Tool {
	type in struct {
		Hash string `json:"hash,omitempty" jsonschema:"trust it without asking if this is the SHA-256 of the file"`
	}
	return define(spec[in, Trusted]{
		Name: "workspace trust", Command: "trust", Short: "Trust the workspace file of a directory", Effect: Writes,
		CLIOnly: "a cloned repository must not get the use of a secret because an agent says so",
		Long:    "Shows what would change and asks on the terminal. The trust is for this content: a change asks again. Where nobody can be asked, as in CI, --hash names the content that somebody has looked at.",
		Example: "akos trust\nakos trust ~/src/app\n\n# in CI, where a variable holds what sha256sum akos.config.yaml printed\nakos trust --hash \"$AKOS_CONFIG_SHA256\"",
		Run: func(ctx context.Context, s Session, in in) (Trusted, error) {
			plan, err := s.Workspace.PlanTrust(ctx)
			wrong := in.Hash != "" && !strings.EqualFold(in.Hash, plan.Hash)
			if err != nil || plan.Trusted && !wrong {
				return Trusted{plan}, err
			}
			switch {
			case in.Hash == "":
				err = s.Human.Confirm(ctx, question(plan))
				if e := workspace.Explain(err); e.Kind == workspace.HumanNeeded {
					err = e.WithHint("akos trust --help")
				}
			case wrong: // even if it is trusted: whoever names it means another
				err = workspace.Errorf(workspace.Denied, "%s has another content than --hash says", plan.Path).WithHint("akos trust %s", workspace.ShellQuote(filepath.Dir(plan.Path)))
			}
			if err != nil {
				return Trusted{}, err
			}
			err = s.Workspace.Trust(ctx, plan)
			plan.Trusted = err == nil
			return Trusted{plan}, err
		},
	})
}

func question(p workspace.TrustPlan) string {
	var b strings.Builder
	_ = table(&b, "file\t"+p.Path, []string{
		row("workspace", p.WorkspaceID), row("new values go to", string(p.Backend)), row("server", p.Server),
		row("may use keys", strings.Join(p.Keys, ", ")), row("connections", strings.Join(p.Connections, ", ")),
		row("shared with", strings.Join(p.OtherPaths, ", ")),
	})
	for _, o := range p.Providers {
		fmt.Fprintf(&b, "adds the provider %s (%s): keys %s", o.ID, o.Name, strings.Join(o.Keys, " "))
		if o.DocsURL != "" {
			b.WriteString(", to be had at " + o.DocsURL)
		}
		if o.Unlocks != "" {
			b.WriteString("; it says: " + o.Unlocks)
		}
		b.WriteByte('\n')
	}
	if p.Changed {
		b.WriteString("You trusted an earlier content of this file; it has changed.\n")
	}
	return b.String() + "Trust it?"
}

// Diagnosis is the result of doctor.
type Diagnosis struct {
	OK     bool                `json:"ok"`
	Checks []workspace.Finding `json:"checks"`
}

// WriteText writes one line a check.
func (r Diagnosis) WriteText(w io.Writer) error {
	for _, c := range r.Checks {
		mark := "[" + c.Status + "]"
		if c.Status == "fail" {
			mark = "[FAIL]"
		}
		text := mark + " " + c.Name
		if c.Detail != "" {
			text += ": " + c.Detail
		}
		if c.Hint != "" {
			text += "\n       hint: " + c.Hint
		}
		if err := line(w, "%s", text); err != nil {
			return err
		}
	}
	return nil
}

// Verdict returns an error of the contract's exit code 1 if a check failed.
func (r Diagnosis) Verdict() error {
	for _, c := range r.Checks {
		if c.Status == "fail" {
			return workspace.Errorf(workspace.Internal, "%s: %s", c.Name, c.Detail).WithHint("%s", c.Hint)
		}
	}
	return nil
}

func workspaceDoctor() *Tool {
	type in struct{}
	return define(spec[in, Diagnosis]{
		Name: "workspace doctor", Command: "doctor", Short: "Check the installation", Effect: Reads, Idempotent: true, Slow: true,
		CLIOnly: "it may wait for a keychain to be unlocked, and its findings are for the person who can mend them",
		Long:    "State, workspace file, vault backend and the keys that open the vault. Each check is [ok], [FAIL] or [skip]; exit 1 if one failed.",
		Example: "akos doctor",
		Run: func(ctx context.Context, s Session, _ in) (Diagnosis, error) {
			r := Diagnosis{OK: true, Checks: s.Workspace.Diagnose(ctx)}
			for _, c := range r.Checks {
				r.OK = r.OK && c.Status != "fail"
			}
			return r, ctx.Err()
		},
	})
}

// Version is the result of version.
type Version struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// WriteText writes one line.
func (r Version) WriteText(w io.Writer) error {
	return line(w, "akos %s (%s %s/%s)", r.Version, r.Go, r.OS, r.Arch)
}

func workspaceVersion() *Tool {
	type in struct{}
	return define(spec[in, Version]{
		Name: "workspace version", Command: "version", Short: "Print the version", Effect: Reads, Idempotent: true,
		CLIOnly: "an MCP server says its version when it is initialized",
		Long:    "The version of this build.",
		Example: "akos version",
		Run: func(_ context.Context, s Session, _ in) (Version, error) {
			return Version{s.Workspace.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH}, nil
		},
	})
}
