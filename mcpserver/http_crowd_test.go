package mcpserver_test

import (
	"strings"
	"testing"

	"example.com/akos/internal/akostest"
	"example.com/akos/mcpserver"
)

// TestHTTPStrangers: whoever has no token, holds more connections than there
// are places and opens each again that ends keeps nobody out who has one.
func TestHTTPStrangers(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.account(t, "ada", "")
	token := h.token(t, "ada", "", "cli")
	for name, text := range map[string]string{
		"half a header":        "POST /mcp HTTP/1.1\r\nHost: HOST\r\nX-A: ",
		"refused, and no body": "POST /mcp HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			d := overHTTP(t, h, mcpserver.Options{})
			d.connect(token).post(ping).is(200, 0)
			akostest.Hold(t, strings.TrimSuffix(strings.TrimPrefix(d.url, "http://"), "/mcp"), text, 1300)
			akostest.Served(t, d.url, token)
		})
	}
}
