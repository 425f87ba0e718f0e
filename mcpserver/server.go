// Package mcpserver is the MCP face: operations become tools, over stdio.
//
// It knows no part and opens no value. Its invariant: no secret value crosses
// the protocol in either direction, in no message of no kind, and what went
// wrong inside is told in fixed words.
package mcpserver

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// instructions tell a model what the server is for. Every client pays for
// each byte.
const instructions = `akos keeps credentials (API keys, tokens) that you can use and never see. No tool takes or returns a secret value: never ask the user for one in the chat, and never read .env files; use vault_import.
Order of work: creds_check says what is missing and how to get it; vault_put (or creds_set) has the person enter a value outside of this conversation; connection_create names vault keys.
Every error says the next call or the command for the person.`

// lookOnly are the instructions where nothing can be stored.
const lookOnly = `akos keeps credentials (API keys, tokens) that you can use and never see. No tool takes or returns a secret value: never ask the user for one in the chat.
Here you can look: creds_check says what is missing, vault_list and connection_list what there is. A person stores values with the command akos vault put.
Every error says the next call or the command for the person.`

// instructionsFor names no tool that is not offered.
func instructionsFor(offered []*tools.Tool, overHTTP bool) string {
	need := []string{"creds_check", "vault_put", "creds_set", "vault_import", "connection_create"}
	all := instructions
	if overHTTP {
		need = slices.DeleteFunc(need, func(name string) bool { return name == "vault_import" })
		all = strings.Replace(all, "; use vault_import", "", 1)
	}
	for _, name := range need {
		if !slices.ContainsFunc(offered, func(t *tools.Tool) bool { return t.ID() == name }) {
			return lookOnly
		}
	}
	return all
}

// Options narrow what a server offers. They are the operator's: no request
// widens them.
type Options struct {
	Workspace *workspace.Workspace
	Log       *slog.Logger
	ReadOnly  bool     // only tools that change nothing
	Tools     []string // only these, unless empty
	Exclude   []string // not these
	HTTP      bool     // for callers at other places: some tools make no sense there
}

// A Server offers the operations of akos over MCP.
type Server struct {
	mcp   *server.MCPServer
	tools map[string]*tools.Tool
	log   *slog.Logger

	workspace *workspace.Workspace

	templates map[string]*tools.Resource // by their URI, with the variable
	prompts   map[string]prompt
	key       [32]byte // signs what a client has to send back
	begun     sync.Once
}

// garbage is how much may lie about before it is collected, in percent of what
// is in use: with the runtime's 100 a server that answers calls takes a
// megabyte more. Before the first call it would only slow the start.
const garbage = 70

// New returns a server. A tool in opts that does not exist is Invalid. New
// touches neither the state nor a keychain.
func New(opts Options) (*Server, error) {
	offered, err := choose(opts)
	if err != nil {
		return nil, err
	}
	s := &Server{tools: map[string]*tools.Tool{}, log: opts.Log, workspace: opts.Workspace}
	_, _ = rand.Read(s.key[:]) // it never fails
	about := []server.ServerOption{
		server.WithTitle("akos"),
		server.WithInstructions(instructionsFor(offered, opts.HTTP)),
		server.WithToolCapabilities(false),
		server.WithLogging(),
	}
	if opts.HTTP {
		about = append(about, server.WithToolFilter(s.allowed))
	}
	s.mcp = server.NewMCPServer("akos", opts.Workspace.Version, append(about, fixtureOptions()...)...)
	ses := tools.Session{Workspace: opts.Workspace, Human: tools.NoHuman{}, Agent: true}
	for _, t := range offered {
		s.tools[t.ID()] = t
		s.mcp.AddTool(definition(t), s.logged(t.ID(), s.handler(t, ses)))
	}
	s.offerMore(ses)
	addFixtures(s.mcp)
	return s, nil
}

// definition returns t as tools/list shows it.
func definition(t *tools.Tool) mcp.Tool {
	schemas := t.Encoded()
	d := mcp.NewToolWithRawSchema(t.ID(), t.Short+". "+t.Long, schemas.In)
	d.RawOutputSchema = schemas.Out
	d.Title = t.Short
	d.Annotations = mcp.ToolAnnotation{
		Title:           t.Short,
		ReadOnlyHint:    mcp.ToBoolPtr(t.Effect == tools.Reads),
		DestructiveHint: mcp.ToBoolPtr(t.Effect == tools.Destroys),
		IdempotentHint:  mcp.ToBoolPtr(t.Idempotent),
		OpenWorldHint:   mcp.ToBoolPtr(t.OpenWorld),
	}
	return d
}

// argumentsKey is the context key of the bytes of a call's arguments, where
// the transport has them: the library's own decoding hides a member that is
// there twice.
type argumentsKey struct{}

// handler returns what mcp-go calls. It never returns a Go error and never
// lets a panic through: mcp-go would send the text of either to the client.
func (s *Server) handler(t *tools.Tool, ses tools.Session) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (res *mcp.CallToolResult, _ error) {
		defer func() {
			if r := recover(); r != nil {
				s.log.ErrorContext(ctx, "panic", "tool", t.ID(), "type", fmt.Sprintf("%T", r), "stack", frames())
				res = failure(workspace.Explain(fmt.Errorf("panic")), "")
			}
		}()
		s.begun.Do(func() { debug.SetGCPercent(garbage) })
		args, ok := ctx.Value(argumentsKey{}).(json.RawMessage)
		if !ok {
			var err error
			if args, err = json.Marshal(req.GetRawArguments()); err != nil {
				return failure(workspace.Explain(err), ""), nil
			}
		}
		ses := s.here(ctx, ses)
		ses.Client = nameOf(ctx)
		var out tools.Result
		var err error
		s.admit(ctx)
		if ses.Page, err = s.heard(ctx, req, t, args); err == nil {
			ses.Roots = rootsOf(req)
			out, err = func() (tools.Result, error) {
				defer waits(ctx, quick, whileCalled(t))()
				return t.Call(ctx, ses, args)
			}()
		}
		if ask := s.askRoots(ctx, req, t, args, err); ask != nil {
			return ask, nil
		}
		if err != nil {
			e := workspace.Explain(err)
			level := slog.LevelDebug
			if e.Kind == workspace.Internal {
				level = slog.LevelError // the client is told nothing, so the log has to
			}
			s.log.Log(ctx, level, "a call failed", "tool", t.ID(), "kind", e.Kind.String(), "err", err)
			return s.failure(ctx, t, s.discreet(ctx, e, err)), nil
		}
		if ask := s.page(ctx, req, t, args, out); ask != nil {
			return ask, nil
		}
		b, err := json.Marshal(out)
		if err != nil {
			s.log.ErrorContext(ctx, "a result does not encode", "tool", t.ID())
			return failure(workspace.Explain(err), ""), nil
		}
		s.log.DebugContext(ctx, "call", "tool", t.ID())
		return &mcp.CallToolResult{
			Content:           []mcp.Content{mcp.NewTextContent(string(b))},
			StructuredContent: json.RawMessage(b),
		}, nil
	}
}

// frames returns the stack without the values of arguments that a full trace
// shows: functions and lines alone.
func frames() string { return trimStack(debug.Stack()) }

// failure returns the result for an operation of t that failed. One that says
// no way on gets one: how t is called right, or, if that was not it, where to
// look. What nobody foresaw has none.
func (s *Server) failure(ctx context.Context, t *tools.Tool, e workspace.Error) *mcp.CallToolResult {
	if t != nil && e.Hint == "" && e.Kind != workspace.Internal {
		e.Hint = "akos status"
		if e.Kind == workspace.Invalid || e.Kind == workspace.NotFound {
			e.Hint = t.Right
		}
	}
	return failure(e, s.next(ctx, e, t))
}

// next returns the next call after e, of a tool that is offered; otherwise the
// command for a person, wherever they run it. failed is the tool that e is of,
// or nil.
func (s *Server) next(ctx context.Context, e workspace.Error, failed *tools.Tool) string {
	call, next := tools.AgentHint(e)
	// What was refused to this tool would be refused again.
	same := failed != nil && next == failed.ID() && (e.Kind == workspace.Denied || e.Kind == workspace.Conflict)
	if !s.offers(ctx, next) || same {
		call = workspace.InWorkspace(e.Hint, s.at(ctx).Place(ctx))
	}
	return s.elsewhere(ctx, call)
}

func failure(e workspace.Error, hint string) *mcp.CallToolResult {
	text := e.Kind.String() + ": " + e.Msg
	if hint != "" {
		text += "\nhint: " + hint
	}
	res := mcp.NewToolResultError(text)
	res.Meta = mcp.NewMetaFromMap(map[string]any{"akos/kind": e.Kind.String()})
	return res
}
