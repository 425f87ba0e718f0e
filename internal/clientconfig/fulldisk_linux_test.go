package clientconfig

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"example.com/akos/workspace"
)

// TestFullDisk limits the size of files instead: first the backup, then the
// new file does not fit. It runs in a process of its own, because the limit
// holds for the test's own log too.
func TestFullDisk(t *testing.T) {
	if os.Getenv("AKOS_TEST_FULL_DISK") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFullDisk$")
		cmd.Env = append(os.Environ(), "AKOS_TEST_FULL_DISK=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	for _, room := range []uint64{10, uint64(len(others("cursor"))) + 10} {
		h := newFiles(t, "linux", nil)
		path, _ := keyOf(t, "cursor").path(h)
		put(t, path, others("cursor"), 0o600)

		var old syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
		limit := old
		limit.Cur = room
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
		_, err := h.Write("cursor", testEntry)
		if e := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); e != nil {
			t.Fatal(e)
		}
		wantKind(t, err, workspace.Unavailable)
		if string(get(t, path)) != others("cursor") || len(glob(t, filepath.Dir(path)+"/*akos*")) > 0 || len(glob(t, filepath.Dir(path)+"/.akos*")) > 0 {
			t.Errorf("room for %d: something was changed or left", room)
		}
	}
}
