package clientconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
	"github.com/pelletier/go-toml/v2"
	"github.com/tailscale/hujson"
)

// canary stands for the secrets of other programs in a file.
const canary = "FAKE-canary-0000-not-a-secret"

var testEntry = Entry{
	Command: "/opt/akos tools/akos-mcp", Workspace: `/home/o"neil/pro&ject`,
	Env: []Variable{{"AKOS_WORKSPACE", ""}, {"AKOS_HOME", `C:\data & "more"`}, {"AKOS_VAULT", "file"}},
}

func newFiles(t *testing.T, goos string, env map[string]string) Files {
	t.Helper()
	return Files{
		GOOS: goos, Home: t.TempDir(),
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Now:       func() time.Time { return time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC) },
		Refuse: func(texts ...string) error {
			for _, s := range texts {
				if err := workspace.Refuse(s, "it"); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func isTOML(client string) bool { return client == "codex" }

func keyOf(t *testing.T, name string) client {
	t.Helper()
	for _, c := range clients() {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("no client %s", name)
	return client{}
}

// parse decodes a client's file in either format.
func parse(t testing.TB, name string, text []byte) map[string]any {
	t.Helper()
	doc := map[string]any{}
	_, text = cutBOM(text)
	var err error
	if isTOML(name) {
		err = toml.Unmarshal(text, &doc)
	} else if text, err = hujson.Standardize(bytes.Clone(text)); err == nil {
		err = json.Unmarshal(text, &doc)
	}
	if err != nil {
		t.Fatalf("%s: the file does not parse: %v\n%s", name, err, text)
	}
	return doc
}

// wantEntry is our entry as a client reads it, with the fields of extra.
func wantEntry(c client, e Entry, extra map[string]any) map[string]any {
	want := map[string]any{"command": e.Command, "args": toAny(e.args())}
	if c.typed {
		want["type"] = "stdio"
	}
	env := map[string]any{}
	for _, v := range e.set() {
		env[v.Name] = v.Value
	}
	if len(env) > 0 {
		want["env"] = env
	}
	for k, v := range extra {
		want[k] = v
	}
	return want
}

func others(name string) string {
	if isTOML(name) {
		return "# mine\nmodel = \"x\" # keep\n\n[mcp_servers.other]\ncommand = \"other\"\nenv = { KEY = \"" + canary + "\" }\n# the end\n"
	}
	return "{\n  // mine\n  \"theme\": \"x\", /* keep */\n  \"" + map[bool]string{true: "servers", false: "mcpServers"}[name == "vscode"] +
		"\": {\n    \"other\": {\"command\": \"other\", \"env\": {\"KEY\": \"" + canary + "\"}}, // tail\n  },\n  \"z\": [1.0, 2e3]\n}\n"
}

func existing(name string) string {
	if isTOML(name) {
		return "[mcp_servers.akos]\n# why\ncommand = \"/old/akos-mcp\" # old\nargs = [\n  \"--workspace=a\", # x\n]\nstartup_timeout_sec = 30\n\n[mcp_servers.akos.env]\nX = \"" + canary + "\"\nAKOS_WORKSPACE = \"two\"\n"
	}
	key := map[bool]string{true: "servers", false: "mcpServers"}[name == "vscode"]
	return "{\"" + key + "\": {\n\t\"akos\": {\n\t\t// why\n\t\t\"command\": \"/old\", // old\n\t\t\"disabled\": true,\n\t\t\"env\": {\"X\": \"" + canary + "\", \"AKOS_WORKSPACE\": \"two\"}\n\t}\n}}"
}

// TestWrite runs every client that has a file through every state that the
// file can be in.
func TestWrite(t *testing.T) {
	for _, name := range Clients() {
		if name == "generic" {
			continue
		}
		c := keyOf(t, name)
		write := func(t *testing.T, content string) (string, []byte, Written) {
			h := newFiles(t, "linux", nil)
			path, err := c.path(h)
			if err != nil {
				t.Fatal(err)
			}
			if content != "" {
				put(t, path, content, 0o640)
			}
			done, err := h.Write(name, testEntry)
			if err != nil {
				t.Fatalf("Write: %v", err)
			}
			got := get(t, path)
			again, err := h.Write(name, testEntry)
			if err != nil || again.Changed || again.Updated || again.Backup != "" || again.Path != path || string(get(t, path)) != string(got) {
				t.Errorf("the second write: %+v, %v", again, err)
			}
			if had := strings.Contains(content, "akos"); done.Path != path || !done.Changed || done.Updated != had {
				t.Errorf("Written is %+v", done)
			}
			if backups := glob(t, path+".akos-backup-*"); content == "" && backups != nil || content != "" && !slices.Equal(backups, []string{done.Backup}) {
				t.Errorf("backups are %q, Written says %q", backups, done.Backup)
			}
			if content != "" {
				if string(get(t, done.Backup)) != content || mode(t, done.Backup) != 0o600 || mode(t, path) != 0o640 {
					t.Errorf("backup %v, file %v, or the backup differs", mode(t, done.Backup), mode(t, path))
				}
			}
			if left := glob(t, filepath.Join(filepath.Dir(path), ".akos-*.tmp")); left != nil {
				t.Errorf("left behind: %q", left)
			}
			return path, got, done
		}
		entryIn := func(t *testing.T, text []byte) (entry any, rest map[string]any) {
			doc := parse(t, name, text)
			servers, _ := doc[c.key].(map[string]any)
			entry = servers[serverName]
			delete(servers, serverName)
			return entry, doc
		}

		t.Run(name+"/missing", func(t *testing.T) {
			path, got, _ := write(t, "")
			if rendered, err := newFiles(t, "linux", nil).Render(name, testEntry); err != nil || rendered != string(got) {
				t.Errorf("Render and Write differ: %v\n%s\n%s", err, rendered, got)
			}
			entry, _ := entryIn(t, got)
			if want := wantEntry(c, testEntry, nil); !reflect.DeepEqual(entry, any(want)) {
				t.Errorf("the entry is %v, not %v", entry, want)
			}
			if mode(t, path) != 0o600 {
				t.Errorf("mode %v", mode(t, path))
			}
			if dir := filepath.Dir(path); name != "claude-code" && mode(t, dir) != 0o700 {
				t.Errorf("directory mode %v", mode(t, dir))
			}
		})
		for state, content := range map[string]string{
			"empty": "\n", "others": others(name), "bom": "\uFEFF" + others(name), "no newline": strings.TrimSuffix(others(name), "\n"),
			"crlf": strings.ReplaceAll(others(name), "\n", "\r\n"),
		} {
			t.Run(name+"/"+state, func(t *testing.T) {
				_, got, _ := write(t, content)
				entry, rest := entryIn(t, got)
				if want := wantEntry(c, testEntry, nil); !reflect.DeepEqual(entry, any(want)) {
					t.Errorf("the entry is %v, not %v", entry, want)
				}
				if state == "empty" {
					return
				}
				if _, was := entryIn(t, []byte(content)); !reflect.DeepEqual(rest, was) {
					t.Errorf("the rest is %v, was %v", rest, was)
				}
				if !inOrder(content, string(got)) {
					t.Errorf("not every byte was kept in order:\n%s", got)
				}
				if strings.HasSuffix(content, "\n") != strings.HasSuffix(string(got), "\n") && !isTOML(name) {
					t.Error("the trailing newline changed")
				}
				if state == "crlf" && strings.Count(string(got), "\n") != strings.Count(string(got), "\r\n") {
					t.Errorf("bare newlines:\n%q", got)
				}
				if state != "crlf" && strings.Contains(string(got), "\r") {
					t.Error("a carriage return came in")
				}
			})
		}
		t.Run(name+"/existing", func(t *testing.T) {
			_, got, _ := write(t, existing(name))
			env := map[string]any{"X": canary, "AKOS_WORKSPACE": "", "AKOS_HOME": `C:\data & "more"`, "AKOS_VAULT": "file"}
			extra := map[string]any{"disabled": true, "env": env}
			if isTOML(name) {
				extra = map[string]any{"startup_timeout_sec": int64(30), "env": env}
			}
			entry, _ := entryIn(t, got)
			if isTOML(name) {
				extra["args"] = []any{"--workspace=" + testEntry.Workspace}
			}
			if want := wantEntry(c, testEntry, extra); !reflect.DeepEqual(entry, any(want)) {
				t.Errorf("the entry is %v, not %v", entry, want)
			}
			for _, keep := range []string{" why\n", " old\n"} {
				if !strings.Contains(string(got), keep) {
					t.Errorf("the comment %q is gone:\n%s", keep, got)
				}
			}
		})
		t.Run(name+"/symlink", func(t *testing.T) {
			h := newFiles(t, "linux", nil)
			path, _ := c.path(h)
			dotfiles := t.TempDir()
			target := filepath.Join(dotfiles, "real")
			put(t, target, others(name), 0o600)
			link(t, target, path)
			done, err := h.Write(name, testEntry)
			if err != nil {
				t.Fatal(err)
			}
			if fi, err := os.Lstat(path); err != nil || fi.Mode()&os.ModeSymlink == 0 {
				t.Errorf("the link is gone: %v", err)
			}
			if entry, _ := entryIn(t, get(t, target)); entry == nil {
				t.Error("the target has no entry")
			}
			if files := glob(t, filepath.Join(dotfiles, "*")); len(files) != 1 || filepath.Dir(done.Backup) != filepath.Dir(path) {
				t.Errorf("the dotfiles hold %q, the backup is %s", files, done.Backup)
			}
		})
		t.Run(name+"/concurrent", func(t *testing.T) {
			for _, before := range []string{"", others(name)} {
				h := newFiles(t, "linux", nil)
				path, _ := c.path(h)
				if before != "" {
					put(t, path, before, 0o600)
				}
				now := h.Now
				h.Now = func() time.Time { // asked between reading and writing
					put(t, path, others(name)+"\n", 0o600)
					return now()
				}
				_, err := h.Write(name, testEntry)
				wantKind(t, err, workspace.Conflict)
				if string(get(t, path)) != others(name)+"\n" || glob(t, filepath.Join(filepath.Dir(path), "*akos*")) != nil {
					t.Error("the other writer's file did not survive as it was, or something was left")
				}
			}
		})
	}
}

func TestUnknownClient(t *testing.T) {
	h := newFiles(t, "linux", nil)
	_, err := h.Render("emacs", testEntry)
	wantKind(t, err, workspace.Invalid)
	for _, name := range Clients() {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
	_, err = h.Write("emacs", testEntry)
	wantKind(t, err, workspace.Invalid)
	_, err = h.Write("generic", testEntry)
	wantKind(t, err, workspace.Invalid)
	for _, e := range []Entry{{}, {Command: "akos-mcp"}, {Command: "/a\x00b"}, {Command: "/a", Workspace: "\xff"}, {Command: "/a", Env: []Variable{{"A", "\xff"}}}} {
		_, err = h.Render("cursor", e)
		wantKind(t, err, workspace.Invalid)
	}
}

func wantKind(t *testing.T, err error, kind workspace.Kind) {
	t.Helper()
	var e *workspace.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("the error is %v, not of kind %v", err, kind)
	}
	if strings.Contains(err.Error(), canary) || strings.Contains(e.Hint, canary) {
		t.Errorf("the error quotes the file: %v", err)
	}
}

// inOrder reports whether all bytes of part are in whole, in order.
func inOrder(part, whole string) bool {
	i := 0
	for j := 0; i < len(part) && j < len(whole); j++ {
		if part[i] == whole[j] {
			i++
		}
	}
	return i == len(part)
}

func put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func mode(t *testing.T, path string) os.FileMode {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return fi.Mode().Perm()
}
