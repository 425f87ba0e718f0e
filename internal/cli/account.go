package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"example.com/akos/internal/terminal"
	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/spf13/cobra"
)

// withPassword adds the source of a password to a command that asks for one.
func (a *app) withPassword(t *tools.Tool) *cobra.Command {
	cmd := a.command(t)
	var stdin bool
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from the standard input; its line end is not part of it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in, err := input(cmd, t, args)
		if err != nil {
			return err
		}
		human := a.person()
		if stdin && !terminal.Is(a.In) { // typed there, it would be seen
			human = &once{given: given{Human: human, piped: true, read: func() (workspace.Secret, error) {
				v, err := workspace.ReadSecret(a.In)
				return workspace.TrimLineEnd(v), err
			}}}
		}
		return a.call(cmd.Context(), t, human, in)
	}
	return cmd
}

// once reads what was brought along one time, and gives it each time it is
// asked for: a password from another program needs no second try.
type once struct {
	given
	done  bool
	value workspace.Secret
	err   error
}

func (o *once) Secret(ctx context.Context, ask tools.Ask) (workspace.Secret, error) {
	if !o.done {
		o.value, o.err = o.given.Secret(ctx, ask)
		o.done = true
	}
	return o.value, o.err
}

// tokenCreate adds where the token goes: the terminal, or a file.
func (a *app) tokenCreate(t *tools.Tool) *cobra.Command {
	cmd := a.command(t)
	var out string
	cmd.Flags().StringVar(&out, "out", "", "write the token to this new `FILE`, which only you can read")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flag("name").Value.String() == "" {
			return usage("--name is missing", cmd)
		}
		in, err := input(cmd, t, args)
		if err != nil {
			return err
		}
		to := &handover{path: out, dumb: a.keyboard().dumb}
		if err := to.open(a.noInput); err != nil {
			return err
		}
		a.handover = to
		err = a.call(cmd.Context(), t, a.person(), in)
		return to.close(err)
	}
	return cmd
}

// A handover writes a token to where the person wants it: never to the
// standard output, which is what scripts keep and agents read.
type handover struct {
	path string
	dumb bool
	file *os.File
	tty  *terminal.Terminal
	done bool // the token was written
}

func (h *handover) open(noInput bool) (err error) {
	switch {
	case h.path != "":
		if err := workspace.Refuse(h.path, "the name of a file"); err != nil {
			return err
		}
		h.file, err = os.OpenFile(h.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		switch {
		case errors.Is(err, fs.ErrExist):
			return workspace.Errorf(workspace.Conflict, "%s exists already", h.path).WithHint("rm %s", workspace.ShellQuote(h.path))
		case err != nil:
			return workspace.Errorf(workspace.Invalid, "%s can't be written", h.path).Because(err)
		}
		return nil
	case noInput:
		err = workspace.Errorf(workspace.HumanNeeded, "a token is shown on a terminal, or written to a file")
	default:
		h.tty, err = terminal.Open()
	}
	if err != nil {
		return workspace.Errorf(workspace.HumanNeeded, "a token is shown on a terminal, or written to a file").WithHint("akos token create --name ci --out ci.token")
	}
	return nil
}

func (h *handover) Write(token []byte) (int, error) {
	h.done = true
	if h.tty != nil {
		return len(token), h.tty.Show("The token, which is shown this once:\n\n  ", token, "\n\nGive it to the machine as AGENTSKIT_TOKEN.\n")
	}
	line := append(token[:len(token):len(token)], '\n')
	defer clear(line)
	_, err := h.file.Write(line)
	if err == nil {
		err = h.file.Sync()
	}
	return len(token), err
}

// close leaves no file for a token that was not made.
func (h *handover) close(err error) error {
	if h.tty != nil {
		return errors.Join(err, h.tty.Close())
	}
	err = errors.Join(err, h.file.Close())
	if err != nil || !h.done {
		_ = os.Remove(filepath.Clean(h.path)) // the error that matters is err
	}
	return err
}

var _ io.Writer = (*handover)(nil)
