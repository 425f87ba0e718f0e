//go:build linux || darwin || freebsd

package sidecar

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// TestPeer: this user on a socket, and nobody else and nowhere else.
func TestPeer(t *testing.T) {
	for _, tt := range []struct {
		network, address string
		user             int
		want             bool
	}{
		{"unix", filepath.Join(t.TempDir(), "s"), os.Geteuid(), true},
		{"unix", filepath.Join(t.TempDir(), "s"), os.Geteuid() + 1, false},
		{"unix", filepath.Join(t.TempDir(), "s"), -1, false},
		{"tcp", "127.0.0.1:0", os.Geteuid(), false},
	} {
		l, err := net.Listen(tt.network, tt.address)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial(tt.network, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := isFrom(s, tt.user); got != tt.want {
			t.Errorf("%s, user %d: %v", tt.network, tt.user, got)
		}
		ctx := localOnly(t.Context(), s)
		if mine := ctx.Value(localKey{}) != nil; mine != (tt.network == "unix") {
			t.Errorf("%s: it counts as this user: %v", tt.network, mine)
		}
		if _, err := s.Write([]byte("x")); (err == nil) != (tt.network == "unix") {
			t.Errorf("%s: %v", tt.network, err)
		}
		for _, c := range []interface{ Close() error }{c, s, l} {
			_ = c.Close()
		}
	}
}
