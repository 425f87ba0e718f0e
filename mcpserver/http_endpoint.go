package mcpserver

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"example.com/akos/internal/crowd"
	"example.com/akos/internal/turns"
	"example.com/akos/workspace"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// An endpoint answers HTTP requests for a Server. What is in front of the
// library is here: who may ask, from where, how much, and which session is
// whose.
type endpoint struct {
	*Server
	HTTPOptions
	choice   string // the workspace of who names none; "" for the default
	public   string // origin
	hosts    map[string]bool
	verifier Verifier             // nil with NoAuth
	nobody   *workspace.Workspace // of NoAuth
	library  *server.StreamableHTTPServer
	sessions *sessions
	stopping context.Context // done once the server is to end
	running  chan struct{}   // a place for each request whose caller is known
	large    *turns.Places   // the place for a request with a large body, whose answer waits for nothing

	mu     sync.Mutex
	asking map[string]question // by the id of our request
}

// origin returns the origin under the name that r came by, which is one of
// ours.
func (h *endpoint) origin(r *http.Request) string {
	scheme, _, _ := strings.Cut(h.public, "://")
	return scheme + "://" + strings.ToLower(r.Host)
}

// ServeHTTP answers one request.
func (h *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	// net/http does not tell whether there was a length too, of which RFC 9112
	// section 6.1 says: "the server MUST close the connection after responding to
	// such a request".
	if len(r.TransferEncoding) > 0 {
		w.Header().Set("Connection", "close")
	}
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			h.log.ErrorContext(r.Context(), "panic", "type", fmt.Sprintf("%T", p), "stack", frames())
			h.refuse(w, http.StatusInternalServerError, nil, mcp.INTERNAL_ERROR, "internal error")
		}
	}()
	if r.URL.Path == "/healthz" { // asked by address, and tells nothing
		fmt.Fprintln(w, "ok")
		return
	}
	// Another Host came by DNS rebinding.
	if !h.hosts[strings.ToLower(r.Host)] {
		h.refuse(w, http.StatusMisdirectedRequest, nil, mcp.INVALID_REQUEST, "this host is not served here")
		return
	}
	switch r.URL.Path {
	case endpointPath:
		h.serve(w, r)
	case metadataPath, metadataPath + endpointPath:
		h.metadata(w, r)
	default:
		http.Error(w, "there is nothing here: the endpoint is "+endpointPath, http.StatusNotFound)
	}
}

// refuse answers with an error of JSON-RPC.
func (h *endpoint) refuse(w http.ResponseWriter, status int, id []byte, code int, text string) {
	if id == nil {
		id = json.RawMessage("null")
	}
	b, _ := encode(nil, id, failed(code, text), nil)                              // codes and texts encode
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime)) // it may have waited long
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // the client has gone
}

func writeJSON(w io.Writer, v any) {
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

// serve answers at the endpoint.
func (h *endpoint) serve(w http.ResponseWriter, r *http.Request) {
	// A page of another site has a browser send what it likes; its Origin
	// tells. "Servers MUST validate the Origin header on all incoming
	// connections to prevent DNS rebinding attacks".
	if origins, sent := r.Header["Origin"]; sent && (len(origins) != 1 || !h.isOurs(origins[0])) {
		h.refuse(w, http.StatusForbidden, nil, mcp.INVALID_REQUEST, "this origin is not served here")
		return
	}
	c, err := h.caller(r)
	if err != nil {
		h.unauthorized(w, r, err)
		return
	}
	defer crowd.Keep(r.Context(), c.owner())()
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	default:
		w.Header().Set("Retry-After", "1")
		h.refuse(w, http.StatusServiceUnavailable, nil, mcp.INTERNAL_ERROR, "too many requests are waiting")
		return
	}
	if !c.May("read") && !c.May("write") && !c.May("admin") {
		h.forbidden(w, r, c, nil, "read")
		return
	}
	ctx := context.WithValue(r.Context(), callerKey{}, c)
	switch r.Method {
	case http.MethodPost:
		h.post(ctx, w, r, c)
	case http.MethodDelete:
		h.delete(ctx, w, r, c)
	default:
		w.Header().Set("Allow", "POST, DELETE")
		h.refuse(w, http.StatusMethodNotAllowed, nil, mcp.INVALID_REQUEST, "only POST and DELETE are served here")
	}
}

// isOurs reports whether an Origin is one of this server's names.
func (h *endpoint) isOurs(origin string) bool {
	scheme, _, _ := strings.Cut(h.public, "://")
	s, host, _ := strings.Cut(origin, "://")
	return s == scheme && h.hosts[host]
}

// delete ends a session.
func (h *endpoint) delete(ctx context.Context, w http.ResponseWriter, r *http.Request, c *caller) {
	rep := newReply(w, nil)
	defer rep.end(h)
	if !mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion)) {
		s := h.session(w, r, c, nil)
		if s == nil {
			return
		}
		defer h.sessions.leave(s)
	}
	h.library.Handle(rep, &server.HTTPRequest{Method: r.Method, Header: r.Header, Context: ctx})
}

// session returns the session that r names, for a request that ends with
// leave. Without one it has answered.
func (h *endpoint) session(w http.ResponseWriter, r *http.Request, c *caller, id []byte) *session {
	names := r.Header[sessionHeader]
	if len(names) != 1 {
		h.refuse(w, http.StatusBadRequest, id, mcp.INVALID_REQUEST, "the header Mcp-Session-Id is needed, once")
		return nil
	}
	s := h.sessions.enter(names[0], c.owner())
	if s == nil { // somebody else's is none
		h.refuse(w, http.StatusNotFound, id, mcp.INVALID_REQUEST, "there is no such session: initialize again")
	}
	return s
}

// endSession has the library forget a session.
func (h *endpoint) endSession(id string) {
	h.library.Handle(nowhere{}, &server.HTTPRequest{
		Method: http.MethodDelete, Header: http.Header{sessionHeader: {id}}, Context: context.Background(),
	})
}

// nowhere is where an answer goes that nobody waits for.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}
func (nowhere) Flush()                      {}
func (nowhere) CanStream() bool             { return false }

// once are the headers that say how a message is read.
var once = [...]string{"Content-Type", "Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name"}

// post answers a message.
func (h *endpoint) post(ctx context.Context, w http.ResponseWriter, r *http.Request, c *caller) {
	for _, name := range once {
		if len(r.Header[name]) > 1 { // which of them another one on the way took, nobody knows
			h.refuse(w, http.StatusBadRequest, nil, mcp.INVALID_REQUEST, "the header "+name+" is there twice")
			return
		}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		h.refuse(w, http.StatusUnsupportedMediaType, nil, mcp.INVALID_REQUEST, "a message is application/json")
		return
	}
	body, done, status, text := h.body(w, r, c.owner())
	defer done()
	if status != 0 {
		h.refuse(w, status, nil, mcp.INVALID_REQUEST, text)
		return
	}
	m, code, text := readMessage(body)
	if code != 0 {
		h.refuse(w, http.StatusBadRequest, validID(m.ID), code, text)
		return
	}
	version := r.Header.Get(mcp.HeaderProtocolVersion)
	modern := mcp.IsModernProtocol(version) || isModern(body)
	if !modern && m.Method != string(mcp.MethodInitialize) && version != "" && !mcp.IsValidProtocolVersion(version) {
		h.refuse(w, http.StatusBadRequest, m.ID, mcp.INVALID_REQUEST, "the protocol revision is not supported")
		return
	}
	if most, what := h.most(&m); len(body) > most {
		h.refuse(w, http.StatusRequestEntityTooLarge, m.ID, mcp.INVALID_REQUEST, fmt.Sprintf("%s may have %d KiB", what, most>>10))
		return
	}
	rep := newReply(w, m.ID)
	defer rep.end(h)
	switch {
	case modern:
	case m.Method == string(mcp.MethodInitialize):
		if m.ID == nil {
			h.refuse(w, http.StatusBadRequest, nil, mcp.INVALID_REQUEST, "initialize is a request: it needs an id")
			return
		}
		if !h.sessions.begin(c.owner()) {
			w.Header().Set("Retry-After", "60")
			h.refuse(w, http.StatusServiceUnavailable, m.ID, mcp.INTERNAL_ERROR, fmt.Sprintf("there are %d sessions already, and more are not kept", maxSessions))
			return
		}
		added := false
		rep.began = func(id string) {
			added = true
			h.sessions.add(id, c.owner(), rep.flight.opened)
		}
		defer func() {
			if !added {
				h.sessions.fail()
			}
		}()
	default:
		s := h.session(w, r, c, m.ID)
		if s == nil {
			return
		}
		defer h.sessions.leave(s)
		rep.flight.session = s
		if m.Method == "" {
			h.answered(s, body)
			w.WriteHeader(http.StatusAccepted)
			return
		}
		if scope := h.needs(&m); scope == "" || c.May(scope) {
			if h.direct(ctx, w, s, &m) {
				return
			}
		}
	}
	if scope := h.needs(&m); scope != "" && !c.May(scope) {
		h.forbidden(w, r, c, m.ID, scope)
		return
	}
	if e := fixtureRefusal(&m, body); e != nil {
		b, _ := encode(nil, m.ID, answerMessage{Error: e}, nil)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(b)
		return
	}
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodToolsCall:
		rep.text = "the params do not fit the method"
		ctx = context.WithValue(ctx, argumentsKey{}, m.Params.Arguments)
		if t := h.tools[m.Params.Name]; t == nil {
			rep.text = "there is no such tool: see tools/list"
		} else if mayWait(t) {
			ctx = withProgress(ctx, m.Params.Progress, nil) // the session of the request tells
		}
	case mcp.MethodResourcesRead:
		var uri string
		if json.Unmarshal(m.Params.URI, &uri) == nil && repeatable(ctx, c.workspace, uri) {
			rep.uri = uri
		}
	case mcp.MethodSubscriptionsListen:
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(h.stopping, cancel)() // it would not end by itself
	}
	header := r.Header
	if rep.flight.session != nil {
		header[sessionHeader] = []string{perRequest}
	}
	ctx = withRefusal(context.WithValue(ctx, flightKey{}, rep.flight))
	rep.ctx, rep.modern = ctx, modern
	h.library.Handle(rep, &server.HTTPRequest{Method: r.Method, URL: r.URL, Header: header, Body: body, Context: ctx})
}

// repeatable reports whether an answer may have an address that was asked for:
// not one in which a credential is, or text in which one is not found.
func repeatable(ctx context.Context, w *workspace.Workspace, uri string) bool {
	text, err := url.PathUnescape(uri)
	return err == nil && !strings.Contains(text, " ") && workspace.CheckText(text, 1000) == nil && w.RefuseAny(ctx, "an address", uri, text) == nil
}

// direct answers a call that waits for nothing and notifies of nothing without
// the library, which decodes a message five times. It reports whether it did.
func (h *endpoint) direct(ctx context.Context, w http.ResponseWriter, s *session, m *envelope) bool {
	t := h.tools[m.Params.Name]
	// One that wants more than errors told gets them with the library's stream.
	if s.client == nil || !hearsErrorsAlone(s.client) {
		return false
	}
	if m.Method != string(mcp.MethodToolsCall) || m.ID == nil || m.Params.Task != nil || t == nil || mayWait(t) {
		return false
	}
	ctx = context.WithValue(h.mcp.WithContext(ctx, quiet{s.client}), argumentsKey{}, m.Params.Arguments)
	a := h.answerOf(ctx, t)
	b, err := encode(make([]byte, 0, 512), m.ID, a, nil)
	if err != nil {
		h.log.ErrorContext(ctx, "an answer does not encode", "type", fmt.Sprintf("%T", a.Result))
		b, _ = encode(nil, m.ID, failed(mcp.INTERNAL_ERROR, "internal error"), nil)
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime)) // every server of ours has deadlines
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(b, '\n')) // the client has gone
	return true
}

// quiet is a session that is told nothing, since nothing would take it.
type quiet struct{ fullSession }

func (quiet) GetLogLevel() mcp.LoggingLevel { return mcp.LoggingLevelEmergency }
