package mcpserver

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// writeTime bounds the wait for a client that takes nothing of an answer.
const writeTime = 30 * time.Second

// A reply is how the library answers a request: with the id in the bytes that
// the client chose, and without what its errors quote. It implements
// server.HTTPResponseWriter.
type reply struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	id   json.RawMessage // of the request; nil for none
	lib  []byte          // the id as the library writes it
	uri  string          // of a resource that is read, if it may be repeated
	text string          // of an INVALID_PARAMS error, where it is known better
	// began is called with the id of a new session before the client has it.
	began func(id string)

	flight *flight
	ctx    context.Context // where a handler leaves its refusal
	modern bool
	ends   bool // the connection, with this answer
	status int
	plain  bool // a text of the library's, which is not passed on
}

func newReply(w http.ResponseWriter, id json.RawMessage) *reply {
	return &reply{w: w, rc: http.NewResponseController(w), id: id, flight: newFlight(nil), ctx: context.Background(), ends: w.Header().Get("Connection") != ""}
}

// Header implements server.HTTPResponseWriter.
func (r *reply) Header() http.Header { return r.w.Header() }

// CanStream implements server.HTTPResponseWriter.
func (r *reply) CanStream() bool { return true }

// Flush implements server.HTTPResponseWriter.
func (r *reply) Flush() {
	if !r.plain {
		_ = r.rc.Flush() // the client has gone
	}
}

// WriteHeader implements server.HTTPResponseWriter.
func (r *reply) WriteHeader(status int) {
	r.status = status
	h := r.w.Header()
	if r.plain = status >= 400 && !strings.HasPrefix(h.Get("Content-Type"), "application/json"); r.plain {
		return
	}
	if d := refusalOf(r.ctx); d != nil && r.modern && d.Code == mcp.INVALID_PARAMS {
		r.status = http.StatusBadRequest // the library thinks of an internal error
	}
	if id := h.Get(sessionHeader); id != "" && r.began != nil {
		r.began(id)
	}
	if h.Del("Connection"); r.ends { // it is ours to say, not the library's
		h.Set("Connection", "close")
	}
	r.w.WriteHeader(r.status)
}

var (
	head  = []byte(`{"jsonrpc":"2.0","id":`)
	ours  = []byte(`{"jsonrpc":"2.0","method":"` + askMethod + `"`)
	event = []byte("event: message\ndata: ")
)

// Write implements server.HTTPResponseWriter. The library writes a message, or
// an event with one, at a time.
func (r *reply) Write(p []byte) (int, error) {
	if r.plain {
		return len(p), nil
	}
	_ = r.rc.SetWriteDeadline(time.Now().Add(writeTime)) // every server of ours has deadlines
	msg, isEvent := bytes.CutPrefix(p, event)
	msg = bytes.TrimRight(msg, "\n")
	out := r.message(msg)
	var all []byte
	if isEvent {
		all = append(append(append(all, event...), out...), "\n\n"...)
	} else {
		all = append(out[:len(out):len(out)], '\n')
	}
	_, err := r.w.Write(all)
	if isEvent {
		defer r.flight.wrote() // also what the client is too far away for
	}
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// message returns what the client gets for a message of the library's.
func (r *reply) message(msg []byte) []byte {
	if bytes.HasPrefix(msg, ours) {
		var n struct {
			Params struct{ Message json.RawMessage }
		}
		if json.Unmarshal(msg, &n) == nil && n.Params.Message != nil {
			return n.Params.Message
		}
	}
	rest, ok := bytes.CutPrefix(msg, head)
	if !ok {
		return msg
	}
	if r.lib == nil {
		r.lib = []byte("null")
		var id any
		if json.Unmarshal(r.id, &id) == nil {
			r.lib, _ = json.Marshal(id) // what was decoded encodes
		}
	}
	after, ok := bytes.CutPrefix(rest, r.lib)
	if !ok {
		if after, ok = bytes.CutPrefix(rest, []byte("null")); !ok {
			return msg
		}
	}
	id := r.id
	if id == nil {
		id = json.RawMessage("null")
	}
	switch {
	case bytes.HasPrefix(after, []byte(`,"error":`)):
		var m struct{ Error mcp.JSONRPCErrorDetails }
		if json.Unmarshal(msg, &m) != nil {
			m.Error.Code = mcp.INTERNAL_ERROR
		}
		out, _ := encode(nil, id, answerMessage{Error: r.plainError(m.Error)}, nil) // codes and texts encode
		return out
	case bytes.HasPrefix(after, []byte(`,"result":`)):
		return append(append(append(make([]byte, 0, len(msg)+len(id)), head...), id...), after...)
	}
	return msg // a request of ours that has that id too
}

// plainError returns e without what the library quotes of the request. Over
// HTTP there are errors of headers too.
func (r *reply) plainError(e mcp.JSONRPCErrorDetails) *mcp.JSONRPCErrorDetails {
	if d := refusalOf(r.ctx); d != nil {
		return d
	}
	// The revision wants the client's own address back.
	if r.uri != "" && (e.Code == mcp.INVALID_PARAMS || e.Code == mcp.RESOURCE_NOT_FOUND) {
		return &mcp.JSONRPCErrorDetails{Code: e.Code, Message: "there is no such resource", Data: map[string]string{"uri": r.uri}}
	}
	switch e.Code {
	case mcp.INVALID_PARAMS:
		if r.text != "" {
			return &mcp.JSONRPCErrorDetails{Code: e.Code, Message: r.text}
		}
	case mcp.HEADER_MISMATCH:
		return &mcp.JSONRPCErrorDetails{Code: e.Code, Message: "a header is missing, or does not say what the message says"}
	case mcp.UNSUPPORTED_PROTOCOL_VERSION:
		var d mcp.UnsupportedProtocolVersionData
		if b, err := json.Marshal(e.Data); err == nil && json.Unmarshal(b, &d) == nil {
			e.Data = d
		}
	}
	return plainError(e)
}

// end answers where the library had a text of its own.
func (r *reply) end(h *endpoint) {
	if !r.plain {
		return
	}
	r.plain = false
	text := map[int]string{
		http.StatusBadRequest:       "not a valid request: see its headers",
		http.StatusNotFound:         "there is no such session: initialize again",
		http.StatusMethodNotAllowed: "only POST is served here in this revision of the protocol",
	}[r.status]
	if text == "" {
		text = "internal error"
	}
	h.refuse(r.w, r.status, r.id, mcp.INVALID_REQUEST, text)
}
