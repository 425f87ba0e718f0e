package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"example.com/akos/workspace/vault"
)

// An env is a process environment.
type env map[string]string

func (e env) lookup(name string) (string, bool) { v, ok := e[name]; return v, ok }

// noKeychain fails a test that would reach the keychain of the machine.
type noKeychain struct{ t testing.TB }

func (k noKeychain) Get(_, _ string) (string, error) { k.t.Error("Get was called"); return "", nil }
func (k noKeychain) Set(_, _, _ string) error        { k.t.Error("Set was called"); return nil }
func (k noKeychain) Delete(_, _ string) error        { k.t.Error("Delete was called"); return nil }

func newHolders(home string, e env, kc vault.Keychain, deadline time.Duration) *vault.Holders {
	return vault.New(vault.Options{Home: home, LookupEnv: e.lookup, Keychain: kc, Deadline: deadline})
}

// files returns Holders that must not ask a keychain.
func files(t testing.TB, home string, e env) *vault.Holders {
	return newHolders(home, e, noKeychain{t}, 0)
}

// sealerOf returns a Sealer of any kind.
func sealerOf(t testing.TB) workspace.Sealer {
	t.Helper()
	_, s, err := newHolders(t.TempDir(), nil, &akostest.Keychain{}, 0).Create(context.Background(), workspace.BackendKeychain)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t testing.TB, h *vault.Holders, b workspace.Backend) (workspace.DataKey, workspace.Sealer) {
	t.Helper()
	k, s, err := h.Create(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return k, s
}

// opens checks that k opens what s sealed.
func opens(t testing.TB, h *vault.Holders, k workspace.DataKey, s workspace.Sealer) {
	t.Helper()
	ad := []byte("ad")
	want := workspace.NewSecret([]byte("a value of a test"))
	box, err := s.Seal(want, ad)
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.Open(context.Background(), k)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	got, err := again.Unseal(box, ad)
	if err != nil || !secret.Equal(got, want) {
		t.Fatalf("the value did not come back: %v", err)
	}
}

// check checks the kind of err, whether it means a lost key, that its message
// holds text, and that its form is the one of the house.
func check(t testing.TB, err error, kind workspace.Kind, isLost bool, text string) {
	t.Helper()
	e := (*workspace.Error)(nil)
	if !errors.As(err, &e) {
		t.Fatalf("not a workspace.Error: %v", err)
	}
	if e.Kind != kind || errors.Is(err, workspace.ErrKeyLost) != isLost || !strings.Contains(e.Msg, text) {
		t.Errorf("got %v (lost %v) %q, want %v (lost %v) with %q", e.Kind, errors.Is(err, workspace.ErrKeyLost), e.Msg, kind, isLost, text)
	}
	if e.Hint == "" || strings.HasSuffix(e.Msg, ".") {
		t.Errorf("the form of %q, hint %q", e.Msg, e.Hint)
	}
}

func write(t testing.TB, path, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
