package vault_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"example.com/akos/workspace"
	"example.com/akos/workspace/vault"
)

func hashed(t *testing.T, h *vault.Holders, make bool, value string) []byte {
	t.Helper()
	hr, err := h.Hasher(context.Background(), make)
	if err != nil {
		t.Fatal(err)
	}
	if hr == nil {
		return nil
	}
	return hr.Hash(workspace.NewSecret([]byte(value)))
}

// TestHasher: one key a home, which only storing makes; a hash depends on it
// and on the value alone.
func TestHasher(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, "vault.hashkey")
	if hashed(t, files(t, home, nil), false, "v") != nil {
		t.Fatal("there is a hash key")
	}
	if _, err := os.Lstat(path); err == nil {
		t.Fatal("looking made a hash key")
	}
	all := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i] = hashed(t, files(t, home, nil), true, "v") })
	}
	wg.Wait()
	for _, got := range append(all, hashed(t, files(t, home, nil), false, " v\n")) {
		if !bytes.Equal(got, all[0]) || len(got) != workspace.HashID+32 {
			t.Fatal("not one hash of 256 bits for one value")
		}
	}
	if got := hashed(t, files(t, home, nil), false, "w"); bytes.Equal(got, all[0]) || !bytes.Equal(got[:workspace.HashID], all[0][:workspace.HashID]) {
		t.Error("another value has the same hash, or names another key")
	}
	if got := hashed(t, files(t, t.TempDir(), nil), true, "v"); bytes.Equal(got[workspace.HashID:], all[0][workspace.HashID:]) {
		t.Error("two homes have the same key")
	}
	text := read(t, path)
	if !strings.HasPrefix(text, "# ") || !strings.Contains(text, "\nAKOS-HASH-1 ") {
		t.Error("the file has another form")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// TestHashKeyThatIsNone: one that can't be trusted is not used, not replaced
// and not shown.
func TestHashKeyThatIsNone(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, "vault.hashkey")
	hashed(t, files(t, home, nil), true, "v")
	good := read(t, path)
	for name, data := range map[string]string{"empty": "", "cut": good[:len(good)-9], "another form": strings.ReplaceAll(good, "HASH", "KEK"), "huge": good + strings.Repeat("x", 5000)} {
		write(t, path, data)
		for _, make := range []bool{false, true} {
			_, err := files(t, home, nil).Hasher(context.Background(), make)
			check(t, err, workspace.Unavailable, false, "vault.hashkey")
		}
		if read(t, path) != data {
			t.Errorf("%s: it was changed", name)
		}
	}
	write(t, path, good)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := files(t, home, nil).Hasher(context.Background(), true)
	check(t, err, workspace.Denied, false, "open to other users")
}
