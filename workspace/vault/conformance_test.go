package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/vault"
)

// A place is one holder of keys that the conformance test runs against.
type place struct {
	backend workspace.Backend
	holder  string
	env     env
	home    string
	kc      vault.Keychain
	lose    func(workspace.DataKey) error // makes the holder lose the KEK; nil: it can't
	kind    workspace.Kind                // of the error for another KEK
	other   func()                        // makes the holder have another KEK; nil: it can't
}

func (p *place) holders() *vault.Holders { return newHolders(p.home, p.env, p.kc, 0) }

// conform checks what every holder promises.
func conform(t *testing.T, p place) {
	ctx := context.Background()
	before := time.Now()
	k, s := create(t, p.holders(), p.backend)
	if k.Backend != p.backend || k.Holder != p.holder || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(k.ID) {
		t.Fatalf("a data key of %s, %s, %q", k.Backend, k.Holder, k.ID)
	}
	if k.Created.Location() != time.UTC || k.Created.Before(before.Add(-time.Second)) || !k.Lost.IsZero() || k.Retired {
		t.Errorf("times %v, %v, %v", k.Created, k.Lost, k.Retired)
	}
	opens(t, p.holders(), k, s)

	k2, s2 := create(t, p.holders(), p.backend) // beside the first, which stays
	if k2.ID == k.ID {
		t.Fatal("an ID was reused")
	}
	opens(t, p.holders(), k, s)
	opens(t, p.holders(), k2, s2)
	box, err := s.Seal(workspace.NewSecret([]byte("v")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s2.Unseal(box, nil); err == nil {
		t.Error("two data keys open each other's boxes")
	}

	if err := p.holders().Discard(ctx, k2); err != nil {
		t.Errorf("discard: %v", err)
	}
	if err := p.holders().Discard(ctx, k2); err != nil {
		t.Errorf("discard again: %v", err)
	}
	opens(t, p.holders(), k, s) // whatever was discarded beside it

	if !p.holders().Present(k) {
		t.Error("not present")
	}
	gone := k
	gone.Lost = time.Now()
	if inFile := p.holder == "identity" || p.holder == "systemd"; p.holders().Present(gone) != inFile {
		t.Error("only of a file it can be told at once that it is there again")
	}

	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := p.holders().Open(canceled, k); !errors.Is(err, context.Canceled) {
		t.Errorf("open, canceled: %v", err)
	}
	if _, _, err := p.holders().Create(canceled, p.backend); !errors.Is(err, context.Canceled) {
		t.Errorf("create, canceled: %v", err)
	}

	tampered := k
	tampered.Wrapped = append([]byte{}, k.Wrapped...)
	tampered.Wrapped[len(tampered.Wrapped)-1] ^= 1
	_, err = p.holders().Open(ctx, tampered)
	check(t, err, p.kind, p.kind == workspace.Unavailable, "")

	if p.lose != nil {
		if err := p.lose(k); err != nil {
			t.Fatal(err)
		}
		_, err := p.holders().Open(ctx, k)
		check(t, err, workspace.Unavailable, true, "")
		_, err = p.holders().Open(ctx, k) // and asking has not made another
		check(t, err, workspace.Unavailable, true, "")
		if p.holders().Present(gone) {
			t.Error("a lost key is present")
		}
	}
	if p.other != nil {
		p.other()
		_, err := p.holders().Open(ctx, k)
		check(t, err, p.kind, p.kind == workspace.Unavailable, "")
		if p.holders().Present(gone) {
			t.Error("a key is present because there is another")
		}
	}
}

func TestConformance(t *testing.T) {
	t.Run("keychain", func(t *testing.T) {
		kc := &akostest.Keychain{}
		conform(t, place{
			backend: workspace.BackendKeychain, holder: "os-keychain", home: t.TempDir(), kc: kc, kind: workspace.Unavailable,
			lose: func(k workspace.DataKey) error { return kc.Delete("akos", "kek-"+k.ID) },
		})
	})
	t.Run("identity", func(t *testing.T) {
		home := filepath.Join(t.TempDir(), "not", "yet", "there")
		path := filepath.Join(home, "vault.identity")
		h := files(t, home, nil)
		conform(t, place{
			backend: workspace.BackendFile, holder: "identity", home: home, kc: noKeychain{t}, kind: workspace.Unavailable,
			lose:  func(workspace.DataKey) error { return os.Remove(path) },
			other: func() { create(t, h, workspace.BackendFile) },
		})
	})
	t.Run("systemd", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "akos-kek")
		write(t, path, string(randomBytes(32)))
		conform(t, place{
			backend: workspace.BackendFile, holder: "systemd", home: t.TempDir(), kc: noKeychain{t}, kind: workspace.Unavailable,
			env:   env{"CREDENTIALS_DIRECTORY": dir},
			lose:  func(workspace.DataKey) error { return os.Remove(path) },
			other: func() { write(t, path, string(randomBytes(32))) },
		})
	})
	t.Run("passphrase", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "passphrase")
		write(t, path, "correct horse\n")
		conform(t, place{
			backend: workspace.BackendFile, holder: "passphrase", home: t.TempDir(), kc: noKeychain{t}, kind: workspace.Denied,
			env:   env{"AKOS_VAULT_PASSPHRASE_FILE": path},
			other: func() { write(t, path, "battery staple\n") },
		})
	})
}

func TestAnotherBackendHoldsNoKey(t *testing.T) {
	for _, b := range []workspace.Backend{workspace.BackendAuto, workspace.BackendEnv, "", "openbao"} {
		_, _, err := files(t, t.TempDir(), nil).Create(context.Background(), b)
		check(t, err, workspace.Invalid, false, "holds no key")
	}
	h := files(t, t.TempDir(), nil)
	k := workspace.DataKey{ID: "1", Backend: workspace.BackendFile, Holder: "later"}
	_, err := h.Open(context.Background(), k)
	check(t, err, workspace.Unavailable, false, "can't reach the key holder")
	if h.Present(k) {
		t.Error("a holder that is not known is present")
	}
}
