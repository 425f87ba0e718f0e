//go:build unix

package sidecar

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// listenLocal listens on a socket that only this user can reach.
func listenLocal(home string) (net.Listener, string, error) {
	path, err := socketPath(home)
	if err != nil {
		return nil, "", err
	}
	// The claim is ours, so a socket that is there is what a dead process left.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, "", err
	}
	mask := syscall.Umask(0o177)
	l, err := net.Listen("unix", path)
	syscall.Umask(mask)
	return l, path, err
}

// localOnly notes that a connection comes from this user, and closes any
// other. The mode of the socket keeps others out already; where it was opened
// to them, the kernel's word for the peer still holds.
func localOnly(ctx context.Context, c net.Conn) context.Context {
	if !isFrom(c, os.Geteuid()) {
		_ = c.Close()
		return ctx
	}
	return context.WithValue(ctx, localKey{}, true)
}

// isFrom reports whether c is a socket with a process of that user on the
// other end.
func isFrom(c net.Conn, user int) bool {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return false
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return false
	}
	uid, known := -1, false
	err = raw.Control(func(fd uintptr) { uid, known = peer(int(fd)) })
	return err == nil && known && uid == user
}
