//go:build unix

package sidecar_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/rendezvous"
	"example.com/akos/workspace/sidecar"
)

// TestModes: whatever the umask and wherever the home, what the sidecar makes
// is this user's alone.
func TestModes(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	home := filepath.Join(t.TempDir(), "not", "yet", "there")
	r := newRig(t, home)
	r.put(own, "KEY", "", "value")
	for path, want := range map[string]os.FileMode{
		home: os.ModeDir | 0o700, filepath.Dir(home): os.ModeDir | 0o700, r.socket: os.ModeSocket | 0o600,
		home + "/sidecar.json": 0o600, home + "/sidecar.lock": 0o600, home + "/state.db": 0o600,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v %v, want %v", path, info.Mode(), err, want)
		}
	}
	if filepath.Dir(r.socket) != home {
		t.Errorf("the socket is %s", r.socket)
	}
}

// TestLeftovers: what a killed sidecar left is in nobody's way, and what a
// stopped one left is nothing.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(t *testing.T, home string){
		"a socket": func(t *testing.T, home string) {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: home + "/sidecar.sock"})
			if err != nil {
				t.Fatal(err)
			}
			l.SetUnlinkOnClose(false)
			_ = l.Close()
		},
		"a file for a socket": func(t *testing.T, home string) { write(t, home+"/sidecar.sock", "") },
		"a link for a socket": func(t *testing.T, home string) { link(t, "/etc/passwd", home+"/sidecar.sock") },
		"an empty directory":  func(t *testing.T, home string) { _ = os.Mkdir(home+"/sidecar.sock", 0o700) },
		"another's place": func(t *testing.T, home string) {
			write(t, home+"/sidecar.json", `{"url":"http://127.0.0.1:1","pid":1}`)
		},
		"half a file":          func(t *testing.T, home string) { write(t, home+"/sidecar.json", `{"url":"http`) },
		"a link for the place": func(t *testing.T, home string) { link(t, "/etc/passwd", home+"/sidecar.json") },
		"a draft":              func(t *testing.T, home string) { write(t, home+"/sidecar.json.1", "") },
		"a lock":               func(t *testing.T, home string) { write(t, home+"/sidecar.lock", "") },
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			leave(t, home)
			t.Run("served", func(t *testing.T) {
				r := newRig(t, home)
				if a := r.ask("GET", "/api/v1/secrets", own, nil); a.status != 200 {
					t.Errorf("%d %s", a.status, a.body)
				}
				if p, ok := rendezvous.Find(home); !ok || p.URL != r.url || p.PID != os.Getpid() || p.Socket != r.socket {
					t.Errorf("%+v %v", p, ok)
				}
			})
			for _, gone := range []string{"sidecar.sock", "sidecar.json"} {
				if _, err := os.Lstat(filepath.Join(home, gone)); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s: %v", gone, err)
				}
			}
		})
	}
	if _, err := os.Stat("/etc/passwd"); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// attempt serves a home that should not be served, or for a moment.
func attempt(home, listen string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	return sidecar.Serve(ctx, sidecar.Options{
		ServeOptions: workspace.ServeOptions{Listen: listen, Out: io.Discard, Drain: time.Second},
		Home:         home, Parts: workspace.Options{Store: &akostest.AuthStore{}, Now: time.Now, Log: log}, Log: log,
		Login: func(string, []string) (http.Handler, sidecar.Verifier, error) {
			return http.NotFoundHandler(), nil, nil
		},
		Setup: func(string) (string, error) { cancel(); return "", nil },
	})
}

func refuses(t *testing.T, err error, kind workspace.Kind, msg, hint string) {
	t.Helper()
	if e := workspace.Explain(err); err == nil || e.Kind != kind || !strings.Contains(e.Msg, msg) || e.Hint != hint {
		t.Errorf("%v: %v, hint %s", e.Kind, err, e.Hint)
	}
}

func TestOneSidecar(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	claim, err := rendezvous.Take(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, attempt(home, "127.0.0.1:0"), workspace.Conflict, "just starting", "akos status")
	if err := claim.Release(); err != nil {
		t.Fatal(err)
	}
	t.Run("served", func(t *testing.T) {
		r := newRig(t, home)
		refuses(t, attempt(home, "127.0.0.1:0"), workspace.Conflict, "runs already, at "+r.url, "akos status")
		// The one that runs is none the worse.
		if a := r.ask("GET", "/api/v1/secrets", own, nil); a.status != 200 {
			t.Errorf("%d", a.status)
		}
		if _, ok := rendezvous.Find(home); !ok {
			t.Error("it is not found any more")
		}
		refuses(t, attempt(t.TempDir(), strings.TrimPrefix(r.url, "http://")), workspace.Unavailable, "can't be listened on", "akos serve --listen 127.0.0.1:0")
	})
	if err := attempt(home, "127.0.0.1:0"); err != nil {
		t.Errorf("after it: %v", err)
	}
	// Of many at once, one.
	var served, refused sync.Map
	var all sync.WaitGroup
	stop := make(chan struct{})
	for i := range 8 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			log := slog.New(slog.DiscardHandler)
			err := sidecar.Serve(ctx, sidecar.Options{
				ServeOptions: workspace.ServeOptions{Listen: "127.0.0.1:0", Out: io.Discard},
				Home:         home, Parts: workspace.Options{Store: &akostest.AuthStore{}, Now: time.Now, Log: log}, Log: log,
				Login: func(string, []string) (http.Handler, sidecar.Verifier, error) {
					return http.NotFoundHandler(), nil, nil
				},
				Setup: func(string) (string, error) { served.Store(i, true); go func() { <-stop; cancel() }(); return "", nil },
			})
			if err != nil {
				refused.Store(i, err)
			}
		})
	}
	count := func(m *sync.Map) (n int) { m.Range(func(_, _ any) bool { n++; return true }); return n }
	for end := time.Now().Add(30 * time.Second); count(&served)+count(&refused) < 8 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	close(stop)
	all.Wait()
	if count(&served) != 1 || count(&refused) != 7 {
		t.Errorf("%d served, %d refused", count(&served), count(&refused))
	}
}

// TestLongHome: where a path is too long for a socket, the socket is elsewhere,
// as private, and goes with the sidecar.
func TestLongHome(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	for _, n := range []int{60, 99, 100, 101, 108, 109, 200} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			home := filepath.Join(temp, strings.Repeat("d", n))
			t.Run("served", func(t *testing.T) {
				r := newRig(t, home)
				if a := r.ask("GET", "/api/v1/secrets", own, nil); a.status != 200 {
					t.Errorf("%d", a.status)
				}
				info, err := os.Stat(filepath.Dir(r.socket))
				if err != nil || info.Mode().Perm() != 0o700 || len(r.socket) > 100 {
					t.Errorf("%s: %v %v", r.socket, info.Mode(), err)
				}
			})
			if left, _ := filepath.Glob(filepath.Join(temp, "akos-*")); len(left) > 0 {
				t.Errorf("%q is left", left)
			}
			if _, err := os.Stat(home); err != nil {
				t.Errorf("the home: %v", err)
			}
		})
	}
}

// TestOptions: what can't work is said before anything is made.
func TestUnwritableHome(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	refuses(t, attempt(file, "127.0.0.1:0"), workspace.Unavailable, "can't be made", "")
	refuses(t, attempt(filepath.Join(file, "home"), "127.0.0.1:0"), workspace.Unavailable, "can't be made", "")
	home := t.TempDir()
	if err := os.MkdirAll(home+"/sidecar.sock/full", 0o700); err != nil {
		t.Fatal(err)
	}
	refuses(t, attempt(home, "127.0.0.1:0"), workspace.Unavailable, "the socket", "")
}
