package terminal

import (
	"time"

	"golang.org/x/sys/unix"
)

// readable waits until fd can be read, no longer than d.
func readable(fd int, d time.Duration) (bool, error) {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(d.Milliseconds()))
	return n > 0, err
}

func (t *tty) flush() { _ = unix.IoctlSetInt(t.fd, unix.TCFLSH, unix.TCIFLUSH) }
