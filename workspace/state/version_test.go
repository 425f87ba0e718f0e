package state_test

import (
	"os"
	"path/filepath"
	"testing"

	"example.com/akos/workspace"
	"example.com/akos/workspace/state"
)

// TestVersion: the version is the same while nobody writes, and another once
// anybody has, or the database is another one.
func TestVersion(t *testing.T) {
	home := t.TempDir()
	one, two := state.New(home), state.New(home) // as two processes
	defer one.Close()
	defer two.Close()
	version := func(db *state.DB) int64 {
		t.Helper()
		v, err := db.Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	note := func(db *state.DB) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx workspace.Tx) error { return tx.Audit(workspace.Event{Op: "test"}) }); err != nil {
			t.Fatal(err)
		}
	}
	if first := version(one); version(one) == first {
		t.Error("where there is no state, nothing is known")
	}
	note(one)
	for name, writer := range map[string]*state.DB{"one": one, "two": two, "one again": one} {
		for range 20 { // within one tick of the clock of files
			a, b := version(one), version(two)
			if version(one) != a || version(two) != b {
				t.Errorf("%s: it changes by itself", name)
			}
			if err := two.Read(t.Context(), func(workspace.Tx) error { return nil }); err != nil || version(one) != a || version(two) != b {
				t.Errorf("%s: who reads changes it: %v", name, err)
			}
			note(writer)
			if version(one) == a || version(two) == b {
				t.Errorf("%s wrote, and it is the same", name)
			}
		}
	}
	path := filepath.Join(home, "state.db")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := version(one)
	for _, name := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + name); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path+".copy", b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".copy", path); err != nil {
		t.Fatal(err)
	}
	if version(one) == before {
		t.Error("another database lies there, and it is the same")
	}
}
