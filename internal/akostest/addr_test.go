package akostest_test

import (
	"net"
	"testing"

	"example.com/akos/internal/akostest"
)

func TestFreeAddr(t *testing.T) {
	addr := akostest.FreeAddr(t)
	for range 2 { // again, once whoever listened has gone
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			t.Error("somebody listens")
		}
		for _, at := range []string{addr, "0.0.0.0" + addr[len("127.0.0.1"):]} {
			l, err := net.Listen("tcp", at)
			if err != nil {
				t.Fatal(err)
			}
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
			_ = l.Close()
		}
	}
}
