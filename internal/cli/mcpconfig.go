package cli

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"example.com/akos/internal/clientconfig"
	"example.com/akos/workspace"
	"github.com/spf13/cobra"
)

// A clientEntry is the result of mcp config. It is a command of this face
// alone: it sets up the other one.
type clientEntry struct {
	Client  string `json:"client"`
	Entry   string `json:"entry"`
	Path    string `json:"path,omitempty"`
	Backup  string `json:"backup,omitempty"`
	Changed bool   `json:"changed"`
}

// WriteText writes the entry, or what was written.
func (r clientEntry) WriteText(w io.Writer) error {
	text := r.Entry
	switch {
	case r.Path != "" && !r.Changed:
		text = r.Path + " starts akos-mcp already\n"
	case r.Path != "":
		text = "Added akos to " + r.Path + "\n"
		if r.Backup != "" {
			text += "The file as it was: " + r.Backup + "\n"
		}
	}
	_, err := io.WriteString(w, text)
	return err
}

func (a *app) mcpConfig() *cobra.Command {
	var client string
	var write bool
	cmd := &cobra.Command{
		Use: "config --client NAME", Short: "Print or write the entry that starts akos-mcp in a client", Args: arguments(0, 0),
		Long: "Print or write the entry that starts akos-mcp in a client.\n\nThe clients: " + strings.Join(clientconfig.Clients(), ", ") +
			".\n--write merges it into the client's own file, keeps everything else, and leaves a backup.",
		Example: indent("akos mcp config --client claude-code\nakos mcp config --client cursor --write"),
	}
	cmd.Flags().StringVar(&client, "client", "", "`NAME` of the client")
	cmd.Flags().BoolVar(&write, "write", false, "merge it into the client's file")
	cmd.Flags().BoolVar(&a.asJSON, "json", a.asJSON, "write the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if client == "" {
			return usage("--client is missing; the clients are "+strings.Join(clientconfig.Clients(), ", "), cmd)
		}
		r, err := a.clientEntry(client, write)
		if err != nil {
			return err
		}
		return a.show(r)
	}
	return cmd
}

func (a *app) clientEntry(client string, write bool) (clientEntry, error) {
	home, _ := a.LookupEnv("HOME")
	if runtime.GOOS == "windows" {
		home, _ = a.LookupEnv("USERPROFILE")
	}
	files := clientconfig.Files{GOOS: runtime.GOOS, Home: home, LookupEnv: a.LookupEnv, Now: time.Now}
	entry := clientconfig.Entry{Command: a.server(), Args: []string{}}
	if a.workspace != "" {
		if err := workspace.Refuse(a.workspace, "a workspace"); err != nil {
			return clientEntry{}, err
		}
		choice := a.workspace
		// The client starts it in a directory of its own.
		if info, err := os.Stat(choice); err == nil && info.IsDir() {
			if abs, err := filepath.Abs(choice); err == nil {
				choice = abs
			}
		}
		entry.Args = []string{"--workspace", choice}
	}
	text, err := files.Render(client, entry)
	r := clientEntry{Client: client, Entry: text}
	if err != nil || !write {
		return r, err
	}
	done, err := files.Write(client, entry)
	r.Path, r.Backup, r.Changed = done.Path, done.Backup, done.Changed
	return r, err
}

// server returns the path of akos-mcp: beside this executable, or on PATH.
func (a *app) server() string {
	name := "akos-mcp"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if exe, err := a.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(exe), name)
		if _, err := exec.LookPath(beside); err == nil {
			return beside
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		if abs, err := filepath.Abs(path); err == nil {
			return abs
		}
	}
	return name
}
