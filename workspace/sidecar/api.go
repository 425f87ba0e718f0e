package sidecar

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"example.com/akos/internal/crowd"
	"example.com/akos/internal/turns"
	"example.com/akos/workspace"
)

// A Verifier says whose a bearer token is. A token that is not good is a
// LoginNeeded error.
type Verifier interface {
	Verify(ctx context.Context, token string) (workspace.Identity, error)
}

// An API serves identities and secrets:
//
//	GET    /api/v1/whoami                               Identity
//	GET    /api/v1/secrets?workspace=ID&scope=S         {"keys": [StoredKey]}
//	PUT    /api/v1/secrets/KEY?workspace=ID&scope=S     the value as the body; Stored
//	DELETE /api/v1/secrets/KEY?workspace=ID&scope=S     Removed
//
// No answer holds a value. An error is {"error":{"kind","message","hint"}}.
// Whoami takes any token that is good; the rest take a scope.
//
// There is no CORS, and whatever Host a request names is answered. DNS
// rebinding makes a page of another site one of ours, but it has no token: a
// browser sends none by itself, as it would a cookie, and none opens the
// socket. The pages, which have cookies, check the Host.
type API struct {
	parts    workspace.Options
	verifier Verifier
	resource string        // origin, for the metadata that a refusal names
	large    *turns.Places // a place for each large value that is in memory
}

// A caller is who asks, and what they may.
type caller struct {
	workspace.Identity
	local bool // this user, over the socket and without a token
}

// may reports whether c has one of the scopes.
func (c caller) may(scope string) bool { return c.local || c.May(scope) }

// owner is whose share of the places a request takes: that of another user, or
// of the same one in another tenant, is somebody else's, and so is that of the
// socket. No tenant has a zero byte in its name.
func (c caller) owner() string { return c.TenantID + "\x00" + c.UserID }

type localKey struct{}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	c, err := a.caller(r)
	var answer any
	if err == nil {
		defer crowd.Keep(r.Context(), c.owner())()
		answer, err = a.answer(c, w, r)
	}
	if err != nil {
		a.fail(w, r, c, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the client has gone
}

func (a *API) caller(r *http.Request) (caller, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Bearer") && token != "":
		id, err := a.verifier.Verify(r.Context(), strings.TrimSpace(token))
		return caller{Identity: id}, err
	case r.Header.Get("Authorization") == "" && r.Context().Value(localKey{}) != nil:
		return caller{local: true}, nil
	}
	return caller{}, workspace.Errorf(workspace.LoginNeeded, "a bearer token is needed").WithHint("akos auth login")
}

func (a *API) answer(c caller, w http.ResponseWriter, r *http.Request) (any, error) {
	path, isSecret := strings.CutPrefix(r.URL.Path, "/api/v1/secrets")
	key, hasKey := strings.CutPrefix(path, "/")
	switch {
	case r.URL.Path == "/api/v1/whoami" && r.Method == http.MethodGet:
		if c.local {
			return nil, workspace.Errorf(workspace.LoginNeeded, "a bearer token is needed").WithHint("akos auth login")
		}
		return c.Identity, nil
	case isSecret && path == "" && r.Method == http.MethodGet:
		return a.list(c, r)
	case isSecret && hasKey && r.Method == http.MethodPut:
		return a.put(c, w, r, key)
	case isSecret && hasKey && r.Method == http.MethodDelete:
		return a.remove(c, r, key)
	}
	return nil, workspace.Errorf(workspace.NotFound, "there is no such resource")
}

func (a *API) list(c caller, r *http.Request) (any, error) {
	w, scope, err := a.at(c, r, "read")
	if err != nil {
		return nil, err
	}
	keys, err := w.List(r.Context(), scope)
	return map[string]any{"keys": keys}, ofVault(err)
}

func (a *API) put(c caller, rw http.ResponseWriter, r *http.Request, key string) (any, error) {
	w, scope, err := a.at(c, r, "write")
	if err != nil {
		return nil, err
	}
	if r.Header.Get("Content-Type") != "application/octet-stream" {
		return nil, workspace.Errorf(workspace.Invalid, "a value is sent as application/octet-stream")
	}
	if r.ContentLength > workspace.MaxValue {
		return nil, workspace.Errorf(workspace.Invalid, "the value is over 1 MiB: nothing was stored")
	}
	body := &turn{of: a.large, owner: c.owner(), w: rw, r: r}
	defer body.end()
	v, err := workspace.ReadSecret(body)
	if body.err != nil {
		err = body.err
	}
	if err != nil {
		return nil, err
	}
	stored, err := w.Put(r.Context(), workspace.PutRequest{Key: key, Scope: scope, Value: v})
	if stored.Notice != "" && !c.local {
		// It is for whoever runs this server.
		a.parts.Log.InfoContext(r.Context(), "a value was stored", "notice", stored.Notice)
		stored.Notice = ""
	}
	return stored, ofVault(err)
}

func (a *API) remove(c caller, r *http.Request, key string) (any, error) {
	w, scope, err := a.at(c, r, "admin")
	if err != nil {
		return nil, err
	}
	if scope == "" {
		scope = workspace.ScopeWorkspace
	}
	removed, err := w.Remove(r.Context(), key, scope, false)
	return removed, ofVault(err)
}

// A vaultError is one of the vault here, and not of the request: its text
// tells of this machine, such as a path.
type vaultError struct{ error }

func (e vaultError) Unwrap() error { return e.error }

// ofVault marks err unless it is of the request.
func ofVault(err error) error {
	if err == nil {
		return nil
	}
	switch workspace.Explain(err).Kind {
	case workspace.Invalid, workspace.NotFound, workspace.Conflict, workspace.Canceled:
		return err
	}
	return vaultError{err}
}

// at returns the workspace that a request is about, as its caller sees it.
func (a *API) at(c caller, r *http.Request, scope string) (*workspace.Workspace, workspace.Scope, error) {
	if !c.may(scope) {
		return nil, "", workspace.Errorf(workspace.Denied, "the token does not have the scope %s", scope)
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, "", workspace.Errorf(workspace.Invalid, "the query can't be read")
	}
	id := q.Get("workspace")
	if id == "" {
		id = "default"
	}
	var of workspace.Scope
	if s := q.Get("scope"); s != "" {
		if of, err = workspace.ParseScope(s); err != nil {
			return nil, "", err
		}
	}
	parts := a.parts
	parts.Actor = "server"
	var who *workspace.Identity
	if !c.local {
		who = &c.Identity
	}
	w, err := parts.Served(id, who)
	return w, of, err
}

// statuses map a kind of error to a status of HTTP: the one place that does.
var statuses = map[workspace.Kind]int{
	workspace.Invalid:            http.StatusBadRequest,
	workspace.NotFound:           http.StatusNotFound,
	workspace.LoginNeeded:        http.StatusUnauthorized,
	workspace.Denied:             http.StatusForbidden,
	workspace.Conflict:           http.StatusConflict,
	workspace.CredentialsMissing: http.StatusFailedDependency,
	workspace.Unavailable:        http.StatusServiceUnavailable,
	workspace.HumanNeeded:        http.StatusServiceUnavailable,
	workspace.Canceled:           http.StatusServiceUnavailable,
}

func (a *API) fail(w http.ResponseWriter, r *http.Request, c caller, err error) {
	e := workspace.Explain(err)
	if v := (vaultError{}); errors.As(err, &v) && !c.local {
		e = workspace.Error{Kind: workspace.Unavailable, Msg: "the server can't use its vault now; its log says why"}
	}
	status, ok := statuses[e.Kind]
	if !ok {
		status = http.StatusInternalServerError
	}
	if status >= 500 && r.Context().Err() == nil {
		a.parts.Log.ErrorContext(r.Context(), "a request failed", "kind", workspace.Explain(err).Kind.String(), "err", err)
	}
	if status == http.StatusUnauthorized {
		// RFC 9728 section 5.1: the header names the metadata.
		w.Header().Set("WWW-Authenticate", `Bearer resource_metadata="`+a.resource+`/.well-known/oauth-protected-resource"`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"kind": e.Kind.String(), "message": e.Msg, "hint": e.Hint}})
}
