package mcpserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
	"example.com/akos/workspace/agefile"
	"example.com/akos/workspace/project"
	"example.com/akos/workspace/state"
	"example.com/akos/workspace/vault"
)

var update = flag.Bool("update", false, "rewrite testdata/wire")

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

// A home is where a process works: a project, and the state of a user. It is
// the same whichever face works in it, and its clock stands still.
type home struct {
	dir  string // of the project
	data string // AKOS_HOME
	env  map[string]string
	log  *slog.Logger
	keys func(workspace.KeyHolders) workspace.KeyHolders // puts something in front of the holders
	with func(*workspace.Options)
}

func newHome(t testing.TB) *home {
	t.Helper()
	h := newEmptyHome(t)
	h.fill(t)
	return h
}

// newEmptyHome returns a home with a project and nothing stored.
func newEmptyHome(t testing.TB) *home {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := &home{dir: filepath.Join(root, "app"), data: filepath.Join(root, "home"), log: slog.New(slog.DiscardHandler),
		env: map[string]string{"AKOS_VAULT": "file"}}
	h.clear(t)
	return h
}

// clear makes the project anew, with nothing stored.
func (h *home) clear(t testing.TB) {
	t.Helper()
	other := filepath.Join(filepath.Dir(h.dir), "my project")
	for _, dir := range []string{h.dir, h.data, other} {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		".env":      "GITHUB_TOKEN=fake-value-one\nLINEAR_API_KEY=\nOPENAI_API_KEY=${vault:OPENAI_API_KEY}\n",
		"broken":    "GITHUB_TOKEN='fake\n",
		"../beside": "GITHUB_TOKEN=fake-value-one\n",

		"../my project/.env": "GITHUB_TOKEN=fake-value-one\n",
	} {
		if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	if _, err := w.Init(t.Context(), workspace.InitRequest{Dir: h.dir, ID: "app"}); err != nil {
		t.Fatal(err)
	}
}

// fill makes the project and the state anew.
func (h *home) fill(t testing.TB) {
	t.Helper()
	h.clear(t)
	h.store(t, "SLACK_BOT_TOKEN", workspace.ScopeWorkspace, "fake-value-two")
	h.store(t, "SENTRY_AUTH_TOKEN", workspace.ScopeTenant, "fake-value-two")
	w, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	if _, err := w.Create(t.Context(), workspace.CreateRequest{Kind: "slack", Name: "team-chat", VaultKeys: map[string]string{"token": "SLACK_BOT_TOKEN"}}); err != nil {
		t.Fatal(err)
	}
}

// store stores a value as a person does, beside any server.
func (h *home) store(t testing.TB, key string, scope workspace.Scope, value string) {
	t.Helper()
	w, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	if _, err := w.Put(t.Context(), workspace.PutRequest{Key: key, Scope: scope, Value: workspace.NewSecret([]byte(value))}); err != nil {
		t.Fatal(err)
	}
}

// open is what internal/wire does, in this home.
func (h *home) open(actor, choice string, log *slog.Logger) (*workspace.Workspace, func() error, error) {
	env := func(name string) (string, bool) { v, ok := h.env[name]; return v, ok }
	var keys workspace.KeyHolders = vault.New(vault.Options{Home: h.data, LookupEnv: env})
	if h.keys != nil {
		keys = h.keys(keys)
	}
	db := state.New(h.data)
	opts := workspace.Options{
		Project: &project.Finder{Choice: choice, Dir: h.dir, User: filepath.Dir(h.dir), Home: h.data}, Store: db, Courier: agefile.Courier{}, Keys: keys, LookupEnv: env,
		Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
		Log: log, Actor: actor, Version: "0.0.0-test", Home: h.data,
	}
	if h.with != nil {
		h.with(&opts)
	}
	return workspace.New(opts), db.Close, nil
}

// server returns a server in h.
func (h *home) server(t testing.TB, opts mcpserver.Options) *mcpserver.Server {
	t.Helper()
	w, closeAll, err := h.open("mcp", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll() })
	opts.Workspace, opts.Log = w, h.log
	s, err := mcpserver.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A client is the other end of the pipes of a server.
type client struct {
	t     testing.TB
	in    io.WriteCloser
	lines chan string // what the server wrote; closed at its end
	stop  context.CancelFunc
	done  chan error             // what ServeStdio returned
	skip  func(line string) bool // takes a line that recv is not to return
}

// connect serves s on pipes.
func connect(t testing.TB, s *mcpserver.Server) *client {
	t.Helper()
	c, out := deaf(t, s)
	go c.read(out)
	return c
}

// deaf serves s on pipes to a client that reads nothing of what out has.
func deaf(t testing.TB, s *mcpserver.Server) (c *client, out io.Reader) {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ctx, stop := context.WithCancel(context.Background())
	c = &client{t: t, in: inW, lines: make(chan string, 10_000), stop: stop, done: make(chan error, 1)}
	go func() {
		err := s.ServeStdio(ctx, inR, outW)
		outW.Close()
		c.done <- err
	}()
	t.Cleanup(func() { stop(); inW.Close(); outR.Close() })
	return c, outR
}

func (c *client) read(r io.Reader) {
	defer close(c.lines)
	br := bufio.NewReader(r)
	for {
		line, err := br.ReadString('\n')
		if line != "" {
			c.lines <- line
		}
		if err != nil {
			return
		}
	}
}

func (c *client) send(text string) {
	c.t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c.in, text)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			c.t.Fatalf("write: %v", err)
		}
	case <-time.After(patience):
		c.t.Fatal("the server does not read")
	}
}

// recv returns the next line of the server without its end.
func (c *client) recv() string {
	c.t.Helper()
	select {
	case line, ok := <-c.lines:
		if !ok {
			c.t.Fatal("the server has closed its output")
		}
		if c.skip != nil && c.skip(strings.TrimSuffix(line, "\n")) {
			return c.recv()
		}
		if !strings.HasSuffix(line, "\n") || !json.Valid([]byte(line)) {
			c.t.Fatalf("no line of JSON: %q", line)
		}
		return strings.TrimSuffix(line, "\n")
	case <-time.After(patience):
		c.t.Fatal("no answer")
	}
	return ""
}

// ask sends a line and returns the answer.
func (c *client) ask(line string) response {
	c.t.Helper()
	c.send(line + "\n")
	return parse(c.t, c.recv())
}

// end closes the input and returns what else comes.
func (c *client) end() []string {
	c.t.Helper()
	c.in.Close()
	return c.rest()
}

func (c *client) rest() (rest []string) {
	c.t.Helper()
	select {
	case err := <-c.done:
		if err != nil {
			c.t.Errorf("ServeStdio: %v", err)
		}
	case <-time.After(patience):
		c.t.Fatal("the server does not end")
	}
	for line := range c.lines {
		rest = append(rest, strings.TrimSuffix(line, "\n"))
	}
	return rest
}

// A response is what every answer has.
type response struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Result  *toolResult     `json:"result"`
	Error   *struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	} `json:"error"`
	raw string
}

type toolResult struct {
	IsError    bool              `json:"isError"`
	Structured json.RawMessage   `json:"structuredContent"`
	Meta       map[string]any    `json:"_meta"`
	Tools      []json.RawMessage `json:"tools"`
	Content    []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	} `json:"content"`
}

func parse(t testing.TB, line string) response {
	t.Helper()
	var r response
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	if r.JSONRPC != "2.0" || r.Method == "" && (r.ID == nil || (r.Result == nil) == (r.Error == nil)) {
		t.Fatalf("no JSON-RPC answer: %s", line)
	}
	r.raw = line
	return r
}

// text is what a model reads.
func (r response) text() string {
	var b strings.Builder
	if r.Error != nil {
		fmt.Fprintf(&b, "%d %s", r.Error.Code, r.Error.Message)
	}
	if r.Result != nil {
		for _, c := range r.Result.Content {
			b.WriteString(c.Text)
		}
	}
	return b.String()
}

// request returns the line of a tools/call.
func request(id any, tool, args string) string {
	b, err := json.Marshal(id)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, b, tool, args)
}

const (
	initialize  = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`
	initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`
	ping        = `{"jsonrpc":"2.0","id":"ping","method":"ping"}`
	list        = `{"jsonrpc":"2.0","id":"list","method":"tools/list"}`
	slow        = `{"path":".env","only":["GITHUB_TOKEN"]}` // of vault_import, which asks a holder
)

// A gate is a holder of keys that waits until it is opened: a keychain that
// asks somebody.
type gate struct {
	workspace.KeyHolders
	entered chan struct{}
	open    chan struct{}
	left    chan struct{} // of calls that were told to give up
}

func newGate() *gate {
	return &gate{entered: make(chan struct{}, 10_000), open: make(chan struct{}), left: make(chan struct{}, 10_000)}
}

// in puts g in front of the holders of h.
func (g *gate) in(h *home) {
	h.keys = func(keys workspace.KeyHolders) workspace.KeyHolders {
		g.KeyHolders = keys
		return g
	}
}

func (g *gate) Open(ctx context.Context, k workspace.DataKey) (workspace.Sealer, error) {
	g.entered <- struct{}{}
	select {
	case <-g.open:
		return g.KeyHolders.Open(ctx, k)
	case <-ctx.Done():
		g.left <- struct{}{}
		return nil, ctx.Err()
	}
}

func (g *gate) await(t testing.TB) {
	t.Helper()
	select {
	case <-g.entered:
	case <-time.After(patience):
		t.Fatal("the call does not start")
	}
}

type safeBuffer = akostest.Buffer
