// Bare is the least server that mcp-go makes: one tool that echoes, over
// stdio or, with an address, over HTTP. The benchmarks and the gates measure
// against it.
package main

import (
	"context"
	"os"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

func main() {
	s := server.NewMCPServer("bare", "1", server.WithToolCapabilities(false))
	s.AddTool(mcp.NewTool("echo", mcp.WithString("text", mcp.Required())),
		func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			text, err := req.RequireString("text")
			return mcp.NewToolResultText(text), err
		})
	var err error
	if len(os.Args) > 1 {
		err = server.NewStreamableHTTPServer(s).Start(os.Args[1])
	} else {
		err = server.ServeStdio(s)
	}
	if err != nil {
		os.Exit(1)
	}
}
