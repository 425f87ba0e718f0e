package akostest

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// FreeAddr returns an address of this machine where nobody listens. Until the
// test ends the system gives its port to nobody who asks for any: only who
// names it listens there.
func FreeAddr(t testing.TB) string {
	t.Helper()
	fail := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("a free port: %v", err)
		}
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	fail(err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	// A port that is bound so, and not listened on, can be bound by another
	// that has this option, as every listener of Go has.
	fail(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	fail(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := unix.Getsockname(fd)
	fail(err)
	return fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
}
