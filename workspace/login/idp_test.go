//go:build idp && linux

package login_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"example.com/akos/workspace/login"
)

// TestDex: a path in the issuer, OpenID discovery alone, an opaque sub, no
// revocation, and invalid_request for an old refresh token.
func TestDex(t *testing.T) {
	names := login.Claims{User: []string{"email", "sub"}}
	life(t, akostest.StartDex(t), names, "openid email offline_access", "ada@akos.test", false)
}

// TestOIDCProvider: no interval, RFC 8414, revocation.
func TestOIDCProvider(t *testing.T) {
	p := akostest.StartOIDC(t)
	life(t, p, login.Claims{}, "openid offline_access", "ada", true)
	c := login.New(login.Options{})
	t.Run("the person says no", func(t *testing.T) {
		d, err := c.Begin(t.Context(), workspace.LoginRequest{Server: p.Issuer, Scope: "openid"})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Deny(d); err != nil {
			t.Fatal(err)
		}
		_, err = c.Wait(t.Context(), d)
		ends(t, err, workspace.Denied, "the login was denied")
	})
	t.Run("a client that nobody knows", func(t *testing.T) {
		_, err := c.Begin(t.Context(), workspace.LoginRequest{Server: p.Issuer, ClientID: "nobody"})
		ends(t, err, workspace.Denied, "does not let the client nobody log in")
	})
}

// life is the life of a session: begin, the person in a browser, tokens, a
// refresh, the revocation where it is offered, and the old refresh token.
func life(t *testing.T, p *akostest.IdP, names login.Claims, scope, user string, revokes bool) {
	log := &buffer{}
	c := login.New(login.Options{Claims: names, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	d, err := c.Begin(ctx, workspace.LoginRequest{Server: p.Issuer, Scope: scope})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.VerificationURI, p.Issuer) || d.Interval != 5*time.Second {
		t.Errorf("%s, every %v", d.VerificationURI, d.Interval)
	}
	go func() { // Wait begins before the person does, as in life
		if err := p.Approve(d); err != nil {
			cancel(err)
		}
	}()
	g, err := c.Wait(ctx, d)
	if err != nil {
		t.Fatalf("%v: %v\n%s", err, context.Cause(ctx), log.String())
	}
	if g.UserID != user || g.TenantID != "default" || g.Issuer != p.Issuer || g.Server != p.Issuer ||
		strings.Join(g.Scopes, " ") != scope || time.Until(g.ExpiresAt) <= 0 {
		t.Errorf("%+v", g.Session)
	}
	if secret.Empty(g.Access) || secret.Empty(g.Refresh) {
		t.Fatal("a token is missing")
	}
	c = login.New(login.Options{Claims: names}) // another process: it knows nothing but the session
	fresh, err := c.Refresh(ctx, g)
	if err != nil {
		t.Fatal(err)
	}
	if secret.Equal(fresh.Access, g.Access) || secret.Equal(fresh.Refresh, g.Refresh) || fresh.UserID != user {
		t.Error("the refresh changed nothing, or the user")
	}
	if err := c.Revoke(ctx, fresh); err != nil {
		t.Errorf("revoke: %v", err)
	}
	switch _, err := c.Refresh(ctx, fresh); {
	case revokes:
		ends(t, err, workspace.LoginNeeded, "the session has ended")
	case err != nil:
		t.Errorf("it can't revoke, and yet: %v", err)
	}
	_, err = c.Refresh(ctx, g)
	ends(t, err, workspace.LoginNeeded, "the session has ended")
	for _, s := range []workspace.Secret{d.Secret, g.Access, g.Refresh, fresh.Access, fresh.Refresh} {
		if strings.Contains(log.String(), string(secret.Reveal(s))) {
			t.Error("a secret is in the log")
		}
	}
}

func ends(t *testing.T, err error, kind workspace.Kind, text string) {
	t.Helper()
	if e := workspace.Explain(err); err == nil || e.Kind != kind || !strings.Contains(e.Msg, text) {
		t.Errorf("%v, want %v: %s", err, kind, text)
	}
}
