// Package cli is the command-line face: operations become commands, text and
// exit codes.
//
// It knows no part and no protocol, and opens no value: what is typed or piped
// goes into a secret at once. Its invariant: results go to the standard output,
// all else to the standard error, questions to the terminal, and no message
// repeats an argument that could be a value.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/akos/internal/commandline"
	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/spf13/cobra"
)

// A System is what a command may use of the process it runs in.
type System struct {
	In       io.Reader
	Out, Err io.Writer
	Args     []string // without the name of the program
	// Open opens the workspace that choice names, and returns what closes it.
	Open func(actor, choice string, log *slog.Logger) (*workspace.Workspace, func() error, error)
	// Serve runs the sidecar until ctx ends.
	Serve func(ctx context.Context, opts workspace.ServeOptions, log *slog.Logger) error
	// LookupEnv and Executable are those of package os.
	LookupEnv  func(string) (string, bool)
	Executable func() (string, error)
}

// briefly is how long a command that was interrupted may take to end by
// itself.
const briefly = 250 * time.Millisecond

// Run runs the command line of sys and returns its exit code.
func Run(sys System) int {
	ends := []os.Signal{syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		ends = append(ends, syscall.SIGHUP)
	}
	ended, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	ctx, stop := signal.NotifyContext(ended, os.Interrupt)
	defer stop()
	a := &app{System: sys, asJSON: slices.Contains(sys.Args, "--json"), settled: func() {}}
	a.interrupted = func() bool { return ctx.Err() != nil && ended.Err() == nil }
	a.grace.Store(int64(briefly))
	result := make(chan error, 1)
	go func() { result <- a.execute(ctx) }()
	var err error
	select {
	case err = <-result:
	case <-ctx.Done():
		// What can't be interrupted, such as a read of the standard input, is
		// left behind: the state is never half written.
		select {
		case err = <-result:
		case <-time.After(time.Duration(a.grace.Load())):
			err = ctx.Err()
		}
	}
	return int(a.exit(err))
}

// An app is one run of the command line.
type app struct {
	System
	asJSON bool

	workspace string // --workspace
	noInput   bool
	version   bool
	verbose   bool
	logFormat string // of serve: "json", or else text
	noBrowser bool
	handover  io.Writer
	grace     atomic.Int64 // nanoseconds to end by itself, once interrupted
	settled   func()       // takes away what shows that akos waits
	// interrupted reports whether it is Ctrl-C that ends the command.
	interrupted func() bool
	log         *slog.Logger
	held        []string // notes of a command with --json, until it has succeeded
	ran         bool     // a command was found and its arguments were right
	noHelp      error    // why no help was shown
}

func (a *app) execute(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %T", r) // its text could hold anything
		}
	}()
	root := a.root()
	root.SetArgs(a.Args)
	if !a.completes() {
		_, err = fmt.Fprintf(a.Out, ":%d\n", cobra.ShellCompDirectiveError)
		return err
	}
	if err = root.ExecuteContext(ctx); err == nil {
		err = a.noHelp
	}
	if e := (*workspace.Error)(nil); err != nil && !a.ran && !errors.As(err, &e) {
		// cobra's own errors quote the arguments.
		err = usage("wrong usage", root)
	}
	return err
}

// logger returns what writes what is of that level and above to the standard
// error, in the format that the command was told.
func (a *app) logger(level slog.Level) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if a.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.Err, opts))
	}
	return slog.New(slog.NewTextHandler(a.Err, opts))
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "akos",
		Short: "Credentials that agents use and never see",
		Long: "akos keeps credentials where agents and IDE assistants can use them and never see them.\n" +
			"No command, flag or error prints a secret value; there is no reveal command.",
		SilenceErrors: true, SilenceUsage: true,
		Args: a.noSuchCommand, SuggestionsMinimumDistance: 2,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			level := slog.LevelError + 1 // nothing
			if a.verbose {
				level = slog.LevelDebug
			}
			a.log = a.logger(level)
			a.ran = true
			return nil
		},
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpFunc(a.helpFunc(root.HelpFunc()))
	p := root.PersistentFlags()
	p.StringVar(&a.workspace, "workspace", "", "workspace `DIR|ID` to work in (AKOS_WORKSPACE)")
	p.BoolVar(&a.asJSON, "json", a.asJSON, "write the result as JSON")
	p.BoolVar(&a.noInput, "no-input", false, "never ask; exit 9 where a person is needed")
	p.BoolVar(&a.verbose, "verbose", false, "log to the standard error")
	p.Bool("no-color", false, "no colour (NO_COLOR); akos uses none")
	p.BoolVar(&a.version, "version", false, "print the version")
	root.RunE = a.showHelp
	for _, t := range tools.Catalog() {
		a.add(root, t)
	}
	a.group(root, "mcp").AddCommand(a.mcpConfig())
	root.AddCommand(a.serve())
	root.AddCommand(&cobra.Command{Use: "exit-codes", Short: "The exit codes", Long: commandline.Codes()},
		&cobra.Command{Use: "environment", Short: "The environment variables", Long: environmentHelp})
	root.SetHelpCommand(a.help())
	// cobra's own, but with our errors: its quote the arguments, or are none.
	root.InitDefaultCompletionCmd()
	shells := a.group(root, "completion")
	shells.Args, shells.RunE = a.noSuchCommand, a.showHelp
	for _, shell := range shells.Commands() {
		shell.Args = arguments(0, 0)
	}
	if slices.Contains(a.Args, "--version") { // to make them all ready for it costs time
		a.telling(root)
	}
	return root
}

// telling has cmd, and all below it, print the version where that is asked
// for: then nothing else is done, and no argument is missed.
func (a *app) telling(cmd *cobra.Command) {
	args, run := cmd.Args, cmd.RunE
	if run != nil {
		cmd.Args = func(cmd *cobra.Command, words []string) error {
			if a.version || args == nil {
				return nil
			}
			return args(cmd, words)
		}
		cmd.RunE = func(cmd *cobra.Command, words []string) error {
			if a.version {
				t, _ := tools.Lookup("workspace_version")
				return a.call(cmd.Context(), t, tools.NoHuman{}, struct{}{})
			}
			return run(cmd, words)
		}
	}
	for _, sub := range cmd.Commands() {
		a.telling(sub)
	}
}

// groups are the commands that only hold others.
var groups = map[string]string{
	"auth":        "Log in to a workspace",
	"tenant":      "Choose the tenant to work in",
	"secrets":     "Store secrets through the sidecar",
	"user":        "Manage accounts of the sidecar",
	"token":       "Manage tokens for non-interactive use",
	"creds":       "Check and set provider credentials",
	"vault":       "Store secrets of the workspace",
	"connections": "Connect integrations by vault key",
	"mcp":         "Set up akos-mcp in an MCP client",
}

// group returns the command called name below root.
func (a *app) group(root *cobra.Command, name string) *cobra.Command {
	for _, c := range root.Commands() {
		if c.Name() == name {
			return c
		}
	}
	g := &cobra.Command{
		Use: name, Short: groups[name], Args: a.noSuchCommand, RunE: a.showHelp, SuggestionsMinimumDistance: 2,
	}
	root.AddCommand(g)
	return g
}

// add adds the command of t.
func (a *app) add(root *cobra.Command, t *tools.Tool) {
	parent := root
	words := strings.Fields(t.Command)
	if len(words) == 2 {
		parent = a.group(root, words[0])
		if !a.names(words[0]) {
			return // the group is enough to be listed
		}
	}
	own, ok := a.ownCommands()[t.ID()]
	if !ok {
		own = a.command
	}
	parent.AddCommand(own(t))
}

// names reports whether the command line can be about the group called name.
// The commands of the others are not even made: to make all of them costs more
// than most of them do.
func (a *app) names(name string) bool {
	return slices.ContainsFunc(a.Args, func(s string) bool {
		return s == name || s == "help" || s == "completion" || s == cobra.ShellCompRequestCmd || s == cobra.ShellCompNoDescRequestCmd
	})
}

// ownCommands are the commands with a shape of their own.
func (a *app) ownCommands() map[string]func(*tools.Tool) *cobra.Command {
	return map[string]func(*tools.Tool) *cobra.Command{
		"auth_login":        a.authLogin,
		"vault_put":         a.storing,
		"secrets_set":       a.storing,
		"user_add":          a.withPassword,
		"user_passwd":       a.withPassword,
		"token_create":      a.tokenCreate,
		"creds_set":         a.credsSet,
		"vault_export":      a.vaultExport,
		"connection_create": a.connectionCreate,
		"workspace_trust":   a.trust,
	}
}

// call runs t and writes its result.
func (a *app) call(ctx context.Context, t *tools.Tool, human tools.Human, in any) error {
	w, closeAll, err := a.Open("cli", a.workspace, a.log)
	if err != nil {
		return err
	}
	defer closeAll()
	return a.callOn(ctx, w, t, human, in)
}

func (a *app) callOn(ctx context.Context, w *workspace.Workspace, t *tools.Tool, human tools.Human, in any) error {
	if w.TokensDiffer() {
		a.warn("AGENTSKIT_TOKEN and AKOS_TOKEN are both set and differ; AGENTSKIT_TOKEN wins")
	}
	args, err := json.Marshal(in)
	if err != nil {
		return err
	}
	res, err := t.Call(ctx, tools.Session{Workspace: w, Human: human, Handover: a.handover}, args)
	a.settled()
	if err != nil {
		return err
	}
	if err := a.show(res); err != nil {
		return workspace.Errorf(workspace.Internal, "it is done, but the result can't be written").Because(err)
	}
	if n, ok := res.(interface{ Notes() []string }); ok && !a.asJSON {
		for _, text := range n.Notes() {
			a.warn(text)
		}
	}
	if v, ok := res.(interface{ Verdict() error }); ok {
		return v.Verdict()
	}
	return nil
}

// warn tells the person something beside the result. With --json it waits,
// because an error is then all that there is on the standard error.
func (a *app) warn(text string) {
	if a.asJSON {
		a.held = append(a.held, text)
		return
	}
	fmt.Fprintf(a.Err, "akos: note: %s\n", oneLine(text))
}

// exit reports err and returns its code.
func (a *app) exit(err error) commandline.Code {
	if err == nil {
		for _, text := range a.held {
			fmt.Fprintf(a.Err, "akos: note: %s\n", oneLine(text))
		}
		return commandline.Done
	}
	e := workspace.Explain(err)
	if a.log != nil {
		a.log.Debug("failed", "kind", e.Kind.String(), "err", err)
	}
	if known := (*workspace.Error)(nil); e.Kind == workspace.Internal && !errors.As(err, &known) {
		e.Hint = "akos doctor"
	}
	e.Hint = workspace.InWorkspace(e.Hint, a.workspace)
	if a.asJSON {
		type shown struct {
			Kind    string `json:"kind"`
			Message string `json:"message"`
			Hint    string `json:"hint,omitempty"`
		}
		b, _ := json.Marshal(map[string]shown{"error": {e.Kind.String(), e.Msg, e.Hint}}) // strings always encode
		fmt.Fprintf(a.Err, "%s\n", b)
		return commandline.Of(e.Kind)
	}
	fmt.Fprintf(a.Err, "akos: %s\n", oneLine(e.Msg))
	if e.Hint != "" {
		fmt.Fprintf(a.Err, "hint: %s\n", oneLine(e.Hint))
	}
	return commandline.Of(e.Kind)
}
