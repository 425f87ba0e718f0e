package sidecar_test

import (
	"strings"
	"testing"

	"example.com/akos/internal/akostest"
)

// TestStrangers: whoever has no token and holds more connections than there
// are places, and opens each again that ends, keeps nobody out who has one.
func TestStrangers(t *testing.T) {
	for name, text := range map[string]string{
		"half a header":                "GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ",
		"answered, and no body":        "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n",
		"refused, and no body":         "PUT /api/v1/secrets/K HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n",
		"refused for a token, no body": "PUT /api/v1/secrets/K HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer fake\r\nContent-Length: 200000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "")
			token := r.token("acme", "read")
			akostest.Hold(t, strings.TrimPrefix(r.url, "http://"), text, 700)
			akostest.Served(t, r.url+"/api/v1/whoami", token)
		})
	}
}
