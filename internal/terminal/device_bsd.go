//go:build unix && !linux

package terminal

import (
	"time"

	"golang.org/x/sys/unix"
)

// fdSetSize is FD_SETSIZE: select can't wait for a file beyond it.
const fdSetSize = 1024

// readable waits until fd can be read, no longer than d. It is select and not
// poll, for on macOS poll refuses terminals.
func readable(fd int, d time.Duration) (bool, error) {
	if fd >= fdSetSize {
		return false, unix.EMFILE
	}
	var set unix.FdSet
	set.Set(fd)
	timeout := unix.NsecToTimeval(d.Nanoseconds())
	n, err := unix.Select(fd+1, &set, nil, nil, &timeout)
	return n > 0, err
}

// flush takes what is there: in raw mode that is all, in cooked mode the
// complete lines.
func (t *tty) flush() {
	buf := make([]byte, 4096)
	defer clear(buf)
	for range 1 << 10 {
		if n, err := t.read(buf, 0); n == 0 || err != nil {
			return
		}
	}
}
