package mcpserver

import (
	"context"

	"example.com/akos/tools"
	"example.com/akos/workspace"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// icon is the server's, drawn in its few bytes: a keyhole. Clients show it
// beside the name. Tools, resources and prompts have none, since each list is
// paid for in every conversation.
const icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 48 48'%3E" +
	"%3Crect width='48' height='48' rx='11' fill='%231f4d3a'/%3E%3Cpath fill='%23f2efe6' d='M24 10a8 8 0 0 0-4 15l-3 13h14l-3-13a8 8 0 0 0-4-15z'/%3E%3C/svg%3E"

// About says in a line what the server is for.
const About = "Credentials that agents use and never see"

// introduced adds to the two answers that introduce the server what other
// answers do without: the newer revision repeats its name in every one.
func (s *Server) introduced() *server.Hooks {
	full := mcp.Implementation{Name: "akos", Title: "akos", Version: s.workspace.Version, Description: About,
		Icons: []mcp.Icon{{Src: icon, MIMEType: "image/svg+xml", Sizes: []string{"any"}}}}
	h := &server.Hooks{}
	h.AddAfterInitialize(func(_ context.Context, _ any, _ *mcp.InitializeRequest, res *mcp.InitializeResult) {
		if res.ProtocolVersion >= "2025-11-25" { // older revisions have neither icons nor a description
			res.ServerInfo = full
		}
	})
	h.AddAfterDiscover(func(_ context.Context, _ any, _ *mcp.DiscoverRequest, res *mcp.DiscoverResult) {
		res.EnsureResultMeta().SetServerInfo(full)
	})
	return h
}

// offerMore offers what there is beside tools, and declares it: nothing that
// the operator's flags have left empty.
func (s *Server) offerMore(ses tools.Session) {
	s.templates, s.prompts = map[string]*tools.Resource{}, map[string]prompt{}
	ses.Next = func(command string) string {
		call, tool := tools.AgentHint(workspace.Error{Hint: command})
		if s.tools[tool] != nil {
			return call
		}
		return workspace.InWorkspace(command, s.workspace.Place(context.Background()))
	}
	s.addResources(ses)
	s.addPrompts(ses)
	server.WithHooks(s.introduced())(s.mcp)
	if len(s.templates)+len(s.prompts) > 0 {
		c := completer{s, ses}
		for _, o := range []server.ServerOption{server.WithCompletions(), server.WithPromptCompletionProvider(c), server.WithResourceCompletionProvider(c)} {
			o(s.mcp)
		}
	}
}
