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
