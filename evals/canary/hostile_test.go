//go:build linux

package canary

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
)

// A stranger is a server that is not ours, and a home from which somebody
// logs in to it.
type stranger struct {
	*box
	*akostest.AuthServer
	codes chan string
}

func (w *world) stranger(t *testing.T, set ...func(*akostest.AuthServer)) *stranger {
	t.Helper()
	s := &stranger{box: w.box(t, "AKOS_VAULT=file", "AGENTSKIT_TOKEN=", "AKOS_TOKEN="), AuthServer: akostest.NewAuthServer(t), codes: make(chan string, 100)}
	s.learns = true
	s.Interval, s.ExpiresIn, s.PKCE = 1, 60, true
	for _, set := range set {
		set(s.AuthServer)
	}
	s.Listen()
	s.env = append(s.env, "AKOS_SERVER="+s.Server)
	s.edit(akostest.Device, nil)
	s.edit(akostest.Token, nil)
	return s
}

// edit has every document of an endpoint changed, and its codes and tokens
// learnt.
func (s *stranger) edit(e akostest.Endpoint, change func(doc map[string]any)) {
	s.Edit(e, func(doc map[string]any) {
		for member, kind := range map[string]string{"device_code": "a stranger's device code", "access_token": "a stranger's access token", "refresh_token": "a stranger's refresh token", "id_token": "a stranger's ID token"} {
			if text, ok := doc[member].(string); ok {
				s.world.learnt.add(kind, text)
			}
		}
		if code, ok := doc["user_code"].(string); ok {
			s.codes <- code
		}
		if change != nil {
			change(doc)
		}
	})
}

// run runs akos, and learns what it sent first.
func (s *stranger) run(want int, args ...string) {
	s.Helper()
	for _, args := range [][]string{args, append(args, "--json")} {
		s.do(op{args: append([]string{"--verbose"}, args...), want: want, mayName: true, stdin: values.Text.Value})
		for _, text := range s.Secrets() {
			s.world.learnt.add("what a stranger was sent", text)
		}
	}
}

// login logs in, and has the person decide.
func (s *stranger) login(want int, decide func(code string)) {
	s.Helper()
	s.do(op{args: []string{"--verbose", "auth", "login"}, want: want, mayName: true, started: func(*exec.Cmd) {
		select {
		case code := <-s.codes:
			if decide != nil {
				decide(code)
			}
		case <-time.After(patience):
			s.report.Errorf("akos auth login: begins no login")
		}
	}})
	for _, text := range s.Secrets() {
		s.world.learnt.add("what a stranger was sent", text)
	}
}

// bad are answers of servers that are broken, careless or worse. {{request}}
// is what akos sent, with all secrets in it.
func bad() map[string]akostest.Answer {
	const doc = "application/json"
	m := map[string]akostest.Answer{
		"a page":           akostest.Page(http.StatusOK),
		"a page, 400":      akostest.Page(http.StatusBadRequest),
		"a page, 500":      akostest.Page(http.StatusInternalServerError),
		"echo":             akostest.Say(http.StatusOK, doc, `{"access_token":"{{request}}","token_type":"Bearer","expires_in":3600}`),
		"echo, 400":        akostest.Say(http.StatusBadRequest, doc, `{"error":"{{request}}","error_description":"{{request}}","error_uri":"{{request}}"}`),
		"echo as text":     akostest.Say(http.StatusOK, "text/plain", "{{request}}"),
		"echo as type":     func(w http.ResponseWriter, r *http.Request) { akostest.Say(http.StatusOK, "x/"+echo(r), "{}")(w, r) },
		"broken JSON":      akostest.Say(http.StatusOK, doc, `{"{{request}}": {{request}}`),
		"a list":           akostest.Say(http.StatusOK, doc, `["{{request}}"]`),
		"a member":         akostest.Say(http.StatusOK, doc, `{"{{request}}":1}`),
		"twice":            akostest.Say(http.StatusOK, doc, `{"access_token":"{{request}}","access_token":"{{request}}"}`),
		"token_type":       akostest.Say(http.StatusOK, doc, `{"access_token":"x","token_type":"{{request}}"}`),
		"expires_in":       akostest.Say(http.StatusOK, doc, `{"access_token":"x","token_type":"bearer","expires_in":"{{request}}"}`),
		"scope":            akostest.Say(http.StatusOK, doc, `{"access_token":"fake-access-0123456789","token_type":"bearer","scope":"{{request}}"}`),
		"redirect":         akostest.Redirect(http.StatusTemporaryRedirect, "http://127.0.0.1:1/?{{request}}"),
		"redirect, broken": akostest.Redirect(http.StatusFound, "ht tp://{{request}}"),
		"no HTTP":          akostest.Wire("{{request}}\r\n\r\n"),
		"too long":         akostest.Wire("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}{{request}}{{request}}"),
		"too short":        akostest.Wire("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{{request}}"),
		"a status":         akostest.Wire("HTTP/1.1 499 {{request}}\r\nContent-Length: 0\r\n\r\n"),
		"a status line":    akostest.Wire("HTTP/1.1 {{request}}\r\n\r\n"),
		"a header":         akostest.Wire("HTTP/1.1 200 OK\r\n{{request}}\r\n\r\n"),
		"chunks":           akostest.Wire("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{{request}}\r\n"),
		"an encoding":      akostest.Wire("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: {{request}}\r\n\r\n{}"),
		"a cookie":         akostest.Wire("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSet-Cookie: {{request}}\r\nContent-Length: 2\r\n\r\n{}"),
		"early hints":      akostest.Wire("HTTP/1.1 103 {{request}}\r\nLink: {{request}}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
		"reset":            akostest.Reset,
	}
	for _, code := range []string{"invalid_grant", "invalid_client", "invalid_request", "invalid_scope", "access_denied", "expired_token", "server_error", "nonsense"} {
		m[code] = akostest.Refuse(http.StatusBadRequest, code)
	}
	return m
}

// echo is the secret of a request to the API.
func echo(r *http.Request) string {
	text := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	for _, name := range []string{"refresh_token", "device_code", "code_verifier", "token"} {
		text += r.PostForm.Get(name)
	}
	return text
}

// hostile logs in to servers that answer with what they were sent.
func hostile(t *testing.T, w *world) {
	// Each ends a login by itself, so they are waited for at once. What is
	// tried again until the code expires is the same with a code that does.
	run := func(name string, test func(*stranger), set ...func(*akostest.AuthServer)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := w.stranger(t, set...)
			test(s)
			s.again()
		})
	}
	for what, answer := range bad() {
		switch what {
		case "a page, 500", "no HTTP", "too short", "a header", "reset":
			run("expires/"+what, func(s *stranger) {
				s.Always(akostest.Token, answer)
				s.login(5, nil)
			}, func(s *akostest.AuthServer) { s.ExpiresIn = 3 })
		case "too long", "a status line", "chunks", "an encoding", "early hints", "server_error": // as these
		default:
			run("polls/"+what, func(s *stranger) {
				s.Next(akostest.Token, answer)
				s.login(anyCode, s.Approve)
				s.do(op{args: []string{"--verbose", "auth", "status"}, want: anyCode, mayName: true})
			})
		}
		switch what {
		case "a page", "echo, 400", "a status", "a status line", "redirect, broken":
			run("logout/"+what, func(s *stranger) {
				s.login(0, s.Approve)
				s.Always(akostest.Revoke, answer)
				s.do(op{args: []string{"--verbose", "auth", "logout"}, want: 0, mayName: true})
			})
		}
	}
	run("expires", func(s *stranger) { s.login(5, nil) }, func(s *akostest.AuthServer) { s.ExpiresIn = 2 })
	run("denied", func(s *stranger) { s.login(5, s.Deny) })
	for member, from := range map[string]string{"user_code": "device_code", "verification_uri": "device_code", "verification_uri_complete": "device_code", "interval": "device_code", "expires_in": "device_code"} {
		run("device/"+member, func(s *stranger) {
			s.edit(akostest.Device, func(doc map[string]any) {
				doc[member] = doc[from]
				if strings.HasPrefix(member, "verification") {
					doc[member] = fmt.Sprint(s.Server, "/device?code=", doc[from])
				}
			})
			s.login(anyCode, nil)
		})
	}
	// Who it is: a token stands where a name belongs.
	for _, member := range []string{"sub", "tenant_id", "tenants"} {
		for _, kind := range []string{"access_token", "refresh_token"} {
			run("identity/"+member+"/"+kind, func(s *stranger) {
				s.edit(akostest.Token, func(doc map[string]any) {
					var v = doc[kind]
					if member == "tenants" {
						v = []any{doc[kind]}
					}
					claims := map[string]any{"iss": s.Issuer, "sub": s.User, "aud": "akos-cli", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()}
					claims[member] = v
					doc["id_token"] = akostest.JWT("JWT", claims)
				})
				s.login(anyCode, s.Approve)
				s.run(anyCode, "auth", "status")
				s.run(anyCode, "tenant", "list")
			}, func(s *akostest.AuthServer) { s.IDToken = true })
		}
	}
	run("userinfo", func(s *stranger) {
		s.Always(akostest.Userinfo, func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]any{"sub": echo(r), "tenants": []string{echo(r)}})
		})
		s.login(anyCode, s.Approve)
		s.run(anyCode, "auth", "status")
	})
	run("session", (*stranger).session, func(s *akostest.AuthServer) { s.NoRotation = true })
	t.Run("issuer", func(t *testing.T) { t.Parallel(); vouched(t, w) })
}

// session has a session, and a server that goes bad.
func (s *stranger) session() {
	s.login(0, s.Approve)
	s.run(0, "auth", "whoami")
	api := []akostest.Endpoint{akostest.Whoami, "/api/v1/secrets", "/api/v1/secrets/K"}
	do := func(args ...string) {
		s.Helper()
		s.do(op{args: append([]string{"--verbose"}, args...), want: anyCode, mayName: true, stdin: values.Text.Value})
	}
	for _, answer := range bad() {
		for _, e := range api {
			s.Always(e, answer)
		}
		do("auth", "whoami")
		do("secrets", "list", "--json")
		do("secrets", "remove", "K")
		s.Always(api[1], akostest.Say(http.StatusOK, "application/json", `{"keys":[]}`)) // so that the value is sent
		do("secrets", "set", "K", "--stdin")
	}
	// Our own API, with what it was sent in each place, as careless servers have
	// it. One that hides it on purpose can't be helped: it has it.
	for _, shape := range []func(string) string{
		func(text string) string { return text },
		func(text string) string { return "the token " + text + " is not known" },
		url.QueryEscape,
	} {
		for _, of := range []string{"token", "value"} {
			say := func(status int, doc func(text string) any) akostest.Answer {
				return func(w http.ResponseWriter, r *http.Request) {
					text := echo(r)
					if body, _ := io.ReadAll(r.Body); of == "value" && len(body) > 0 {
						text = string(body)
					}
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(status)
					_ = json.NewEncoder(w).Encode(doc(shape(text)))
				}
			}
			for kind, status := range map[string]int{"invalid": 400, "denied": 403, "login_needed": 401, "unavailable": 503, "internal": 500, "": 400} {
				s.Always(api[1], akostest.Say(http.StatusOK, "application/json", `{"keys":[]}`))
				for _, e := range []akostest.Endpoint{akostest.Whoami, "/api/v1/secrets/K"} {
					s.Always(e, say(status, func(text string) any {
						return map[string]any{"error": map[string]any{"kind": kind, "message": text, "hint": "akos " + text}}
					}))
				}
				if of == "token" {
					do("auth", "whoami")
				} else {
					do("secrets", "set", "K", "--stdin", "--json")
				}
			}
			s.Always(akostest.Whoami, say(200, func(text string) any {
				return map[string]any{"userId": text, "tenantId": text, "tenants": []string{text}, "scopes": []string{text}, "server": text, "source": text}
			}))
			s.Always("/api/v1/secrets/K", say(200, func(text string) any {
				return map[string]any{"key": text, "scope": text, "workspace": text, "owner": text, "source": text, "store": text, "backend": text, "tenant": text, "usedBy": []string{text}, "notice": text, "version": 1}
			}))
			s.run(anyCode, "auth", "whoami")
			s.run(anyCode, "secrets", "set", "K", "--stdin")
			s.run(anyCode, "secrets", "remove", "K")
			for _, key := range []func(text string) map[string]any{
				func(text string) map[string]any {
					return map[string]any{"key": "K", "scope": text, "source": text, "usedBy": []string{text}, "updatedAt": "2026-01-01T00:00:00Z"}
				},
				func(text string) map[string]any {
					return map[string]any{"key": text, "scope": "workspace", "source": "file"}
				},
				func(text string) map[string]any {
					return map[string]any{"key": "K", "scope": "workspace", "source": "file", "updatedAt": text}
				},
			} {
				s.Always("/api/v1/secrets", say(200, func(text string) any { return map[string]any{"keys": []any{key(text)}} }))
				s.run(anyCode, "secrets", "list")
				s.run(anyCode, "secrets", "list", "--json")
			}
		}
	}
	for _, e := range api {
		s.Always(e, nil)
	}
	// A refresh that goes wrong. The refresh token is good for ever here.
	for _, answer := range bad() {
		s.corrupt("UPDATE session SET expires = 1")
		s.Always(akostest.Token, answer)
		do("auth", "whoami")
		do("tenant", "use", "zeta", "--json")
	}
	m := s.talk(`{}`)
	for _, answer := range bad() {
		s.Always(akostest.Token, answer)
		s.corrupt("UPDATE session SET expires = 1")
		m.ask(call("tenant_use", map[string]any{"tenantId": "zeta"}))
	}
	m.end()
	s.Always(akostest.Token, nil)
	for _, e := range []akostest.Endpoint{akostest.Resource, akostest.Metadata, akostest.Device} {
		for _, answer := range bad() {
			s.corrupt("UPDATE session SET expires = 1")
			s.Always(e, answer)
			// What it can do without, it does without: nobody waits for it.
			ended := make(chan struct{})
			s.do(op{args: []string{"--verbose", "auth", "login"}, want: anyCode, mayName: true, started: func(c *exec.Cmd) {
				go func() {
					select {
					case <-s.codes:
						_ = c.Process.Signal(os.Interrupt)
					case <-ended:
					}
				}()
			}})
			close(ended)
			if e != akostest.Device {
				do("auth", "whoami", "--json")
			}
		}
		s.Always(e, nil)
	}
}

// An echoing identity provider answers what it is asked of a token with what it
// was sent.
type echoing struct {
	*httptest.Server
	answer atomic.Pointer[akostest.Answer]
}

func newEchoing() *echoing {
	p := &echoing{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.URL.Path == "/introspect" {
			(*p.answer.Load())(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q,"jwks_uri":%q,"introspection_endpoint":%q,"id_token_signing_alg_values_supported":["RS256"]}`, p.URL, p.URL+"/a", p.URL+"/t", p.URL+"/k", p.URL+"/introspect")
	}))
	return p
}

// each calls ask with each of the provider's answers of a token in its place,
// and with tokens that are canaries: others each time, since a provider is not
// asked again at once about one that it said is not active.
func (p *echoing) each(audience string, ask func(tokens []string)) {
	answers := bad()
	for what, text := range map[string]string{
		"as a user": `{"active":true,"sub":"{{request}}","tenant_id":"{{request}}","scope":"{{request}}","aud":"{{request}}","exp":9999999999}`,
		"for us":    `{"active":true,"sub":"ada","aud":"` + audience + `","scope":"{{request}}","exp":"{{request}}"}`,
		"its scope": `{"active":true,"sub":"ada","aud":"` + audience + `","scope":"{{request}}","exp":9999999999}`,
		"inactive":  `{"active":"{{request}}"}`,
	} {
		answers[what] = akostest.Say(http.StatusOK, "application/json", text)
	}
	n := 0
	for _, answer := range answers {
		p.answer.Store(&answer)
		tokens := vouchers()
		for i := range tokens {
			tokens[i] += fmt.Sprint(n)
			n++
		}
		ask(tokens)
	}
}

// vouchers are tokens of a provider, which are canaries.
func vouchers() []string {
	return []string{string(values.Vendor.Value), string(values.Line.Value), akostest.JWT("at+jwt", map[string]any{"sub": string(values.Third.Value)})}
}

// vouched is a sidecar whose tokens are those of another identity provider,
// which answers with what it was sent.
func vouched(t *testing.T, w *world) {
	idp := newEchoing()
	defer idp.Close()
	s := w.site(t, "json")
	defer s.done()
	s.start("--issuer", idp.URL, "--introspection-client", "canary", "--introspection-secret-file", s.source("secret", append(values.Token.Value, '\n')))
	tokens := vouchers()
	idp.each(s.relay.URL, func(tokens []string) {
		for _, token := range tokens {
			s.do(op{args: []string{"auth", "whoami"}, env: []string{"AGENTSKIT_TOKEN=" + token}, want: anyCode})
		}
		s.do(op{args: []string{"secrets", "set", "K", "--stdin", "--json"}, stdin: values.Text.Value, env: []string{"AGENTSKIT_TOKEN=" + tokens[0]}, want: anyCode})
	})
	idp.Close()
	s.do(op{args: []string{"auth", "whoami"}, env: []string{"AGENTSKIT_TOKEN=" + tokens[0]}, want: anyCode})
	s.stop(syscall.SIGTERM, 0)
	// JWTs, from an issuer that is gone.
	s.start("--issuer", idp.URL)
	for _, token := range tokens {
		s.do(op{args: []string{"auth", "whoami"}, env: []string{"AGENTSKIT_TOKEN=" + token}, want: anyCode})
	}
	s.stop(os.Interrupt, 130)
}
