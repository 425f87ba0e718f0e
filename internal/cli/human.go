package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"example.com/akos/internal/terminal"
	"example.com/akos/tools"
	"example.com/akos/workspace"
)

// person returns the human of a command: whoever sits at the terminal, unless
// --no-input says that nobody does.
func (a *app) person() tools.Human {
	if a.noInput {
		return nobody{}
	}
	return a.keyboard()
}

// nobody is the human of a command that may not ask.
type nobody struct{ tools.NoHuman }

// Secret says which command needs nobody.
func (nobody) Secret(_ context.Context, ask tools.Ask) (workspace.Secret, error) {
	what, hint := "the value of "+ask.Key, ask.Command+" --stdin"
	if ask.Prompt != "" {
		what, hint = "the "+strings.ToLower(ask.Prompt[:1])+ask.Prompt[1:], ask.Command
	}
	return workspace.Secret{}, workspace.Errorf(workspace.HumanNeeded, "a person must enter %s, and --no-input says that there is nobody", what).WithHint("%s", hint)
}

// A keyboard asks on the controlling terminal.
type keyboard struct {
	*app
	dumb bool
}

func (a *app) keyboard() keyboard {
	term, _ := a.LookupEnv("TERM")
	return keyboard{app: a, dumb: term == "" || term == "dumb"}
}

// Secret asks for a value, once and unseen.
func (k keyboard) Secret(ctx context.Context, ask tools.Ask) (workspace.Secret, error) {
	hint, file := ask.Command+" --stdin", ask.Command+" --from-file FILE"
	prompt := "Value of " + ask.Key
	if ask.Prompt != "" {
		hint, file, prompt = ask.Command, "", ask.Prompt
	}
	t, err := k.open(hint)
	if err != nil {
		return workspace.Secret{}, err
	}
	defer t.Close()
	t.FileHint = file
	if ask.Provider != "" {
		prompt = ask.Provider + ": get the key at " + ask.DocsURL + "\n" + prompt
	}
	return t.Secret(ctx, prompt+" (unseen): ")
}

// Confirm asks a question to which the default answer is no.
func (k keyboard) Confirm(ctx context.Context, question string) error {
	t, err := k.open("")
	if err != nil {
		return err
	}
	defer t.Close()
	yes, err := t.Confirm(ctx, question)
	if err == nil && !yes {
		err = workspace.Errorf(workspace.Denied, "you said no; nothing was done")
	}
	return err
}

// open opens the terminal, or says which command needs none.
func (k keyboard) open(hint string) (*terminal.Terminal, error) {
	t, err := terminal.Open()
	if err != nil {
		e := workspace.Explain(err)
		return nil, &workspace.Error{Kind: e.Kind, Msg: e.Msg, Hint: hint, Err: err}
	}
	t.Dumb = k.dumb
	return t, nil
}

// A given human has brought the value along.
type given struct {
	tools.Human
	read  func() (workspace.Secret, error)
	piped bool // another program writes it
}

// settle is how long a signal may take to get here after another program of
// the pipeline was ended by it.
const settle = 10 * time.Millisecond

// Secret returns the value.
func (g given) Secret(ctx context.Context, _ tools.Ask) (workspace.Secret, error) {
	v, err := g.read()
	if !g.piped {
		return v, err
	}
	// Ctrl-C ends all of a pipeline, so what came in by then may be half of
	// the value.
	select {
	case <-ctx.Done():
		return workspace.Secret{}, ctx.Err()
	case <-time.After(settle):
	}
	return v, err
}

// fromFile reads the exact bytes of a file.
func fromFile(path string) (workspace.Secret, error) {
	if path == "" {
		return workspace.Secret{}, workspace.Errorf(workspace.Invalid, "--from-file needs a value")
	}
	f, err := os.Open(path)
	if err != nil {
		return workspace.Secret{}, workspace.Errorf(workspace.Invalid, "%s can't be read: %s", path, reason(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return workspace.Secret{}, workspace.Errorf(workspace.Invalid, "%s can't be read: %s", path, reason(err))
	}
	return workspace.ReadSecret(f)
}

// reason says why a file can't be read, without its name.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "you may not read it"
	}
	return "it is no file"
}
