//go:build linux

package canary

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/akos/evals/internal/search"
)

// people make accounts, log in by the command line and use what they then
// may.
func people(t *testing.T, w *world) {
	s := w.site(t, "json")
	defer s.done()
	ada, bob, other := string(values.Password.Value), string(values.Second.Value), string(values.Third.Value)
	const prompt = "unseen): "
	s.types(0, []string{"user", "add", "ada", "--tenant", "acme"}, step{prompt, ada + "\r"}, step{prompt, ada + "\r"})
	s.types(2, []string{"user", "add", "eve"}, step{prompt, ada + "\r"}, step{prompt, other + "\r"})
	s.types(2, []string{"user", "add", "eve", "--json"}, step{prompt, other[:9] + "\r"})
	s.types(130, []string{"user", "add", "eve"}, step{prompt, other + "\x03"})
	s.types(130, []string{"user", "add", "eve"}, step{prompt, other + "\r"}, step{prompt, other[:20] + "\x03"})
	s.both(op{args: []string{"user", "add", "bob", "--tenant", "acme", "--password-stdin"}, stdin: append(values.Second.Value, '\n'), want: 0})
	for _, bad := range [][]byte{values.Text.Value, values.Binary.Value, values.Long.Value, values.Third.Value[:9], nil, bytes.Repeat(values.Long.Value, 300)} {
		s.both(op{args: []string{"user", "add", "eve", "--password-stdin"}, stdin: bad, want: 2})
		s.both(op{args: []string{"user", "passwd", "bob", "--password-stdin"}, stdin: bad, want: 2})
	}
	s.both(op{args: []string{"user", "passwd", "eve", "--password-stdin"}, stdin: values.Third.Value, want: 3, mayName: true})
	s.both(op{args: []string{"user", "add", "ada"}, want: 6})
	s.both(op{args: []string{"user", "add", "eve"}, want: 9})
	s.atHome(0, "user", "add", "ada", "--tenant", "beta")
	s.atHome(0, "user", "list")

	s.start()
	s.both(op{args: []string{"serve", "--listen", "127.0.0.1:0"}, want: 6})
	p, q := s.person(), s.person()
	p.get("/")
	p.get("/device")
	p.post("/signin", "user", "ada", "password", bob)
	p.post("/signin", "user", "ADA", "password", other, "next", "https://evil.example/"+other)
	p.post("/signin", "user", "nobody", "password", ada)
	p.post("/signin", "user", "", "password", ada)
	p.post("/signin", "user", "ada", "password", "")
	p.signIn("ada", values.Password)
	p.get("/")
	p.post("/device", "user_code", "BCDF-GHJK")
	p.post("/device", "user_code", other)
	q.signIn("bob", values.Second)

	s.login(0, p, "approve", op{})
	s.akos(0, "auth", "whoami")
	s.akos(0, "auth", "status")
	s.akos(0, "status")
	s.akos(0, "doctor")
	s.akos(0, "tenant", "list")
	s.akos(0, "tenant", "use", "acme")
	s.akos(0, "tenant", "use", "beta")
	s.akos(3, "tenant", "use", "gamma")
	s.secrets()
	s.login(5, p, "deny", op{})
	s.login(5, p, "deny", op{args: []string{"--json"}})
	desktop := filepath.Join(w.browser, "xdg-open")
	if err := os.WriteFile(desktop, []byte("#!/bin/sh\nprintf '%s\\n' \"$0\" \"$@\" > \"$TMPDIR/opened\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.login(0, p, "approve", op{args: []string{"--json"}, env: []string{"DISPLAY=:9", "PATH=" + w.browser + ":" + os.Getenv("PATH"), "CI=", "SSH_CONNECTION=", "SSH_TTY="}})
	if _, err := os.Stat(filepath.Join(s.client.root, "tmp", "opened")); err != nil {
		t.Errorf("no browser was opened: %v", err)
	}

	// A session that has expired is refreshed; its refresh token, used again,
	// ends the login.
	old := s.relay.last("refresh token")
	s.client.corrupt("UPDATE session SET expires = 1")
	s.akos(0, "auth", "status")
	s.akos(0, "auth", "whoami")
	if s.relay.last("refresh token") == old {
		t.Error("nothing was refreshed")
	}
	p.post("/oauth/token", "grant_type", "refresh_token", "client_id", "akos-cli", "refresh_token", old)
	s.akos(4, "auth", "whoami")
	s.client.corrupt("UPDATE session SET expires = 1")
	s.akos(4, "auth", "whoami")
	s.akos(0, "auth", "logout")
	s.akos(4, "auth", "status")

	// Ended at the server, by another password, by nobody to tell.
	s.login(0, q, "approve", op{})
	p.post("/oauth/revoke", "client_id", "akos-cli", "token", s.relay.last("refresh token"))
	s.akos(4, "auth", "whoami")
	s.login(0, q, "approve", op{})
	s.types(0, []string{"user", "passwd", "bob"}, step{prompt, other + "\r"}, step{prompt, other + "\r"})
	s.akos(4, "auth", "whoami")
	q.get("/device")
	for range 10 {
		q.post("/signin", "user", "bob", "password", bob)
	}
	if status, _, _ := q.post("/signin", "user", "bob", "password", other); status == http.StatusOK {
		t.Error("bob is not locked out")
	}
	s.atHome(0, "user", "list")
	s.atHome(anyCode, "user", "remove", "bob")
	s.tokens(p)

	// Killed in the middle of a login, with a session, and with none.
	s.do(op{args: []string{"auth", "login"}, want: 130, may: []string{"user code"}, started: func(c *exec.Cmd) { <-s.relay.codes; _ = c.Process.Signal(os.Interrupt) }})
	s.do(op{args: []string{"auth", "login"}, want: anyCode, may: []string{"user code"}, env: []string{"GOTRACEBACK=all"}, started: func(c *exec.Cmd) { <-s.relay.codes; _ = c.Process.Signal(syscall.SIGQUIT) }})
	s.login(0, p, "approve", op{})
	s.stop(os.Kill, anyCode)
	s.akos(8, "auth", "whoami")
	s.akos(8, "secrets", "list")
	s.do(op{args: []string{"secrets", "set", "DOWN", "--stdin"}, stdin: values.Text.Value, want: 8})
	s.both(op{args: []string{"secrets", "list"}, want: 8})
	s.akos(0, "auth", "status")
	s.start()
	s.akos(0, "auth", "whoami") // the tokens outlive the process
	p.get("/device")            // the cookie does not
	s.stop(syscall.SIGTERM, 0)
	s.client.corrupt("UPDATE session SET box = CAST(substr(box, 1, 30) || zeroblob(length(box) - 30) AS BLOB)")
	s.akos(anyCode, "auth", "whoami")
	s.akos(0, "auth", "logout")
	s.akos(8, "auth", "login")
}

// atHome runs a command line in the home of the sidecar, for people and as
// JSON, whatever comes of the second time.
func (s *site) atHome(want int, args ...string) {
	s.Helper()
	s.box.both(op{args: args, want: want, mayName: true})
}

// secrets sends the values through the sidecar, by the session and by its
// socket.
func (s *site) secrets() {
	for _, c := range []search.Canary{values.Text, values.Line, values.Token, values.Binary, values.Long, values.Vendor} {
		key := "K" + strings.ToUpper(c.Name)
		s.do(op{args: []string{"secrets", "set", key, "--stdin"}, stdin: c.Value, want: 0})
		s.do(op{args: []string{"secrets", "set", key, "--from-file", s.client.source(c.Name, c.Value), "--scope", "tenant", "--json"}, want: 0})
		s.box.both(op{args: []string{"secrets", "set", key, "--stdin"}, stdin: c.Value, want: 0})
	}
	s.do(op{args: []string{"secrets", "set", "LINE", "--from-env", "CANARY"}, want: 0})
	s.do(op{args: []string{"secrets", "set", "POSITIONAL", string(values.Line.Value)}, want: 0})
	s.do(op{args: []string{"secrets", "set", "LARGE", "--stdin"}, stdin: bytes.Repeat(values.Long.Value, 260), want: 2})
	s.do(op{args: []string{"secrets", "set", "EMPTY", "--stdin"}, want: 2})
	s.client.types(0, []string{"secrets", "set", "TYPED"}, step{"unseen): ", string(values.Token.Value) + "\r"})
	s.client.types(130, []string{"secrets", "set", "TYPED"}, step{"unseen): ", string(values.Token.Value) + "\x03"})
	s.akos(0, "secrets", "list")
	s.akos(0, "secrets", "list", "--scope", "tenant")
	s.akos(3, "secrets", "remove", "NONE")
	s.do(op{args: []string{"secrets", "remove", "KTEXT"}, want: 0})
	s.box.both(op{args: []string{"secrets", "remove", "KTEXT"}, want: 0})
	s.box.both(op{args: []string{"secrets", "list"}, want: 0})
	s.box.both(op{args: []string{"vault", "list"}, want: 0})
}

var personalToken = regexp.MustCompile(`akos_pt_[A-Za-z0-9_-]{43}`)

// tokens makes personal tokens, and uses them as they should and should not be
// used.
func (s *site) tokens(p *person) {
	take := func(path string) string {
		s.Helper()
		token := string(personalToken.Find(mustRead(s.box, path)))
		s.world.learnt.add("personal token", token)
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			s.Errorf("%s: %v", path, err)
		}
		return token
	}
	create := func(name, tenant string, scopes ...string) string {
		s.Helper()
		path := filepath.Join(s.sources, name+".token")
		args := []string{"--verbose", "token", "create", "--name", name, "--user", "ada", "--tenant", tenant, "--out", path}
		for _, scope := range scopes {
			args = append(args, "--scope", scope)
		}
		s.box.do(op{args: args, want: 0})
		return take(path)
	}
	all, read, beta := create("all", "acme", "cli"), create("read", "acme", "read"), create("beta", "beta", "read", "write")
	// Once more on a terminal, and where there is none.
	label, screen, out, errs := s.onTerminal(0, []string{"token", "create", "--name", "tty", "--user", "ada", "--tenant", "acme"})
	shown := string(personalToken.Find(screen))
	if shown == "" {
		s.Errorf("no token on the terminal: %q", screen)
	}
	s.world.learnt.add("personal token", shown)
	s.search(label+": the screen", screen, false, true, "personal token")
	s.search(label+": stdout", out, true, true)
	s.search(label+": stderr", errs, true, true)
	s.searchFiles(label)
	s.both(op{args: []string{"token", "create", "--name", "none", "--user", "ada", "--tenant", "acme"}, want: 9})
	s.both(op{args: []string{"token", "create", "--name", "all", "--user", "ada", "--tenant", "acme", "--out", filepath.Join(s.sources, "x")}, want: 6})
	s.both(op{args: []string{"token", "create", "--name", "none", "--user", "ada", "--tenant", "acme", "--out", filepath.Join(s.sources, "all.token")}, want: 6})
	s.both(op{args: []string{"token", "create", "--name", "none", "--user", "ada", "--tenant", "acme", "--out", filepath.Join(s.sources, "no", "x")}, want: 2})
	s.both(op{args: []string{"token", "create", "--name", "full", "--user", "ada", "--tenant", "acme", "--out", "/dev/full"}, want: anyCode})
	s.atHome(0, "token", "list")

	with := func(token string, want int, stdin []byte, args ...string) {
		s.Helper()
		for _, variable := range []string{"AGENTSKIT_TOKEN", "AKOS_TOKEN"} {
			s.do(op{args: args, want: want, stdin: stdin, env: []string{variable + "=" + token}})
		}
	}
	with(all, 0, nil, "auth", "whoami", "--json")
	with(all, 0, nil, "auth", "status")
	with(all, 0, nil, "auth", "login")
	with(all, 5, nil, "tenant", "use", "beta")
	with(all, 0, nil, "tenant", "list")
	with(all, 0, values.Vendor.Value, "secrets", "set", "BY_TOKEN", "--stdin")
	with(read, 5, values.Vendor.Value, "secrets", "set", "BY_TOKEN", "--stdin")
	with(read, 5, nil, "secrets", "remove", "BY_TOKEN")
	with(beta, 5, nil, "secrets", "remove", "BY_TOKEN")
	with(beta, 0, nil, "secrets", "list", "--json")
	s.do(op{args: []string{"auth", "whoami"}, env: []string{"AGENTSKIT_TOKEN=" + all, "AKOS_TOKEN=" + read}, want: 0})
	for _, wrong := range []string{string(values.Token.Value), string(values.Vendor.Value), string(values.Text.Value), string(values.Line.Value), strings.Repeat(string(values.Long.Value), 20),
		all + "x", all[:30], " " + all + " ", all + "\n", all + "\r\nX-Other: " + string(values.Token.Value), "Bearer " + all, "\x7f" + all, strings.ToUpper(all),
		s.relay.last("refresh token"), s.relay.last("device code"), s.relay.last("cookie")} {
		s.do(op{args: []string{"auth", "whoami"}, env: []string{"AGENTSKIT_TOKEN=" + wrong}, want: anyCode})
		s.do(op{args: []string{"secrets", "set", "WRONG", "--stdin", "--json"}, stdin: values.Text.Value, env: []string{"AGENTSKIT_TOKEN=" + wrong}, want: anyCode})
	}
	p.post("/oauth/revoke", "client_id", "akos-cli", "token", all)
	p.send(http.MethodPost, "/oauth/introspect", formType, encode("token", all), "Authorization", "Bearer "+read)
	s.atHome(0, "token", "revoke", "all")
	with(all, 4, nil, "auth", "whoami")
	with(all, 4, values.Text.Value, "secrets", "set", "ENDED", "--stdin")
	with(all, 0, nil, "auth", "logout")
	s.box.do(op{args: []string{"--verbose", "token", "revoke", beta}, want: 2})
}

func mustRead(b *box, path string) []byte {
	b.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// setUp makes the first account by the one-time link, and then puts values
// into every wrong place of the new commands.
func setUp(t *testing.T, w *world) {
	s := w.site(t, "text")
	defer s.done()
	ada, other, vendor := string(values.Password.Value), string(values.Third.Value), string(values.Vendor.Value)
	s.start()
	if s.setup == "" {
		t.Fatalf("no set-up link:\n%s", s.out.Bytes())
	}
	p := s.person()
	p.get(s.setup)
	p.get(s.setup + "/")
	p.get(s.setup + "?x=1")
	p.get(strings.ToUpper(s.setup))
	p.get("/setup/" + vendor)
	p.get("/setup/")
	p.post(s.setup+"x", "user", "ada", "password", ada, "again", ada)
	p.post(s.setup, "user", "ada", "password", ada, "again", other)
	p.post(s.setup, "user", "ada", "password", other[:9], "again", other[:9])
	p.post(s.setup, "user", "", "password", ada, "again", ada)
	p.post(s.setup, "user", "a b", "password", ada, "again", ada)
	p.post(s.setup, "password", ada, "password", ada)
	p.send(http.MethodPost, s.setup, formType, encode("user", "ada", "password", ada, "again", ada), "Origin", "https://evil.example")
	p.send(http.MethodPost, s.setup, formType, encode("user", "ada", "password", ada, "again", ada), "Host", "evil.example")
	p.send(http.MethodPost, s.setup, "application/json", `{"user":"ada","password":"`+other+`"}`)
	p.send(http.MethodPost, s.setup, formType, "user=ada&password=%zz"+other)
	p.send(http.MethodPost, s.setup, formType, "user=ada&password="+strings.Repeat(string(values.Long.Value), 20))
	if status, _, page := p.post(s.setup, "user", "ada", "password", ada, "again", ada); status != http.StatusSeeOther {
		t.Fatalf("set-up: %d\n%s", status, page)
	}
	p.post(s.setup, "user", "eve", "password", ada, "again", ada)
	p.get(s.setup)
	p.get("/")
	s.login(0, p, "approve", op{})
	s.flags()
	s.addresses()
	s.serveFlags()
	p.post("/signout")
	p.get("/device")

	// It ends in the middle of things, and tells what it was about.
	half := func(sig os.Signal) {
		s.relay.mu.Lock()
		conn, err := net.Dial("tcp", s.relay.target)
		s.relay.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "PUT /api/v1/secrets/HALF HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\n%s",
			strings.TrimPrefix(s.relay.URL, "http://"), s.relay.last("access token"), values.Long.Value)
		form := encode("user", "ada", "password", other)
		fmt.Fprintf(conn, "POST /signin HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", formType, len(form)+1, form)
		time.Sleep(100 * time.Millisecond)
		s.stop(sig, anyCode)
	}
	half(syscall.SIGQUIT)
	s.start()
	half(syscall.SIGABRT)
}

// flags puts what looks like a credential, and a name, into each place of the
// commands that are about logins.
func (s *site) flags() {
	at := func(names bool, args ...string) position {
		return position{func(v string) (out []string) {
			for _, a := range args {
				a = strings.ReplaceAll(a, "NEW", fmt.Sprint(filepath.Join(s.sources, "new"), ids.Add(1)))
				out = append(out, strings.ReplaceAll(a, "@", v))
			}
			return out
		}, names}
	}
	const no, yes = false, true
	all := []position{
		at(no, "auth", "login", "@"), at(no, "auth", "whoami", "@"), at(no, "auth", "logout", "@"), at(no, "auth", "login", "--@"), at(no, "auth", "login", "--no-browser=@"),
		at(no, "tenant", "@"), at(no, "tenant", "list", "@"), at(no, "tenant", "use", "a", "@"), at(no, "secrets", "@"), at(no, "secrets", "list", "@"), at(no, "secrets", "list", "--scope", "@"),
		at(no, "secrets", "set", "K", "--stdin", "--scope", "@"), at(no, "secrets", "set", "K", "--from-env", "@"), at(no, "secrets", "set", "K", "x", "@"), at(no, "secrets", "remove", "K", "@"), at(no, "secrets", "remove", "K", "--scope", "@"),
		at(no, "user", "@"), at(no, "user", "list", "@"), at(no, "user", "add", "a", "@"), at(no, "user", "add", "eve", "--role", "@", "--password-stdin"), at(no, "user", "add", "eve", "--password-stdin=@"),
		at(no, "token", "@"), at(no, "token", "list", "@"), at(no, "token", "create", "@"), at(no, "token", "create", "--name", "x", "--expires", "@", "--out", "NEW"), at(no, "token", "create", "--name", "x", "--scope", "@", "--out", "NEW"),
		at(no, "token", "create", "--name", "x", "--scope", "read,@", "--out", "NEW"), at(no, "help", "auth", "@"), at(no, "help", "serve", "@"), at(no, "__complete", "token", "revoke", "@"), at(no, "__complete", "auth", "login", "--@"),
		at(yes, "auth", "login", "--server", "@"), at(yes, "auth", "login", "--client-id", "@"), at(yes, "auth", "login", "--scope", "@"), at(yes, "auth", "login", "--scope", "cli @"), at(yes, "auth", "whoami", "--server", "@"), at(yes, "auth", "status", "--server", "@"),
		at(yes, "auth", "logout", "--server", "@"), at(yes, "tenant", "use", "@"), at(yes, "secrets", "set", "@", "--stdin"), at(yes, "secrets", "remove", "@"), at(yes, "secrets", "set", "K", "--from-file", "@"), at(yes, "secrets", "set", "K", "--from-file", "./@"),
		at(yes, "user", "add", "@", "--password-stdin"), at(yes, "user", "add", "eve", "--tenant", "@", "--password-stdin"), at(yes, "user", "passwd", "@", "--password-stdin"), at(yes, "user", "remove", "@"),
		at(yes, "token", "create", "--name", "@", "--out", "NEW"), at(yes, "token", "create", "--name", "x", "--user", "@", "--out", "NEW"), at(yes, "token", "create", "--name", "x", "--tenant", "@", "--out", "NEW"), at(yes, "token", "create", "--name", "x", "--out", "@/y"), at(yes, "token", "revoke", "@"), at(yes, "token", "list", "--tenant", "@"),
		// What is older, with our own tokens.
		at(yes, "vault", "put", "@", "--stdin"), at(yes, "--workspace", "@", "status"), at(yes, "trust", "@"), at(yes, "init", "x1", "--name", "@"), at(yes, "connections", "inspect", "@"), at(no, "creds", "list", "--provider", "@"),
	}
	// In the home of the accounts and its sidecar, as its user.
	b := s.box
	b.env = append(b.env, "AKOS_SERVER="+s.relay.URL)
	for _, p := range all {
		for _, v := range []string{string(values.Vendor.Value), s.relay.last("access token"), s.relay.last("refresh token"), name} {
			for _, home := range []*box{s.client, b} {
				if home == b && v != name {
					continue // it is refused before
				}
				home.do(op{args: append([]string{"--verbose"}, p.args(v)...), want: anyCode, mayName: p.names, stdin: values.Token.Value})
			}
		}
	}
	if status, _, _ := s.person().send(http.MethodGet, "/api/v1/whoami", "", "", "Authorization", "Bearer "+s.relay.last("access token")); status != http.StatusOK {
		s.Errorf("the session has ended: %d", status)
	}
}

// addresses gives akos servers with credentials in their addresses.
func (s *site) addresses() {
	for _, v := range []string{string(values.Vendor.Value), s.relay.last("access token"), string(values.Token.Value)} {
		for _, format := range []string{"http://u:@@127.0.0.1:1", "http://@@127.0.0.1:1", "http://127.0.0.1:1/@", "http://127.0.0.1:1?t=@", "http://127.0.0.1:1/#@", "http://127.0.0.1:@", "ftp://u:@@x", "https://u:@@x.invalid/", "//@", "http://[@]:1", "http://127.0.0.1:1\n@"} {
			address := strings.Replace(strings.Replace(format, "@@", "\x00@", 1), "@", v, 1)
			if strings.Contains(format, "@@") {
				address = strings.Replace(format, "@@", v+"@", 1)
			}
			env := []string{"AKOS_SERVER=" + address}
			for _, args := range [][]string{{"auth", "whoami"}, {"auth", "login", "--server", address}, {"secrets", "set", "K", "--stdin"}, {"auth", "logout", "--json"}} {
				s.do(op{args: args, want: anyCode, env: env, stdin: values.Text.Value})
			}
			s.client.do(op{args: []string{"--verbose", "status"}, want: anyCode, env: env})
			s.client.mcp(op{want: anyCode, env: env}, call("auth_login", map[string]any{}), call("auth_status", map[string]any{}), call("tenant_list", map[string]any{}),
				call("tenant_use", map[string]any{"tenantId": "acme"}), call("auth_logout", map[string]any{}), call("workspace_status", map[string]any{}))
		}
	}
}

// serveFlags starts sidecars with values in their flags. Those that start are
// stopped.
func (s *site) serveFlags() {
	b := s.world.box(s.T, "AKOS_VAULT=file")
	for _, v := range []string{string(values.Vendor.Value), s.relay.last("access token"), name} {
		for _, args := range [][]string{{"--listen", "@"}, {"--listen", "@:1"}, {"--listen", "127.0.0.1:@"}, {"--public-url", "@"}, {"--public-url", "https://@.invalid"}, {"--public-url", "https://u:@@x.invalid"},
			{"--tls-cert", "@", "--tls-key", "@"}, {"--tls-cert", "@"}, {"--issuer", "@"}, {"--issuer", "https://u:@@x.invalid"}, {"--issuer", "https://x.invalid/?@"}, {"--log-format", "@"}, {"@"}, {"--@"}, {"--behind-proxy=@"},
			{"--issuer", "https://x.invalid", "--audience", "@"}, {"--issuer", "https://x.invalid", "--introspection-client", "@"}, {"--issuer", "https://x.invalid", "--introspection-secret-file", "@"},
			{"--issuer", "https://x.invalid", "--introspection-client", "@", "--introspection-secret-file", "@"}} {
			words := []string{"--verbose", "serve", "--listen", "127.0.0.1:0"}
			for _, a := range args {
				if strings.Contains(a, "@@") {
					a = strings.Replace(a, "@@", v+"@", 1)
				} else {
					a = strings.ReplaceAll(a, "@", v)
				}
				words = append(words, a)
			}
			b.learns = true
			b.do(op{args: words, want: anyCode, mayName: true, started: func(c *exec.Cmd) {
				go func() {
					for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
						if _, err := os.Stat(filepath.Join(b.akosHome, "sidecar.json")); err == nil {
							break
						}
					}
					_ = c.Process.Signal(syscall.SIGTERM)
				}()
			}})
		}
	}
}

// agents log in over MCP.
func agents(t *testing.T, w *world) {
	s := w.site(t, "text")
	defer s.done()
	s.box.do(op{args: []string{"--verbose", "user", "add", "ada", "--tenant", "acme", "--password-stdin"}, stdin: values.Password.Value, want: 0})
	s.atHome(0, "user", "add", "ada", "--tenant", "beta")
	s.start()
	p := s.person()
	p.signIn("ada", values.Password)
	none := map[string]any{}
	for _, client := range []struct{ capabilities, format string }{{`{}`, "json"}, {`{"elicitation":{"url":{}}}`, "text"}} {
		m := s.client.talk(client.capabilities, "--log-format", client.format)
		m.call(`"loggedIn":false`, "auth_status", none)
		m.ask(call("tenant_list", none))
		m.ask(call("tenant_use", map[string]any{"tenantId": "beta"}))
		m.call(`"pending"`, "auth_login", none)
		m.call(`"pending"`, "auth_login", none)
		p.decide(<-s.relay.codes, "deny")
		m.call(`"denied"`, "auth_login", none)
		m.call(`"pending"`, "auth_login", none)
		m.call(`"pending"`, "auth_login", map[string]any{"scope": "read"})
		<-s.relay.codes
		p.decide(<-s.relay.codes, "approve")
		m.call(`"logged_in"`, "auth_login", map[string]any{"scope": "read"})
		if (m.asked > 0) != (client.capabilities != "{}") {
			t.Errorf("asked %d times to open a page", m.asked)
		}
		m.call(`"loggedIn":true`, "auth_status", none)
		m.call(`"beta"`, "tenant_list", none)
		m.call(`"beta"`, "tenant_use", map[string]any{"tenantId": "beta"})
		m.ask(call("tenant_use", map[string]any{"tenantId": "gamma"}))
		for _, v := range []string{string(values.Vendor.Value), s.relay.last("access token"), s.relay.last("refresh token")} {
			for _, tool := range []string{"auth_login", "auth_logout", "auth_status", "tenant_list", "tenant_use"} {
				for _, args := range []any{map[string]any{"scope": v}, map[string]any{"tenantId": v}, map[string]any{"server": v}, map[string]any{"clientId": v}, map[string]any{v: v}, v, []string{v}} {
					m.ask(call(tool, args))
				}
			}
		}
		s.client.corrupt("UPDATE session SET expires = 1")
		m.call(`"workspace`, "workspace_status", none)
		m.call(`"acme"`, "tenant_use", map[string]any{"tenantId": "acme"})
		m.call(`"revoked":true`, "auth_logout", none)
		m.call(`"pending"`, "auth_login", none)
		// What a call is told under comes back with what is told while it waits.
		for _, v := range []string{"token-1", string(values.Vendor.Value), s.relay.last("access token"), s.relay.last("refresh token")} {
			m.ask(request("tools/call", map[string]any{"name": "auth_login", "arguments": none, "_meta": map[string]any{"progressToken": v}}))
		}
		if told := strings.Count(m.wire.String(), `"method":"notifications/progress"`); (told > 0) != (client.capabilities != "{}") {
			t.Errorf("told %d times that a call waits", told)
		}
		m.end() // the login that waits ends with it
		<-s.relay.codes
	}
	// And with nobody at the other end.
	m := s.client.talk(`{}`)
	m.call(`"pending"`, "auth_login", none)
	s.stop(os.Kill, anyCode)
	m.ask(call("auth_login", none))
	m.ask(call("auth_login", map[string]any{"scope": "read"}))
	m.ask(call("tenant_use", map[string]any{"tenantId": "beta"}))
	m.ask(call("auth_logout", none))
	m.end()
}

// codes are those of clients of another kind: the authorization code with
// PKCE, and whatever can be wrong with a request.
func codes(t *testing.T, w *world) {
	s := w.site(t, "json")
	defer s.done()
	s.box.do(op{args: []string{"--verbose", "user", "add", "ada", "--password-stdin"}, stdin: values.Password.Value, want: 0})
	s.start()
	p := s.person()
	_, _, answer := p.send(http.MethodPost, "/oauth/register", "application/json", `{"client_name":"canary","redirect_uris":["http://127.0.0.1/cb"],"token_endpoint_auth_method":"none"}`)
	m := regexp.MustCompile(`"client_id":"([^"]+)"`).FindStringSubmatch(answer)
	if m == nil {
		t.Fatalf("no client: %s", answer)
	}
	client := m[1]
	p.signIn("ada", values.Password)
	verifier := ""
	ask := func(decision string, more ...string) (to http.Header) {
		verifier = search.Random(rand.Reader, 43)
		w.learnt.add("code verifier", verifier)
		sum := sha256.Sum256([]byte(verifier))
		query := encode(append([]string{"response_type", "code", "client_id", client, "redirect_uri", "http://127.0.0.1:1/cb", "code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]),
			"code_challenge_method", "S256", "scope", "cli"}, more...)...)
		stranger := s.person() // one who has to sign in first
		stranger.get("/oauth/authorize?" + query)
		_, to, _ = p.answer("/oauth/authorize/approve", p.get("/oauth/authorize?"+query), decision)
		return to
	}
	exchange := func(fields ...string) {
		p.post("/oauth/token", append([]string{"grant_type", "authorization_code", "client_id", client, "redirect_uri", "http://127.0.0.1:1/cb"}, fields...)...)
	}
	ask("deny")
	ask("approve")
	exchange("code", s.relay.last("authorization code"), "code_verifier", search.Random(rand.Reader, 43)) // used up
	exchange("code", s.relay.last("authorization code"), "code_verifier", verifier)
	ask("approve")
	exchange("code", s.relay.last("authorization code"), "code_verifier", verifier)
	if s.relay.last("access token") == "" {
		t.Fatal("no token for a code")
	}
	first := s.relay.last("access token")
	p.post("/oauth/token", "grant_type", "refresh_token", "client_id", client, "refresh_token", s.relay.last("refresh token"), "scope", "nonsense")
	p.post("/oauth/token", "grant_type", "refresh_token", "client_id", client, "refresh_token", s.relay.last("refresh token"), "tenant_id", "other")
	p.post("/oauth/token", "grant_type", "refresh_token", "client_id", "akos-cli", "refresh_token", s.relay.last("refresh token"))
	p.post("/oauth/token", "grant_type", "refresh_token", "client_id", client, "refresh_token", s.relay.last("refresh token"))
	exchange("code", s.relay.last("authorization code"), "code_verifier", verifier) // again: the login ends
	if status, _, _ := p.send(http.MethodGet, "/api/v1/whoami", "", "", "Authorization", "Bearer "+first); status != http.StatusUnauthorized {
		t.Errorf("a code that is used twice leaves its tokens: %d", status)
	}
	ask("approve")
	exchange("code", s.relay.last("authorization code"), "code_verifier", verifier)
	p.post("/oauth/device_authorization", "client_id", client)
	s.malformed(p, client)
	// Guessing ends, and what is in the state is gone.
	for range 12 {
		p.post("/device", "user_code", "BCDF-GHJK")
	}
	s.corrupt("PRAGMA foreign_keys = off; DROP TABLE token")
	for _, path := range []string{"/api/v1/whoami", "/api/v1/secrets", "/readyz"} {
		p.send(http.MethodGet, path, "", "", "Authorization", "Bearer "+s.relay.last("access token"))
	}
	p.post("/oauth/revoke", "client_id", client, "token", s.relay.last("refresh token"))
	p.post("/oauth/token", "grant_type", "refresh_token", "client_id", client, "refresh_token", s.relay.last("refresh token"))
	s.corrupt("PRAGMA foreign_keys = off; DROP TABLE account")
	p.post("/signin", "user", "ada", "password", string(values.Password.Value))
	p.get("/device")
}

// malformed sends what is wrong, with secrets where none belong.
func (s *site) malformed(p *person, client string) {
	for _, kind := range []string{"access token", "refresh token", "authorization code", "transaction", "cookie", "device code", "vendor"} {
		v := s.relay.last(kind)
		if kind == "vendor" {
			v = string(values.Vendor.Value)
		}
		basic := base64.StdEncoding.EncodeToString([]byte("ada:" + v))
		host := strings.TrimPrefix(s.relay.URL, "http://")
		for _, target := range []string{"/api/v1/whoami?access_token=@", "/api/v1/@", "/@", "/@/../device", "/setup/@", "/setup/@/", "/api/v1/secrets?workspace=@", "/api/v1/secrets?scope=@",
			"/api/v1/secrets?workspace=@;scope=@", "/device/@", "/signin?next=@", "/signin?next=//@", "/oauth/authorize?client_id=@", "/oauth/authorize?client_id=" + client + "&redirect_uri=@", "/oauth/authorize?client_id=" + client + "&redirect_uri=http://127.0.0.1/@",
			"/.well-known/oauth-protected-resource/@", "/%zz@", "/healthz?@", "http://u:@@" + host + "/api/v1/whoami", "http://" + host + "/@", "*?@"} {
			if strings.Contains(target, "@@") {
				target = strings.Replace(target, "@@", v+"@", 1)
			} else {
				target = strings.ReplaceAll(target, "@", v)
			}
			s.raw("GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n", "")
		}
		// net/http sends whoever asks for an unclean path to the clean one,
		// with the query that it came with.
		for _, path := range []string{"//api/v1/whoami", "/api/v1/../v1/whoami", "/./oauth/token"} {
			s.raw("GET "+path+"?t="+v+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n", "?t="+v)
		}
		for _, header := range []string{"Authorization: Bearer  @", "Authorization: Bearer @ @", "Authorization: @", "Authorization: Basic " + basic, "Authorization: Digest @", "Authorization: Bearer @\r\nAuthorization: Bearer x", "Authorization: Bearer @=@", "Cookie: @=@",
			"X-Forwarded-For: @", "Origin: http://@", "Content-Type: @", "User-Agent: @", "Referer: http://@/", "@", "@: 1", "Content-Length: @", "Transfer-Encoding: @", "Expect: @", "Upgrade: @\r\nConnection: Upgrade", "Range: @", "X: " + strings.Repeat("@", 2000)} {
			header = strings.ReplaceAll(header, "@", v)
			s.raw("GET /api/v1/whoami HTTP/1.1\r\nHost: "+host+"\r\n"+header+"\r\nConnection: close\r\n\r\n", "")
			s.raw("POST /signin HTTP/1.1\r\nHost: "+host+"\r\n"+header+"\r\nConnection: close\r\n\r\n", "")
		}
		for _, text := range []string{"@ / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /@ HTTP/9.@\r\n\r\n", "GET / HTTP/1.1\r\nHost: @\r\n\r\n", "GET / HTTP/1.1\r\nHost: u:@@" + host + "\r\n\r\n", "@\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n@", "\x16\x03\x01@",
			"POST /oauth/token HTTP/1.1\r\nHost: " + host + "\r\nTransfer-Encoding: chunked\r\n\r\n@\r\n", "PUT /api/v1/secrets/K HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 9000\r\nAuthorization: Bearer @\r\n\r\n@"} {
			s.raw(strings.ReplaceAll(text, "@", v), "")
		}
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodPost} {
			for _, contentType := range []string{"application/octet-stream", "text/plain"} {
				p.send(method, "/api/v1/secrets/"+v, contentType, v, "Authorization", "Bearer "+s.relay.last("access token"))
				p.send(method, "/api/v1/secrets/K?scope="+v, contentType, v, "Authorization", "Bearer "+s.relay.last("access token"))
				p.send(method, "/api/v1/secrets/K", contentType, v, "Authorization", "Bearer "+v)
			}
		}
		for _, body := range []string{encode("grant_type", v, "client_id", client), encode("grant_type", "refresh_token", "client_id", v, "refresh_token", v), encode("grant_type", "refresh_token", "client_id", client, "refresh_token", v, "scope", v),
			encode("grant_type", "refresh_token", "client_id", client, "refresh_token", v, "resource", v), encode("grant_type", "authorization_code", "client_id", client, "code", v, "code_verifier", v), encode("grant_type", "urn:ietf:params:oauth:grant-type:device_code", "client_id", "akos-cli", "device_code", v),
			encode("token", v, "client_id", client, "token_type_hint", v), encode("token", v, "client_id", v), encode("client_id", client, "scope", v), encode("client_id", client, "resource", v), encode("client_secret", v, "client_id", client), encode(v, v, v, v), "%zz" + v, v, `{"token":"` + v + `"}`, v + ";" + v,
			encode("user_code", v), encode("transaction", v, "decision", v, "tenant", v), encode("user", "ada", "password", v, "next", v), encode("token", strings.Repeat(v, 2000))} {
			for _, path := range []string{"/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device_authorization", "/device", "/device/approve", "/oauth/authorize/approve"} {
				p.send(http.MethodPost, path, formType, body)
			}
		}
		p.send(http.MethodPost, "/oauth/token", formType, "grant_type=x", "Authorization", "Basic "+basic)
		p.send(http.MethodPost, "/oauth/introspect", formType, encode("token", v), "Authorization", "Bearer "+v)
		p.send(http.MethodPost, "/oauth/token?access_token="+v, "multipart/form-data; boundary="+v, "--"+v)
		p.send(http.MethodPost, "/device/approve", formType, encode("transaction", v, "decision", "approve"), "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")
		p.send(http.MethodPost, "/signin", formType, encode("user", "ada", "password", v), "Origin", "https://"+v+".example")
		for _, body := range []string{`{"client_name":"@","redirect_uris":["http://127.0.0.1/cb"]}`, `{"client_name":"x","redirect_uris":["@"]}`, `{"client_name":"x","redirect_uris":["http://@/"]}`, `{"client_name":"x","grant_types":["@"],"redirect_uris":["http://127.0.0.1/cb"]}`,
			`{"client_name":"x","token_endpoint_auth_method":"@"}`, `{"@":"@"}`, `@`, `"@"`, `{"client_name":{"@":1}}`} {
			if strings.Contains(body, `"@","red`) && !strings.HasPrefix(v, "akos_") && kind != "vendor" {
				continue // it can't be told from a name
			}
			p.send(http.MethodPost, "/oauth/register", "application/json", strings.ReplaceAll(body, "@", v))
		}
	}
}
