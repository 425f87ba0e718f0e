package login_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
)

const s = time.Second

// TestPolling: RFC 8628 section 3.5, by the times at which the server is
// asked. The server is in a bubble: a login of ten minutes takes none.
func TestPolling(t *testing.T) {
	slow, pending := akostest.Refuse(400, "slow_down"), akostest.Refuse(400, "authorization_pending")
	for _, tt := range []struct {
		name    string
		change  func(*akostest.AuthServer)
		answers []akostest.Answer // to the first polls
		approve time.Duration
		pauses  []time.Duration
	}{
		{"the default interval", func(s *akostest.AuthServer) { s.Interval = 0 }, nil, 1 * s, []time.Duration{5 * s}},
		{"its own interval", func(s *akostest.AuthServer) { s.Interval = 2 }, nil, 5 * s, []time.Duration{2 * s, 2 * s, 2 * s}},
		{"an interval of nothing", func(s *akostest.AuthServer) {
			s.Interval = 0
			s.Edit(akostest.Device, func(doc map[string]any) { doc["interval"] = 0 })
		}, nil, 6 * s, []time.Duration{5 * s, 5 * s}},
		{"a long interval", func(s *akostest.AuthServer) { s.Interval = 70 }, nil, 71 * s, []time.Duration{70 * s, 70 * s}},
		{"slow down, for good", nil, []akostest.Answer{slow, pending, pending}, 21 * s, []time.Duration{5 * s, 10 * s, 10 * s, 10 * s}},
		{"a storm of slow down", nil, []akostest.Answer{slow, slow, slow, slow}, 0, []time.Duration{5 * s, 10 * s, 15 * s, 20 * s, 25 * s}},
		{"slow down with the status 429 is trouble", nil, []akostest.Answer{akostest.Refuse(429, "slow_down"), pending}, 0, []time.Duration{5 * s, 10 * s, 5 * s}},
		{"resets: twice the pause, then back", nil, []akostest.Answer{akostest.Reset, akostest.Reset, pending}, 0, []time.Duration{5 * s, 10 * s, 20 * s, 5 * s}},
		{"trouble: bounded", nil, []akostest.Answer{akostest.Page(500), akostest.Page(502), akostest.Page(503), akostest.Page(504), akostest.Refuse(400, "server_error")}, 0, []time.Duration{5 * s, 10 * s, 20 * s, 30 * s, 30 * s, 30 * s}},
		{"timeouts of 10 s each", nil, []akostest.Answer{akostest.Hang, akostest.Hang}, 0, []time.Duration{5 * s, 20 * s, 30 * s}},
		{"half an answer", nil, []akostest.Answer{akostest.Wire("HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\n{")}, 0, []time.Duration{5 * s, 10 * s}},
		{"slow down, then trouble, then right", nil, []akostest.Answer{slow, akostest.Reset, pending}, 0, []time.Duration{5 * s, 10 * s, 20 * s, 10 * s}},
		{"an error with the status 200", nil, []akostest.Answer{akostest.Refuse(200, "authorization_pending"), akostest.Refuse(200, "slow_down")}, 0, []time.Duration{5 * s, 5 * s, 10 * s}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, tt.change)
				d, start := r.begin(), time.Now()
				r.s.Next(akostest.Token, tt.answers...)
				r.after(tt.approve, r.s.Approve, d.UserCode)
				if _, err := r.Wait(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				if got := r.times(akostest.Token, start); !slices.Equal(got, tt.pauses) {
					t.Errorf("polled after %v, want %v", got, tt.pauses)
				}
			})
		})
	}
}

// TestWaitEnds: the ways in which a wait ends without tokens, and when.
func TestWaitEnds(t *testing.T) {
	type server = akostest.AuthServer
	json := func(text string) akostest.Answer { return akostest.Say(200, "application/json", text) }
	for _, tt := range []struct {
		name   string
		change func(*server)
		always akostest.Answer
		after  time.Duration
		kind   workspace.Kind
		text   string
		hint   bool
	}{
		{"nobody comes", nil, nil, 600 * s, workspace.Denied, "the code has expired", true},
		{"the server says so first", func(s *server) {
			s.Edit(akostest.Device, func(doc map[string]any) { doc["expires_in"] = 900 })
		}, nil, 600 * s, workspace.Denied, "the code has expired", true},
		{"it expires between two polls", func(s *server) { s.ExpiresIn = 7 }, nil, 7 * s, workspace.Denied, "the code has expired", true},
		{"it expires before the first poll", func(s *server) { s.ExpiresIn = 3 }, nil, 3 * s, workspace.Denied, "the code has expired", true},
		{"the network is gone until it expires", nil, akostest.Reset, 600 * s, workspace.Denied, "the code has expired", true},
		{"trouble until it expires", nil, akostest.Page(503), 600 * s, workspace.Denied, "the code has expired", true},
		{"slow down until it expires", nil, akostest.Refuse(400, "slow_down"), 600 * s, workspace.Denied, "the code has expired", true},
		{"the person says no", nil, akostest.Refuse(403, "access_denied"), 5 * s, workspace.Denied, "the login was denied", false},
		{"the code is used up", nil, akostest.Refuse(400, "invalid_grant"), 5 * s, workspace.Denied, "does not take the code any more", true},
		{"another client", nil, akostest.Refuse(401, "invalid_client"), 5 * s, workspace.Denied, "does not let the client akos-cli", false},
		{"an error of its own", nil, akostest.Refuse(400, "of_its_own"), 5 * s, workspace.Unavailable, "HTTP status 400", false},
		{"a page", nil, akostest.Page(200), 5 * s, workspace.Unavailable, "web page", false},
		{"a page of an error", nil, akostest.Page(400), 5 * s, workspace.Unavailable, "web page", false},
		{"a redirect", nil, akostest.Redirect(307, "/token"), 5 * s, workspace.Unavailable, "redirects", false},
		{"too much", nil, json(strings.Repeat(" ", 2<<20)), 5 * s, workspace.Unavailable, "more than 1 MiB", false},
		{"no token", nil, json(`{"token_type":"Bearer","expires_in":1}`), 5 * s, workspace.Unavailable, "no access_token", false},
		{"a token that is a number", nil, json(`{"access_token":1,"token_type":"Bearer"}`), 5 * s, workspace.Unavailable, "no access_token", false},
		{"a token of two lines", nil, json(`{"access_token":"a\r\nb","token_type":"Bearer"}`), 5 * s, workspace.Unavailable, "no access_token", false},
		{"a token by another name", nil, json(`{"Access_Token":"aaaa","token_type":"Bearer"}`), 5 * s, workspace.Unavailable, "no access_token", false},
		{"a token of another type", nil, json(`{"access_token":"aaaa","token_type":"DPoP"}`), 5 * s, workspace.Unavailable, "token_type", false},
		{"a token of no type", nil, json(`{"access_token":"aaaa"}`), 5 * s, workspace.Unavailable, "token_type", false},
		{"a token that has expired", nil, json(`{"access_token":"aaaa","token_type":"Bearer","expires_in":0}`), 5 * s, workspace.Unavailable, "expires_in", false},
		{"a scope with an escape", nil, json(`{"access_token":"aaaa","token_type":"Bearer","scope":"a \u001b[2J"}`), 5 * s, workspace.Unavailable, "scope", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, tt.change)
				d, start := r.begin(), time.Now()
				r.s.Always(akostest.Token, tt.always)
				_, err := r.Wait(t.Context(), d)
				r.check(err, tt.kind, tt.text)
				if took := time.Since(start).Round(time.Second); took != tt.after {
					t.Errorf("after %v, want %v", took, tt.after)
				}
				if e := workspace.Explain(err); tt.hint != (e.Hint == "akos auth login") {
					t.Errorf("the hint is %q", e.Hint)
				}
			})
		})
	}
}

func TestDenied(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, nil)
		d := r.begin()
		r.after(7*s, r.s.Deny, d.UserCode)
		_, err := r.Wait(t.Context(), d)
		r.check(err, workspace.Denied, "the login was denied")
	})
}

// A wait ends with its context at once, whatever it is doing.
func TestWaitIsCanceled(t *testing.T) {
	for _, at := range []time.Duration{3 * s, 6 * s} { // between polls; while the server hangs
		bubble(t, func(t *testing.T) {
			r := newRig(t, nil)
			r.s.Always(akostest.Token, akostest.Hang)
			d, start := r.begin(), time.Now()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(at, cancel)
			if _, err := r.Wait(ctx, d); !errors.Is(err, context.Canceled) || err != ctx.Err() || time.Since(start) != at {
				t.Errorf("%v after %v", err, time.Since(start))
			}
		})
		bubble(t, func(t *testing.T) {
			r := newRig(t, nil)
			r.s.Always(akostest.Token, akostest.Hang)
			d := r.begin()
			ctx, cancel := context.WithTimeout(t.Context(), at)
			defer cancel()
			if _, err := r.Wait(ctx, d); err != context.DeadlineExceeded {
				t.Error(err)
			}
		})
	}
}

// So does every other call, with the bare error of the context.
func TestTheRestIsCanceled(t *testing.T) {
	for name, call := range map[string]func(context.Context, *rig, workspace.Grant) error{
		"begin": func(ctx context.Context, r *rig, _ workspace.Grant) error {
			_, err := r.Begin(ctx, workspace.LoginRequest{Server: r.s.Server})
			return err
		},
		"refresh": func(ctx context.Context, r *rig, g workspace.Grant) error { _, err := r.Refresh(ctx, g); return err },
		"revoke":  func(ctx context.Context, r *rig, g workspace.Grant) error { return r.Revoke(ctx, g) },
	} {
		bubble(t, func(t *testing.T) {
			r := newRig(t, nil)
			g, start := r.login(), time.Now()
			r.s.Always(akostest.Metadata, akostest.Hang)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(s, cancel)
			if err := call(ctx, r, g); err != context.Canceled || time.Since(start) != s {
				t.Errorf("%s: %v after %v", name, err, time.Since(start))
			}
		})
	}
}

// The wall clock is stepped while the person is away: only durations count.
func TestAWrongClockDoesNotMatter(t *testing.T) {
	for _, step := range []time.Duration{-time.Hour, time.Hour} {
		bubble(t, func(t *testing.T) {
			wrong := time.Duration(0)
			r := newRig(t, func(s *akostest.AuthServer) { s.IDToken = true })
			r.clock(func() time.Time { return time.Now().Add(wrong).Round(0).UTC() })
			d := r.begin()
			wrong = step
			d.ExpiresAt = d.ExpiresAt.Add(-step).Round(0) // and what was shown is no measure
			r.after(500*s, r.s.Approve, d.UserCode)
			g, err := r.Wait(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			if life := g.ExpiresAt.Sub(time.Now().Add(wrong)); life.Round(s) != time.Hour {
				t.Errorf("by the clock of this machine it lives %v", life)
			}
		})
	}
}

func TestWaitForALoginOfAnother(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, nil)
		_, err := r.Wait(t.Context(), workspace.DeviceLogin{})
		r.check(err, workspace.Invalid, "not begun here")
	})
}
