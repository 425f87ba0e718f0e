package drive

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// Stdio is a server that was started as a process, and speaks on its standard
// input and output.
type Stdio struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr buffer
	late   *time.Timer // kills a server that nobody ends
	once   sync.Once
	ended  chan struct{} // closed when the output has ended
}

// life is how long a server may run.
const life = 2 * time.Minute

// Start starts cmd, whose streams it sets.
func Start(cmd *exec.Cmd) (*Stdio, error) {
	s := &Stdio{cmd: cmd, ended: make(chan struct{})}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.in, s.out, cmd.Stderr = in, bufio.NewReader(out), &s.stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.late = time.AfterFunc(life, func() { _ = cmd.Process.Kill() })
	return s, nil
}

// Send writes a line.
func (s *Stdio) Send(message []byte) error {
	_, err := s.in.Write(append(bytes.Clone(message), '\n'))
	return err
}

// Recv reads a line.
func (s *Stdio) Recv() (Message, error) {
	line, err := s.out.ReadBytes('\n')
	if len(line) > 0 {
		return Message{Data: line}, nil // the next call tells the error
	}
	if err != nil {
		s.once.Do(func() { close(s.ended) })
	}
	return Message{}, err
}

// Close ends the standard input and waits until Recv has met the end. A server
// that does not end in time is killed; that, and an exit code, is an error.
func (s *Stdio) Close() error {
	_ = s.in.Close() // it may be closed
	kill := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer kill.Stop()
	defer s.late.Stop()
	<-s.ended
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("the server ended with %w", err)
	}
	return nil
}

// Stderr returns what the server wrote beside the protocol.
func (s *Stdio) Stderr() []byte { return s.stderr.bytes() }

// A buffer is one that goroutines may share.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.b.Bytes())
}
