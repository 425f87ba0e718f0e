// Package wire opens a workspace on the real parts: the one place that names
// them all.
//
// It decides nothing. Its invariant: opening does no work; the state, the
// keychain and the project are reached when an operation asks for them.
package wire

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	_ "example.com/akos/internal/stack" // the stack of main, before anything runs
	"example.com/akos/workspace"
	"example.com/akos/workspace/entry"
	"example.com/akos/workspace/login"
	"example.com/akos/workspace/project"
	"example.com/akos/workspace/remote"
	"example.com/akos/workspace/state"
	"example.com/akos/workspace/vault"
)

// Open returns the workspace of this process, as actor ("cli" or "mcp"), and
// a function that closes it. choice is what --workspace says, or "". No values
// leave it: that is for commands (see package serve).
func Open(actor, choice string, log *slog.Logger) (*workspace.Workspace, func() error, error) {
	return OpenWith(nil, actor, choice, log)
}

// OpenWith is Open with a courier, which seals what leaves.
func OpenWith(courier workspace.Courier, actor, choice string, log *slog.Logger) (*workspace.Workspace, func() error, error) {
	private()
	quiet()
	if choice == "" {
		choice = os.Getenv("AKOS_WORKSPACE")
	}
	// Every message about a file would repeat either.
	if err := errors.Join(workspace.Refuse(choice, "a workspace"), workspace.Refuse(os.Getenv("AKOS_HOME"), "AKOS_HOME")); err != nil {
		return nil, nil, err
	}
	home, err := home()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, nil, workspace.Errorf(workspace.Invalid, "the current directory does not exist any more").WithHint("cd").Because(err)
	}
	db, server := state.New(home), remote.New(home, Version())
	desk, closeAll := newDesk(actor, log), db.Close
	if desk != nil {
		closeAll = func() error { return errors.Join(desk.Close(), db.Close()) }
	}
	user, _ := os.UserHomeDir() // without one no client's folder is below it
	opts := workspace.Options{
		Project:   &project.Finder{Choice: choice, Dir: dir, User: user, Home: home},
		Store:     db,
		Courier:   courier,
		Keys:      vault.New(vault.Options{Home: home, LookupEnv: os.LookupEnv}),
		Authority: login.New(login.Options{Log: log, Version: Version(), Dial: server.Dial}),
		Remote:    server,
		LookupEnv: os.LookupEnv,
		Now:       func() time.Time { return time.Now().UTC().Truncate(time.Millisecond) },
		Log:       log,
		Actor:     actor,
		Version:   Version(),
		Home:      home,
		Choice:    choice,
	}
	if desk != nil {
		opts.Desk = desk
	}
	return workspace.New(opts), closeAll, nil
}

// quiet silences the logger that a package of others may write to unasked:
// net/http puts there what a server sends that nobody asked for. What matters
// to us comes as an error, or is logged by a logger that was given.
func quiet() { slog.SetDefault(slog.New(slog.DiscardHandler)) }

// newDesk returns the pages on which a person enters values for an agent. Over
// SSH there are none: the browser of whoever sits there reaches another
// machine's loopback.
func newDesk(actor string, log *slog.Logger) *entry.Desk {
	for _, name := range []string{"SSH_CONNECTION", "SSH_TTY"} {
		if os.Getenv(name) != "" {
			return nil
		}
	}
	if actor != "mcp" {
		return nil // a person at a terminal is asked there
	}
	return entry.New(entry.Options{Log: log})
}

// home returns AKOS_HOME, by default a directory of the platform's for data.
func home() (string, error) {
	if dir := os.Getenv("AKOS_HOME"); dir != "" {
		return filepath.Abs(dir)
	}
	user, err := os.UserHomeDir()
	switch xdg := os.Getenv("XDG_DATA_HOME"); {
	case runtime.GOOS == "windows" && os.Getenv("LOCALAPPDATA") != "":
		return filepath.Join(os.Getenv("LOCALAPPDATA"), "akos"), nil
	case runtime.GOOS != "windows" && runtime.GOOS != "darwin" && filepath.IsAbs(xdg):
		return filepath.Join(xdg, "akos"), nil
	case err != nil:
		return "", workspace.Errorf(workspace.Invalid, "no home directory is known for this user").WithHint(`export AKOS_HOME="$PWD/.akos"`).Because(err)
	case runtime.GOOS == "darwin":
		return filepath.Join(user, "Library", "Application Support", "akos"), nil
	case runtime.GOOS == "windows":
		return filepath.Join(user, "AppData", "Local", "akos"), nil
	}
	return filepath.Join(user, ".local", "share", "akos"), nil
}

// version is set by the linker in a release: -X example.com/akos/internal/wire.version=1.2.3
var version string

// Version returns the version of this build.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "0.1.0-dev"
}
