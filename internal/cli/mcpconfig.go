package cli

import (
	"context"
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
	Client    string `json:"client"`
	Entry     string `json:"entry"`
	Workspace string `json:"workspace,omitempty"` // empty if the directory it starts in decides
	Path      string `json:"path,omitempty"`
	Backup    string `json:"backup,omitempty"`
	Changed   bool   `json:"changed"`
	Updated   bool   `json:"updated"` // changed, and there was one before
}

// opens says of the entry which workspace it opens.
func (r clientEntry) opens() string {
	if r.Workspace != "" {
		return "opens the workspace " + r.Workspace
	}
	return "opens the workspace of the directory that the client starts it in, or the default one; --workspace DIR pins one"
}

// WriteText writes the entry, or what was written.
func (r clientEntry) WriteText(w io.Writer) error {
	text := r.Entry
	if r.Path != "" {
		switch {
		case !r.Changed:
			text = r.Path + " starts akos-mcp already\n"
		case r.Updated:
			text = "Updated akos in " + r.Path + "\n"
		default:
			text = "Added akos to " + r.Path + "\n"
		}
		if r.Backup != "" {
			text += "The file as it was: " + r.Backup + "\n"
		}
		text += "It " + r.opens() + "\n"
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
			".\n--write merges it into the client's own file, keeps everything else, and leaves a backup.\n" +
			"An entry that is there keeps its arguments, and the workspace that they pin unless you pin another.\n\n" +
			"That file is for all projects, so the entry names no workspace by itself: akos-mcp opens the\n" +
			"workspace of the directory that the client starts it in, as akos does in a shell, or the default one.\n" +
			"Claude Code, Codex, Gemini and VS Code start it in the project; Claude Desktop knows no project.\n" +
			"--workspace and AKOS_WORKSPACE pin one workspace for all projects.\n\n" +
			"Clients start programs with few variables of the shell. So " + strings.Join(kept(), ", ") + "\n" +
			"go into the entry as they are now, and one that is not set any more is emptied. A token never does.",
		Example: indent("akos mcp config --client claude-code\nakos mcp config --client cursor --write"),
	}
	cmd.Flags().StringVar(&client, "client", "", "`NAME` of the client")
	_ = cmd.RegisterFlagCompletionFunc("client", cobra.FixedCompletions(clientconfig.Clients(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	cmd.Flags().BoolVar(&write, "write", false, "merge it into the client's file")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if client == "" {
			return usage("--client is missing; the clients are "+strings.Join(clientconfig.Clients(), ", "), cmd)
		}
		r, err := a.clientEntry(cmd.Context(), client, write)
		if err != nil {
			return err
		}
		if err := a.show(r); err != nil {
			return err
		}
		if !a.asJSON && !write && r.Workspace == "" {
			a.warn("it " + r.opens())
		}
		return nil
	}
	return cmd
}

// kept names the variables of akos that an entry holds, for they say which vault
// is opened. None is a secret.
func kept() []string {
	return []string{"AKOS_HOME", "AKOS_VAULT", "AKOS_VAULT_PASSPHRASE_FILE", "AKOS_SERVER"}
}

func (a *app) clientEntry(ctx context.Context, client string, write bool) (clientEntry, error) {
	home, _ := a.LookupEnv("HOME")
	if runtime.GOOS == "windows" {
		home, _ = a.LookupEnv("USERPROFILE")
	}
	// What this shell opens is what the entry has to open.
	w, closeAll, err := a.Open("cli", a.workspace, a.log)
	if err != nil {
		return clientEntry{}, err
	}
	defer closeAll()
	files := clientconfig.Files{GOOS: runtime.GOOS, Home: home, LookupEnv: a.LookupEnv, Now: time.Now,
		Refuse: func(texts ...string) error { return w.RefuseAny(ctx, "an argument", texts...) }}
	entry := clientconfig.Entry{Command: a.server()}
	if entry.Workspace, err = pinned(w.Choice); err != nil {
		return clientEntry{}, err
	}
	if entry.Env, err = environment(w); err != nil {
		return clientEntry{}, err
	}
	text, err := files.Render(client, entry)
	r := clientEntry{Client: client, Entry: text, Workspace: entry.Workspace}
	if err != nil || !write {
		return r, err
	}
	done, err := files.Write(client, entry)
	r.Path, r.Backup, r.Changed, r.Updated = done.Path, done.Backup, done.Changed, done.Updated
	if err == nil {
		r.Workspace = done.Workspace
	}
	return r, err
}

// pinned returns choice, a directory or an id, so that it means the same in
// every directory: the client starts akos-mcp in one of its own.
func pinned(choice string) (string, error) {
	if choice == "" {
		return "", nil
	}
	info, err := os.Stat(choice)
	if err == nil && info.IsDir() || strings.ContainsAny(choice, `/\`) || strings.HasPrefix(choice, ".") {
		return absolute(choice)
	}
	return choice, nil
}

// environment returns the variables of an entry. Those that say nothing here
// are without a value; with them is AKOS_WORKSPACE, whose place is in the
// arguments.
func environment(w *workspace.Workspace) ([]clientconfig.Variable, error) {
	env := []clientconfig.Variable{{Name: "AKOS_WORKSPACE"}}
	for _, name := range kept() {
		value, _ := w.LookupEnv(name)
		err := workspace.Refuse(value, "its value")
		switch xdg, _ := w.LookupEnv("XDG_DATA_HOME"); {
		case err != nil:
		case name == "AKOS_HOME" && (value != "" || xdg != ""):
			value = w.Home // clients drop what it comes from
		case value == "":
		case name == "AKOS_VAULT":
			_, err = workspace.ParseBackend(value)
		case name == "AKOS_VAULT_PASSPHRASE_FILE":
			value, err = absolute(value)
		case name == "AKOS_SERVER":
			_, err = workspace.Origin(value)
		}
		if err != nil {
			e := workspace.Explain(err)
			return nil, workspace.Errorf(e.Kind, "%s: %s", name, e.Msg).WithHint("unset %s", name)
		}
		env = append(env, clientconfig.Variable{Name: name, Value: value})
	}
	return env, nil
}

func absolute(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", workspace.Errorf(workspace.Invalid, "the current directory does not exist any more").WithHint("cd").Because(err)
	}
	return abs, nil
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
