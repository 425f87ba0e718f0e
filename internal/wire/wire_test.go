package wire

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"

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
