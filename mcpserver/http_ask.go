package mcpserver

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// fullSession is all that a session of the library's transport can do.
type fullSession interface {
	server.SessionWithTools
	server.SessionWithResources
	server.SessionWithResourceTemplates
	server.SessionWithLogging
	server.SessionWithClientInfo
	server.SessionWithStreamableHTTPConfig
	server.SessionWithSubscriptionFilter
	server.SessionWithSampling
	server.SessionWithElicitation
	server.SessionWithRoots
}

// A flight is one request on its way through the library: which session it is
// of, and how many messages of ours went out before its answer.
type flight struct {
	session *session // nil in the newest revision, and while one is opened
	opened  fullSession
	sent    atomic.Int64
	written atomic.Int64
	more    chan struct{} // has a value once more were written
}

type flightKey struct{}

func newFlight(s *session) *flight { return &flight{session: s, more: make(chan struct{}, 1)} }

// wrote notes that a message was written.
func (f *flight) wrote() {
	f.written.Add(1)
	select {
	case f.more <- struct{}{}:
	default:
	}
}

// landed waits until what was sent was written. The library's goroutine that
// writes it may otherwise find that the answer was first, and drop it.
func landed(ctx context.Context) {
	f, ok := ctx.Value(flightKey{}).(*flight)
	if !ok || f.sent.Load() == f.written.Load() {
		return
	}
	wait := time.NewTimer(time.Second) // one that found no place is not written
	defer wait.Stop()
	for f.written.Load() < f.sent.Load() {
		select {
		case <-f.more:
		case <-wait.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// waiting has every answer wait for the messages before it.
func waiting(h *server.Hooks) *server.Hooks {
	h.AddOnSuccess(func(ctx context.Context, _ any, _ mcp.MCPMethod, _, _ any) { landed(ctx) })
	h.AddOnError(func(ctx context.Context, _ any, _ mcp.MCPMethod, _ any, _ error) { landed(ctx) })
	return h
}

// context puts a session of ours into the context of a request.
func (h *endpoint) context(ctx context.Context, _ *http.Request) context.Context {
	f, isOurs := ctx.Value(flightKey{}).(*flight)
	own, ok := server.ClientSessionFromContext(ctx).(fullSession)
	if !isOurs || !ok {
		return ctx
	}
	f.opened = own
	a := requestSession{fullSession: own, endpoint: h, flight: f}
	if f.session != nil {
		a.client = f.session.client
	}
	if p := progressOf(ctx); p != nil {
		p.tell = a.tell
	}
	return h.mcp.WithContext(ctx, a)
}

// perRequest is the id under which the library knows the session of each
// request: none of its own, so that no request takes the messages of another
// that runs in the same session.
const perRequest = "request"

// A requestSession is the session of one request. What the client said when it
// initialized is with the session that the request is of.
type requestSession struct {
	fullSession
	client fullSession // nil in the newest revision, and for initialize
	*endpoint
	flight *flight
}

// SessionID is also what the library knows a request by that can be canceled.
// In the newest revision, which has no sessions, each request has one of its
// own: ids are small numbers, and another client's must not cancel it.
func (a requestSession) SessionID() string {
	if a.client != nil {
		return a.client.SessionID()
	}
	if id := a.fullSession.SessionID(); id != "" {
		return id // of one that is being opened
	}
	return fmt.Sprintf("%p", a.flight)
}

// SetClientInfo keeps what is used of it, since a session keeps it for as long
// as it lives, and there are many. A name longer than any is shown is none:
// the part of it that a cut leaves could be a part of a credential.
func (a requestSession) SetClientInfo(info mcp.Implementation) {
	if len(info.Name) > maxName {
		info.Name = ""
	}
	a.fullSession.SetClientInfo(mcp.Implementation{Name: info.Name})
}

// SetClientCapabilities keeps what is used of them.
func (a requestSession) SetClientCapabilities(c mcp.ClientCapabilities) {
	a.fullSession.SetClientCapabilities(mcp.ClientCapabilities{Elicitation: c.Elicitation, Roots: c.Roots})
}

func (a requestSession) GetClientInfo() mcp.Implementation {
	if a.client != nil {
		return a.client.GetClientInfo()
	}
	return a.fullSession.GetClientInfo()
}

func (a requestSession) GetClientCapabilities() mcp.ClientCapabilities {
	if a.client != nil {
		return a.client.GetClientCapabilities()
	}
	return a.fullSession.GetClientCapabilities()
}

func (a requestSession) SetLogLevel(level mcp.LoggingLevel) {
	if a.client != nil {
		a.client.SetLogLevel(level)
		return
	}
	a.fullSession.SetLogLevel(level)
}

func (a requestSession) GetLogLevel() mcp.LoggingLevel {
	if a.client != nil {
		return a.client.GetLogLevel()
	}
	return a.fullSession.GetLogLevel()
}

// NotificationChannel is asked for once for each message.
func (a requestSession) NotificationChannel() chan<- mcp.JSONRPCNotification {
	a.flight.sent.Add(1)
	return a.fullSession.NotificationChannel()
}

// RequestElicitation asks the client. One that gives no answer that can be
// used, or none in time, has canceled: the caller then says all in its result.
func (a requestSession) RequestElicitation(ctx context.Context, req mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	result := mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: mcp.ElicitationResponseActionCancel}}
	var answer mcp.ElicitationResult
	if raw := a.ask(ctx, string(mcp.MethodElicitationCreate), req.Params); raw != nil && json.Unmarshal(raw, &answer.ElicitationResponse) == nil {
		result.Action = answer.Action
	}
	return &result, nil
}

// A question waits for the answer of a client.
type question struct {
	session *session
	answer  chan json.RawMessage
}

// askMethod marks a notification that is a request of ours: the library's
// own way of asking needs a stream that we do not serve.
const askMethod = "akos/ask"

// ask sends the client a request over the stream of the request that runs, and
// returns its result, or nil.
func (a requestSession) ask(ctx context.Context, method string, params any) json.RawMessage {
	if a.flight.session == nil {
		return nil
	}
	q := question{a.flight.session, make(chan json.RawMessage, 1)}
	id := askPrefix + rand.Text()
	a.mu.Lock()
	a.asking[id] = q
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		delete(a.asking, id)
		a.mu.Unlock()
	}()
	a.tell(map[string]any{"jsonrpc": mcp.JSONRPC_VERSION, "id": id, "method": method, "params": params})
	defer waits(ctx, 0, waitsForPerson)()
	wait := time.NewTimer(askTime)
	defer wait.Stop()
	select {
	case raw := <-q.answer:
		return raw
	case <-a.stopping.Done():
	case <-ctx.Done():
	case <-wait.C:
	}
	a.tell(map[string]any{"jsonrpc": mcp.JSONRPC_VERSION, "method": "notifications/cancelled",
		"params": map[string]any{"requestId": id, "reason": "no answer in time"}})
	return nil
}

// tell has the library write a message as it is.
func (a requestSession) tell(message any) {
	n := mcp.JSONRPCNotification{JSONRPC: mcp.JSONRPC_VERSION}
	n.Method, n.Params.AdditionalFields = askMethod, map[string]any{"message": message}
	select {
	case a.NotificationChannel() <- n:
	default: // a client that takes nothing
	}
}

// answered hands the answer of a client to whoever asked. What answers nothing
// that was asked is dropped.
func (h *endpoint) answered(s *session, body []byte) {
	var m struct {
		ID     string          `json:"id"`
		Result json.RawMessage `json:"result"`
	}
	if json.Unmarshal(body, &m) != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if q, ok := h.asking[m.ID]; ok && q.session == s {
		delete(h.asking, m.ID) // a second answer is none
		q.answer <- m.Result
	}
}
