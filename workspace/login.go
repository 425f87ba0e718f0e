package workspace

import (
	"context"
	"errors"
	"time"
)

// DefaultServer is where a sidecar of this machine listens unless it is told
// otherwise.
const DefaultServer = "http://127.0.0.1:7717"

// server returns the origin of the workspace server: the one named, or what
// AKOS_SERVER or a trusted workspace file says, or the one that was last
// logged in to, or the sidecar of this machine.
func (w *Workspace) server(ctx context.Context, site Site, named string) (string, error) {
	if named == "" {
		named = w.named(site)
	}
	if err := Refuse(named, "a server"); err != nil {
		return "", err
	}
	if named != "" {
		return Origin(named)
	}
	local, running := w.Remote.Local(ctx)
	if w.HasEnvToken() {
		// It is for one server, and a session is for another: it must not go
		// wherever somebody logged in last, or listens.
		if running {
			return local, nil
		}
		return "", Errorf(Unavailable, "no sidecar runs here, and nothing says which server the token is for: set AKOS_SERVER").WithHint("akos serve")
	}
	var last []SealedSession
	if err := w.Store.Read(ctx, func(tx Tx) (err error) { last, err = tx.Sessions(); return err }); err != nil {
		return "", err
	}
	if len(last) > 0 {
		return last[0].Server, nil
	}
	if running {
		return local, nil
	}
	return DefaultServer, nil
}

// named returns the server that AKOS_SERVER or the workspace file says, or "".
func (w *Workspace) named(site Site) string {
	if named, _ := w.LookupEnv("AKOS_SERVER"); named != "" || site.File == nil {
		return named
	}
	return site.File.Server
}

// Login runs a device flow to its end and saves the session. show tells the
// person what to do; it is called once, before anything waits.
func (w *Workspace) Login(ctx context.Context, req LoginRequest, show func(DeviceLogin) error) (Session, error) {
	d, save, err := w.beginLogin(ctx, req)
	if err != nil {
		return Session{}, err
	}
	if err := show(d); err != nil {
		return Session{}, err
	}
	g, err := w.Authority.Wait(ctx, d)
	if e := (*Error)(nil); errors.As(err, &e) && e.Hint == "akos auth login" {
		e.Hint = loginAt(d.Server)
	}
	if err != nil {
		return Session{}, err
	}
	return g.Session, save(ctx, g)
}

// beginLogin starts a device flow, and returns what saves its grant: whatever
// could keep it from being saved is found before a person is bothered.
func (w *Workspace) beginLogin(ctx context.Context, req LoginRequest) (DeviceLogin, func(context.Context, Grant) error, error) {
	var d DeviceLogin
	site, err := w.trusted(ctx)
	if err != nil {
		return d, nil, err
	}
	for what, s := range map[string]string{"a scope": req.Scope, "a client id": req.ClientID} {
		if err := Refuse(s, what); err != nil {
			return d, nil, err
		}
	}
	if req.Server, err = w.server(ctx, site, req.Server); err != nil {
		return d, nil, err
	}
	if req.ClientID == "" {
		req.ClientID = DefaultClientID
	}
	if req.Scope == "" {
		req.Scope = DefaultScope
	}
	k, sealer, _, err := w.sessionSealer(ctx, site)
	if err != nil {
		return d, nil, err
	}
	if d, err = w.Authority.Begin(ctx, req); err != nil {
		return d, nil, err
	}
	return d, func(ctx context.Context, g Grant) error {
		local, running := w.Remote.Local(ctx)
		g.Own = running && local == g.Server
		return w.saveSession(ctx, g, k, sealer, "auth.login")
	}, nil
}

// An Identity is who a server says that a token belongs to.
type Identity struct {
	UserID    string    `json:"userId"`
	TenantID  string    `json:"tenantId"`
	Tenants   []string  `json:"tenants"`
	Server    string    `json:"server"`
	Scopes    []string  `json:"scopes"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
	Source    string    `json:"source" jsonschema:"session or env"`
	Reachable bool      `json:"reachable"`
}

// Whoami asks the workspace server whose session this is, every time.
func (w *Workspace) Whoami(ctx context.Context, server string) (Identity, error) {
	site, err := w.trusted(ctx)
	if err != nil {
		return Identity{}, err
	}
	if server, err = w.server(ctx, site, server); err != nil {
		return Identity{}, err
	}
	token, source, err := w.bearer(ctx, server)
	if err != nil {
		return Identity{}, err
	}
	id, err := w.Remote.Whoami(ctx, server, token)
	if err != nil {
		return Identity{}, w.ofToken(err)
	}
	id.Server, id.Source, id.Reachable = server, source, true
	return id, nil
}

// A LoggedOut tells what became of a session.
type LoggedOut struct {
	Server  string `json:"server"`
	UserID  string `json:"userId,omitempty"`
	Ended   bool   `json:"ended" jsonschema:"there was a session"`
	Revoked bool   `json:"revoked" jsonschema:"the server has been told"`
	Notice  string `json:"notice,omitempty" jsonschema:"for the person"`
}

// Logout ends the session at the server and forgets it here. What the server
// can't be told is a notice and no error: the session is forgotten all the
// same.
func (w *Workspace) Logout(ctx context.Context, server string) (LoggedOut, error) {
	site, err := w.trusted(ctx)
	if err != nil {
		return LoggedOut{}, err
	}
	if server, err = w.server(ctx, site, server); err != nil {
		return LoggedOut{}, err
	}
	w.logins.forget(server)
	r := LoggedOut{Server: server}
	err = w.Store.Alone(ctx, "session", func() error {
		if err := w.Store.Read(ctx, func(tx Tx) (err error) { _, r.Ended, err = tx.Session(server); return err }); err != nil || !r.Ended {
			return err
		}
		g, _, _, err := w.openSession(ctx, server)
		if err == nil {
			r.UserID = g.UserID
			err = w.reach(ctx, g.Session)
		}
		if err == nil {
			err = w.Authority.Revoke(ctx, g)
		}
		r.Revoked = err == nil
		if err != nil {
			r.Notice = "the server was not told, so the session lives there until it expires: " + Explain(err).Msg
			w.Log.WarnContext(ctx, "a session was not revoked", "err", err)
		}
		ctx := context.WithoutCancel(ctx)
		return w.Store.Write(ctx, func(tx Tx) error {
			if err := tx.Audit(Event{At: w.Now(), Actor: w.Actor, Op: "auth.logout", Subject: r.UserID, Detail: server}); err != nil {
				return err
			}
			return tx.DeleteSession(server)
		})
	})
	if _, name := w.envToken(); err == nil && name != "" && r.Notice == "" {
		r.Notice = name + " is still set, and is used"
	}
	return r, err
}
