package mcpserver

import (
	"context"

	"example.com/akos/workspace"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// logged has the client told of each call of a tool.
func (s *Server) logged(tool string, call server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		res, err := call(ctx, req)
		kind := ""
		if res != nil && res.IsError && res.Meta != nil {
			kind, _ = res.Meta.AdditionalFields["akos/kind"].(string)
		}
		s.tell(ctx, tool, kind)
		return res, err
	}
}

// tell sends the client that wants it a message about a request: what was
// called, the kind of the error, and no other word.
func (s *Server) tell(ctx context.Context, what, kind string) {
	level := mcp.LoggingLevelInfo
	switch kind {
	case "":
		level = mcp.LoggingLevelDebug
	case workspace.Unavailable.String():
		level = mcp.LoggingLevelWarning
	case workspace.Internal.String():
		level = mcp.LoggingLevelError
	}
	if !wants(ctx, level) {
		return
	}
	data := map[string]string{"call": what}
	if kind != "" {
		data["kind"] = kind
	}
	// A client that takes no more messages still gets its answer.
	_ = s.mcp.SendLogMessageToClient(ctx, mcp.NewLoggingMessageNotification(level, "akos", data))
}

// wants reports whether the client that called asked for messages of level. A
// modern client says so with each request, an older one once, and until then
// it gets errors alone.
func wants(ctx context.Context, level mcp.LoggingLevel) bool {
	if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		return info.LogLevel != "" && level.ShouldSendTo(info.LogLevel)
	}
	ses, ok := server.ClientSessionFromContext(ctx).(server.SessionWithLogging)
	return ok && level.ShouldSendTo(ses.GetLogLevel())
}
