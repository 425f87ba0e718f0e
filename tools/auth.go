package tools

import (
	"context"
	"fmt"
	"io"
	"strings"

	"example.com/akos/workspace"
)

// LoginResult is the result of auth login.
type LoginResult struct{ workspace.LoginState }

// WriteText writes who is logged in, or where the person has to go.
func (r LoginResult) WriteText(w io.Writer) error {
	switch {
	case r.Status == workspace.LoginLoggedIn && r.UserID == "":
		return line(w, "A token in the environment is used; there is no need to log in")
	case r.Status == workspace.LoginLoggedIn:
		return line(w, "Logged in as %s", r.UserID)
	case r.Status == workspace.LoginPending:
		return line(w, "Open %s and enter the code %s", r.VerificationURI, r.UserCode)
	}
	return line(w, "The login is %s", r.Status)
}

// Page returns the page on which the person approves, while it is waited for.
func (r LoginResult) Page() (url, say, id string) {
	if r.Status != workspace.LoginPending {
		return "", "", ""
	}
	url = r.VerificationURIComplete
	if url == "" {
		url = r.VerificationURI
	}
	return url, "Log in for akos in your browser. The code is " + r.UserCode + ": compare it with what the page shows.", "login-" + r.UserCode
}

func authLogin() *Tool {
	type in struct {
		Scope        string `json:"scope,omitempty" jsonschema:"what the session is for (default: cli)"`
		ClientID     string `json:"clientId,omitempty" face:"cli" jsonschema:"OAuth client to log in as (default: akos-cli)"`
		Server       string `json:"server,omitempty" face:"cli" jsonschema:"address of the workspace server (AKOS_SERVER)"`
		UserClaim    string `json:"userClaim,omitempty" face:"cli" jsonschema:"claim of an identity provider that names the user (default: sub)"`
		TenantClaim  string `json:"tenantClaim,omitempty" face:"cli" jsonschema:"claim that names the tenant (default: tenant_id, tid, org_id)"`
		TenantsClaim string `json:"tenantsClaim,omitempty" face:"cli" jsonschema:"claim that lists the user's tenants (default: tenants)"`
	}
	return define(spec[in, LoginResult]{
		Name: "auth login", Short: "Log in with a code in a browser", Effect: Writes, OpenWorld: true, Slow: true,
		Long: "Starts a device login: show the person verificationUri and userCode, and call it again for the outcome. It shows no token.",
		Help: "Prints an address and a code, opens the page in a browser, and waits until you have approved there or the code has run out. It shows no token.",
		Example: "# prints an address and a code, and waits until you have approved\nakos auth login\n\n" +
			"# at a company's server\nakos auth login --server https://akos.example.com",
		Run: func(ctx context.Context, s Session, in in) (LoginResult, error) {
			req := workspace.LoginRequest{Server: in.Server, ClientID: in.ClientID, Scope: in.Scope,
				Claims: workspace.Claims{User: one(in.UserClaim), Tenant: one(in.TenantClaim), Tenants: one(in.TenantsClaim)}}
			if s.Agent || s.Workspace.HasEnvToken() {
				st, err := s.Workspace.LoginInBackground(ctx, req)
				return LoginResult{st}, err
			}
			ses, err := s.Workspace.Login(ctx, req, func(d workspace.DeviceLogin) error {
				return s.Human.Visit(ctx, Visit{URI: d.VerificationURI, Code: d.UserCode, Expires: d.ExpiresAt})
			})
			return LoginResult{workspace.LoginState{Status: workspace.LoginLoggedIn, UserID: ses.UserID, TenantID: ses.TenantID}}, err
		},
	})
}

// one returns a list of s, or none for "".
func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// Identity is the result of auth whoami.
type Identity struct{ workspace.Identity }

// WriteText writes one line.
func (r Identity) WriteText(w io.Writer) error {
	return line(w, "Logged in as %s on tenant %s", r.UserID, r.TenantID)
}

// atServer is the argument of what is asked of one server.
type atServer struct {
	Server string `json:"server,omitempty" face:"cli" jsonschema:"address of the workspace server (AKOS_SERVER)"`
}

func authWhoami() *Tool {
	return define(spec[atServer, Identity]{
		Name: "auth whoami", Short: "Ask the server who is logged in", Effect: Reads, Idempotent: true, OpenWorld: true, Slow: true,
		CLIOnly: "auth_status tells an agent what it needs, without a network",
		Long:    "Asks the workspace server, every time; a session that has expired is refreshed first. It shows no token.",
		Example: "# exit 4 if nobody is logged in, 8 if the server does not answer\nakos auth whoami --json",
		Run: func(ctx context.Context, s Session, in atServer) (Identity, error) {
			id, err := s.Workspace.Whoami(ctx, in.Server)
			return Identity{id}, err
		},
	})
}

// AuthStatus is the result of auth status.
type AuthStatus struct {
	workspace.AuthStatus
	login string // the command to log in with
}

// WriteText writes one line.
func (r AuthStatus) WriteText(w io.Writer) error {
	switch {
	case !r.LoggedIn:
		return line(w, "Not logged in")
	case r.Source == "env":
		return line(w, "A token in %s is used; only its server knows whose it is", r.Store)
	}
	text := fmt.Sprintf("Logged in as %s on tenant %s at %s", r.UserID, r.TenantID, r.Server)
	if r.Expired {
		text += " (expired; it is refreshed when it is used)"
	}
	return line(w, "%s", text)
}

// Verdict returns a LoginNeeded error if nobody is logged in.
func (r AuthStatus) Verdict() error {
	if r.LoggedIn {
		return nil
	}
	return workspace.Errorf(workspace.LoginNeeded, "nobody is logged in").WithHint("%s", r.login)
}

func authStatus() *Tool {
	return define(spec[atServer, AuthStatus]{
		Name: "auth status", Short: "Show who is logged in", Effect: Reads, Idempotent: true,
		Long:    "As far as that is known on this machine: it asks no server. It shows no token.",
		Example: "# exit 4 if nobody is\nakos auth status",
		Run: func(ctx context.Context, s Session, in atServer) (AuthStatus, error) {
			r := AuthStatus{}
			var err error
			if r.AuthStatus, err = s.Workspace.AuthStatus(ctx, in.Server); err == nil && !r.LoggedIn && !s.Agent {
				r.login = s.Workspace.LoginCommand(ctx)
			}
			return r, err
		},
	})
}

// LoggedOut is the result of auth logout.
type LoggedOut struct{ workspace.LoggedOut }

// WriteText writes one line.
func (r LoggedOut) WriteText(w io.Writer) error {
	if !r.Ended {
		return line(w, "There was no session at %s", r.Server)
	}
	return line(w, "Logged out of %s", r.Server)
}

// Notes returns the notice.
func (r LoggedOut) Notes() []string { return notes(r.Notice) }

func authLogout() *Tool {
	return define(spec[atServer, LoggedOut]{
		Name: "auth logout", Short: "End the session", Effect: Destroys, Idempotent: true, OpenWorld: true, Slow: true,
		Long:    "Revokes it at the server and forgets it here; with the server down it is forgotten here all the same. Secrets stay.",
		Example: "akos auth logout",
		Run: func(ctx context.Context, s Session, in atServer) (LoggedOut, error) {
			r, err := s.Workspace.Logout(ctx, in.Server)
			return LoggedOut{r}, err
		},
	})
}

// Tenants is the result of tenant list.
type Tenants struct {
	Tenants []workspace.Tenancy `json:"tenants"`
}

// WriteText writes one line a tenant.
func (r Tenants) WriteText(w io.Writer) error {
	var rows []string
	for _, t := range r.Tenants {
		mark := ""
		if t.Current {
			mark = "current"
		}
		rows = append(rows, strings.TrimRight(t.ID+"\t"+mark, "\t"))
	}
	return table(w, "TENANT\t", rows)
}

func tenantList() *Tool {
	type in struct{}
	return define(spec[in, Tenants]{
		Name: "tenant list", Short: "List the tenants of the person", Effect: Reads, Idempotent: true, Slow: true,
		Long:    "Those of the session, and which of them is used.",
		Example: "akos tenant list",
		Run: func(ctx context.Context, s Session, _ in) (Tenants, error) {
			ts, err := s.Workspace.Tenants(ctx)
			return Tenants{ts}, err
		},
	})
}

// Tenant is the result of tenant use.
type Tenant struct{ workspace.Tenancy }

// WriteText writes one line.
func (r Tenant) WriteText(w io.Writer) error { return line(w, "Using the tenant %s", r.ID) }

func tenantUse() *Tool {
	type in struct {
		TenantID string `json:"tenantId" arg:"ID" jsonschema:"one of tenant_list"`
	}
	return define(spec[in, Tenant]{
		Name: "tenant use", Short: "Choose the tenant to work in", Effect: Writes, Idempotent: true, OpenWorld: true, Slow: true, Right: "akos tenant list",
		Long:    "Keys of the scope tenant are then those of that tenant.",
		Example: "akos tenant use acme",
		Run: func(ctx context.Context, s Session, in in) (Tenant, error) {
			t, err := s.Workspace.UseTenant(ctx, in.TenantID)
			return Tenant{t}, err
		},
	})
}
