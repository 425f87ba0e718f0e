package vault_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"example.com/akos/workspace/vault"
)

func TestIdentityIsNeverOverwritten(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, "vault.identity")
	k, s := create(t, files(t, home, nil), workspace.BackendFile)
	first := read(t, path)
	if lines := strings.Split(first, "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], "# ") || !strings.HasPrefix(lines[1], "AKOS-KEK-1 ") {
		t.Errorf("the file has another form: %d lines", len(lines))
	}
	create(t, files(t, home, nil), workspace.BackendFile)
	if read(t, path) != first {
		t.Fatal("a second data key changed the identity file")
	}
	opens(t, files(t, home, nil), k, s)
	if names, err := os.ReadDir(home); err != nil || len(names) != 1 {
		t.Errorf("left in the home: %v, %v", names, err)
	}
}

func TestDamagedIdentityIsALostKeyAndStays(t *testing.T) {
	home := filepath.Join(t.TempDir(), "it's home")
	path := filepath.Join(home, "vault.identity")
	h := files(t, home, nil)
	k, s := create(t, h, workspace.BackendFile)
	good := read(t, path)
	line := strings.SplitN(good, "\n", 2)[1]
	for _, data := range []string{
		"", "# only a comment\n", "AKOS-KEK-1 \n", "AKOS-KEK-2" + line[10:], line[:len(line)-5] + "\n",
		strings.TrimPrefix(line, "AKOS-KEK-1 "), "AKOS-KEK-1 AAAA\n", "no line end", line[:20] + "\n" + line[20:],
	} {
		write(t, path, data)
		_, err := h.Open(context.Background(), k)
		check(t, err, workspace.Unavailable, true, "vault.identity is damaged")
		if read(t, path) != data {
			t.Fatal("opening changed the damaged file")
		}
		// A new key joins what is there.
		k2, s2 := create(t, h, workspace.BackendFile)
		opens(t, files(t, home, nil), k2, s2)
		if now := read(t, path); !strings.HasPrefix(now, data) || strings.Count(now, "\nAKOS-KEK-1 ") < 1 {
			t.Fatal("the damaged file was changed, or has no new key")
		}
		_, err = h.Open(context.Background(), k)
		check(t, err, workspace.Unavailable, true, "vault.identity does not hold the key of this vault")
		write(t, path, read(t, path)+good) // cat backup >> vault.identity
		opens(t, h, k, s)
		opens(t, h, k2, s2)
	}
	write(t, path, strings.ReplaceAll(good, "\n", "\r\n")) // an editor of another system
	opens(t, h, k, s)
	write(t, path, "\ufeff"+good+"x\n")
	opens(t, h, k, s)
	write(t, path, strings.Repeat("#", 5000))
	_, err := h.Open(context.Background(), k)
	check(t, err, workspace.Unavailable, false, "can't be read")
	full := strings.Repeat("#", 4090)
	write(t, path, full)
	_, _, err = h.Create(context.Background(), workspace.BackendFile)
	check(t, err, workspace.Unavailable, false, "move it away")
	want := fmt.Sprintf("mv %s %s", workspace.ShellQuote(path), workspace.ShellQuote(path+".damaged"))
	if hint := workspace.Explain(err).Hint; hint != want {
		t.Errorf("hint %q", hint)
	}
	if read(t, path) != full {
		t.Error("a file that can take no key was changed")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if h.Present(k) {
		t.Error("present without its file")
	}
	_, err = h.Open(context.Background(), k)
	check(t, err, workspace.Unavailable, true, "vault.identity is missing")
}

// TestRestoredIdentityBesideANewOne follows a person who lost the file, made a
// new key, and found the backup.
func TestRestoredIdentityBesideANewOne(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, "vault.identity")
	h := files(t, home, nil)
	k, s := create(t, h, workspace.BackendFile)
	backup := read(t, path)
	aside := filepath.Join(t.TempDir(), "aside")
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	_, err := h.Open(context.Background(), k)
	check(t, err, workspace.Unavailable, true, "is missing")
	k.Lost = time.Now().Add(time.Hour) // by a clock that goes wrong
	k2, s2 := create(t, h, workspace.BackendFile)
	second := read(t, path)
	if h.Present(k) || !h.Present(k2) {
		t.Error("the new file holds the new key alone")
	}
	for _, both := range []string{backup + second, second + backup, second + "\n# my backup\n" + strings.ReplaceAll(backup, "\n", "\r\n")} {
		write(t, path, both)
		opens(t, h, k, s)
		opens(t, h, k2, s2)
		if !h.Present(k) || !h.Present(k2) {
			t.Error("a restored key is not present")
		}
		k3, s3 := create(t, h, workspace.BackendFile) // takes one that is there
		opens(t, h, k3, s3)
		if read(t, path) != both {
			t.Error("a file with keys was changed")
		}
	}
	// Moved back, with the times that it had.
	if err := os.Rename(aside, path); err != nil {
		t.Fatal(err)
	}
	if !h.Present(k) {
		t.Error("a file that was moved back is not seen")
	}
	opens(t, h, k, s)
}

// TestRacingCreatesOnADamagedIdentity has all keys in the file in the end.
func TestRacingCreatesOnADamagedIdentity(t *testing.T) {
	for range 20 {
		home := t.TempDir()
		write(t, filepath.Join(home, "vault.identity"), "damaged")
		var keys [8]workspace.DataKey
		var sealers [8]workspace.Sealer
		var racers sync.WaitGroup
		for i := range keys {
			racers.Go(func() {
				var err error
				if keys[i], sealers[i], err = files(t, home, nil).Create(context.Background(), workspace.BackendFile); err != nil {
					t.Error(err)
				}
			})
		}
		racers.Wait()
		if t.Failed() {
			return
		}
		for i := range keys {
			opens(t, files(t, home, nil), keys[i], sealers[i])
		}
	}
}

func TestRacingCreatesEndInOneIdentity(t *testing.T) {
	for range 20 {
		home := filepath.Join(t.TempDir(), "home")
		type made struct {
			k workspace.DataKey
			s workspace.Sealer
		}
		all := make([]made, 8)
		start := make(chan struct{})
		var racers sync.WaitGroup
		for i := range all {
			racers.Go(func() {
				<-start
				k, s, err := files(t, home, nil).Create(context.Background(), workspace.BackendFile)
				if err != nil {
					t.Error(err)
				}
				all[i] = made{k, s}
			})
		}
		close(start)
		racers.Wait()
		if t.Failed() {
			return
		}
		for _, m := range all {
			opens(t, files(t, home, nil), m.k, m.s)
		}
		if names, err := os.ReadDir(home); err != nil || len(names) != 1 {
			t.Fatalf("left in the home: %v, %v", names, err)
		}
	}
}

func TestIdentityThatCantBeMade(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	write(t, home, "a file where the home should be")
	_, _, err := files(t, home, nil).Create(context.Background(), workspace.BackendFile)
	check(t, err, workspace.Unavailable, false, "can't be made")
}

func TestPassphraseFiles(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "passphrase")
	e := env{"AKOS_VAULT_PASSPHRASE_FILE": path}
	h := files(t, t.TempDir(), e)

	// What is no name of a file may be the passphrase itself: it is not repeated.
	_, _, err := h.Create(ctx, workspace.BackendFile)
	check(t, err, workspace.Invalid, false, "the file that AKOS_VAULT_PASSPHRASE_FILE names can't be read")
	if strings.Contains(err.Error(), path) {
		t.Errorf("%v repeats what the variable holds", err)
	}
	for _, empty := range []string{"", "\n", "\r\n", "\nsecond line\n"} {
		write(t, path, empty)
		_, _, err := h.Create(ctx, workspace.BackendFile)
		check(t, err, workspace.Invalid, false, "is empty")
	}
	write(t, path, strings.Repeat("x", 65<<10))
	_, _, err = h.Create(ctx, workspace.BackendFile)
	check(t, err, workspace.Invalid, false, "can't be read")

	write(t, path, "  pass phrase \nignored\n")
	k, s := create(t, h, workspace.BackendFile)
	if err := vault.CheckParams(k.Params); err != nil {
		t.Errorf("its own parameters: %v", err)
	}
	if k2, _ := create(t, files(t, t.TempDir(), e), workspace.BackendFile); string(k2.Params) == string(k.Params) {
		t.Error("two homes have one salt")
	}
	write(t, path, "  pass phrase \r\n") // the line end is no part of it, the spaces are
	opens(t, h, k, s)
	write(t, path, "pass phrase")
	_, err = h.Open(ctx, k)
	check(t, err, workspace.Denied, false, "the passphrase in "+path+" does not open this vault")

	delete(e, "AKOS_VAULT_PASSPHRASE_FILE")
	_, err = h.Open(ctx, k)
	check(t, err, workspace.Unavailable, false, "this vault is locked with a passphrase")
	if hint := workspace.Explain(err).Hint; hint != "akos help environment" {
		t.Errorf("hint %q", hint)
	}
	if !h.Present(k) {
		t.Error("not present")
	}
}

func TestPassphraseParameters(t *testing.T) {
	salt := base64.StdEncoding.EncodeToString(make([]byte, 16))
	good := `{"kdf":"argon2id","time":3,"memoryKiB":65536,"threads":4,"salt":"` + salt + `"}`
	if err := vault.CheckParams([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]string{
		{`"time":3`, `"time":0`}, {`"time":3`, `"time":17`}, {`"time":3`, `"time":4294967295`}, {`"time":3`, `"time":-1`},
		{"65536", "0"}, {"65536", "8191"}, {"65536", "262145"}, {"65536", "4294967295"},
		{`"threads":4`, `"threads":0`}, {`"threads":4`, `"threads":17`}, {`"threads":4`, `"threads":256`},
		{salt, ""}, {salt, "AAAA"}, {salt, base64.StdEncoding.EncodeToString(make([]byte, 65))},
		{"argon2id", "argon2i"}, {`"kdf"`, `"x":1,"kdf"`}, {`}`, `} {}`}, {good, ""}, {good, "null"}, {good, "[]"},
	} {
		check(t, vault.CheckParams([]byte(strings.Replace(good, r[0], r[1], 1))), workspace.Unavailable, false, "are damaged")
	}
}

// derivedFromLong is HKDF-SHA256 of the text below, computed without Go.
const derivedFromLong = "15534c0028f928628de495df286380152f6e30db5fbf33b21231fabbb55ed176"

func TestCredentialForms(t *testing.T) {
	raw := randomBytes(32)
	raw[31] = '\n' // of 32 bytes each one counts
	want, err := vault.DecodeCredential(raw)
	if err != nil || !secret.Equal(want, workspace.NewSecret(raw)) {
		t.Fatalf("raw: %v", err)
	}
	for name, text := range map[string]string{
		"hex": hex.EncodeToString(raw), "HEX": strings.ToUpper(hex.EncodeToString(raw)), "base64": base64.StdEncoding.EncodeToString(raw),
	} {
		for _, end := range []string{"", "\n", "\r\n"} {
			if got, err := vault.DecodeCredential([]byte(text + end)); err != nil || !secret.Equal(got, want) {
				t.Errorf("%s%q: %v", name, end, err)
			}
		}
	}
	long := "a text of any length but 32 bytes"
	a, errA := vault.DecodeCredential([]byte(long))
	b, errB := vault.DecodeCredential([]byte(long + "\n"))
	c, errC := vault.DecodeCredential([]byte(long + "!"))
	if err := errors.Join(errA, errB, errC); err != nil || !secret.Equal(a, b) || secret.Equal(a, c) || secret.Equal(a, want) {
		t.Errorf("derived: %v", err)
	}
	// A fixed point: a later akos must derive the same KEK.
	fixed, _ := hex.DecodeString(derivedFromLong)
	if !secret.Equal(a, workspace.NewSecret(fixed)) {
		t.Error("another KEK is derived than before")
	}
	_, err = vault.DecodeCredential([]byte("fifteen bytes!!\n"))
	check(t, err, workspace.Invalid, false, "shorter than 16 bytes")
}

func TestWhichFileHolds(t *testing.T) {
	dir := t.TempDir()
	e := env{"CREDENTIALS_DIRECTORY": dir, "AKOS_VAULT_PASSPHRASE_FILE": ""}
	h := files(t, t.TempDir(), e)
	identity, s := create(t, h, workspace.BackendFile) // a service without our credential
	if identity.Holder != "identity" {
		t.Fatalf("holder %s", identity.Holder)
	}
	write(t, filepath.Join(dir, "akos-kek"), string(randomBytes(32)))
	systemd, _ := create(t, h, workspace.BackendFile)
	if systemd.Holder != "systemd" {
		t.Fatalf("holder %s", systemd.Holder)
	}
	opens(t, h, identity, s) // each data key keeps its holder

	delete(e, "CREDENTIALS_DIRECTORY") // outside of the service
	_, err := h.Open(context.Background(), systemd)
	check(t, err, workspace.Unavailable, false, "systemd credential akos-kek")
	if !h.Present(systemd) {
		t.Error("not present")
	}
}
