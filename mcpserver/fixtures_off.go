//go:build !conformance

package mcpserver

import (
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// The official conformance suite calls tools of its own. Only a build with the
// tag conformance has them; see fixtures.go.

func fixtureOptions() []server.ServerOption { return nil }

func addFixtures(*server.MCPServer) {}

func fixtureRefusal(*envelope, []byte) *mcp.JSONRPCErrorDetails { return nil }
