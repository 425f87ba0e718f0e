//go:build clients && linux

package clients

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A kept is texts that several goroutines add.
type kept struct {
	mu    sync.Mutex
	texts []string
}

func (k *kept) add(text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.texts = append(k.texts, text)
}

// all returns what was added, as one text.
func (k *kept) all() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.texts, "")
}

// take returns what was added, and forgets it.
func (k *kept) take() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	texts := k.texts
	k.texts = nil
	return texts
}

// noModel stands where a client expects a model: it keeps what it is asked,
// and refuses in a way that no client tries again.
func noModel(t *testing.T) (address string, asked *kept) {
	t.Helper()
	asked = &kept{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has gone
		}
		asked.add(string(body))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"type":"invalid_request_error","message":"there is no model here"}}`)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

// mcpURL is the address of the documentation. Between it and akos-mcp stands
// a proxy that keeps what passes; akos-mcp knows it as its own name.
const (
	mcpURL  = "http://127.0.0.1:7718/mcp"
	mcpAddr = "127.0.0.2:7718"
)

// serveHTTP runs akos serve and akos-mcp --http in b.
func serveHTTP(t *testing.T, b *box) (in, out *kept) {
	t.Helper()
	b.daemon("akos", "serve")
	b.daemon("real/akos-mcp", "--http", mcpAddr, "--public-url", strings.TrimSuffix(mcpURL, "/mcp"))
	in, out = &kept{}, &kept{}
	l, err := net.Listen("tcp", "127.0.0.1:7718")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: patience, Handler: &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: mcpAddr})
			r.Out.Host = r.In.Host
			body, err := io.ReadAll(r.In.Body)
			if err != nil {
				body = nil // the client has gone
			}
			in.add(string(body))
			r.Out.Body = io.NopCloser(bytes.NewReader(body))
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodPost { // it refuses all else in a message, as it may
				r.Body = &tap{ReadCloser: r.Body, to: out}
			}
			return nil
		},
	}}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-served })
	return in, out
}

// A tap keeps the messages of an answer: its whole, or the events of a stream.
type tap struct {
	io.ReadCloser
	to  *kept
	all bytes.Buffer
}

// Read keeps what it reads.
func (t *tap) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.all.Write(p[:n])
	return n, err
}

// Close splits what was read into messages.
func (t *tap) Close() error {
	for _, line := range strings.Split(t.all.String(), "\n") {
		t.to.add(strings.TrimPrefix(line, "data: "))
	}
	return t.ReadCloser.Close()
}

// daemon runs a program of b until the test ends, and waits until it says
// where it serves. At the end it has said nothing else that is amiss.
func (b *box) daemon(program string, args ...string) {
	b.t.Helper()
	cmd := exec.Command(filepath.Join(b.dir, "bin", program), args...)
	cmd.Dir, cmd.Env = b.home(), b.env
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || strings.Contains(errs.String(), "level=WARN") || strings.Contains(errs.String(), "level=ERROR") {
			b.t.Errorf("%s: %v\n%s", program, err, &errs)
		}
	})
	ready := make(chan bool, 1)
	go func() {
		lines := bufio.NewReader(out)
		line, _ := lines.ReadString('\n')
		ready <- strings.Contains(line, " serves http://")
		_, _ = io.Copy(io.Discard, lines)
	}()
	select {
	case ok := <-ready:
		if !ok {
			b.t.Fatalf("%s %s does not serve", program, strings.Join(args, " "))
		}
	case <-time.After(patience):
		b.t.Fatalf("%s does not start", program)
	}
}
