//go:build unix

package project

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/akos/workspace"
)

func write(t *testing.T, path, text string, mode fs.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func kind(err error) string {
	if err == nil {
		return "none"
	}
	return workspace.Explain(err).Kind.String()
}

// soon fails if fn does not end: a pipe that nobody writes must not hang an
// agent.
func soon(t *testing.T, what string, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); fn() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s hangs", what)
	}
}

// TestRead reads with and without a root. With one nothing outside of it is
// read, whatever the path and its symlinks say.
func TestRead(t *testing.T) {
	top := t.TempDir()
	root := filepath.Join(top, "root")
	for _, dir := range []string{root, filepath.Join(root, "sub"), filepath.Join(top, "out")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	out := write(t, filepath.Join(top, "out", ".env"), "A="+canary, 0o600)
	write(t, filepath.Join(root, ".env"), "in", 0o600)
	write(t, filepath.Join(root, "sub", ".env"), "below", 0o600)
	write(t, filepath.Join(root, "large"), strings.Repeat("x", 101), 0o600)
	for name, target := range map[string]string{
		"absolute": out, "relative": "../out/.env", "dir": "../out", "inner": "sub/.env", "loop": "loop", "null": "/dev/null",
		"absinner": filepath.Join(root, ".env"), // os.Root takes no absolute link, even one that leads back
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &Finder{Dir: root}
	for _, c := range []struct{ root, path, text, kind string }{
		{root, ".env", "in", "none"},
		{root, "./sub/../.env", "in", "none"},
		{root, filepath.Join(root, "sub", ".env"), "below", "none"},
		{root, "inner", "below", "none"},
		{root, "absolute", "", "denied"},
		{root, "relative", "", "denied"},
		{root, "dir/.env", "", "denied"},
		{root, "absinner", "", "denied"},
		{root, "loop", "", "denied"},
		{root, "../out/.env", "", "denied"},
		{root, "sub/../../out/.env", "", "denied"},
		{root, out, "", "denied"},
		{root, "/dev/zero", "", "denied"},
		{root, "null", "", "denied"},
		{root, "none", "", "invalid"},
		{root, "sub", "", "invalid"},
		{root, ".", "", "invalid"},
		{root, "", "", "denied"},
		{root, "pipe", "", "invalid"},
		{root, "large", "", "invalid"},
		{"", ".env", "in", "none"},
		{"", out, "A=" + canary, "none"},
		{"", "relative", "A=" + canary, "none"},
		{"", "pipe", "", "invalid"},
		{"", "sub", "", "invalid"},
		{"", "/dev/zero", "", "invalid"},
		{"", "/dev/null", "", "invalid"},
		{"", "none", "", "invalid"},
		{"", "loop", "", "invalid"},
		{"", "large", "", "invalid"},
	} {
		soon(t, "Read of "+c.path, func() {
			data, err := f.Read(c.root, c.path, 100)
			if string(data) != c.text || kind(err) != c.kind {
				t.Errorf("Read(%q, %q) = %q, %v; want %q, %s", c.root, c.path, data, err, c.text, c.kind)
			}
		})
	}
	soon(t, "Replace of a pipe", func() {
		if err := f.Replace(root, "pipe", nil, []byte("x")); kind(err) != "invalid" {
			t.Error(err)
		}
	})
	// A workspace file, and a .gitignore, that are pipes.
	if err := syscall.Mkfifo(filepath.Join(root, FileName), 0o600); err != nil {
		t.Fatal(err)
	}
	soon(t, "Locate", func() {
		if _, err := f.Locate(t.Context()); kind(err) != "invalid" {
			t.Error(err)
		}
	})
	sub := filepath.Join(root, "sub")
	if err := syscall.Mkfifo(filepath.Join(sub, ".gitignore"), 0o600); err != nil {
		t.Fatal(err)
	}
	soon(t, "Init", func() {
		if _, err := f.Init(sub, "shop", "Shop", workspace.BackendAuto, false); kind(err) != "unavailable" {
			t.Error(err)
		}
	})
}

// TestReadRace swaps a file and a directory for links out of the root while
// they are read: what was outside is never read, and never replaced.
func TestReadRace(t *testing.T) {
	top := t.TempDir()
	root, out := filepath.Join(top, "root"), filepath.Join(top, "out")
	for _, dir := range []string{filepath.Join(root, "d"), out} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(out, ".env"), canary, 0o600)
	write(t, filepath.Join(root, "d", ".env"), "in", 0o600)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		d, link, kept := filepath.Join(root, "d"), filepath.Join(root, "link"), filepath.Join(root, "kept")
		for {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Symlink(out, link)
			_ = os.Rename(d, kept)
			_ = os.Rename(link, d)
			_ = os.Remove(d)
			_ = os.Rename(kept, d)
		}
	})
	f := &Finder{Dir: root}
	read := 0
	for began := time.Now(); time.Since(began) < 700*time.Millisecond || read == 0 && time.Since(began) < 20*time.Second; {
		data, err := f.Read(root, "d/.env", 100)
		if bytes.Contains(data, []byte(canary)) {
			t.Error("a file outside of the root was read")
			break
		}
		if err == nil {
			read++
		}
		_ = f.Replace(root, "d/.env", []byte("in"), []byte("in"))
		_ = f.Replace(root, "d/.env", []byte(canary), []byte("out"))
	}
	close(stop)
	wg.Wait()
	if data, err := os.ReadFile(filepath.Join(out, ".env")); err != nil || string(data) != canary {
		t.Errorf("a file outside of the root was replaced: %q %v", data, err)
	}
	if left, _ := filepath.Glob(filepath.Join(out, "*new")); len(left) > 0 {
		t.Errorf("left outside: %q", left)
	}
	if read == 0 {
		t.Error("nothing was read at all")
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	f := &Finder{Dir: dir}
	path := write(t, filepath.Join(dir, ".env"), "old", 0o640)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(".env", link); err != nil {
		t.Fatal(err)
	}
	uid := os.Getuid()
	if uid == 0 { // root keeps the owner of a file that is not its own
		uid = 12345
		if err := os.Chown(path, uid, uid); err != nil {
			t.Fatal(err)
		}
	}
	whole := func(text string) {
		t.Helper()
		data, err := os.ReadFile(path)
		info, serr := os.Stat(path)
		if err != nil || serr != nil || string(data) != text || info.Mode() != 0o640 || info.Sys().(*syscall.Stat_t).Uid != uint32(uid) {
			t.Errorf("%q %v %v", data, info, err)
		}
		names, err := os.ReadDir(dir)
		if err != nil || len(names) != 2 {
			t.Errorf("left behind: %v %v", names, err)
		}
	}
	if err := f.Replace("", ".env", []byte("old"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	whole("new")
	if err := f.Replace(dir, ".env", []byte("old"), []byte("x")); kind(err) != "conflict" {
		t.Errorf("a file that changed: %v", err)
	}
	whole("new")
	if err := f.Replace(dir, "link", []byte("new"), []byte("x")); kind(err) != "invalid" {
		t.Errorf("a link with a root: %v", err)
	}
	whole("new")
	if err := f.Replace("", "link", []byte("new"), []byte("newer")); err != nil { // through the link, which stays
		t.Error(err)
	}
	whole("newer")
	if err := f.Replace(dir, "../x", nil, nil); kind(err) != "denied" {
		t.Error(err)
	}
	if err := f.Replace("", "none", nil, nil); kind(err) != "invalid" {
		t.Error(err)
	}
	// What a crash left behind does not stop the next.
	write(t, path+".akos-new", canary, 0o600)
	if err := f.Replace("", ".env", []byte("newer"), []byte("newest")); err != nil {
		t.Error(err)
	}
	whole("newest")
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	f := &Finder{Dir: dir}
	defer syscall.Umask(syscall.Umask(0))
	if err := f.Create("out.age", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "out.age")); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if err := f.Create("out.age", []byte("y")); kind(err) != "conflict" {
		t.Error(err)
	}
	if err := f.Create("none/out.age", nil); kind(err) != "unavailable" {
		t.Error(err)
	}
}

func TestInit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	f := &Finder{Dir: filepath.Dir(filepath.Dir(dir))}
	defer syscall.Umask(syscall.Umask(0o077))
	site, err := f.Init("a/b", "shop", "Shop", workspace.BackendFile, false)
	if err != nil || site.ID != "shop" || site.Dir != dir {
		t.Fatalf("%+v %v", site, err)
	}
	if again, err := (&Finder{Dir: dir}).Locate(t.Context()); err != nil || again.File.Hash != site.File.Hash {
		t.Errorf("%+v %v", again, err)
	}
	for _, name := range []string{FileName, ".gitignore"} { // everybody's who has the project
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != 0o644 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if _, err := f.Init(dir, "other", "Other", "", false); kind(err) != "conflict" {
		t.Error(err)
	}
	if _, err := f.Init(dir, "other", "Other", "", true); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, ".gitignore")); err != nil || string(data) != ".env*\n.agentskitos/\n" {
		t.Errorf("%q %v", data, err)
	}
	// What a link leads to stays as it is, and is not made.
	outside := write(t, filepath.Join(t.TempDir(), "outside"), "theirs", 0o644)
	for _, target := range []string{outside, outside + "-new"} {
		if err := errors.Join(os.Remove(filepath.Join(dir, ".gitignore")), os.Symlink(target, filepath.Join(dir, ".gitignore"))); err != nil {
			t.Fatal(err)
		}
		for _, force := range []bool{false, true} {
			if _, err := f.Init(dir, "other", "Other", "", force); err == nil {
				t.Error("a link was taken for a file")
			}
		}
	}
	if data, err := os.ReadFile(outside); err != nil || string(data) != "theirs" {
		t.Errorf("%q %v", data, err)
	}
	if _, err := os.Lstat(outside + "-new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file was made outside: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, ".gitignore")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Init(t.TempDir(), "other", "Other", "", false); err != nil {
		t.Error(err)
	}
	write(t, filepath.Join(dir, ".gitignore"), "bin", 0o644) // without a line end
	if _, err := f.Init(dir, "other", "Other", "", true); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, ".gitignore")); err != nil || string(data) != "bin\n.env*\n.agentskitos/\n" {
		t.Errorf("%q %v", data, err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 2 {
		t.Errorf("left behind: %v", names)
	}
	for _, id := range []string{"", "Shop", "a_b", "-a", strings.Repeat("a", 64)} {
		if _, err := f.Init(dir, id, "x", "", true); kind(err) != "invalid" {
			t.Errorf("%q: %v", id, err)
		}
	}
}
