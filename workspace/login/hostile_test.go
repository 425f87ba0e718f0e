package login_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
)

// TestNothingLeaks lets every endpoint answer in every wrong way, each with
// the request in it, while a login, a refresh and a revocation go on. newRig
// searches the log, keep every error.
func TestNothingLeaks(t *testing.T) {
	var std buffer // net/http has things to say that nobody asked for
	log.SetOutput(&std)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	answers := map[string]akostest.Answer{
		"refusal":           akostest.Refuse(400, "invalid_grant"),
		"foreign refusal":   akostest.Say(400, "application/json", `{"error":"{{request}}"}`),
		"no access":         akostest.Refuse(401, "invalid_token"),
		"trouble":           akostest.Refuse(500, "server_error"),
		"page":              akostest.Page(200),
		"page of an error":  akostest.Page(500),
		"missing page":      akostest.Page(404),
		"text":              akostest.Say(200, "text/plain", "{{request}}"),
		"type":              akostest.Say(200, "{{request}}", "{}"),
		"string":            akostest.Say(200, "application/json", `"{{request}}"`),
		"bare word":         akostest.Say(200, "application/json", `{{request}}`),
		"member":            akostest.Say(200, "application/json", `{"{{request}}":1,"{{request}}":1}`),
		"half":              akostest.Say(200, "application/json", `{"a":"{{request}}`),
		"tail":              akostest.Say(200, "application/json", `{} {{request}}`),
		"token":             akostest.Say(200, "application/json", `{"access_token":"x {{request}}","token_type":"{{request}}","expires_in":"{{request}}","scope":"{{request}}"}`),
		"names":             akostest.Say(200, "application/json", `{"sub":"{{request}}","userId":"{{request}}","tenant_id":"{{request}}","tenants":["{{request}}"]}`),
		"status line":       akostest.Wire("HTTP/1.1 {{request}}\r\n\r\n"),
		"protocol":          akostest.Wire("{{request}}\r\n\r\n"),
		"header":            akostest.Wire("HTTP/1.1 200 OK\r\n{{request}}\r\n\r\n"),
		"header name":       akostest.Wire("HTTP/1.1 200 OK\r\n({{request}}): 1\r\n\r\n"),
		"length":            akostest.Wire("HTTP/1.1 200 OK\r\nContent-Length: {{request}}\r\n\r\n"),
		"transfer encoding": akostest.Wire("HTTP/1.1 200 OK\r\nTransfer-Encoding: {{request}}\r\n\r\n"),
		"chunk":             akostest.Wire("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{{request}}\r\n"),
		"trailer":           akostest.Wire("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{{request}}\r\n\r\n"),
		"redirect":          akostest.Redirect(302, "/x?{{request}}"),
		"redirect away":     akostest.Redirect(307, "https://evil.test/{{request}}"),
		"redirect to what":  akostest.Redirect(302, "http://[{{request}}"),
		"redirect nowhere":  akostest.Redirect(302, ""),
		"more than told":    akostest.Wire("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}{{request}}"),
		"two answers":       akostest.Wire("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 {{request}}\r\n\r\n"),
		"reset":             akostest.Reset,
		"silence":           akostest.Hang,
		"drip":              akostest.Drip(time.Second),
	}
	endpoints := []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Device, akostest.Token, akostest.Userinfo, akostest.Whoami, akostest.Revoke}
	for _, e := range endpoints {
		for name, answer := range answers {
			t.Run(fmt.Sprint(e, " ", name), func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T) {
					r := newRig(t, func(s *akostest.AuthServer) {
						s.PKCE = true
						s.ExpiresIn = 60
						s.Without = []akostest.Endpoint{akostest.OpenID}
						if e == akostest.Whoami {
							s.Without = append(s.Without, akostest.Userinfo)
						}
					})
					good := r.login()
					r.s.Always(e, answer)
					failed := false
					saw := func(err error) bool {
						r.keep(err)
						if err != nil && !errors.As(err, new(*workspace.Error)) {
							t.Errorf("no error of ours: %v", err)
						}
						if err != nil {
							shown := workspace.Explain(err)
							r.silent("what is shown", shown.Msg+shown.Hint)
							failed = true
						}
						return err == nil
					}
					if d, err := r.Begin(t.Context(), workspace.LoginRequest{Server: r.s.Server}); saw(err) {
						r.s.Approve(d.UserCode)
						g, err := r.Wait(t.Context(), d)
						saw(err)
						r.silent("the session", fmt.Sprintf("%+v", g.Session))
						r.silent("what is printed", fmt.Sprintf("%v %+v %#v %v", g, g, g, d))
					}
					g, err := r.Refresh(t.Context(), good)
					saw(err)
					r.silent("the session", fmt.Sprintf("%+v", g.Session))
					saw(r.Revoke(t.Context(), good))
					r.silent("the standard log", std.String())
					harmless := e == akostest.Revoke && (name != "refusal" && answer != nil) || e == akostest.Userinfo || e == akostest.Resource
					if !failed && !harmless {
						t.Error("nothing failed")
					}
				})
			})
		}
	}
}
