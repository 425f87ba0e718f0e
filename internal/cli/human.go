package cli

import (
	"context"
	"os"
	"time"

	"example.com/akos/internal/terminal"
	"example.com/akos/tools"
	"example.com/akos/workspace"
)

// person returns the human of a command: whoever sits at the terminal, unless
// --no-input says that nobody does.
func (a *app) person() tools.Human {
	if a.noInput {
		return tools.NoHuman{}
	}
	return a.keyboard()
}

// A keyboard asks on the controlling terminal.
type keyboard struct{ dumb bool }

func (a *app) keyboard() keyboard {
	term, _ := a.LookupEnv("TERM")
	return keyboard{dumb: term == "" || term == "dumb"}
}

// Secret asks for a value, once and unseen.
func (k keyboard) Secret(ctx context.Context, ask tools.Ask) (workspace.Secret, error) {
	put := "akos vault put " + ask.Key
	if ask.Scope == workspace.ScopeTenant {
		put += " --scope tenant"
	}
	t, err := k.open(put + " --stdin")
	if err != nil {
		return workspace.Secret{}, err
	}
	defer t.Close()
	t.FileHint = put + " --from-file FILE"
	prompt := "Value of " + ask.Key
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
	f, err := os.Open(path)
	if err != nil {
		return workspace.Secret{}, workspace.Errorf(workspace.Invalid, "the file of --from-file can't be read").Because(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return workspace.Secret{}, workspace.Errorf(workspace.Invalid, "the file of --from-file can't be read").Because(err)
	}
	return workspace.ReadSecret(f)
}
