//go:build !linux

package akostest

import (
	"net"
	"testing"
)

// FreeAddr returns an address of this machine where nobody listens. Whoever
// asks for any port may be given this one.
func FreeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
