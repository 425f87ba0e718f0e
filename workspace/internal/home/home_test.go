//go:build unix

package home_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/home"
)

// TestMakeBesideAnother makes a directory while somebody else does: an empty
// one is closed, whoever was first.
func TestMakeBesideAnother(t *testing.T) {
	for range 1000 {
		dir := filepath.Join(t.TempDir(), "home")
		var wg sync.WaitGroup
		wg.Go(func() { _ = os.Mkdir(dir, 0o750) })
		err := home.Make(dir)
		wg.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode() != os.ModeDir|0o700 {
			t.Fatalf("%v, %v", info, err)
		}
	}
}

// TestMakeBesideFiles closes a directory that is open to others if all in it is
// akos's, and leaves any other as it is.
func TestMakeBesideFiles(t *testing.T) {
	for name, ours := range map[string]bool{
		"state.db": true, "state.db-wal": true, "state.lock": true, "session.lock": true, "sidecar.lock": true, "vault.identity": true,
		"yarn.lock": false, "Cargo.lock": false, ".lock": false, "state.lock.bak": false, "my-state.lock": false,
	} {
		dir := filepath.Join(t.TempDir(), "home")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil { // whatever the umask
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		err := home.Make(dir)
		if e := workspace.Explain(err); ours && err != nil || !ours && e.Kind != workspace.Denied {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := os.Stat(dir); err != nil || (info.Mode().Perm() == 0o700) != ours {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// TestMakeOnAFile leaves what is there.
func TestMakeOnAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := home.Make(file); workspace.Explain(err).Kind != workspace.Denied {
		t.Errorf("on a file: %v", err)
	}
	if err := home.Make(filepath.Join(file, "home")); err == nil {
		t.Error("below a file: no error")
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "text" {
		t.Errorf("it was changed: %q %v", data, err)
	}
}
