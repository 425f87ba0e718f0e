package wire

import (
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
)

// TestHome finds the home of every platform that this one can stand for.
func TestHome(t *testing.T) {
	user, data := t.TempDir(), t.TempDir()
	t.Setenv("HOME", user)
	t.Setenv("XDG_DATA_HOME", data)
	t.Setenv("AKOS_HOME", "")
	t.Chdir(user)
	if runtime.GOOS == "linux" {
		for xdg, want := range map[string]string{
			data: filepath.Join(data, "akos"),
			"":   filepath.Join(user, ".local", "share", "akos"),
			// The XDG specification: a relative path is ignored.
			"relative": filepath.Join(user, ".local", "share", "akos"),
		} {
			t.Setenv("XDG_DATA_HOME", xdg)
			if got, err := home(); got != want || err != nil {
				t.Errorf("%q: %q, want %q; %v", xdg, got, want, err)
			}
		}
		t.Setenv("HOME", "")
		t.Setenv("XDG_DATA_HOME", "")
		if _, err := home(); workspace.Explain(err).Kind != workspace.Invalid {
			t.Errorf("without any home: %v", err)
		}
	}
	t.Setenv("AKOS_HOME", "here")
	if got, err := home(); got != filepath.Join(user, "here") || err != nil {
		t.Errorf("%q %v", got, err)
	}
}

// TestOpen opens a workspace, and sees that this touches nothing.
func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	t.Setenv("AKOS_HOME", dir)
	t.Setenv("AKOS_VAULT", "file")
	t.Setenv("AKOS_WORKSPACE", "")
	t.Chdir(t.TempDir())
	w, done, err := Open("cli", "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := w.List(t.Context(), ""); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("looking made a home")
	}
	if _, err := w.Put(t.Context(), workspace.PutRequest{Key: "K", Value: workspace.NewSecret([]byte("v"))}); err != nil {
		t.Fatal(err)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AKOS_WORKSPACE", "nobody-made-it")
	for choice, kind := range map[string]workspace.Kind{"": workspace.NotFound, "./none": workspace.NotFound, "No Such": workspace.Invalid} {
		w, done, err := Open("cli", choice, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.List(t.Context(), ""); workspace.Explain(err).Kind != kind {
			t.Errorf("%q: %v", choice, err)
		}
		if err := done(); err != nil {
			t.Error(err)
		}
	}
	if Version() == "" {
		t.Error("this build has no version")
	}
}

// TestQuiet: what a server sends unasked is written nowhere once a workspace is
// open, and is before.
func TestQuiet(t *testing.T) {
	t.Setenv("AKOS_HOME", t.TempDir())
	var out akostest.Buffer
	before := slog.Default()
	log.SetOutput(&out)
	t.Cleanup(func() { slog.SetDefault(before); log.SetOutput(os.Stderr) })
	hear(t)
	for end := time.Now().Add(10 * time.Second); !strings.Contains(out.String(), "NOBODY-ASKED"); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing is written before: the test shows nothing")
		}
	}
	_, done, err := Open("cli", "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	text := out.String()
	hear(t)
	time.Sleep(100 * time.Millisecond)
	log.Print("NOBODY-ASKED")
	if out.String() != text {
		t.Errorf("written: %s", out.String()[len(text):])
	}
}

// hear asks a server that says more than its answer, and waits until that was
// heard.
func hear(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	closed := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			closed <- err
			return
		}
		defer c.Close()
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		time.Sleep(50 * time.Millisecond) // the connection is idle by then
		_, _ = io.WriteString(c, "NOBODY-ASKED\r\n")
		_, err = io.Copy(io.Discard, c)
		closed <- err
	}()
	var client http.Client
	transport := &http.Transport{}
	client.Transport = transport
	res, err := client.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	select {
	case <-closed: // the client does not like what it heard
	case <-time.After(10 * time.Second):
		t.Fatal("the client keeps the connection")
	}
}
