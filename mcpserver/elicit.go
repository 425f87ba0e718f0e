package mcpserver

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"example.com/akos/tools"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// askTime bounds the wait for a client that was asked to open a page: after
// it the result has the page's address, and the person can still go there.
const askTime = 15 * time.Second

// opensPages reports whether the client that called opens a page that the
// server names (elicitation of mode url). A modern client says so with each
// request, an older one when it connected; {} means forms alone.
func opensPages(ctx context.Context) bool {
	var caps *mcp.ClientCapabilities
	if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		caps = info.ClientCapabilities
	} else if s, ok := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo); ok {
		c := s.GetClientCapabilities()
		caps = &c
	}
	return caps != nil && caps.Elicitation != nil && caps.Elicitation.URL != nil
}

// page asks the client to open the page of a result, the first time round.
// Both eras are served by this: the library turns the result into a request
// of its own for a client that predates it, and calls again.
func page(ctx context.Context, req mcp.CallToolRequest, out tools.Result) *mcp.CallToolResult {
	p, ok := out.(tools.Page)
	if !ok || req.Params.InputResponses != nil || !opensPages(ctx) {
		return nil
	}
	url, say, id := p.Page()
	if url == "" {
		return nil
	}
	return server.NewInputRequestBuilder("").Elicit("page", mcp.ElicitationParams{
		Mode: mcp.ElicitationModeURL, Message: say, ElicitationID: id, URL: url,
	}).ToolResult()
}

// askPrefix starts the ids of our own requests.
const askPrefix = "akos-"

// Elicit asks the client. One that gives no answer that can be used, or none
// in time, has canceled: the caller then says all in its result.
func (c *conn) Elicit(ctx context.Context, req mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	canceled := &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: mcp.ElicitationResponseActionCancel}}
	answer := make(chan json.RawMessage, 1)
	c.mu.Lock()
	c.asked++
	id := askPrefix + strconv.Itoa(c.asked)
	c.asking[id] = answer
	c.write(struct {
		JSONRPC string                `json:"jsonrpc"`
		ID      string                `json:"id"`
		Method  string                `json:"method"`
		Params  mcp.ElicitationParams `json:"params"`
	}{mcp.JSONRPC_VERSION, id, string(mcp.MethodElicitationCreate), req.Params})
	c.mu.Unlock()
	c.flush()
	defer func() {
		c.mu.Lock()
		delete(c.asking, id)
		c.mu.Unlock()
	}()
	wait := time.NewTimer(askTime)
	defer wait.Stop()
	select {
	case raw := <-answer:
		var result mcp.ElicitationResult
		if json.Unmarshal(raw, &result.ElicitationResponse) != nil {
			return canceled, nil
		}
		return &mcp.ElicitationResult{ElicitationResponse: mcp.ElicitationResponse{Action: result.Action}}, nil
	case <-ctx.Done():
	case <-wait.C:
	}
	c.mu.Lock()
	c.write(struct {
		JSONRPC string         `json:"jsonrpc"`
		Method  string         `json:"method"`
		Params  map[string]any `json:"params"`
	}{mcp.JSONRPC_VERSION, "notifications/cancelled", map[string]any{"requestId": id, "reason": "no answer in time"}})
	c.mu.Unlock()
	c.flush()
	return canceled, nil
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
