package clientconfig

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// asNobody runs f without root's power over permissions: as root, with
// another file system identity on this thread alone.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Setfsuid(0) }()
	f()
}
