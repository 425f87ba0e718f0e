package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/vault"
)

// counted returns Holders of a passphrase file, the count of how often they
// stretched it, and the most that did so at once.
func counted(t testing.TB, path string) (h *vault.Holders, n, most *atomic.Int32) {
	h = files(t, t.TempDir(), env{"AKOS_VAULT_PASSPHRASE_FILE": path})
	var now atomic.Int32
	n, most = &atomic.Int32{}, &atomic.Int32{}
	h.OnStretch(func(do func()) {
		n.Add(1)
		most.Store(max(most.Load(), now.Add(1)))
		do()
		now.Add(-1)
	})
	return h, n, most
}

// TestAPassphraseIsStretchedOnce opens one vault many times at once, as a
// queue of calls does.
func TestAPassphraseIsStretchedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passphrase")
	write(t, path, "correct horse\n")
	var keys []workspace.DataKey
	var sealers []workspace.Sealer
	for range 3 { // each with its own parameters
		k, s := create(t, files(t, t.TempDir(), env{"AKOS_VAULT_PASSPHRASE_FILE": path}), workspace.BackendFile)
		keys, sealers = append(keys, k), append(sealers, s)
	}
	h, n, most := counted(t, path)
	var calls sync.WaitGroup
	for range 60 {
		for i := range keys {
			calls.Go(func() { opens(t, h, keys[i], sealers[i]) })
		}
	}
	calls.Wait()
	if n.Load() != 3 || most.Load() != 1 {
		t.Errorf("stretched %d times for three vaults, %d at once", n.Load(), most.Load())
	}
}

// TestAPassphraseIsStretchedOnceForANewHome makes what only one call will use.
func TestAPassphraseIsStretchedOnceForANewHome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passphrase")
	write(t, path, "correct horse\n")
	h, n, _ := counted(t, path)
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			k, s, err := h.Create(context.Background(), workspace.BackendFile)
			if err != nil {
				t.Error(err)
				return
			}
			opens(t, h, k, s)
		})
	}
	calls.Wait()
	if n.Load() != 1 {
		t.Errorf("stretched %d times", n.Load())
	}
	old, _ := create(t, h, workspace.BackendFile)
	write(t, path, "battery staple\n")
	if k, _ := create(t, h, workspace.BackendFile); string(k.Params) == string(old.Params) {
		t.Error("two passphrases have one salt")
	}
}

// TestAChangedPassphraseCountsAtOnce changes the file under a process that
// stays: what it remembers opens nothing that the file does not.
func TestAChangedPassphraseCountsAtOnce(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "passphrase")
	write(t, path, "correct horse\n")
	h, n, _ := counted(t, path)
	k, s := create(t, h, workspace.BackendFile)
	opens(t, h, k, s)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "battery stapl\n") // of the same size, and as old
	if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, err := h.Open(ctx, k)
		check(t, err, workspace.Denied, false, "does not open this vault")
	}
	if n.Load() != 2 {
		t.Errorf("stretched %d times", n.Load())
	}
	write(t, path, "correct horse\n")
	opens(t, h, k, s)
	if n.Load() != 3 {
		t.Errorf("stretched %d times", n.Load())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = h.Open(ctx, k)
	check(t, err, workspace.Invalid, false, "can't be read")
	write(t, path, "correct horse\n") // mounted again
	opens(t, h, k, s)
	if n.Load() != 4 {
		t.Errorf("stretched %d times: the key was kept while the file was away", n.Load())
	}
}

// TestWaitingForAnotherPassphrase gives up while another is stretched.
func TestWaitingForAnotherPassphrase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passphrase")
	write(t, path, "correct horse\n")
	h := files(t, t.TempDir(), env{"AKOS_VAULT_PASSPHRASE_FILE": path})
	begun, end := make(chan struct{}, 2), make(chan struct{})
	h.OnStretch(func(do func()) {
		begun <- struct{}{}
		<-end
		do()
	})
	var first sync.WaitGroup
	first.Go(func() { create(t, h, workspace.BackendFile) })
	<-begun
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	gaveUp := make(chan error, 1)
	go func() { _, _, err := h.Create(ctx, workspace.BackendFile); gaveUp <- err }()
	select {
	case err := <-gaveUp:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	case <-begun:
		t.Error("two were stretched at once")
	case <-time.After(20 * time.Second):
		t.Error("it does not give up")
	}
	close(end)
	first.Wait()
	create(t, h, workspace.BackendFile)
}
