//go:build unix

package terminal

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A tty is /dev/tty. It is opened without the runtime's poller, which can't
// wait for it on every system, and read only when there is something to read,
// so that no read is left behind to steal what the shell should get.
type tty struct {
	fd int
	io.Writer
	file *os.File
}

func openDevice() (device, error) {
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "/dev/tty")
	if !term.IsTerminal(fd) {
		_ = file.Close()
		return nil, errors.New("/dev/tty is not a terminal")
	}
	return &tty{fd: fd, Writer: file, file: file}, nil
}

func (t *tty) Close() error { return t.file.Close() }

func (t *tty) pastes() bool { return true }

func (t *tty) read(p []byte, d time.Duration) (int, error) {
	// The runtime interrupts system calls with signals of its own: that is no
	// pause in the typing.
	deadline := time.Now().Add(d)
	ok, err := readable(t.fd, d)
	for errors.Is(err, unix.EINTR) {
		ok, err = readable(t.fd, max(0, time.Until(deadline)))
	}
	if err != nil || !ok {
		return 0, err
	}
	n, err := unix.Read(t.fd, p)
	switch {
	case errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN):
		return 0, nil
	case errors.Is(err, unix.EIO): // the terminal hung up
		return 0, io.EOF
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (t *tty) raw() (func(), error) {
	state, err := term.MakeRaw(t.fd)
	if err != nil {
		return nil, err
	}
	return func() { _ = term.Restore(t.fd, state) }, nil
}
