//go:build unix

package terminal

import (
	"errors"
	"io"
	"os"
	"os/signal"
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
	mode *term.State // the raw mode, while it is on
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
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, t.stillRaw()
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

// stillRaw returns errReset if the raw mode was on and is not: while the
// process was stopped the shell has set the terminal as it likes it. To ask in
// the pauses is enough, for without one no value is complete.
func (t *tty) stillRaw() error {
	if t.mode == nil {
		return nil
	}
	if mode, err := term.GetState(t.fd); err == nil && *mode != *t.mode {
		return errReset
	}
	return nil
}

func (t *tty) raw() (func(), error) {
	// In the background this stops the process until it is in front again.
	state, err := term.MakeRaw(t.fd)
	if err != nil {
		return nil, err
	}
	if t.mode, err = term.GetState(t.fd); err != nil {
		_ = term.Restore(t.fd, state)
		return nil, err
	}
	return func() {
		t.mode = nil
		_ = term.Restore(t.fd, state)
	}, nil
}

// signal sends the signal to the process group, as the terminal would.
func (t *tty) signal(key byte) {
	if key == ctrlBackslash {
		_ = unix.Kill(0, unix.SIGQUIT)
		return
	}
	resumed := make(chan os.Signal, 1)
	signal.Notify(resumed, unix.SIGCONT)
	defer signal.Stop(resumed)
	_ = unix.Kill(0, unix.SIGTSTP)
	// Where there is no shell to go on from, nothing is stopped. Time passes
	// while it is, so no single wait would tell.
	for range 20 {
		select {
		case <-resumed:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}
