package sidecar

import "golang.org/x/sys/unix"

// peer returns the user on the other end of a socket.
func peer(fd int) (uid int, ok bool) {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, false
	}
	return int(cred.Uid), true
}
