package clientconfig

import (
	"os"
	"path/filepath"
	"strings"

	"example.com/akos/workspace"
)

// A client is one row of the table: what has to be known of a program to
// write our entry into its file.
type client struct {
	name  string
	merge merger
	key   string // the object that holds the servers
	typed bool   // it wants "type": "stdio"
	path  func(Files) (string, error)
}

// A merger returns old with the entry in it, or old itself if it stands there
// already, and what was found in it. No old makes a new file.
type merger func(old []byte, c client, e Entry) (text []byte, was found, r *refusal)

// Found is what a file had of our entry.
type found struct {
	entry bool // there was one
	args  []string
}

// clients is the table. The paths and keys were checked against the sources
// and documents of each client. The environment is called env in all of them.
func clients() []client {
	return []client{
		// With CLAUDE_CONFIG_DIR the file lies in that directory, under its own name.
		{"claude-code", mergeJSON, "mcpServers", true, under("CLAUDE_CONFIG_DIR", home(), ".claude.json")},
		{"claude-desktop", mergeJSON, "mcpServers", false, claudeDesktop},
		{"cursor", mergeJSON, "mcpServers", false, under("", home(), ".cursor", "mcp.json")},
		{"vscode", mergeJSON, "servers", true, vscode},
		{"codex", mergeTOML, "mcp_servers", false, under("CODEX_HOME", home(".codex"), "config.toml")},
		// GEMINI_CLI_HOME stands for the home directory, not for ~/.gemini.
		{"gemini", mergeJSON, "mcpServers", false, under("GEMINI_CLI_HOME", home(), ".gemini", "settings.json")},
		{"generic", mergeJSON, "mcpServers", false, nil},
	}
}

type dirFunc func(Files) (string, error)

func home(elem ...string) dirFunc {
	return func(h Files) (string, error) {
		if !filepath.IsAbs(h.Home) {
			return "", workspace.Errorf(workspace.Unavailable, "the home directory is not known")
		}
		return filepath.Join(append([]string{h.Home}, elem...)...), nil
	}
}

// under returns elem below the directory that the variable names, or below
// fallback if there is none.
func under(variable string, fallback dirFunc, elem ...string) func(Files) (string, error) {
	return func(h Files) (string, error) {
		var dir string
		var set bool
		var err error
		if variable != "" {
			dir, set, err = h.env(variable)
		}
		if err == nil && !set {
			dir, err = fallback(h)
		}
		if err != nil {
			return "", err
		}
		return filepath.Join(append([]string{dir}, elem...)...), nil
	}
}

// appData is where desktop programs keep their settings: what Electron calls
// appData.
func appData(h Files) (string, error) {
	switch h.GOOS {
	case "windows":
		return under("APPDATA", home("AppData", "Roaming"))(h)
	case "darwin":
		return home("Library", "Application Support")(h)
	}
	return under("XDG_CONFIG_HOME", home(".config"))(h)
}

// vscode follows getUserDataPath in VS Code's userDataPath.ts: portable mode,
// then VSCODE_APPDATA, then the platform's directory.
func vscode(h Files) (string, error) {
	if dir, set, err := h.env("VSCODE_PORTABLE"); set || err != nil {
		return filepath.Join(dir, "user-data", "User", "mcp.json"), err
	}
	return under("VSCODE_APPDATA", appData, "Code", "User", "mcp.json")(h)
}

const claudeFile = "claude_desktop_config.json"

// claudeDesktop returns the file that the app reads. On Windows it is
// installed as a package since 2026, and the system redirects a package's
// %APPDATA% into a directory of its own: a file in the real one is never read.
func claudeDesktop(h Files) (string, error) {
	roaming, err := appData(h)
	if err != nil || h.GOOS != "windows" {
		return filepath.Join(roaming, "Claude", claudeFile), err
	}
	local, err := under("LOCALAPPDATA", home("AppData", "Local"))(h)
	if err != nil {
		return "", err
	}
	var installed, configured []string
	entries, _ := os.ReadDir(filepath.Join(local, "Packages")) // without packages there is none of ours
	for _, entry := range entries {
		redirected := filepath.Join(local, "Packages", entry.Name(), "LocalCache", "Roaming")
		if !strings.HasPrefix(entry.Name(), "Claude_") || !exists(redirected) {
			continue
		}
		file := filepath.Join(redirected, "Claude", claudeFile)
		installed = append(installed, file)
		if exists(file) {
			configured = append(configured, file)
		}
	}
	switch {
	case len(installed) == 0:
		return filepath.Join(roaming, "Claude", claudeFile), nil
	case len(installed) == 1:
		return installed[0], nil
	case len(configured) == 1:
		return configured[0], nil
	}
	return "", workspace.Errorf(workspace.Invalid, "there are %d installations of Claude Desktop: paste the entry into the file of the one you use", len(installed)).
		WithHint("akos mcp config --client claude-desktop")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
