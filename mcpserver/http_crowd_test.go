package mcpserver_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
)

// TestHTTPStrangers: whoever holds more connections than there are places, and
// opens each again that ends, keeps nobody out who has a token: neither without
// one nor with one of another tenant.
func TestHTTPStrangers(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.account(t, "ada", "")
	h.account(t, "mallory", "beta")
	token, theirs := h.token(t, "ada", "", "cli"), strings.TrimSpace(h.token(t, "mallory", "beta", "read"))
	for name, text := range map[string]string{
		"half a header":             "POST /mcp HTTP/1.1\r\nHost: HOST\r\nX-A: ",
		"a good token, half a body": "POST /mcp HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer " + theirs + "\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{",
		"refused, and no body":      "POST /mcp HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			d := overHTTP(t, h, mcpserver.Options{})
			d.connect(token).post(ping).is(200, 0)
			akostest.Hold(t, strings.TrimSuffix(strings.TrimPrefix(d.url, "http://"), "/mcp"), text, 1300)
			akostest.Served(t, d.url, token)
		})
	}
}

// slowly is the Verifier of an issuer that takes long for what it does not
// know, and goes on when nobody waits for it any more.
type slowly struct{}

func (slowly) Verify(_ context.Context, token string) (workspace.Identity, error) {
	if token == "good" {
		return workspace.Identity{UserID: "ada", TenantID: "acme", Tenants: []string{"acme"}, Scopes: []string{"read"}}, nil
	}
	time.Sleep(2 * time.Second)
	return workspace.Identity{}, workspace.Errorf(workspace.LoginNeeded, "the token is not valid here")
}

// TestHTTPUnknown: strangers whose tokens are being looked up take no place of
// a request whose caller is known.
func TestHTTPUnknown(t *testing.T) {
	t.Parallel()
	d := overHTTP(t, newHome(t), mcpserver.Options{}, func(o *mcpserver.HTTPOptions) {
		o.Issuer = "https://login.example.com"
		o.Verifier = func(workspace.ServeOptions, string) (mcpserver.Verifier, error) { return slowly{}, nil }
	})
	akostest.Hold(t, strings.TrimSuffix(strings.TrimPrefix(d.url, "http://"), "/mcp"),
		"POST /mcp HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer fake\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 1300)
	akostest.Served(t, d.url, "good")
}
