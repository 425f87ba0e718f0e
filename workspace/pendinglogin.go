package workspace

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A LoginState is what an agent learns of a login: where the person has to go,
// or what came of it.
type LoginState struct {
	Status                  string    `json:"status" jsonschema:"pending, logged_in, denied or expired"`
	VerificationURI         string    `json:"verificationUri,omitempty" jsonschema:"the person opens this"`
	VerificationURIComplete string    `json:"verificationUriComplete,omitempty"`
	UserCode                string    `json:"userCode,omitempty" jsonschema:"the person enters this"`
	ExpiresAt               time.Time `json:"expiresAt,omitzero"`
	Interval                int       `json:"interval,omitempty" jsonschema:"seconds to wait before calling again"`
	UserID                  string    `json:"userId,omitempty"`
	TenantID                string    `json:"tenantId,omitempty"`
}

// The statuses of a login.
const (
	LoginPending  = "pending"
	LoginLoggedIn = "logged_in"
	LoginDenied   = "denied"
	LoginExpired  = "expired"
)

// logins are the device flows that this process waits for, one a server: the
// one thing that a Workspace remembers.
type logins struct {
	mu      sync.Mutex
	pending map[string]*pendingLogin
}

type pendingLogin struct {
	DeviceLogin
	done   chan struct{} // closed when session and err are set
	cancel context.CancelFunc

	session Session
	err     error
}

// forget ends the flow at server, if there is one.
func (l *logins) forget(server string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.pending[server]; p != nil {
		p.cancel()
		delete(l.pending, server)
	}
}

// LoginInBackground starts a device flow and returns at once; the flow is
// followed for as long as the process lives. Called again it tells how things
// stand, and tells of an end once: after it, a new call starts anew.
func (w *Workspace) LoginInBackground(ctx context.Context, req LoginRequest) (LoginState, error) {
	if _, name := w.envToken(); name != "" {
		return LoginState{Status: LoginLoggedIn}, nil
	}
	site, err := w.trusted(ctx)
	if err != nil {
		return LoginState{}, err
	}
	server, err := w.server(ctx, site, req.Server)
	if err != nil {
		return LoginState{}, err
	}
	req.Server = server

	w.logins.mu.Lock()
	defer w.logins.mu.Unlock()
	if p := w.logins.pending[server]; p != nil {
		select {
		case <-p.done:
			delete(w.logins.pending, server)
			return p.end()
		default:
			if req.Scope == "" || req.Scope == p.Scope {
				return p.state(), nil
			}
		}
	} else if s, err := w.session(ctx); err == nil && req.Scope == "" && s.Server == server {
		return LoginState{Status: LoginLoggedIn, UserID: s.UserID, TenantID: s.TenantID}, nil
	}
	d, save, err := w.beginLogin(ctx, req)
	if err != nil {
		return LoginState{}, err
	}
	// Another scope is another login; only one that could begin takes the place
	// of the one that somebody may be approving.
	if p := w.logins.pending[server]; p != nil {
		p.cancel()
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &pendingLogin{DeviceLogin: d, done: make(chan struct{}), cancel: cancel}
	w.logins.pending[server] = p
	go func() {
		defer cancel()
		defer close(p.done)
		var g Grant
		if g, p.err = w.Authority.Wait(life, d); p.err == nil {
			p.session, p.err = g.Session, save(life, g)
		}
		if p.err != nil {
			w.Log.DebugContext(life, "a login ended", "kind", Explain(p.err).Kind.String())
		}
	}()
	return p.state(), nil
}

func (p *pendingLogin) state() LoginState {
	return LoginState{
		Status: LoginPending, VerificationURI: p.VerificationURI, VerificationURIComplete: p.VerificationURIComplete,
		UserCode: p.UserCode, ExpiresAt: p.ExpiresAt, Interval: max(1, int(p.Interval/time.Second)),
	}
}

// end returns what came of p.
func (p *pendingLogin) end() (LoginState, error) {
	switch {
	case p.err == nil:
		return LoginState{Status: LoginLoggedIn, UserID: p.session.UserID, TenantID: p.session.TenantID}, nil
	case errors.Is(p.err, ErrCodeExpired):
		return LoginState{Status: LoginExpired}, nil
	case Explain(p.err).Kind == Denied:
		return LoginState{Status: LoginDenied}, nil
	}
	return LoginState{}, p.err
}
