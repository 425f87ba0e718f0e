package akostest

import (
	"bytes"
	"regexp"
	"sync"
	"testing"
	"time"
)

// A Buffer is written by a process or a server and read by a test at once. The
// zero value is empty.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds p to what is there.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// Bytes returns a copy of what is there.
func (b *Buffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.b.Bytes())
}

// String returns what is there.
func (b *Buffer) String() string { return string(b.Bytes()) }

// Await returns what pattern finds, once it does, or fails the test.
func (b *Buffer) Await(t testing.TB, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if m := re.FindStringSubmatch(b.String()); m != nil {
			return m
		}
	}
	t.Fatalf("%s is not said:\n%s", pattern, b)
	return nil
}
