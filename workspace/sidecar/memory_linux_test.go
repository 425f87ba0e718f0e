package sidecar_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/workspace"
)

// TestMemory: 500 values of the greatest length that are sent at once are
// stored, or refused, in little memory; those whose last byte does not come
// keep nobody from storing a small one meanwhile, nor a large one for long.
func TestMemory(t *testing.T) {
	const limit = 200 << 10
	b := newBox(t).account()
	b.akosBin = filepath.Join(newRelease(t).bin, "akos") // what the race detector takes is not meant
	p := b.serve()
	value := strings.Repeat("v", workspace.MaxValue)
	put := func(key, text string, length int) (net.Conn, error) {
		c, err := net.DialTimeout("tcp", strings.TrimPrefix(p.url, "http://"), 5*time.Second)
		if err != nil {
			return nil, err
		}
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		_, err = fmt.Fprintf(c, "PUT /api/v1/secrets/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n%s", key, b.tok, length, text)
		return c, err
	}
	status := func(c net.Conn) int {
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return 0
		}
		_, _ = io.Copy(io.Discard, res.Body)
		return res.StatusCode
	}
	var wg sync.WaitGroup
	for i := range 500 {
		wg.Go(func() {
			// It waits to be read, so that not all of it is sent.
			if c, err := put(fmt.Sprint("SLOW_", i), value[1:], len(value)); c != nil {
				defer c.Close()
				if got := status(c); err == nil && got != http.StatusBadRequest && got != http.StatusServiceUnavailable {
					t.Errorf("a value whose end does not come: %d", got)
				}
			}
		})
	}
	time.Sleep(3 * time.Second)
	start := time.Now()
	c, err := put("SMALL", "value", 5)
	if err != nil || status(c) != http.StatusOK || time.Since(start) > 5*time.Second {
		t.Errorf("a small value: %v after %v", err, time.Since(start))
	}
	wg.Wait()
	t.Logf("all were refused after %v", time.Since(start))
	if c, err = put("LARGE", value, len(value)); err != nil || status(c) != http.StatusOK {
		t.Errorf("a large value after that: %v", err)
	}
	kB := peakOf(t, p.Process.Pid)
	t.Logf("peak: %d MiB", kB>>10)
	if kB > limit {
		t.Errorf("the process had %d MiB, at most %d are right", kB>>10, limit>>10)
	}
}

// peakOf returns the most resident memory that a process has had, in kB.
func peakOf(t *testing.T, pid int) (kB int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kB); n == 1 {
			return kB
		}
	}
	t.Fatal("no VmHWM")
	return 0
}
