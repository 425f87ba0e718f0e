package sidecar_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestOtherUser: the mode keeps another user out; where somebody opened it, the
// kernel's word for the peer does.
func TestOtherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Log("only root can be another user: peer_test.go has the rest")
		return
	}
	r := newRig(t, "")
	r.put(own, "KEY", "", "value")
	for dir := filepath.Dir(r.socket); strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	const request = "GET /api/v1/secrets HTTP/1.0\r\n\r\n"
	if said, err := asUser(0, r.socket, request); err != nil || !strings.Contains(said, `"KEY"`) {
		t.Fatalf("this user: %q %v", said, err)
	}
	if said, err := asUser(65534, r.socket, request); err != unix.EACCES {
		t.Errorf("another user: %q %v", said, err)
	}
	if err := os.Chmod(r.socket, 0o666); err != nil {
		t.Fatal(err)
	}
	token := r.token("acme", "cli")
	for _, request := range []string{request, "GET /healthz HTTP/1.0\r\n\r\n", "GET /api/v1/whoami HTTP/1.0\r\nAuthorization: Bearer " + token + "\r\n\r\n"} {
		if said, err := asUser(65534, r.socket, request); err != nil || said != "" {
			t.Errorf("another user, of a socket that is open: %q %v", said, err)
		}
	}
	if said, err := asUser(0, r.socket, request); err != nil || !strings.Contains(said, `"KEY"`) {
		t.Errorf("this user: %q %v", said, err)
	}
}

// asUser sends a request from a thread of another user, and ends the thread.
func asUser(uid int, path, request string) (said string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() { // the main thread does not end
			defer runtime.UnlockOSThread()
			said, err = asUser(uid, path, request)
			return
		}
		var fd int
		if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return
		}
		if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); e != 0 {
			err = fmt.Errorf("setresuid: %w", e)
			return
		}
		if err = unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
			_ = unix.Close(fd)
			return
		}
		f := os.NewFile(uintptr(fd), "socket")
		defer f.Close()
		var c net.Conn
		if c, err = net.FileConn(f); err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(c, request) // it may be closed already
		data, _ := io.ReadAll(c)          // and reset
		said = string(data)
	}()
	<-done
	return said, err
}
