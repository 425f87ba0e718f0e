//go:build unix

package clientconfig

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/akos/workspace"
)

// TestReadOnlyDirectory: nothing can be made beside the file.
func TestReadOnlyDirectory(t *testing.T) {
	for _, name := range Clients() {
		if name == "generic" {
			continue
		}
		h := newFiles(t, "linux", nil)
		path, _ := keyOf(t, name).path(h)
		put(t, path, others(name), 0o644)
		dir := filepath.Dir(path)
		if err := os.Chmod(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		var err error
		asNobody(t, func() { _, err = h.Write(name, testEntry) })
		_ = os.Chmod(dir, 0o755)
		wantKind(t, err, workspace.Unavailable)
		if string(get(t, path)) != others(name) || len(glob(t, dir+"/*akos*")) > 0 || len(glob(t, dir+"/.akos*")) > 0 {
			t.Errorf("%s: something was changed or left", name)
		}
	}
}

func TestUnreadable(t *testing.T) {
	h := newFiles(t, "linux", nil)
	path, _ := keyOf(t, "cursor").path(h)
	put(t, path, others("cursor"), 0o000)
	_ = os.Chmod(filepath.Dir(path), 0o755)
	var err error
	asNobody(t, func() { _, err = h.Write("cursor", testEntry) })
	wantKind(t, err, workspace.Unavailable)
}

func TestLinks(t *testing.T) {
	h := newFiles(t, "linux", nil)
	dots := t.TempDir()
	real := filepath.Join(dots, "sub", "mcp.json")
	if err := os.MkdirAll(filepath.Dir(real), 0o700); err != nil {
		t.Fatal(err)
	}
	// ~/.cursor is a link, and its mcp.json a relative one to a file that does not exist yet.
	link(t, filepath.Dir(real), filepath.Join(h.Home, ".cursor"))
	link(t, "../made.json", real)
	done, err := h.Write("cursor", testEntry)
	if err != nil || !done.Changed || done.Backup != "" {
		t.Fatalf("%+v, %v", done, err)
	}
	if !strings.Contains(string(get(t, filepath.Join(dots, "made.json"))), "akos-mcp") {
		t.Error("the target has no entry")
	}

	loop := newFiles(t, "linux", nil)
	link(t, "mcp.json", filepath.Join(loop.Home, ".cursor", "mcp.json"))
	_, err = loop.Write("cursor", testEntry)
	wantKind(t, err, workspace.Invalid)

	fifo := newFiles(t, "linux", nil)
	if err := os.Mkdir(filepath.Join(fifo.Home, ".cursor"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(fifo.Home, ".cursor", "mcp.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = fifo.Write("cursor", testEntry)
	wantKind(t, err, workspace.Invalid)
}

// TestBackups: each change has its own backup, never more open than the file.
func TestBackups(t *testing.T) {
	h := newFiles(t, "linux", nil)
	path, _ := keyOf(t, "cursor").path(h)
	put(t, path, "{}", 0o400)
	var names []string
	for _, cmd := range []string{"/a", "/b", "/c"} {
		done, err := h.Write("cursor", Entry{Command: cmd})
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimPrefix(done.Backup, path))
		if mode(t, done.Backup) != 0o400 || mode(t, path) != 0o400 {
			t.Errorf("backup %v, file %v", mode(t, done.Backup), mode(t, path))
		}
	}
	const stamp = ".akos-backup-20260504T030201"
	if want := stamp + " " + stamp + "-2 " + stamp + "-3"; strings.Join(names, " ") != want {
		t.Errorf("the backups are %q", names)
	}
}

// TestOwner: under sudo the file stays its owner's, and so does the backup.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root changes owners")
	}
	h := newFiles(t, "linux", nil)
	path, _ := keyOf(t, "cursor").path(h)
	put(t, path, "{}", 0o640)
	if err := os.Chown(path, 1234, 2345); err != nil {
		t.Fatal(err)
	}
	done, err := h.Write("cursor", testEntry)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, done.Backup} {
		fi, _ := os.Stat(name)
		if stat := fi.Sys().(*syscall.Stat_t); stat.Uid != 1234 || stat.Gid != 2345 {
			t.Errorf("%s belongs to %d:%d", name, stat.Uid, stat.Gid)
		}
	}
	if mode(t, path) != 0o640 {
		t.Errorf("mode %v", mode(t, path))
	}
}
