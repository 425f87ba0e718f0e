// Package serve opens a workspace for commands, and runs the sidecar, on the
// real parts. It is apart from package wire so that akos-mcp, which every editor
// window starts, does not carry what only commands need.
//
// It decides nothing. Its invariant: where logins are an external identity
// provider's, there is no account, page or token of ours.
package serve

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"example.com/akos/internal/wire"
	"example.com/akos/workspace"
	"example.com/akos/workspace/agefile"
	"example.com/akos/workspace/authserver"
	"example.com/akos/workspace/sidecar"
)

// Open is wire.Open for commands: what leaves the vault is sealed to a
// recipient.
func Open(actor, choice string, log *slog.Logger) (*workspace.Workspace, func() error, error) {
	return wire.OpenWith(agefile.Courier{}, actor, choice, log)
}

// Run runs the sidecar of this home until ctx ends. From then on a signal ends
// the process at once.
func Run(ctx context.Context, o workspace.ServeOptions, log *slog.Logger) (err error) {
	ending := ctx
	ctx, end := context.WithCancel(context.WithoutCancel(ending))
	defer end()
	// Only then is it told to end: who reads in the log that it does may send
	// the second signal.
	defer context.AfterFunc(ending, func() {
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		end()
	})()
	w, closeAll, err := wire.Open("server", o.Workspace, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	opts := sidecar.Options{ServeOptions: o, Home: w.Home, Parts: w.Options, Log: log}
	if o.Issuer != "" {
		return serveFor(ctx, opts)
	}
	var login *authserver.Server
	opts.Login = func(public string, hosts []string) (http.Handler, sidecar.Verifier, error) {
		login = authserver.New(authserver.Options{
			Store: w.Store, Issuer: public, Hosts: hosts, Resources: append([]string{public, "http://127.0.0.1:7718/mcp"}, o.Resources...),
			// Hashing takes tens of megabytes for a moment, which an idle process
			// would keep for minutes.
			CheckPassword: func(ctx context.Context, user string, password workspace.Secret) error {
				defer debug.FreeOSMemory()
				return w.SignIn(ctx, user, password)
			},
			SetUp: func(ctx context.Context, user string, password workspace.Secret) error {
				defer debug.FreeOSMemory()
				_, err := w.AddUser(ctx, workspace.AddUserRequest{User: user, First: true}, password)
				return err
			},
			TrustProxy: o.BehindProxy, Now: w.Now, Log: log,
		})
		return login.Handler(), verifier{w, login, public}, nil
	}
	opts.Setup = func(public string) (string, error) {
		path, needed, err := login.SetupPath()
		if err != nil || !needed {
			return "", err
		}
		return public + path, nil
	}
	return sidecar.Serve(ctx, opts)
}

// serveFor runs the sidecar as a resource server of an external identity
// provider.
func serveFor(ctx context.Context, o sidecar.Options) error {
	// Before anything is listened on.
	if _, err := wire.Verifier(o.ServeOptions, o.PublicURL); err != nil {
		return err
	}
	o.Login = func(public string, _ []string) (http.Handler, sidecar.Verifier, error) {
		v, err := wire.Verifier(o.ServeOptions, public)
		if err != nil {
			return nil, nil, err
		}
		return v.Metadata(public), v, nil
	}
	o.Setup = func(string) (string, error) { return "", nil } // whoever can log in there has an account
	return sidecar.Serve(ctx, o)
}

// A verifier has the authorization server of this process say whose a token
// is.
type verifier struct {
	w        *workspace.Workspace
	login    *authserver.Server
	audience string
}

func (v verifier) Verify(ctx context.Context, token string) (workspace.Identity, error) {
	t, err := v.login.Check(ctx, token, v.audience)
	if err != nil {
		return workspace.Identity{}, err
	}
	var tenants []string
	err = v.w.Store.Read(ctx, func(tx workspace.Tx) (err error) { tenants, err = workspace.TenantsOf(tx, t.User); return err })
	return t.Identity(tenants), err
}
