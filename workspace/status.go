package workspace

import (
	"context"
	"fmt"
	"time"
)

// An AuthStatus is what is known locally of the session.
type AuthStatus struct {
	LoggedIn  bool      `json:"loggedIn"`
	UserID    string    `json:"userId,omitempty"`
	TenantID  string    `json:"tenantId,omitempty"`
	Server    string    `json:"server"`
	Scopes    []string  `json:"scopes"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	Expired   bool      `json:"expired"`
	Source    string    `json:"source" jsonschema:"session, env, or token: the one of the request"`
	Store     string    `json:"store" jsonschema:"what keeps the session"`
}

// tokenVars are the variables that hold a token for non-interactive use; the
// first that is set wins.
var tokenVars = [...]string{"AGENTSKIT_TOKEN", "AKOS_TOKEN"}

// AuthStatus tells who is logged in at a server, as far as that is known
// without asking it: a token in the environment counts, and wins.
func (w *Workspace) AuthStatus(ctx context.Context, server string) (AuthStatus, error) {
	s := AuthStatus{Scopes: []string{}}
	if c := w.Caller; c != nil {
		return AuthStatus{LoggedIn: true, UserID: c.UserID, TenantID: c.TenantID, Scopes: c.Scopes, ExpiresAt: c.ExpiresAt, Source: "token"}, nil
	}
	if _, name := w.envToken(); name != "" {
		s.LoggedIn, s.Source, s.Store = true, "env", name
		site, err := w.trustedOrNone(ctx)
		if err == nil {
			s.Server, err = w.server(ctx, site, server)
		}
		if k := Explain(err).Kind; k == Unavailable || k == Invalid {
			err = nil // nothing says which server it is for, or nothing that is one
		}
		return s, err
	}
	// Most often there is no session anywhere, and then it does not matter
	// which server is meant.
	var all []SealedSession
	if err := w.Store.Read(ctx, func(tx Tx) (err error) { all, err = tx.Sessions(); return err }); err != nil || len(all) == 0 {
		return s, err
	}
	site, err := w.trustedOrNone(ctx)
	if err != nil {
		return s, err
	}
	if server, err = w.server(ctx, site, server); err != nil {
		return s, err
	}
	return s, w.Store.Read(ctx, func(tx Tx) error {
		saved, ok, err := tx.Session(server)
		if err != nil || !ok {
			return err
		}
		k, err := dataKey(tx, saved.DataKey)
		s = AuthStatus{
			LoggedIn: true, UserID: saved.UserID, TenantID: saved.TenantID, Server: saved.Server, Scopes: saved.Scopes,
			ExpiresAt: saved.ExpiresAt, Expired: !saved.ExpiresAt.IsZero() && !w.Now().Before(saved.ExpiresAt),
			Source: "session", Store: string(k.Backend),
		}
		return err
	})
}

// trustedOrNone returns the site here; none for an untrusted one, as what its
// file says of a server does not count.
func (w *Workspace) trustedOrNone(ctx context.Context) (Site, error) {
	site, err := w.trusted(ctx)
	if Explain(err).Kind == Denied {
		return Site{}, nil
	}
	return site, err
}

// LoginCommand returns the command with which somebody logs in here; where the
// workspace file is not trusted, the one that comes first.
func (w *Workspace) LoginCommand(ctx context.Context) string {
	if _, err := w.trusted(ctx); Explain(err).Kind == Denied {
		return Explain(err).Hint
	}
	return "akos auth login"
}

// HasEnvToken reports whether a token in the environment is used in the place
// of a session.
func (w *Workspace) HasEnvToken() bool {
	_, name := w.envToken()
	return name != ""
}

// TokensDiffer reports whether the two variables for a token are both set, to
// different values.
func (w *Workspace) TokensDiffer() bool {
	a, _ := w.LookupEnv(tokenVars[0])
	b, _ := w.LookupEnv(tokenVars[1])
	return a != "" && b != "" && a != b
}

// A Status is one screen about the workspace.
type Status struct {
	Workspace WorkspaceStatus `json:"workspace"`
	Vault     VaultStatus     `json:"vault"`
	Session   SessionStatus   `json:"session"`
	Sidecar   SidecarStatus   `json:"sidecar"`
	Missing   []MissingUse    `json:"missing" jsonschema:"keys that a connection names and that can't be read"`
	Next      string          `json:"next" jsonschema:"what to do next"`
	// NextCall is Next for an agent, "" where a person has to do it.
	NextCall string `json:"nextCall,omitempty" jsonschema:"next, as a tool call"`
}

// WorkspaceStatus says where the workspace is.
type WorkspaceStatus struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Tenant  string `json:"tenant"`
	Dir     string `json:"dir,omitempty"`
	Trusted bool   `json:"trusted"`
}

// VaultStatus says where new values go and how much is stored.
type VaultStatus struct {
	Backend     Backend `json:"backend" jsonschema:"auto until the first value is stored"`
	Keys        int     `json:"keys"`
	Connections int     `json:"connections"`
	Present     bool    `json:"present" jsonschema:"false: the key-encryption key is lost"`
}

// SessionStatus says whether anybody is logged in.
type SessionStatus struct {
	LoggedIn bool   `json:"loggedIn"`
	Source   string `json:"source,omitempty"`
	UserID   string `json:"userId,omitempty"`
	Server   string `json:"server,omitempty"`
}

// SidecarStatus says whether the workspace sidecar runs.
type SidecarStatus struct {
	Running bool   `json:"running"`
	URL     string `json:"url,omitempty"`
}

// A MissingUse is a connection whose credential can't be read.
type MissingUse struct {
	Connection string `json:"connection"`
	Field      string `json:"field"`
	Key        string `json:"key"`
}

// Status tells about the workspace. It asks no keychain and no network.
func (w *Workspace) Status(ctx context.Context) (Status, error) {
	site, err := w.locate(ctx)
	if err != nil {
		return Status{}, err
	}
	backend, err := w.backend(site)
	if err != nil {
		return Status{}, err
	}
	auth, err := w.AuthStatus(ctx, "")
	if err != nil {
		return Status{}, err
	}
	var sidecar SidecarStatus
	sidecar.URL, sidecar.Running = w.Remote.Local(ctx)
	if w.Caller != nil {
		sidecar.URL = "" // it is of this machine, and the caller of another
	}
	s := Status{
		Workspace: WorkspaceStatus{ID: site.ID, Name: site.Name, Tenant: LocalTenant, Dir: site.Dir, Trusted: true},
		Vault:     VaultStatus{Backend: backend, Present: true},
		Session:   SessionStatus{auth.LoggedIn, auth.Source, auth.UserID, auth.Server},
		Sidecar:   sidecar,
		Missing:   []MissingUse{},
	}
	if site.File != nil {
		if s.Workspace.Trusted, err = w.isTrusted(ctx, site); err != nil {
			return Status{}, err
		}
		if !s.Workspace.Trusted {
			s.Next = "akos trust " + ShellQuote(site.Dir)
			return s, nil
		}
	}
	if s.Workspace.Tenant, err = w.tenant(ctx, site); err != nil {
		return Status{}, err
	}
	keys, err := w.List(ctx, "")
	if err != nil {
		return Status{}, err
	}
	cs, err := w.Connections(ctx, "")
	if err != nil {
		return Status{}, err
	}
	err = w.Store.Read(ctx, func(tx Tx) error {
		all, err := tx.DataKeys()
		if k, ok := settled(all, backend); ok {
			s.Vault.Backend, s.Vault.Present = k.Backend, w.Keys.Present(k)
		}
		return err
	})
	s.Vault.Keys, s.Vault.Connections = len(keys), len(cs)
	for _, c := range cs {
		for _, u := range c.Auth.Keys {
			if !u.Present {
				s.Missing = append(s.Missing, MissingUse{c.Name, u.Field, u.Key})
			}
		}
	}
	switch {
	case !s.Vault.Present:
		s.Next = "akos doctor"
	case len(s.Missing) > 0 && backend == BackendEnv:
		s.Next = OtherBackend // then the key can be stored
	case len(s.Missing) > 0:
		s.Next = "akos vault put " + s.Missing[0].Key
		s.NextCall = fmt.Sprintf(`vault_put {"key":%q}`, s.Missing[0].Key)
	default:
		s.Next, s.NextCall = "akos creds check", "creds_check {}"
	}
	return s, err
}
