package rendezvous_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/akos/workspace/internal/rendezvous"
)

// asHolder makes this test program one that claims a home, says so, and waits.
const asHolder = "RENDEZVOUS_TEST_HOME"

func TestMain(m *testing.M) {
	home := os.Getenv(asHolder)
	if home == "" {
		os.Exit(m.Run())
	}
	claim, err := rendezvous.Take(context.Background(), home)
	if err == nil {
		err = claim.Announce(place())
	}
	fmt.Println(err)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	if err := claim.Release(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func place() rendezvous.Place {
	return rendezvous.Place{URL: "http://127.0.0.1:7717", Socket: "/home/sidecar.sock", PID: os.Getpid(), Version: "1", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func found(home string) bool { _, ok := rendezvous.Find(home); return ok }

func TestLife(t *testing.T) {
	home := t.TempDir()
	if found(home) || found(filepath.Join(home, "nowhere")) {
		t.Error("found where none is")
	}
	claim, err := rendezvous.Take(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	if found(home) {
		t.Error("found before it is announced")
	}
	start := time.Now()
	if _, err := rendezvous.Take(t.Context(), home); !errors.Is(err, rendezvous.ErrTaken) || time.Since(start) > 4*time.Second {
		t.Errorf("a second: %v after %v", err, time.Since(start))
	}
	want := place()
	if err := claim.Announce(want); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got, ok := rendezvous.Find(home); !ok || got != want {
			t.Errorf("%+v %v", got, ok)
		}
	}
	if _, err := rendezvous.Take(t.Context(), home); !errors.Is(err, rendezvous.ErrTaken) || !found(home) {
		t.Errorf("a second, and the first is found: %v %v", err, found(home))
	}
	files, _ := os.ReadDir(home)
	for _, f := range files {
		if info, _ := f.Info(); runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", f.Name(), info.Mode())
		}
	}
	if err := claim.Release(); err != nil || found(home) {
		t.Errorf("released: %v", err)
	}
	if _, err := os.Stat(filepath.Join(home, "sidecar.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the announcement stays: %v", err)
	}
	if claim, err = rendezvous.Take(t.Context(), home); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(home, "sidecar.alive")); err == nil { // by a person who tidies up
		_ = claim.Announce(want)
		if found(home) {
			t.Error("found without a lock")
		}
	}
	_ = claim.Release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rendezvous.Take(ctx, home); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if _, err := rendezvous.Take(t.Context(), filepath.Join(home, "nowhere")); err == nil || errors.Is(err, rendezvous.ErrTaken) {
		t.Errorf("no home: %v", err)
	}
}

// TestStrangeFiles: what is no announcement speaks of nobody, even while a
// sidecar runs.
func TestStrangeFiles(t *testing.T) {
	home := t.TempDir()
	claim, err := rendezvous.Take(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Release()
	file := filepath.Join(home, "sidecar.json")
	elsewhere := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(elsewhere, []byte(`{"url":"http://127.0.0.1:1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func() error{
		"empty":        func() error { return os.WriteFile(file, nil, 0o600) },
		"half":         func() error { return os.WriteFile(file, []byte(`{"url":"http`), 0o600) },
		"another JSON": func() error { return os.WriteFile(file, []byte(`[1]`), 0o600) },
		"no address":   func() error { return os.WriteFile(file, []byte(`{"pid":1}`), 0o600) },
		"huge":         func() error { return os.WriteFile(file, []byte(`{"url":"`+strings.Repeat("x", 20<<10)+`"}`), 0o600) },
		"a directory":  func() error { return os.Mkdir(file, 0o700) },
		"a link":       func() error { return os.Symlink(elsewhere, file) },
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
		if p, ok := rendezvous.Find(home); ok {
			t.Errorf("%s: %+v", name, p)
		}
		_ = os.RemoveAll(file)
	}
}

// TestKilled: what a killed process left counts for nothing at once, and the
// next takes over.
func TestKilled(t *testing.T) {
	home := t.TempDir()
	for round := range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), asHolder+"="+home)
		in, _ := cmd.StdinPipe()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if said, _ := bufio.NewReader(out).ReadString('\n'); said != "<nil>\n" {
			t.Fatalf("round %d: %s", round, said)
		}
		if p, ok := rendezvous.Find(home); !ok || p.PID != cmd.Process.Pid {
			t.Errorf("round %d: %+v %v", round, p, ok)
		}
		if round == 2 {
			_ = in.Close()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		} else {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if _, err := os.Stat(filepath.Join(home, "sidecar.json")); err != nil {
				t.Fatal("it left nothing")
			}
		}
		if found(home) {
			t.Errorf("round %d: the dead are found", round)
		}
		claim, err := rendezvous.Take(t.Context(), home)
		if err != nil {
			t.Fatal(err)
		}
		if found(home) {
			t.Errorf("round %d: the next is found where the dead was", round)
		}
		_ = claim.Release()
	}
}

// TestReaders: those who look whether a sidecar lives hold its lock for a
// moment, and never keep one from starting.
func TestReaders(t *testing.T) {
	home := t.TempDir()
	stale := filepath.Join(home, "sidecar.json")
	var reads atomic.Int64
	var all sync.WaitGroup
	stop := make(chan struct{})
	for range 8 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					rendezvous.Find(home)
					reads.Add(1)
				}
			}
		})
	}
	for range 20 {
		// With a stale file there they do look at the lock.
		if err := os.WriteFile(stale, []byte(`{"url":"http://127.0.0.1:1"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		for seen := reads.Load(); reads.Load() < seen+10; {
			time.Sleep(time.Millisecond)
		}
		claim, err := rendezvous.Take(t.Context(), home)
		if err != nil {
			t.Errorf("after %d reads: %v", reads.Load(), err)
			break
		}
		if err := claim.Announce(place()); err != nil {
			t.Error(err)
		}
		if err := claim.Release(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	all.Wait()
}
