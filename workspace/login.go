package workspace

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"example.com/akos/workspace/internal/secret"
)

// DefaultServer is where a sidecar of this machine listens unless it is told
// otherwise.
const DefaultServer = "http://127.0.0.1:7717"

// early is how long before its end an access token counts as expired, so that
// it does not end on the way.
const early = 30 * time.Second

// server returns the origin of the workspace server: the one named, or what
// AKOS_SERVER or a trusted workspace file says, or the one that was last
// logged in to, or the sidecar of this machine.
func (w *Workspace) server(ctx context.Context, site Site, named string) (string, error) {
	if named == "" {
		named, _ = w.LookupEnv("AKOS_SERVER")
	}
	if err := Refuse(named, "a server"); err != nil {
		return "", err
	}
	if named == "" && site.File != nil {
		named = site.File.Server
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

// sessionSealer returns what seals tokens: as for values, but where values
// come from the environment alone, a session still needs a place.
func (w *Workspace) sessionSealer(ctx context.Context, site Site) (DataKey, Sealer, string, error) {
	b, err := w.backend(site)
	if err != nil {
		return DataKey{}, nil, "", err
	}
	if b == BackendEnv {
		b = BackendAuto
	}
	return w.sealerOf(ctx, b, false)
}

// tokens are what is sealed of a session.
type tokens struct {
	Access  []byte `json:"access"`
	Refresh []byte `json:"refresh,omitempty"`
}

func sessionBinding(server, dataKey string) []byte {
	return []byte("akos session\x00" + server + "\x00" + dataKey)
}

func (w *Workspace) saveSession(ctx context.Context, g Grant, k DataKey, sealer Sealer, op string) error {
	plain, err := json.Marshal(tokens{secret.Reveal(g.Access), secret.Reveal(g.Refresh)})
	if err != nil {
		return err
	}
	defer clear(plain)
	box, err := sealer.Seal(secret.New(plain), sessionBinding(g.Server, k.ID))
	if err != nil {
		return err
	}
	s := SealedSession{Session: g.Session, DataKey: k.ID, Box: box, Updated: w.Now()}
	return w.Store.Write(ctx, func(tx Tx) error {
		if err := tx.Audit(Event{At: s.Updated, Actor: w.Actor, Op: op, Subject: s.UserID, Detail: s.Server}); err != nil {
			return err
		}
		return tx.PutSession(s)
	})
}

// openSession returns the session at server with its tokens.
func (w *Workspace) openSession(ctx context.Context, server string) (g Grant, k DataKey, sealer Sealer, err error) {
	var s SealedSession
	err = w.Store.Read(ctx, func(tx Tx) error {
		var ok bool
		var err error
		if s, ok, err = tx.Session(server); err != nil {
			return err
		}
		if !ok {
			return notLoggedIn(server)
		}
		k, err = dataKey(tx, s.DataKey)
		return err
	})
	if err != nil {
		return g, k, nil, err
	}
	if sealer, err = w.open(ctx, k); err != nil {
		return g, k, nil, err
	}
	plain, err := sealer.Unseal(s.Box, sessionBinding(s.Server, k.ID))
	if err != nil {
		return g, k, nil, err
	}
	var t tokens
	if err := json.Unmarshal(secret.Reveal(plain), &t); err != nil {
		// The decoder's error may quote a token: it is dropped.
		return g, k, nil, Errorf(LoginNeeded, "the saved session at %s is damaged", server).WithHint("akos auth login")
	}
	defer clear(t.Access)
	defer clear(t.Refresh)
	return Grant{s.Session, NewSecret(t.Access), NewSecret(t.Refresh)}, k, sealer, nil
}

func notLoggedIn(server string) *Error {
	hint := "akos auth login"
	if server != DefaultServer {
		hint += " --server " + ShellQuote(server)
	}
	return Errorf(LoginNeeded, "you are not logged in at %s", server).WithHint("%s", hint)
}

// grant returns a session at server whose access token is good now. One that
// has expired is refreshed, by one process: the others wait and read what it
// saved, since a refresh token works once.
func (w *Workspace) grant(ctx context.Context, server string) (Grant, error) {
	g, _, _, err := w.openSession(ctx, server)
	if err == nil {
		err = w.reach(ctx, g.Session)
	}
	if err != nil || w.fresh(g.Session) {
		return g, err
	}
	return w.renew(ctx, server, func(g Grant) (Grant, bool) { return g, !w.fresh(g.Session) })
}

// reach returns an error if nothing may be sent to the server of s: while the
// sidecar of this home does not run, another user may listen at its address.
func (w *Workspace) reach(ctx context.Context, s Session) error {
	if !s.Own {
		return nil
	}
	if local, running := w.Remote.Local(ctx); running && local == s.Server {
		return nil
	}
	return Errorf(Unavailable, "the sidecar that you are logged in at, %s, does not run", s.Server).WithHint("akos serve")
}

// fresh reports whether the access token of s has not expired yet.
func (w *Workspace) fresh(s Session) bool {
	return s.ExpiresAt.IsZero() || w.Now().Add(early).Before(s.ExpiresAt)
}

// renew refreshes the session at server if change still says so once this
// process is alone with it.
func (w *Workspace) renew(ctx context.Context, server string, change func(Grant) (Grant, bool)) (Grant, error) {
	var g Grant
	err := w.Store.Alone(ctx, "session", func() error {
		old, k, sealer, err := w.openSession(ctx, server)
		if err != nil {
			return err
		}
		if err := w.reach(ctx, old.Session); err != nil {
			return err
		}
		asked, needed := change(old)
		if !needed {
			g = old
			return nil
		}
		if secret.Empty(asked.Refresh) {
			return Errorf(LoginNeeded, "the session at %s has ended", server).WithHint("akos auth login --server %s", ShellQuote(server))
		}
		// From here on the server may have taken the refresh token back: what
		// it answers is saved even for a caller who has given up.
		ctx := context.WithoutCancel(ctx)
		if g, err = w.Authority.Refresh(ctx, asked); err != nil {
			return err
		}
		return w.saveSession(ctx, g, k, sealer, "auth.refresh")
	})
	return g, err
}

// bearer returns the token for a request to server and where it comes from:
// a variable wins over a session.
func (w *Workspace) bearer(ctx context.Context, server string) (token Secret, source string, err error) {
	if v, name := w.envToken(); name != "" {
		return NewSecret([]byte(v)), "env", nil
	}
	g, err := w.grant(ctx, server)
	return g.Access, "session", err
}

// ofToken returns err with the way out where it is about a token in the
// environment: to log in would not change that.
func (w *Workspace) ofToken(err error) error {
	if _, name := w.envToken(); name != "" && Explain(err).Kind == LoginNeeded {
		return Errorf(LoginNeeded, "the server does not take the token in %s: it has ended, or is for another server", name).WithHint("unset %s", name).Because(err)
	}
	return err
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

// A Tenancy is a tenant of the person who is logged in.
type Tenancy struct {
	ID      string `json:"tenantId"`
	Current bool   `json:"current"`
}

// Tenants returns the tenants of the person who is logged in, as of the last
// answer of the server.
func (w *Workspace) Tenants(ctx context.Context) ([]Tenancy, error) {
	s, err := w.session(ctx)
	if err != nil {
		return nil, err
	}
	all := s.Tenants
	if !slices.Contains(all, s.TenantID) {
		all = append(slices.Clip(all), s.TenantID)
	}
	list := make([]Tenancy, 0, len(all))
	for _, id := range slices.Sorted(slices.Values(all)) {
		list = append(list, Tenancy{id, id == s.TenantID})
	}
	return list, nil
}

// session returns the saved session of this workspace's server. A token in
// the environment belongs to somebody whom only the server knows, so it is
// asked.
func (w *Workspace) session(ctx context.Context) (Session, error) {
	if _, name := w.envToken(); name != "" {
		id, err := w.Whoami(ctx, "")
		return Session{Server: id.Server, UserID: id.UserID, TenantID: id.TenantID, Tenants: id.Tenants, Scopes: id.Scopes}, err
	}
	site, err := w.trusted(ctx)
	if err != nil {
		return Session{}, err
	}
	server, err := w.server(ctx, site, "")
	if err != nil {
		return Session{}, err
	}
	var s SealedSession
	err = w.Store.Read(ctx, func(tx Tx) error {
		var ok bool
		var err error
		if s, ok, err = tx.Session(server); err == nil && !ok {
			err = notLoggedIn(server)
		}
		return err
	})
	return s.Session, err
}

// UseTenant makes a tenant of the person the one that is used: the server
// issues tokens for it in the place of the old ones.
func (w *Workspace) UseTenant(ctx context.Context, id string) (Tenancy, error) {
	if err := Refuse(id, "a tenant"); err != nil {
		return Tenancy{}, err
	}
	if _, name := w.envToken(); name != "" {
		return Tenancy{}, Errorf(Denied, "the token in %s is for one tenant; unset it to use your session", name).WithHint("unset %s", name)
	}
	s, err := w.session(ctx)
	if err != nil {
		return Tenancy{}, err
	}
	if id != s.TenantID && !slices.Contains(s.Tenants, id) {
		// It may be a new one, of which only the server knows.
		g, err := w.renew(ctx, s.Server, func(g Grant) (Grant, bool) { return g, true })
		if err != nil {
			return Tenancy{}, err
		}
		if !slices.Contains(g.Tenants, id) {
			return Tenancy{}, noTenant()
		}
	}
	g, err := w.renew(ctx, s.Server, func(g Grant) (Grant, bool) {
		changed := g.TenantID != id
		g.TenantID = id
		return g, changed
	})
	if err == nil && g.TenantID != id {
		err = Errorf(Denied, "the server did not change the tenant").WithHint("akos tenant list")
	}
	return Tenancy{id, err == nil}, err
}

func noTenant() *Error {
	return Errorf(NotFound, "no tenant of yours has that id").WithHint("akos tenant list")
}

// tenant returns the tenant whose values are used at site: that of the saved
// session, or LocalTenant.
func (w *Workspace) tenant(ctx context.Context, site Site) (string, error) {
	server, _ := w.LookupEnv("AKOS_SERVER")
	if server == "" && site.File != nil {
		server = site.File.Server
	}
	if server != "" {
		// An address that is none is the error of whoever sends something there.
		if origin, err := Origin(server); err == nil {
			server = origin
		}
	}
	tenant := LocalTenant
	err := w.Store.Read(ctx, func(tx Tx) error {
		all, err := tx.Sessions()
		if i := slices.IndexFunc(all, func(s SealedSession) bool { return server == "" || s.Server == server }); i >= 0 {
			tenant = all[i].tenant()
		}
		return err
	})
	return tenant, err
}

// tenant returns the name under which shared values of the session's tenant
// are kept here. A server elsewhere chooses the names of its tenants, so theirs
// are told from those of this home's own sidecar; no tenant of ours has an @.
func (s Session) tenant() string {
	if s.Own {
		return s.TenantID
	}
	_, host, _ := strings.Cut(s.Server, "://")
	return s.TenantID + "@" + host
}

// envToken returns the token in the environment and the variable that holds
// it, or "" and "".
func (w *Workspace) envToken() (token, name string) {
	for _, name := range tokenVars {
		if v, ok := w.LookupEnv(name); ok && v != "" {
			return v, name
		}
	}
	return "", ""
}
