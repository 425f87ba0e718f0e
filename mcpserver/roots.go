package mcpserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"path/filepath"
	"time"

	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// rootsTime bounds the wait for the roots of a client: it needs no person to
// tell them.
const rootsTime = 3 * time.Second

// maxRoots bounds the roots of a client: one that has more has none.
const maxRoots = 100

// rootsKey is the key of the request for a client's roots.
const rootsKey = "roots"

// askRoots asks the client for its roots, the first time that a call is about
// a file for which they matter.
func (s *Server) askRoots(ctx context.Context, req mcp.CallToolRequest, t *tools.Tool, args json.RawMessage, err error) *mcp.CallToolResult {
	if !errors.Is(err, workspace.ErrOutside) || req.Params.InputResponses != nil || !hasRoots(ctx) {
		return nil
	}
	return server.NewInputRequestBuilder(s.asked(ctx, t, args, "")).Roots(rootsKey).ToolResult()
}

// hasRoots reports whether the client that called tells its roots.
func hasRoots(ctx context.Context) bool {
	caps := capabilities(ctx)
	return caps != nil && caps.Roots != nil
}

// rootsOf returns the directories that a client answered with.
func rootsOf(req mcp.CallToolRequest) (dirs []string) {
	answer := server.RootsResponse(req.Params.InputResponses, rootsKey)
	if answer == nil || len(answer.Roots) > maxRoots {
		return nil
	}
	for _, r := range answer.Roots {
		if dir := directory(r.URI); dir != "" {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// directory returns the path that a file URI of this machine is of (RFC 8089),
// or "".
func directory(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" || u.RawQuery != "" || u.Fragment != "" || u.Path == "" {
		return ""
	}
	if drive := filepath.FromSlash(u.Path[1:]); filepath.VolumeName(drive) != "" {
		return drive // of file:///C:/x
	}
	return filepath.FromSlash(u.Path)
}

// ListRoots asks a client of an older revision. One that gives no answer that
// can be used, or none in time, has no roots.
func (c *conn) ListRoots(ctx context.Context, _ mcp.ListRootsRequest) (*mcp.ListRootsResult, error) {
	var result mcp.ListRootsResult
	if raw := c.ask(ctx, string(mcp.MethodListRoots), nil, rootsTime); json.Unmarshal(raw, &result) != nil {
		return &mcp.ListRootsResult{}, nil
	}
	return &result, nil
}
