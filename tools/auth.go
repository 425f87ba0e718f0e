package tools

import (
	"context"
	"io"

	"example.com/akos/workspace"
)

// AuthStatus is the result of auth status.
type AuthStatus struct{ workspace.AuthStatus }

// WriteText writes one line.
func (r AuthStatus) WriteText(w io.Writer) error {
	if !r.LoggedIn {
		return line(w, "Not logged in")
	}
	return line(w, "A token in %s is used; only its server knows whose it is", r.Store)
}

// Verdict returns a LoginNeeded error if nobody is logged in.
func (r AuthStatus) Verdict() error {
	if r.LoggedIn {
		return nil
	}
	return workspace.Errorf(workspace.LoginNeeded, "nobody is logged in")
}

func authStatus() *Tool {
	type in struct{}
	return define(spec[in, AuthStatus]{
		Name: "auth status", Short: "Show who is logged in", Effect: Reads, Idempotent: true,
		Long:    "As far as that is known on this machine: it asks no server. It shows no token.",
		Example: "# exit 4 if nobody is\nakos auth status",
		Run: func(ctx context.Context, s Session, _ in) (AuthStatus, error) {
			st, err := s.Workspace.AuthStatus(ctx)
			return AuthStatus{st}, err
		},
	})
}
