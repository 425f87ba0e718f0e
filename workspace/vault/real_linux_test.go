package vault_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/vault"
	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"
)

// These tests run against a real gnome-keyring. They set the environment of
// the process, as go-keyring reads it, so none is parallel.

// realHolders returns Holders on the session bus of the environment alone.
func realHolders(t testing.TB, deadline time.Duration) *vault.Holders {
	return vault.New(vault.Options{
		Home: t.TempDir(), LookupEnv: os.LookupEnv, Deadline: deadline,
		Keychain: vault.NewOSKeychain(os.LookupEnv, "/nonexistent/bus"),
	})
}

// timed checks that f fails as a keychain does that can't be used, within
// limit.
func timed(t testing.TB, limit time.Duration, text string, f func() error) {
	t.Helper()
	start := time.Now()
	check(t, f(), workspace.Unavailable, false, text)
	if took := time.Since(start); took > limit {
		t.Errorf("%q after %v", text, took)
	}
}

// within is how long a call may take that ends at its deadline: less than two
// of them.
func within(deadline time.Duration) time.Duration { return deadline * 19 / 10 }

func opening(h *vault.Holders, k workspace.DataKey) func() error {
	return func() error { _, err := h.Open(context.Background(), k); return err }
}

func creating(h *vault.Holders) func() error {
	return func() error {
		_, _, err := h.Create(context.Background(), workspace.BackendKeychain)
		return err
	}
}

func TestRealConformance(t *testing.T) {
	akostest.StartSecretService(t).Use(t)
	conform(t, place{
		backend: workspace.BackendKeychain, holder: "os-keychain", home: t.TempDir(), kind: workspace.Unavailable,
		kc:   vault.NewOSKeychain(os.LookupEnv, "/nonexistent/bus"),
		lose: func(k workspace.DataKey) error { return keyring.Delete("akos", "kek-"+k.ID) },
	})
	if got := realHolders(t, 0).Detect(context.Background()); got != workspace.BackendKeychain {
		t.Errorf("detected %s", got)
	}
}

func TestRealLocked(t *testing.T) {
	s := akostest.StartSecretService(t)
	s.Use(t)
	h := realHolders(t, 5*time.Second)
	k, sealer := create(t, h, workspace.BackendKeychain)
	s.Lock()
	// With nowhere to show a prompt it is dismissed at once, long before the
	// deadline.
	timed(t, 4*time.Second, "the OS keychain is locked", opening(h, k))
	timed(t, 4*time.Second, "the OS keychain is locked", creating(h))
	if got := h.Detect(context.Background()); got != workspace.BackendKeychain {
		t.Errorf("detected %s", got)
	}
	s.Unlock()
	opens(t, h, k, sealer)
}

func TestRealItemReplacedBehindOurBack(t *testing.T) {
	akostest.StartSecretService(t).Use(t)
	h := realHolders(t, 0)
	k, s := create(t, h, workspace.BackendKeychain)
	other, _ := create(t, h, workspace.BackendKeychain)
	good, err := keyring.Get("akos", "kek-"+k.ID)
	if err != nil {
		t.Fatal(err)
	}
	item, err := keyring.Get("akos", "kek-"+other.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := keyring.Set("akos", "kek-"+k.ID, item); err != nil {
		t.Fatal(err)
	}
	check(t, opening(h, k)(), workspace.Unavailable, true, "another key-encryption key")
	if err := keyring.Set("akos", "kek-"+k.ID, good); err != nil { // from a backup
		t.Fatal(err)
	}
	opens(t, h, k, s)
}

func TestRealStopped(t *testing.T) {
	const deadline = 2 * time.Second
	s := akostest.StartSecretService(t)
	s.Use(t)
	h := realHolders(t, deadline)
	k, sealer := create(t, h, workspace.BackendKeychain)
	before := runtime.NumGoroutine()
	s.Stop()
	timed(t, within(deadline), "did not answer within 2 s", opening(h, k))
	timed(t, within(deadline), "did not answer within 2 s", creating(h))
	if got := h.Detect(context.Background()); got != workspace.BackendKeychain {
		t.Errorf("detected %s", got)
	}
	var calls sync.WaitGroup
	for range 5 * vault.MaxAsking {
		calls.Go(func() { timed(t, within(deadline), "the OS keychain", opening(h, k)) })
	}
	calls.Wait()
	// A call that finds no free place has the connection closed, which ends
	// those that hang; what hangs after that is bounded too. A connection has
	// two goroutines of its own.
	eventually(t, "no more than the bound hang", func() bool {
		return runtime.NumGoroutine() <= before+vault.MaxAsking+2
	})
	s.Continue()
	opens(t, h, k, sealer)
	eventually(t, "the abandoned calls end", func() bool { return runtime.NumGoroutine() <= before+2 })
}

func TestRealStoppedBus(t *testing.T) {
	const deadline = 2 * time.Second
	s := akostest.StartSecretService(t)
	s.Use(t)
	h := realHolders(t, deadline)
	s.Bus().Stop()
	defer s.Bus().Continue()
	timed(t, within(deadline), "did not answer", creating(h)) // while it connects
	start := time.Now()
	if got := h.Detect(context.Background()); got != workspace.BackendKeychain || time.Since(start) > 5*time.Second {
		t.Errorf("detected %s after %v", got, time.Since(start))
	}
	s.Bus().Continue()
	k, sealer := create(t, h, workspace.BackendKeychain)
	opens(t, h, k, sealer)
}

// TestRealKilled kills the keyring under a process that stays, as an akos-mcp
// does for days.
func TestRealKilled(t *testing.T) {
	s := akostest.StartSecretService(t)
	s.Use(t)
	h := realHolders(t, 5*time.Second)
	k, sealer := create(t, h, workspace.BackendKeychain)

	s.Kill() // the bus starts another, locked, when it is asked for
	if got := h.Detect(context.Background()); got != workspace.BackendKeychain {
		t.Errorf("detected %s where one is started on demand", got)
	}
	timed(t, 4*time.Second, "the OS keychain is locked", opening(h, k))
	s.Unlock()
	opens(t, h, k, sealer)

	s.Restart()
	opens(t, h, k, sealer)

	s.RestartSession() // the bus too: the shared connection is gone
	opens(t, h, k, sealer)
}

// TestRealKilledUnderACall kills the keyring while a call waits for it.
func TestRealKilledUnderACall(t *testing.T) {
	s := akostest.StartSecretService(t)
	s.Use(t)
	h := realHolders(t, 5*time.Second)
	k, sealer := create(t, h, workspace.BackendKeychain)
	s.Stop()
	failed := make(chan error, 1)
	go func() { failed <- opening(h, k)() }()
	time.Sleep(100 * time.Millisecond)
	s.Kill()
	select {
	case err := <-failed: // the bus answers for the dead
		check(t, err, workspace.Unavailable, false, "")
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
	}
	s.Unlock()
	opens(t, h, k, sealer)
}

// TestRealBusGone ends the session bus under a process that stays.
func TestRealBusGone(t *testing.T) {
	b := akostest.StartBus(t)
	t.Run("and back", func(t *testing.T) {
		s := akostest.StartSecretService(t)
		s.Use(t)
		h := realHolders(t, 5*time.Second)
		k, _ := create(t, h, workspace.BackendKeychain)
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
		if conn, err := dbus.SessionBus(); err == nil {
			conn.Close()
		}
		timed(t, 4*time.Second, "can't be reached", opening(h, k))
		if got := h.Detect(context.Background()); got != workspace.BackendFile {
			t.Errorf("detected %s on a bus that is gone", got)
		}
	})
	b.Use(t)
	h := realHolders(t, 5*time.Second)
	timed(t, 4*time.Second, "nothing on the D-Bus session bus keeps secrets", creating(h))
	if got := h.Detect(context.Background()); got != workspace.BackendFile {
		t.Errorf("detected %s on a bus without a service", got)
	}
}

// TestRealNoBus checks that without a bus nothing is called at all: godbus
// would start dbus-launch, here a trap in PATH.
func TestRealNoBus(t *testing.T) {
	dir := t.TempDir()
	trap := filepath.Join(dir, "dbus-launch")
	write(t, trap, "#!/bin/sh\necho called > "+dir+"/called\n")
	if err := os.Chmod(trap, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	for _, address := range []string{"", "autolaunch:", "autolaunch:scope=*user"} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		h := realHolders(t, 5*time.Second)
		timed(t, 4*time.Second, "there is no D-Bus session bus here", creating(h))
		timed(t, 4*time.Second, "there is no D-Bus session bus here", opening(h, workspace.DataKey{Holder: "os-keychain"}))
		timed(t, 4*time.Second, "there is no D-Bus session bus here", func() error {
			return h.Discard(context.Background(), workspace.DataKey{Holder: "os-keychain"})
		})
		if got := h.Detect(context.Background()); got != workspace.BackendFile {
			t.Errorf("detected %s without a bus", got)
		}
	}
	if _, err := os.Stat(dir + "/called"); err == nil {
		t.Error("dbus-launch was called")
	}
}

// TestRealSocketWithoutVariable finds the bus by its socket.
func TestRealSocketWithoutVariable(t *testing.T) {
	s := akostest.StartSecretService(t)
	kc := vault.NewOSKeychain(func(string) (string, bool) { return "", false }, strings.TrimPrefix(s.Bus().Address(), "unix:path="))
	if !kc.(interface{ There(context.Context) bool }).There(context.Background()) {
		t.Error("the bus was not found by its socket")
	}
}
