package mcpserver

import (
	"context"

	"example.com/akos/tools"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// icon is the server's, drawn in its few bytes: a keyhole. A URI has no spaces.
// Clients show it beside the name. Tools, resources and prompts have none, since each list is
// paid for in every conversation.
const icon = "data:image/svg+xml,%3Csvg%20xmlns='http://www.w3.org/2000/svg'%20viewBox='0%200%2048%2048'%3E" +
	"%3Crect%20width='48'%20height='48'%20rx='11'%20fill='%231f4d3a'/%3E%3Cpath%20fill='%23f2efe6'%20d='M24%2010a8%208%200%200%200-4%2015l-3%2013h14l-3-13a8%208%200%200%200-4-15z'/%3E%3C/svg%3E"

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
	s.addResources(ses)
	s.addPrompts(ses)
	server.WithHooks(waiting(s.introduced()))(s.mcp)
	if len(s.templates)+len(s.prompts) > 0 {
		c := completer{s, ses}
		for _, o := range []server.ServerOption{server.WithCompletions(), server.WithPromptCompletionProvider(c), server.WithResourceCompletionProvider(c)} {
			o(s.mcp)
		}
	}
}
