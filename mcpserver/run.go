package mcpserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"example.com/akos/internal/commandline"
	"example.com/akos/workspace"
	"github.com/spf13/pflag"
)

// A System is what the server may use of the process it runs in.
type System struct {
	In       io.Reader
	Out, Err io.Writer
	Args     []string // without the name of the program
	// Open opens the workspace that choice names, and returns what closes it.
	Open    func(actor, choice string, log *slog.Logger) (*workspace.Workspace, func() error, error)
	Version string
	// Verifier returns what checks the tokens of an issuer, for HTTP.
	Verifier func(o workspace.ServeOptions, audience string) (Verifier, error)
	// Exit ends the process at once; a second signal calls it.
	Exit func(code int)
}

const usage = `akos-mcp serves the credentials of a workspace to MCP clients, over stdio or
streamable HTTP.
No tool takes or returns a secret value.

Usage: akos-mcp [flags]

`

// Run runs the command line of sys and returns its exit code, which is one of
// those of akos.
func Run(sys System) int {
	flags := pflag.NewFlagSet("akos-mcp", pflag.ContinueOnError)
	flags.SetOutput(io.Discard) // its messages quote the arguments
	flags.Usage = func() {}
	choice := flags.String("workspace", "", "workspace `DIR|ID` to work in (AKOS_WORKSPACE)")
	var opts Options
	flags.BoolVar(&opts.ReadOnly, "read-only", false, "offer only the tools that change nothing")
	flags.StringSliceVar(&opts.Tools, "tools", nil, "offer only these tools")
	flags.StringSliceVar(&opts.Exclude, "exclude-tools", nil, "do not offer these tools")
	noPages := flags.Bool("no-entry-page", false, "serve no page to enter a value on: no browser reaches this machine")
	var web HTTPOptions
	httpOnly := pflag.NewFlagSet("http", pflag.ContinueOnError)
	httpFlags(httpOnly, &web)
	flags.AddFlagSet(httpOnly)
	format := flags.String("log-format", "text", "text or json, on the standard error")
	verbose := flags.Bool("verbose", false, "log every call")
	version := flags.Bool("version", false, "print the version")
	err := flags.Parse(sys.Args)
	wrong := ""
	switch {
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprint(sys.Out, usage, flags.FlagUsages())
		return 0
	case flags.Changed("tools") && len(opts.Tools) == 0 || flags.Changed("exclude-tools") && len(opts.Exclude) == 0:
		// An unset variable of a script must not offer everything.
		wrong = "--tools and --exclude-tools need the names of tools"
	case err != nil:
		wrong = commandline.WrongFlag(err)
	case flags.NArg() > 0:
		wrong = "it takes no arguments"
	case *format != "text" && *format != "json":
		wrong = "--log-format is text or json"
	case *version:
		fmt.Fprintln(sys.Out, "akos-mcp", sys.Version)
		return 0
	}
	opts.HTTP = flags.Changed("http")
	httpOnly.VisitAll(func(f *pflag.Flag) {
		if wrong == "" && f.Changed && !opts.HTTP {
			wrong = "--" + f.Name + " is of --http, which is missing"
		}
	})
	if wrong != "" {
		return sys.fail(workspace.Errorf(workspace.Invalid, "%s", wrong).WithHint("akos-mcp --help"))
	}
	opts.Log = logger(sys.Err, *format, *verbose)
	if err := serve(sys, *choice, *noPages, opts, web); err != nil {
		return sys.fail(err)
	}
	return 0
}

// fail reports err and returns its exit code.
func (sys System) fail(err error) int {
	e := workspace.Explain(err)
	fmt.Fprintf(sys.Err, "akos-mcp: %s\n", e.Msg)
	if e.Hint != "" {
		fmt.Fprintf(sys.Err, "hint: %s\n", e.Hint)
	}
	return int(commandline.Of(e.Kind))
}

func logger(w io.Writer, format string, verbose bool) *slog.Logger {
	level := &slog.HandlerOptions{Level: slog.LevelWarn}
	if verbose {
		level.Level = slog.LevelDebug
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, level))
	}
	return slog.New(slog.NewTextHandler(w, level))
}

func serve(sys System, choice string, noPages bool, opts Options, web HTTPOptions) error {
	if opts.HTTP {
		if err := web.check(choice); err != nil {
			return err
		}
	}
	w, closeAll, err := sys.Open("mcp", choice, opts.Log)
	if err != nil {
		return err
	}
	defer closeAll()
	opts.Workspace = w
	if noPages || opts.HTTP && !web.OnLoopback() { // no browser of theirs reaches our loopback
		w.Desk = nil
	}
	s, err := New(opts)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // a client that closed a pipe is an error of a write
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		<-signals
		sys.Exit(int(commandline.Canceled))
	}()
	if opts.HTTP {
		return serveHTTP(ctx, sys, s, web, choice)
	}
	return s.ServeStdio(ctx, sys.In, sys.Out)
}
