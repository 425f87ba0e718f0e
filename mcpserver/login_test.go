package mcpserver_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
)

// A desk is an authorization server where one login waits for a person.
type desk struct {
	mu      sync.Mutex
	begun   int
	decided chan error // what the person says
}

func (d *desk) Begin(_ context.Context, req workspace.LoginRequest) (workspace.DeviceLogin, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.begun++
	return workspace.DeviceLogin{
		LoginRequest: req, UserCode: "WDJB-MJHT", VerificationURI: "https://akos.example.com/device",
		VerificationURIComplete: "https://akos.example.com/device?user_code=WDJB-MJHT",
		ExpiresAt:               time.Now().Add(10 * time.Minute), Interval: 5 * time.Second, Secret: workspace.NewSecret([]byte(deviceCode)),
	}, nil
}

const (
	deviceCode  = "fake-device-code-0123456789"
	accessToken = "fake-access-token-0123456789"
)

func (d *desk) Wait(ctx context.Context, l workspace.DeviceLogin) (workspace.Grant, error) {
	select {
	case err := <-d.decided:
		return workspace.Grant{
			Session: workspace.Session{Server: l.Server, Issuer: l.Server, ClientID: l.ClientID, UserID: "ada", TenantID: "acme",
				Tenants: []string{"acme"}, Scopes: []string{"cli"}, ExpiresAt: time.Now().Add(time.Hour)},
			Access: workspace.NewSecret([]byte(accessToken)),
		}, err
	case <-ctx.Done():
		return workspace.Grant{}, ctx.Err()
	}
}

func (d *desk) Refresh(context.Context, workspace.Grant) (workspace.Grant, error) {
	return workspace.Grant{}, workspace.Errorf(workspace.LoginNeeded, "the session has ended")
}
func (d *desk) Revoke(context.Context, workspace.Grant) error { return nil }

func (d *desk) begins() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.begun
}

// loginHome returns a home whose logins wait at the desk.
func loginHome(t *testing.T) (*home, *desk) {
	h, d := newHome(t), &desk{decided: make(chan error)}
	h.with = func(o *workspace.Options) { o.Authority = d }
	h.env["AKOS_SERVER"] = "https://akos.example.com"
	return h, d
}

func hello(capabilities string) string {
	return strings.Replace(initialize, `"capabilities":{}`, `"capabilities":`+capabilities, 1)
}

// status returns what auth_login says of a login.
func status(t *testing.T, r response) workspace.LoginState {
	t.Helper()
	var s workspace.LoginState
	if r.Result == nil || r.Result.IsError || json.Unmarshal(r.Result.Structured, &s) != nil {
		t.Fatalf("no state of a login: %s", r.raw)
	}
	return s
}

// until calls auth_login until it tells of an end.
func until(t *testing.T, c *client) workspace.LoginState {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if s := status(t, c.ask(request(1, "auth_login", `{}`))); s.Status != workspace.LoginPending {
			return s
		}
	}
	t.Fatal("the login does not end")
	return workspace.LoginState{}
}

// TestLogin: auth_login starts a login and returns at once, and tells how it
// stands each time that it is called.
func TestLogin(t *testing.T) {
	h, d := loginHome(t)
	c := connect(t, h.server(t, mcpserver.Options{}))
	c.ask(initialize)
	first := status(t, c.ask(request(1, "auth_login", `{}`)))
	if first.Status != workspace.LoginPending || first.UserCode != "WDJB-MJHT" || first.VerificationURI == "" || first.Interval != 5 || first.ExpiresAt.IsZero() {
		t.Errorf("%+v", first)
	}
	if again := status(t, c.ask(request(2, "auth_login", `{}`))); again != first || d.begins() != 1 {
		t.Errorf("called again: %+v after %d logins", again, d.begins())
	}
	d.decided <- nil
	if s := until(t, c); s.Status != workspace.LoginLoggedIn || s.UserID != "ada" || s.TenantID != "acme" {
		t.Errorf("%+v", s)
	}
	if s := status(t, c.ask(request(3, "auth_login", `{}`))); s.Status != workspace.LoginLoggedIn || d.begins() != 1 {
		t.Errorf("with a session: %+v after %d logins", s, d.begins())
	}
	var a struct{ LoggedIn bool }
	if r := c.ask(request(4, "auth_status", `{}`)); json.Unmarshal(r.Result.Structured, &a) != nil || !a.LoggedIn {
		t.Error(r.raw)
	}
	// Another scope is another login; so is one after a logout.
	if s := status(t, c.ask(request(5, "auth_login", `{"scope":"read"}`))); s.Status != workspace.LoginPending || d.begins() != 2 {
		t.Errorf("another scope: %+v after %d logins", s, d.begins())
	}
	c.ask(request(6, "auth_logout", `{}`))
	if s := status(t, c.ask(request(7, "auth_login", `{}`))); s.Status != workspace.LoginPending || d.begins() != 3 {
		t.Errorf("after a logout: %+v after %d logins", s, d.begins())
	}
	d.decided <- workspace.Errorf(workspace.Denied, "the login was denied")
	if s := until(t, c); s.Status != workspace.LoginDenied {
		t.Errorf("%+v", s)
	}
	if s := status(t, c.ask(request(8, "auth_login", `{}`))); s.Status != workspace.LoginPending {
		t.Errorf("an end is told once: %+v", s)
	}
	d.decided <- workspace.Errorf(workspace.Denied, "the code has expired").Because(workspace.ErrCodeExpired)
	if s := until(t, c); s.Status != workspace.LoginExpired {
		t.Errorf("%+v", s)
	}
	c.ask(request(9, "auth_login", `{}`))
	d.decided <- workspace.Errorf(workspace.Unavailable, "the server is gone")
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		r := c.ask(request(10, "auth_login", `{}`))
		if kind, failed := r.kind(); failed && kind == "unavailable" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(r.raw)
		}
	}
	for _, line := range c.end() {
		t.Errorf("more answers: %s", line)
	}
}

// TestLoginPage: a client of either era that opens pages is asked to, once a
// login; one that does not is told the address.
func TestLoginPage(t *testing.T) {
	const page = `"url":"https://akos.example.com/device?user_code=WDJB-MJHT"`
	t.Run("older", func(t *testing.T) {
		h, _ := loginHome(t)
		c := connect(t, h.server(t, mcpserver.Options{}))
		c.ask(hello(`{"elicitation":{"form":{},"url":{}}}`))
		c.send(request(1, "auth_login", `{}`) + "\n")
		ask := parse(t, c.recv())
		if ask.Method != "elicitation/create" || !strings.Contains(ask.raw, page) || !strings.Contains(ask.raw, `"mode":"url"`) || !strings.Contains(ask.raw, "WDJB-MJHT") {
			t.Fatal(ask.raw)
		}
		// Nothing waits for the person: other calls are answered.
		if r := c.ask(ping); r.Result == nil {
			t.Error(r.raw)
		}
		c.send(`{"jsonrpc":"2.0","id":"akos-99","result":{"action":"accept"}}` + "\n") // to nothing
		c.send(`{"jsonrpc":"2.0","id":` + string(ask.ID) + `,"result":{"action":"accept"}}` + "\n")
		if s := status(t, parse(t, c.recv())); s.Status != workspace.LoginPending || s.VerificationURI == "" {
			t.Errorf("%+v", s)
		}
		for name, answer := range map[string]string{
			"declined": `"result":{"action":"decline"}`, "canceled": `"result":{"action":"cancel"}`, "an error": `"error":{"code":-32601,"message":"x"}`, "nonsense": `"result":[1]`,
		} {
			c.send(request(2, "auth_login", `{}`) + "\n")
			ask := parse(t, c.recv())
			c.send(`{"jsonrpc":"2.0","id":` + string(ask.ID) + `,` + answer + `}` + "\n")
			if s := status(t, parse(t, c.recv())); s.Status != workspace.LoginPending || s.VerificationURI == "" {
				t.Errorf("%s: %+v", name, s)
			}
		}
	})
	for name, capabilities := range map[string]string{"none": `{}`, "empty": `{"elicitation":{}}`, "forms": `{"elicitation":{"form":{}}}`} {
		t.Run(name, func(t *testing.T) {
			h, _ := loginHome(t)
			c := connect(t, h.server(t, mcpserver.Options{}))
			c.ask(hello(capabilities))
			if s := status(t, c.ask(request(1, "auth_login", `{}`))); s.Status != workspace.LoginPending {
				t.Errorf("%+v", s)
			}
		})
	}
	t.Run("stateless", func(t *testing.T) {
		h, _ := loginHome(t)
		c := connect(t, h.server(t, mcpserver.Options{}))
		call := func(more string) string {
			return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_login","arguments":{}` + more + `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{"elicitation":{"url":{}}}}}}`
		}
		ask := c.ask(call(""))
		if !strings.Contains(ask.raw, `"resultType":"input_required"`) || !strings.Contains(ask.raw, page) {
			t.Fatal(ask.raw)
		}
		if s := status(t, c.ask(call(`,"inputResponses":{"page":{"action":"accept"}},"requestState":"`+requestState(t, ask)+`"`))); s.Status != workspace.LoginPending || s.VerificationURI == "" {
			t.Errorf("%+v", s)
		}
	})
}

// requestState returns what a modern client that was asked sends back.
func requestState(t *testing.T, r response) string {
	t.Helper()
	var m struct{ Result struct{ RequestState string } }
	if err := json.Unmarshal([]byte(r.raw), &m); err != nil || m.Result.RequestState == "" {
		t.Fatalf("no state: %s", r.raw)
	}
	return m.Result.RequestState
}

// TestLoginShowsNoToken searches all that a client gets to see.
func TestLoginShowsNoToken(t *testing.T) {
	h, d := loginHome(t)
	c := connect(t, h.server(t, mcpserver.Options{}))
	var seen strings.Builder
	for i, line := range []string{initialize, request(1, "auth_login", `{}`)} {
		seen.WriteString(c.ask(line).raw)
		if i == 1 {
			d.decided <- nil
		}
	}
	until(t, c)
	for _, tool := range []string{"auth_login", "auth_status", "workspace_status", "tenant_list", "vault_list", "auth_logout"} {
		seen.WriteString(c.ask(request(2, tool, `{}`)).raw)
	}
	for _, secret := range []string{deviceCode, accessToken} {
		if strings.Contains(seen.String(), secret) {
			t.Errorf("a client sees %q", secret)
		}
	}
}
