package terminal

import (
	"io"
	"os"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/term"
)

// A console is CONIN$ and CONOUT$. A console can't be waited for: key releases
// and mouse moves wake it too, and the read then blocks. So one goroutine
// reads, only when asked to, and what it reads late goes to the next question.
type console struct {
	in, out *os.File
	vt      bool // the output understands escape sequences
	outMode uint32
	asked   bool // a read is under way
	ask     chan int
	got     chan read
	left    []byte // read and not yet taken
	err     error
}

type read struct {
	b   []byte
	err error
}

func openDevice() (device, error) {
	in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	c := &console{in: in, out: out, ask: make(chan int, 1), got: make(chan read, 1)}
	handle := windows.Handle(out.Fd())
	if windows.GetConsoleMode(handle, &c.outMode) == nil {
		c.vt = windows.SetConsoleMode(handle, c.outMode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
	}
	go c.loop()
	return c, nil
}

func (c *console) loop() {
	for n := range c.ask {
		b := make([]byte, n)
		n, err := c.in.Read(b)
		c.got <- read{b[:n], err}
	}
}

func (c *console) Write(p []byte) (int, error) { return c.out.Write(p) }

func (c *console) pastes() bool { return c.vt }

func (c *console) read(p []byte, d time.Duration) (int, error) {
	if len(c.left) == 0 && c.err == nil {
		if !c.asked {
			c.ask <- len(p)
			c.asked = true
		}
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case r := <-c.got:
			c.asked, c.left, c.err = false, r.b, r.err
		case <-timer.C:
			return 0, nil
		}
	}
	if len(c.left) > 0 {
		n := copy(p, c.left)
		clear(c.left[:n])
		c.left = c.left[n:]
		return n, nil
	}
	err := c.err
	c.err = nil
	if err == nil {
		err = io.EOF
	}
	return 0, err
}

func (c *console) raw() (func(), error) {
	fd := int(c.in.Fd())
	state, err := term.MakeRaw(fd)
	if err != nil {
		return nil, err
	}
	return func() { _ = term.Restore(fd, state) }, nil
}

// signal does nothing: a console has no such keys.
func (c *console) signal(byte) {}

func (c *console) flush() {
	_ = windows.FlushConsoleInputBuffer(windows.Handle(c.in.Fd()))
	clear(c.left)
	c.left = nil
}

// Close releases the console. A read that is under way ends with it, or with
// the process.
func (c *console) Close() error {
	close(c.ask)
	if c.vt {
		_ = windows.SetConsoleMode(windows.Handle(c.out.Fd()), c.outMode)
	}
	err := c.in.Close()
	if oerr := c.out.Close(); err == nil {
		err = oerr
	}
	return err
}
