package clientconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/akos/workspace"
)

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		client, goos, env, want string // env is the variable that names dir; want is below the home, or below dir with $
	}{
		{"claude-code", "linux", "", ".claude.json"},
		{"claude-code", "windows", "", ".claude.json"},
		{"claude-code", "darwin", "CLAUDE_CONFIG_DIR", "$/.claude.json"},
		{"claude-desktop", "darwin", "", "Library/Application Support/Claude/claude_desktop_config.json"},
		{"claude-desktop", "linux", "", ".config/Claude/claude_desktop_config.json"},
		{"claude-desktop", "linux", "XDG_CONFIG_HOME", "$/Claude/claude_desktop_config.json"},
		{"claude-desktop", "windows", "APPDATA", "$/Claude/claude_desktop_config.json"},
		{"claude-desktop", "windows", "", "AppData/Roaming/Claude/claude_desktop_config.json"},
		{"cursor", "linux", "XDG_CONFIG_HOME", ".cursor/mcp.json"},
		{"vscode", "linux", "", ".config/Code/User/mcp.json"},
		{"vscode", "linux", "XDG_CONFIG_HOME", "$/Code/User/mcp.json"},
		{"vscode", "darwin", "", "Library/Application Support/Code/User/mcp.json"},
		{"vscode", "windows", "APPDATA", "$/Code/User/mcp.json"},
		{"vscode", "darwin", "VSCODE_APPDATA", "$/Code/User/mcp.json"},
		{"vscode", "windows", "VSCODE_PORTABLE", "$/user-data/User/mcp.json"},
		{"codex", "windows", "", ".codex/config.toml"},
		{"codex", "linux", "CODEX_HOME", "$/config.toml"},
		{"gemini", "linux", "", ".gemini/settings.json"},
		{"gemini", "linux", "GEMINI_CLI_HOME", "$/.gemini/settings.json"},
	} {
		h := newFiles(t, tt.goos, map[string]string{tt.env: dir})
		want, below := strings.CutPrefix(tt.want, "$/")
		if below {
			want = filepath.Join(dir, want)
		} else {
			want = filepath.Join(h.Home, want)
		}
		if got, err := keyOf(t, tt.client).path(h); err != nil || got != want {
			t.Errorf("%s on %s with %s: %s, %v, not %s", tt.client, tt.goos, tt.env, got, err, want)
		}
		if tt.env == "" || !below {
			continue
		}
		h = newFiles(t, tt.goos, map[string]string{tt.env: "relative"})
		_, err := keyOf(t, tt.client).path(h)
		wantKind(t, err, workspace.Invalid)
		h = newFiles(t, tt.goos, map[string]string{tt.env: ""})
		if got, err := keyOf(t, tt.client).path(h); err != nil || !strings.HasPrefix(got, h.Home) {
			t.Errorf("an empty %s is not as an unset one: %s, %v", tt.env, got, err)
		}
		h.Home = ""
		_, err = keyOf(t, tt.client).path(h)
		wantKind(t, err, workspace.Unavailable)
	}
}

// TestPackagedDesktop: a packaged Claude Desktop on Windows never reads the
// real %APPDATA%.
func TestPackagedDesktop(t *testing.T) {
	local := t.TempDir()
	h := newFiles(t, "windows", map[string]string{"LOCALAPPDATA": local})
	path := func() (string, error) { return keyOf(t, "claude-desktop").path(h) }
	install := func(id string) string {
		roaming := filepath.Join(local, "Packages", id, "LocalCache", "Roaming")
		if err := os.MkdirAll(roaming, 0o700); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(roaming, "Claude", "claude_desktop_config.json")
	}
	install("Other_1")
	if got, err := path(); err != nil || !strings.HasPrefix(got, h.Home) {
		t.Errorf("another package: %s, %v", got, err)
	}
	first := install("Claude_fake1")
	if got, err := path(); err != nil || got != first {
		t.Errorf("one package: %s, %v", got, err)
	}
	second := install("Claude_fake2")
	_, err := path()
	wantKind(t, err, workspace.Invalid)
	put(t, second, "{}", 0o600)
	if got, err := path(); err != nil || got != second {
		t.Errorf("two packages, one configured: %s, %v", got, err)
	}
	text, err := h.Render("claude-desktop", Entry{Command: `C:\Program Files\akos\akos-mcp.exe`})
	if err != nil || !strings.Contains(text, `"C:\\Program Files\\akos\\akos-mcp.exe"`) {
		t.Errorf("%v\n%s", err, text)
	}
}
