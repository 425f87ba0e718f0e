package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"example.com/akos/workspace/internal/secret"
)

// early is how long before its end an access token counts as expired, so that
// it does not end on the way.
const early = 30 * time.Second

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
	return Errorf(LoginNeeded, "you are not logged in at %s", server).WithHint("%s", loginAt(server)).Because(errNoSession)
}

// errNoSession is what a LoginNeeded wraps where there is no session, not even
// one that has ended.
var errNoSession = errors.New("there is no session")

// loginAt returns the command that logs in at server.
func loginAt(server string) string {
	if server == DefaultServer {
		return "akos auth login"
	}
	return "akos auth login --server " + ShellQuote(server)
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
