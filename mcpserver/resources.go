package mcpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// addResources registers what the offered tools would say too. Their list
// never changes and nobody can subscribe, so neither is declared.
func (s *Server) addResources(ses tools.Session) {
	for _, r := range tools.Resources() {
		if s.tools[r.Tool] == nil {
			continue
		}
		if r.Variable() == "" {
			s.mcp.AddResource(mcp.Resource{URI: r.URI, Name: r.Name, Title: r.Title, Description: r.Description, MIMEType: r.MIME}, s.reader(r, ses))
			continue
		}
		s.templates[r.URI] = r
		s.mcp.AddResourceTemplate(mcp.NewResourceTemplate(r.URI, r.Name, mcp.WithTemplateTitle(r.Title),
			mcp.WithTemplateDescription(r.Description), mcp.WithTemplateMIMEType(r.MIME)), server.ResourceTemplateHandlerFunc(s.reader(r, ses)))
	}
}

func (s *Server) reader(r *tools.Resource, ses tools.Session) server.ResourceHandlerFunc {
	return func(ctx context.Context, req mcp.ReadResourceRequest) (contents []mcp.ResourceContents, err error) {
		defer s.recovered(ctx, r.URI, &err)
		text, err := r.Read(ctx, s.here(ctx, ses), req.Params.URI)
		if err != nil {
			code := mcp.RESOURCE_NOT_FOUND
			if mcp.IsModernProtocol(server.RequestProtocolVersion(ctx)) {
				code = mcp.INVALID_PARAMS
			}
			return nil, s.explain(ctx, r.URI, err, code)
		}
		s.log.DebugContext(ctx, "read", "resource", r.URI)
		return []mcp.ResourceContents{mcp.TextResourceContents{URI: req.Params.URI, MIMEType: r.MIME, Text: text}}, nil
	}
}

// A refusal is an error of a resource, a prompt or a completion, which have no
// result to put it in, in the words that a tool would say it in.
type refusal struct{ details mcp.JSONRPCErrorDetails }

func (r *refusal) Error() string { return r.details.Message }

// refusalKey is the context key of a place for a refusal: the library makes
// one kind of error of all that a handler returns.
type refusalKey struct{}

// withRefusal returns a ctx in which a request can be refused.
func withRefusal(ctx context.Context) context.Context {
	return context.WithValue(ctx, refusalKey{}, new(*refusal))
}

// refusalOf returns the refusal of a request that was answered with ctx; nil
// if there is none.
func refusalOf(ctx context.Context) *mcp.JSONRPCErrorDetails {
	if r, ok := ctx.Value(refusalKey{}).(**refusal); ok && *r != nil {
		return &(*r).details
	}
	return nil
}

// refused returns what the client is told instead of e, the library's error
// for a request that was answered with ctx.
func refused(ctx context.Context, e mcp.JSONRPCErrorDetails) *mcp.JSONRPCErrorDetails {
	if d := refusalOf(ctx); d != nil {
		return d
	}
	return plainError(e)
}

// explain returns err as the client may read it: its kind, its message and the
// next call, as the failure of a tool has them. What is missing or malformed
// gets code; what is the name of what was asked for, in our words.
func (s *Server) explain(ctx context.Context, what string, err error, code int) error {
	e := workspace.Explain(err)
	level := slog.LevelDebug
	switch e.Kind {
	case workspace.Invalid, workspace.NotFound:
	case workspace.Internal:
		level = slog.LevelError // the client is told nothing, so the log has to
		fallthrough
	default:
		code = mcp.INTERNAL_ERROR
	}
	s.log.Log(ctx, level, "a request failed", "what", what, "kind", e.Kind.String(), "err", err)
	s.tell(ctx, what, e.Kind.String())
	return refuseWith(ctx, code, e.Kind, s.failure(ctx, nil, s.discreet(ctx, e, err)))
}

// refuseWith returns the error of a request that failed as res tells.
func refuseWith(ctx context.Context, code int, kind workspace.Kind, res *mcp.CallToolResult) error {
	text, _ := mcp.AsTextContent(res.Content[0])
	r := &refusal{mcp.JSONRPCErrorDetails{Code: code, Message: text.Text, Data: map[string]any{"akos/kind": kind.String()}}}
	if place, ok := ctx.Value(refusalKey{}).(**refusal); ok {
		*place = r
	}
	return r
}

// recovered makes of a panic the error that says nothing.
func (s *Server) recovered(ctx context.Context, what string, err *error) {
	if r := recover(); r != nil {
		s.log.ErrorContext(ctx, "panic", "what", what, "type", fmt.Sprintf("%T", r), "stack", frames())
		// What panicked might do it again, so it is not asked for a hint.
		e := workspace.Explain(errors.New("panic"))
		s.tell(ctx, what, e.Kind.String())
		*err = refuseWith(ctx, mcp.INTERNAL_ERROR, e.Kind, failure(e, ""))
	}
}
