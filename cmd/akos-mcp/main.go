// Akos-mcp serves credentials that agents use and never see, over MCP.
package main

import (
	"os"

	"example.com/akos/internal/wire"
	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
)

func main() {
	os.Exit(mcpserver.Run(mcpserver.System{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Args: os.Args[1:],
		Open: wire.Open, Version: wire.Version(), Exit: os.Exit,
		Verifier: func(o workspace.ServeOptions, audience string) (mcpserver.Verifier, error) {
			return wire.Verifier(o, audience)
		},
	}))
}
