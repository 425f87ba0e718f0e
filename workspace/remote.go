package workspace

import (
	"context"
	"errors"
	"slices"

	"example.com/akos/workspace/internal/secret"
)

// A Remote speaks to workspace servers. Its errors are of these kinds:
// Unavailable (nothing answers there), LoginNeeded (the token is not taken),
// Denied (the token does not allow it), Invalid (an address that is none), and
// whatever the server says of the request itself.
type Remote interface {
	// Local returns the origin of the sidecar that runs on this home, if one
	// does. It asks no network but looks whether the process lives.
	Local(ctx context.Context) (origin string, ok bool)
	// Ready returns nil if server answers and can do its work.
	Ready(ctx context.Context, server string) error
	// Whoami asks server whose token it is.
	Whoami(ctx context.Context, server string, token Secret) (Identity, error)
	// Secrets returns the secrets of a server.
	Secrets(server string, token Secret, workspace string) RemoteSecrets
}

// RemoteSecrets are the secrets of one workspace at one server, as the holder
// of one token sees them.
type RemoteSecrets interface {
	List(ctx context.Context, scope Scope) ([]StoredKey, error)
	// Put stores value. Of a server that is not this home's own, Owner, Notice
	// and Version are empty.
	Put(ctx context.Context, key string, scope Scope, value Secret) (Stored, error)
	Remove(ctx context.Context, key string, scope Scope) (Removed, error)
}

// remoteSecrets returns the secrets of this workspace at its server.
func (w *Workspace) remoteSecrets(ctx context.Context) (RemoteSecrets, error) {
	site, server, token, err := w.atServer(ctx)
	if err != nil {
		return nil, err
	}
	return w.Remote.Secrets(server, token, site.ID), nil
}

// atServer returns the server of this workspace and what opens it. The sidecar
// of this home needs no token from this user: without a session it is reached
// where only this user can reach it. One that has ended is none of that: its
// tenant is another, and so are the secrets.
func (w *Workspace) atServer(ctx context.Context) (site Site, server string, token Secret, err error) {
	if site, err = w.trusted(ctx); err != nil {
		return site, "", token, err
	}
	if server, err = w.server(ctx, site, ""); err != nil {
		return site, "", token, err
	}
	token, _, err = w.bearer(ctx, server)
	if errors.Is(err, errNoSession) {
		switch local, running := w.Remote.Local(ctx); {
		case running && local == server:
			token, err = Secret{}, nil
		case !running && server == DefaultServer && w.named(site) == "": // one that is named may be another home's
			err = Errorf(Unavailable, "no sidecar runs here").WithHint("akos serve")
		default: // who logs in needs a server, and so does this
			if e := w.Remote.Ready(ctx, server); Explain(e).Kind == Unavailable {
				err = e
			}
		}
	}
	return site, server, token, err
}

// SendSecret stores a value through the workspace server.
func (w *Workspace) SendSecret(ctx context.Context, key string, scope Scope, value Secret) (Stored, error) {
	if err := CheckKey(key); err != nil {
		return Stored{}, err
	}
	if err := checkValue(value); err != nil {
		return Stored{}, err
	}
	site, server, token, err := w.atServer(ctx)
	if err != nil {
		return Stored{}, err
	}
	// Whose the key is, is asked before the server has the value: nothing that
	// it says afterwards is shown.
	owner := site.ID
	if scope == ScopeTenant && !secret.Empty(token) {
		id, err := w.Remote.Whoami(ctx, server, token)
		if err != nil {
			return Stored{}, w.ofToken(err)
		}
		owner = id.TenantID
	}
	stored, err := w.Remote.Secrets(server, token, site.ID).Put(ctx, key, scope, value)
	err = w.ofToken(err)
	if err == nil && stored.Owner == "" {
		stored.Owner = owner
	}
	return stored, err
}

// CheckSend returns the error that SendSecret would return whatever the value
// is, as far as it can be told before: so that nobody is asked for nothing. It
// asks for no more than whose token it is: one that may write need not read.
func (w *Workspace) CheckSend(ctx context.Context, key string, scope Scope) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	site, server, token, err := w.atServer(ctx)
	if err != nil {
		return err
	}
	if secret.Empty(token) { // this user, who may do everything, and is nobody there
		_, err := w.Remote.Secrets(server, token, site.ID).List(ctx, scope)
		return err
	}
	id, err := w.Remote.Whoami(ctx, server, token)
	err = w.ofToken(err)
	if err == nil && !slices.Contains(id.Scopes, "write") && !slices.Contains(id.Scopes, "cli") {
		err = Errorf(Denied, "the token does not have the scope write")
	}
	return err
}

// RemoteList returns the keys at the workspace server.
func (w *Workspace) RemoteList(ctx context.Context, scope Scope) ([]StoredKey, error) {
	r, err := w.remoteSecrets(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := r.List(ctx, scope)
	return keys, w.ofToken(err)
}

// RemoteRemove forgets a key at the workspace server.
func (w *Workspace) RemoteRemove(ctx context.Context, key string, scope Scope) (Removed, error) {
	if err := CheckKey(key); err != nil {
		return Removed{}, err
	}
	r, err := w.remoteSecrets(ctx)
	if err != nil {
		return Removed{}, err
	}
	removed, err := r.Remove(ctx, key, scope)
	if e := Explain(err); e.Kind == NotFound {
		err = e.WithHint("akos secrets list") // the server says where it would look itself
	}
	return removed, w.ofToken(err)
}
