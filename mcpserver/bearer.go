package mcpserver

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/mark3labs/mcp-go/mcp"
)

// A Verifier says whose a bearer token is. A token that is not good here and
// now is a LoginNeeded error.
type Verifier interface {
	Verify(ctx context.Context, token string) (workspace.Identity, error)
}

// own is the Verifier of the tokens of this home's sidecar: they are looked up
// in the state that both share, so one that is revoked is worth nothing at
// once, and the sidecar need not run. What was found is good for as long as
// nobody has written to the state.
type own struct {
	*workspace.Workspace
	audience string

	mu      sync.Mutex
	version int64
	known   map[[sha256.Size]byte]workspace.Identity // at version
}

// maxKnown bounds the tokens that are known.
const maxKnown = 4096

// Verify implements Verifier.
func (o *own) Verify(ctx context.Context, token string) (workspace.Identity, error) {
	version, err := o.Store.Version(ctx)
	if err != nil {
		return workspace.Identity{}, err
	}
	sum := sha256.Sum256([]byte(token))
	o.mu.Lock()
	id, ok := o.known[sum]
	ok = ok && o.version == version && o.Now().Before(id.ExpiresAt)
	o.mu.Unlock()
	if ok {
		return id, nil
	}
	id, err = o.Bearer(ctx, token, o.audience)
	if err != nil {
		return id, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.version < version || len(o.known) >= maxKnown {
		o.version, o.known = version, map[[sha256.Size]byte]workspace.Identity{}
	}
	if o.version == version { // what was read before another one wrote is not kept
		o.known[sum] = id
	}
	return id, nil
}

// maxToken bounds a token, in bytes.
const maxToken = 8 << 10

// A caller is who sent a request over HTTP.
type caller struct {
	workspace.Identity
	workspace *workspace.Workspace
}

// owner is what sessions are bound to: another user, or the same one in
// another tenant, is somebody else. No tenant has a zero byte in its name.
func (c *caller) owner() string { return c.TenantID + "\x00" + c.UserID }

type callerKey struct{}

// ownerOf returns whose the request is that ctx is of; "" over stdio.
func ownerOf(ctx context.Context) string {
	if c, ok := ctx.Value(callerKey{}).(*caller); ok {
		return c.owner()
	}
	return ""
}

// at returns the workspace of the request that ctx is of: over HTTP that of
// its caller, over stdio that of this process.
func (s *Server) at(ctx context.Context) *workspace.Workspace {
	if c, ok := ctx.Value(callerKey{}).(*caller); ok {
		return c.workspace
	}
	return s.workspace
}

// here returns ses in the workspace of the request that ctx is of.
func (s *Server) here(ctx context.Context, ses tools.Session) tools.Session {
	ses.Workspace = s.at(ctx)
	ses.Next = func(command string) string { return s.next(ctx, workspace.Error{Hint: command}, nil) }
	ses.Offers = func(tool string) bool { return s.offers(ctx, tool) }
	return ses
}

// scopeOf returns the scope that a tool needs.
func scopeOf(t *tools.Tool) string {
	switch t.Effect {
	case tools.Reads:
		return "read"
	case tools.Writes:
		return "write"
	}
	return "admin"
}

// allowed is the filter of tools/list: who has not the scope of a tool does
// not see it.
func (s *Server) allowed(ctx context.Context, all []mcp.Tool) []mcp.Tool {
	if _, ok := ctx.Value(callerKey{}).(*caller); !ok {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(d mcp.Tool) bool {
		return s.tools[d.Name] != nil && !s.offers(ctx, d.Name)
	})
}

// offers reports whether a tool is there for the caller of the request that ctx
// is of.
func (s *Server) offers(ctx context.Context, tool string) bool {
	t := s.tools[tool]
	c, ok := ctx.Value(callerKey{}).(*caller)
	return t != nil && (!ok || c.May(scopeOf(t)))
}

// needs returns the scope that a message needs; "" if it is for anybody who
// may anything at all.
func (s *Server) needs(m *envelope) string {
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodToolsCall:
		if t := s.tools[m.Params.Name]; t != nil {
			return scopeOf(t)
		}
	case "resources/read", "resources/subscribe", "prompts/get", "completion/complete":
		return "read" // they name keys and connections
	}
	return ""
}

// bearer returns the token of a request; ok is false if there is none, or more
// than one header that could have it.
//
// RFC 6750 section 2.1; the MCP specification allows no other way: "Access
// tokens MUST NOT be included in the URI query string".
func bearer(r *http.Request) (token string, ok bool) {
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// caller returns who sent r.
func (h *endpoint) caller(r *http.Request) (*caller, error) {
	id := h.choice
	if r.URL.RawQuery != "" {
		q, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil || len(q["workspace"]) > 1 { // not in another workspace than was meant
			return nil, workspace.Errorf(workspace.Invalid, "the query can't be read: it may say workspace=ID, once")
		}
		if q.Has("workspace") {
			id = q.Get("workspace")
		}
	}
	parts := h.workspace.Options
	if h.NoAuth {
		w := h.nobody
		if id != h.choice {
			var err error
			if w, err = parts.Served(id, nil); err != nil {
				return nil, err
			}
		}
		return &caller{workspace.Identity{Scopes: []string{"cli"}}, w}, nil
	}
	token, ok := bearer(r)
	if !ok || len(token) > maxToken {
		return nil, workspace.Errorf(workspace.LoginNeeded, "a bearer token is needed")
	}
	who, err := h.verifier.Verify(r.Context(), token)
	if err != nil {
		return nil, err
	}
	if id == "" {
		id = "default"
	}
	w, err := parts.Served(id, &who)
	if err != nil {
		return nil, err
	}
	return &caller{who, w}, nil
}

// discreet returns what a caller may be told of e: what is wrong with this
// machine is for its log.
func (s *Server) discreet(ctx context.Context, e workspace.Error, err error) workspace.Error {
	c, ok := ctx.Value(callerKey{}).(*caller)
	if !ok || c.UserID == "" || e.Kind != workspace.Unavailable {
		return e
	}
	s.log.ErrorContext(ctx, "a call failed", "err", err)
	return workspace.Error{Kind: e.Kind, Msg: "the server can't do this now; its log says why"}
}

// elsewhere returns a hint as it works where the person of a caller is: what
// is stored for another tenant than this home's goes through the sidecar.
func (s *Server) elsewhere(ctx context.Context, hint string) string {
	c, ok := ctx.Value(callerKey{}).(*caller)
	if rest, put := strings.CutPrefix(hint, "akos vault put "); ok && put && c.TenantID != "" && c.TenantID != workspace.LocalTenant {
		return "akos secrets set " + rest
	}
	return hint
}

// elsewhere is the project of an agent that is not on this machine, or may not
// be: it reads no file.
type elsewhere struct{ workspace.Project }

func (e elsewhere) Locate(ctx context.Context) (workspace.Site, error) {
	site, err := e.Project.Locate(ctx)
	site.NoFiles = true
	return site, err
}

// challenge is the WWW-Authenticate header of a refusal, whose code is "" if
// no token came at all.
//
// RFC 9728 section 5.1: "The value of the resource_metadata parameter is the
// URL of the protected resource metadata". RFC 6750 section 3 has the rest;
// the MCP specification asks for scope with each.
func (h *endpoint) challenge(w http.ResponseWriter, r *http.Request, code, text, scope string) {
	v := `Bearer resource_metadata="` + h.origin(r) + metadataPath + endpointPath + `"`
	if code != "" {
		v += `, error="` + code + `", error_description="` + text + `"`
	}
	w.Header().Set("WWW-Authenticate", v+`, scope="`+scope+`"`)
}

// unauthorized answers a request whose caller is not known.
func (h *endpoint) unauthorized(w http.ResponseWriter, r *http.Request, err error) {
	e := workspace.Explain(err)
	switch e.Kind {
	case workspace.LoginNeeded:
		code := ""
		if _, sent := r.Header["Authorization"]; sent {
			code = "invalid_token"
		}
		h.challenge(w, r, code, "the token is not valid here, or not any more", h.asks())
		h.refuse(w, http.StatusUnauthorized, nil, mcp.INVALID_REQUEST, "a bearer token is needed that is good here")
	case workspace.Denied, workspace.Invalid:
		h.refuse(w, http.StatusForbidden, nil, mcp.INVALID_REQUEST, e.Msg)
	default:
		h.log.ErrorContext(r.Context(), "a token can't be checked", "kind", e.Kind.String(), "err", err)
		w.Header().Set("Retry-After", "5")
		h.refuse(w, http.StatusServiceUnavailable, nil, mcp.INTERNAL_ERROR, "the token can't be checked now; the log says why")
	}
}

// asks returns the scopes that a client is told to ask for first: what the
// work with credentials takes, without removing any.
func (h *endpoint) asks() string {
	for _, t := range h.tools {
		if t.Effect == tools.Writes {
			return "read write"
		}
	}
	return "read"
}

// forbidden answers a caller whose token has not the scope, which it can ask
// its person for: "Servers SHOULD include the scopes needed for the current
// operation" beside those that the token has, or these would be lost.
func (h *endpoint) forbidden(w http.ResponseWriter, r *http.Request, c *caller, id []byte, scope string) {
	all := append(slices.Clone(c.Scopes), scope)
	h.challenge(w, r, "insufficient_scope", "the token does not have the scope "+scope, strings.Join(all, " "))
	h.refuse(w, http.StatusForbidden, id, mcp.INVALID_REQUEST, "the token does not have the scope "+scope)
}

// metadata serves RFC 9728 section 2. The resource has the name by which it
// was asked for, which is one of ours (section 3.3).
func (h *endpoint) metadata(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET is served here", http.StatusMethodNotAllowed)
		return
	}
	if h.NoAuth {
		http.Error(w, "there is nothing here: nobody needs a token", http.StatusNotFound)
		return
	}
	issuer, ok := h.Issuer, true
	if issuer == "" {
		issuer, ok = h.workspace.Remote.Local(r.Context())
	}
	if !ok {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "there is no authorization server: run akos serve", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Cache-Control", "max-age=60") // the sidecar may come back elsewhere
	w.Header().Set("Content-Type", "application/json")
	writeJSON(w, map[string]any{
		"resource": h.origin(r) + endpointPath, "authorization_servers": []string{issuer},
		"bearer_methods_supported": []string{"header"}, "scopes_supported": []string{"read", "write", "admin"}, "resource_name": "akos",
	})
}
