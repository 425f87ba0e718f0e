//go:build unix

package project

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// names returns what is in dir.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func textOf(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestReplaceRacing has four replace a line each of one file: who is told that
// it is done finds it done, and it stays so.
func TestReplaceRacing(t *testing.T) {
	const racers = 4
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.txt")
	for range 150 {
		var text string
		for i := range racers {
			text += fmt.Sprintf("%d=%s\n", i, canary)
		}
		write(t, path, text, 0o600)
		var wg sync.WaitGroup
		var done [racers]bool
		start := make(chan struct{})
		for i := range racers {
			wg.Go(func() {
				f := &Finder{Dir: dir}
				<-start
				old, err := f.Read("", path, 1<<20)
				if err != nil {
					t.Error(err)
					return
				}
				line := fmt.Appendf(nil, "%d=", i)
				err = f.Replace("", path, old, bytes.Replace(old, append(line, canary...), line, 1))
				if done[i] = err == nil; !done[i] && kind(err) != "conflict" {
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		left := textOf(t, path)
		for i := range racers {
			if has := strings.Contains(left, fmt.Sprintf("%d=%s\n", i, canary)); has == done[i] {
				t.Fatalf("racer %d was told %v, and the value is there: %v", i, done[i], has)
			}
		}
		if !slices.Contains(done[:], true) {
			t.Fatal("nobody did it")
		}
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left behind: %q", got)
	}
}

// TestReplaceKeepsWhatIsSavedMeanwhile saves between the last look at the file
// and the change.
func TestReplaceKeepsWhatIsSavedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, ".env")
	for name, save := range map[string]func(){
		"in place": func() { write(t, path, "saved", 0o600) },
		"by a rename": func() {
			if err := os.Rename(write(t, path+"~", "saved", 0o600), path); err != nil {
				t.Error(err)
			}
		},
		"longer": func() { write(t, path, "old and saved", 0o600) },
		"removed": func() {
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		},
		"a symlink": func() {
			if err := os.Rename(path, path+".other"); err != nil {
				t.Error(err)
			}
			if err := os.Symlink(".env.other", path); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, path, "old", 0o600)
			var want string
			f := &Finder{Dir: dir, late: func() {
				save()
				data, err := os.ReadFile(path)
				want = fmt.Sprintf("%s %v", data, err)
			}}
			if err := f.Replace(dir, ".env", []byte("old"), []byte("new")); kind(err) != "conflict" {
				t.Errorf("%v", err)
			}
			data, err := os.ReadFile(path)
			if got := fmt.Sprintf("%s %v", data, err); got != want {
				t.Errorf("%q was saved, now it is %q", want, got)
			}
			for _, n := range names(t, dir) {
				if strings.HasPrefix(n, draftPrefix) {
					t.Errorf("left behind: %s", n)
				}
			}
			_ = os.Remove(path)
		})
	}
}

// TestReplaceBesideAnEditor saves again and again while another replaces: each
// text that was saved is there afterwards, as it was or replaced.
func TestReplaceBesideAnEditor(t *testing.T) {
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, ".env"), "0", 0o600)
	f := &Finder{Dir: dir}
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			old, err := f.Read(dir, ".env", 100)
			if err != nil {
				t.Error(err)
				return
			}
			if !bytes.HasSuffix(old, []byte("replaced")) {
				_ = f.Replace(dir, ".env", old, append(bytes.Clone(old), " replaced"...))
			}
		}
	})
	for i := range 400 {
		text := fmt.Sprint(i)
		if err := os.Rename(write(t, path+"~", text, 0o600), path); err != nil {
			t.Error(err)
		}
		for end := time.Now().Add(20 * time.Second); ; {
			got := textOf(t, path)
			if got == text || got == text+" replaced" {
				break
			}
			if time.Now().After(end) { // while it is put back another may be seen
				stop.Store(true)
				t.Fatalf("%q was saved and %q is there", text, got)
			}
		}
		time.Sleep(time.Duration(i%7) * 100 * time.Microsecond)
	}
	stop.Store(true)
	wg.Wait()
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left behind: %q", got)
	}
}

const crashHere = "AKOS_TEST_CRASH_IN"

// TestReplaceKilled kills a process in the middle. What it leaves is kept from
// git, and gone after the next run; the file is whole.
func TestReplaceKilled(t *testing.T) {
	if dir := os.Getenv(crashHere); dir != "" {
		f := &Finder{Dir: dir, late: func() {
			fmt.Println("now")
			select {}
		}}
		_ = f.Replace("", "secrets.txt", []byte("old"), []byte("new"))
		return
	}
	dir := t.TempDir()
	path := write(t, filepath.Join(dir, "secrets.txt"), "old", 0o600)
	cmd := exec.Command(os.Args[0], "-test.run=^TestReplaceKilled$")
	cmd.Env = append(os.Environ(), crashHere+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 3)); err != nil {
		t.Error(err)
	}
	f := &Finder{Dir: dir}
	other := write(t, filepath.Join(dir, "other.txt"), "old", 0o600)
	if err := f.Replace("", other, []byte("old"), []byte("new")); err != nil {
		t.Error(err)
	}
	if got := names(t, dir); len(got) != 3 {
		t.Errorf("%q: the draft of a process that lives was removed", got)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
	for _, name := range names(t, dir) {
		covered, err := filepath.Match(ignored[0], name)
		if err != nil || !covered && name != "secrets.txt" && name != "other.txt" {
			t.Errorf("%s is not kept from git", name)
		}
	}
	if got := textOf(t, path); got != "old" {
		t.Errorf("%q", got)
	}
	// A rehearsal is a run too, but for the change.
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Replace("", path, []byte("old"), []byte("old")); err != nil {
		t.Error(err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("a rehearsal replaced the file: %v", err)
	}
	if got := names(t, dir); len(got) != 2 || textOf(t, path) != "old" {
		t.Errorf("left behind: %q", got)
	}
}

func TestReplaceRefusesWhatItCantReplace(t *testing.T) {
	dir := t.TempDir()
	f := &Finder{Dir: dir}
	path := write(t, filepath.Join(dir, ".env"), "old", 0o600)
	for _, new := range []string{"old", "new"} { // a rehearsal tells it too
		if err := os.Link(path, filepath.Join(dir, "second")); err != nil {
			t.Fatal(err)
		}
		err := f.Replace("", path, []byte("old"), []byte(new))
		if kind(err) != "conflict" || !strings.Contains(err.Error(), "hard link") {
			t.Error(err)
		}
		if err := os.Remove(filepath.Join(dir, "second")); err != nil {
			t.Fatal(err)
		}
		if err := f.Replace("", path, []byte("older"), []byte(new)); kind(err) != "conflict" {
			t.Error(err)
		}
		if err := f.Replace("", "none", []byte("old"), []byte(new)); kind(err) != "invalid" {
			t.Error(err)
		}
		if err := f.Replace("", ".", []byte("old"), []byte(new)); kind(err) != "invalid" {
			t.Error(err)
		}
	}
	if got := names(t, dir); len(got) != 1 || textOf(t, path) != "old" {
		t.Errorf("%q", got)
	}
}

// TestReplaceWaits holds the lock of the file for a while.
func TestReplaceWaits(t *testing.T) {
	dir := t.TempDir()
	f := &Finder{Dir: dir}
	path := write(t, filepath.Join(dir, ".env"), "old", 0o600)
	lock, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := tryLock(lock); !ok || err != nil {
		t.Fatal(ok, err)
	}
	free := time.Now().Add(50 * time.Millisecond)
	time.AfterFunc(50*time.Millisecond, func() { lock.Close() })
	if err := f.Replace("", path, []byte("old"), []byte("new")); err != nil || time.Now().Before(free) {
		t.Errorf("%v, while another had the lock: %v", err, time.Now().Before(free))
	}
}

func TestHead(t *testing.T) {
	dir := t.TempDir()
	f := &Finder{Dir: dir}
	path := write(t, filepath.Join(dir, "large"), "start", 0o600)
	if err := os.Truncate(path, 1000<<20); err != nil { // sparse
		t.Fatal(err)
	}
	if data, err := f.Head("", path, 5); err != nil || string(data) != "start" {
		t.Errorf("%q %v", data, err)
	}
	if _, err := f.Read(dir, "large", 4<<20); kind(err) != "invalid" {
		t.Error(err)
	}
	write(t, path, "st", 0o600)
	if data, err := f.Head(dir, "large", 5); err != nil || string(data) != "st" {
		t.Errorf("%q %v", data, err)
	}
	if _, err := f.Head(dir, "../x", 5); kind(err) != "denied" {
		t.Error(err)
	}
	if _, err := f.Head("", ".", 5); kind(err) != "invalid" {
		t.Error(err)
	}
}
