package mcpserver

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// askTime bounds the wait for a client that was asked to open a page: after
// it the result has the page's address, and the person can still go there.
const askTime = 15 * time.Second

// capabilities returns what the client that called declares, or nil. A modern
// client says so with each request, an older one when it connected.
func capabilities(ctx context.Context) *mcp.ClientCapabilities {
	if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		return info.ClientCapabilities
	}
	if s, ok := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo); ok {
		c := s.GetClientCapabilities()
		return &c
	}
	return nil
}

// opensPages reports whether the client that called opens a page that the
// server names (elicitation of mode url); {} means forms alone.
func opensPages(ctx context.Context) bool {
	caps := capabilities(ctx)
	return caps != nil && caps.Elicitation != nil && caps.Elicitation.URL != nil
}

// nameOf returns what the client that called calls itself.
func nameOf(ctx context.Context) string {
	if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		if info.ClientInfo != nil {
			return info.ClientInfo.Name
		}
		return ""
	}
	if s, ok := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo); ok {
		return s.GetClientInfo().Name
	}
	return ""
}

// pageKey is the key of the one request that a result asks a client for.
const pageKey = "page"

// page asks the client to open the page of a result, the first time round.
// Both eras are served by this: the library turns the result into a request
// of its own for a client that predates it, and calls again.
func (s *Server) page(ctx context.Context, req mcp.CallToolRequest, t *tools.Tool, args json.RawMessage, out tools.Result) *mcp.CallToolResult {
	p, ok := out.(tools.Page)
	if !ok || req.Params.InputResponses != nil || !opensPages(ctx) {
		return nil
	}
	url, say, id := p.Page()
	if url == "" {
		return nil
	}
	return server.NewInputRequestBuilder(s.asked(ctx, t, args, id)).Elicit(pageKey, mcp.ElicitationParams{
		Mode: mcp.ElicitationModeURL, Message: say, ElicitationID: id, URL: url,
	}).ToolResult()
}

// A client that was asked for something calls again with its answer, and with
// what follows, which tells what it was asked and when. It is signed, since
// it comes from the client.
type asked struct {
	Page string `json:"page"` // "" for its roots
	At   int64  `json:"at"`   // in ms
}

// stateLife is how long an answer may take: as long as a page waits.
const stateLife = workspace.EntryLife

// silence is the time within which nobody can have read a question: a client
// that declines in it does so of its own accord, and says nothing of its
// person.
const silence = time.Second

// storeWait is how long a call waits for a person who has agreed to open a
// page. With askTime it stays below 20 s.
const storeWait = 4 * time.Second

// asked returns the state of a question about the page called id.
func (s *Server) asked(ctx context.Context, t *tools.Tool, args json.RawMessage, id string) string {
	b, err := json.Marshal(asked{id, time.Now().UnixMilli()})
	if err != nil {
		panic(err) // of a string and a number
	}
	return base64.RawURLEncoding.EncodeToString(b) + "." + base64.RawURLEncoding.EncodeToString(s.sign(ctx, t, args, b))
}

// sign returns the signature of a state for a call of t with args, of whoever
// asks: what one person was asked, no other one answers.
func (s *Server) sign(ctx context.Context, t *tools.Tool, args json.RawMessage, state []byte) []byte {
	var v any
	if json.Unmarshal(args, &v) == nil {
		if b, err := json.Marshal(v); err == nil {
			args = b // the client may have encoded them anew
		}
	}
	mac := hmac.New(sha256.New, s.key[:])
	for _, part := range [][]byte{[]byte(ownerOf(ctx)), []byte(t.ID()), args, state} {
		_, _ = fmt.Fprintf(mac, "%d ", len(part))
		_, _ = mac.Write(part)
	}
	return mac.Sum(nil)
}

// verify returns the question that state is of; ok is false for one that this
// server did not ask of this call, or too long ago.
func (s *Server) verify(ctx context.Context, t *tools.Tool, args json.RawMessage, state string) (a asked, ok bool) {
	head, tail, _ := strings.Cut(state, ".")
	b, err := base64.RawURLEncoding.DecodeString(head)
	sig, err2 := base64.RawURLEncoding.DecodeString(tail)
	if err != nil || err2 != nil || !hmac.Equal(sig, s.sign(ctx, t, args, b)) || json.Unmarshal(b, &a) != nil {
		return asked{}, false
	}
	age := time.Since(time.UnixMilli(a.At))
	return a, age >= 0 && age < stateLife
}

// heard takes the answer of a client that calls again, and returns the id of
// the page that it was asked to open.
func (s *Server) heard(ctx context.Context, req mcp.CallToolRequest, t *tools.Tool, args json.RawMessage) (page string, err error) {
	if req.Params.InputResponses == nil {
		return "", nil
	}
	a, ok := s.verify(ctx, t, args, req.Params.RequestState)
	if !ok {
		return "", workspace.Errorf(workspace.Invalid, "the requestState is not of this call, or too old; call %s again without it", t.ID())
	}
	answer := server.ElicitationResponse(req.Params.InputResponses, pageKey)
	desk := s.workspace.Desk
	if answer == nil || desk == nil {
		return a.Page, nil
	}
	switch answer.Action {
	case mcp.ElicitationResponseActionDecline:
		if time.Since(time.UnixMilli(a.At)) >= silence {
			desk.Decline(ctx, a.Page)
		}
	case mcp.ElicitationResponseActionAccept:
		ctx, cancel := context.WithTimeout(ctx, storeWait)
		defer cancel()
		defer waits(ctx, quick, waitsForPerson)()
		desk.Wait(ctx, a.Page)
	}
	return a.Page, nil
}

// askPrefix starts the ids of our own requests.
const askPrefix = "akos-"

// Elicit asks the client. One that gives no answer that can be used, or none
// in time, has canceled: the caller then says all in its result.
func (c *conn) Elicit(ctx context.Context, req mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	result := mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: mcp.ElicitationResponseActionCancel}}
	if c.workspace.Desk != nil {
		go c.complete(req.Params.ElicitationID)
	}
	var answer mcp.ElicitationResult
	if raw := c.ask(ctx, string(mcp.MethodElicitationCreate), req.Params, askTime); json.Unmarshal(raw, &answer.ElicitationResponse) == nil {
		result.Action = answer.Action
	}
	return &result, nil
}

// ask sends the client a request and returns its result, or nil if none comes
// in time.
func (c *conn) ask(ctx context.Context, method string, params any, patience time.Duration) json.RawMessage {
	answer := make(chan json.RawMessage, 1)
	c.mu.Lock()
	c.asked++
	id := askPrefix + strconv.Itoa(c.asked)
	c.asking[id] = answer
	c.mu.Unlock()
	c.tell(struct {
		JSONRPC string `json:"jsonrpc"`
		ID      string `json:"id"`
		Method  string `json:"method"`
		Params  any    `json:"params,omitempty"`
	}{mcp.JSONRPC_VERSION, id, method, params})
	defer func() {
		c.mu.Lock()
		delete(c.asking, id)
		c.mu.Unlock()
	}()
	if method == string(mcp.MethodElicitationCreate) {
		defer waits(ctx, 0, waitsForPerson)()
	}
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case raw := <-answer:
		return raw
	case <-ctx.Done():
	case <-wait.C:
	}
	c.tell(struct {
		JSONRPC string         `json:"jsonrpc"`
		Method  string         `json:"method"`
		Params  map[string]any `json:"params"`
	}{mcp.JSONRPC_VERSION, "notifications/cancelled", map[string]any{"requestId": id, "reason": "no answer in time"}})
	return nil
}

// complete tells the client once a person has stored what the page asks for,
// whatever the client has answered, and also after the call has ended. It ends
// with the page, or with the connection.
func (c *conn) complete(page string) {
	if c.workspace.Desk.Wait(c.ctx, page) != workspace.EntryStored || c.ctx.Err() != nil {
		return
	}
	c.tell(mcp.NewElicitationCompleteNotification(page))
}

// answered hands the answer of a client to whoever asked. What answers nothing
// that was asked is dropped.
func (c *conn) answered(line []byte) {
	var m struct {
		ID     string          `json:"id"`
		Result json.RawMessage `json:"result"`
	}
	if json.Unmarshal(line, &m) != nil || !strings.HasPrefix(m.ID, askPrefix) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer, ok := c.asking[m.ID]; ok {
		delete(c.asking, m.ID) // a second answer is none
		answer <- m.Result
	}
}
