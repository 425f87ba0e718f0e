package vault_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/vault"
)

const short = 50 * time.Millisecond

func TestKeychainFaults(t *testing.T) {
	for _, tt := range []struct {
		name         string
		fault        akostest.Fault
		create, open string // "" if it works
		lost         bool
	}{
		{"healthy", akostest.Healthy, "", "", false},
		{"locked", akostest.Locked, "the OS keychain is locked", "the OS keychain is locked", false},
		{"hangs", akostest.Hangs, "did not answer within 0.05 s", "did not answer within 0.05 s", false},
		{"missing", akostest.Missing, "did not keep", "is not in the OS keychain", true},
		{"absent", akostest.Absent, "can't be reached", "can't be reached", false},
		{"forgets", akostest.Forgets, "did not keep", "", false},
		{"garbles", akostest.Garbles, "did not keep", "", false},
		{"panics", akostest.Panics, "can't be reached", "can't be reached", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kc := &akostest.Keychain{}
			t.Cleanup(func() { kc.Fail(akostest.Healthy) })
			home, deadline := t.TempDir(), time.Minute
			if tt.fault == akostest.Hangs {
				deadline = short
			}
			h, patient := newHolders(home, nil, kc, deadline), newHolders(home, nil, kc, time.Minute)
			k, s := create(t, patient, workspace.BackendKeychain)
			kc.Fail(tt.fault)

			k2, s2, err := h.Create(context.Background(), workspace.BackendKeychain)
			if tt.create == "" {
				if err != nil {
					t.Fatal(err)
				}
				opens(t, h, k2, s2)
			} else {
				check(t, err, workspace.Unavailable, false, tt.create)
				if s2 != nil || k2.ID != "" {
					t.Error("a data key beside an error")
				}
			}
			if _, err := h.Open(context.Background(), k); tt.open == "" && err != nil {
				t.Error(err)
			} else if tt.open != "" {
				check(t, err, workspace.Unavailable, tt.lost, tt.open)
			}
			kc.Fail(akostest.Healthy) // and all is as it was
			eventually(t, "it opens again", func() bool { _, err := h.Open(context.Background(), k); return err == nil })
			opens(t, patient, k, s)
		})
	}
}

func TestANewItemIsReadBackAndOneThatWasNotKeptIsRemoved(t *testing.T) {
	kc := &akostest.Keychain{}
	kc.Fail(akostest.Garbles)
	_, _, err := newHolders(t.TempDir(), nil, kc, 0).Create(context.Background(), workspace.BackendKeychain)
	check(t, err, workspace.Unavailable, false, "did not keep")
	if left := kc.Accounts("akos"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestADamagedItemIsALostKey(t *testing.T) {
	kc := &akostest.Keychain{}
	h := newHolders(t.TempDir(), nil, kc, 0)
	k, _ := create(t, h, workspace.BackendKeychain)
	good, _ := kc.Get("akos", "kek-"+k.ID)
	if !strings.HasPrefix(good, "akos-kek-1:") {
		t.Fatal("the item has no prefix")
	}
	for _, item := range []string{"", "akos-kek-1:", good[:len(good)-4], good + "AAAA", strings.TrimPrefix(good, "akos-kek-1:"), good + "\n"} {
		if err := kc.Set("akos", "kek-"+k.ID, item); err != nil {
			t.Fatal(err)
		}
		_, err := h.Open(context.Background(), k)
		check(t, err, workspace.Unavailable, true, "damaged in the OS keychain")
		if kept, _ := kc.Get("akos", "kek-"+k.ID); kept != item {
			t.Error("the item was changed")
		}
	}
}

func TestDiscardRemovesOneItem(t *testing.T) {
	kc := &akostest.Keychain{}
	h := newHolders(t.TempDir(), nil, kc, 0)
	k, s := create(t, h, workspace.BackendKeychain)
	k2, _ := create(t, newHolders(t.TempDir(), nil, kc, 0), workspace.BackendKeychain) // another home, the same keychain
	if err := h.Discard(context.Background(), k2); err != nil {
		t.Fatal(err)
	}
	if left := kc.Accounts("akos"); len(left) != 1 || left[0] != "kek-"+k.ID {
		t.Errorf("left: %v", left)
	}
	opens(t, h, k, s)
}

func TestPresentAndNewAskNoKeychain(t *testing.T) {
	kc := &akostest.Keychain{}
	kc.Fail(akostest.Hangs)
	h := newHolders(t.TempDir(), nil, kc, 0)
	if !h.Present(workspace.DataKey{Holder: "os-keychain"}) || kc.Calls() != 0 {
		t.Errorf("%d calls", kc.Calls())
	}
}

func TestDetectAsksTheKeychain(t *testing.T) {
	kc := &akostest.Keychain{}
	h := newHolders(t.TempDir(), nil, kc, 0)
	for fault, want := range map[akostest.Fault]workspace.Backend{
		akostest.Healthy: workspace.BackendKeychain, akostest.Locked: workspace.BackendKeychain,
		akostest.Hangs: workspace.BackendKeychain, akostest.Absent: workspace.BackendFile,
	} {
		kc.Fail(fault)
		if got := h.Detect(context.Background()); got != want {
			t.Errorf("fault %d: %s", fault, got)
		}
	}
}

func TestACallerThatGivesUpIsNotKept(t *testing.T) {
	kc := &akostest.Keychain{}
	h := newHolders(t.TempDir(), nil, kc, time.Minute)
	k, _ := create(t, h, workspace.BackendKeychain)
	kc.Fail(akostest.Hangs)
	defer kc.Fail(akostest.Healthy)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(short, cancel)
	if _, err := h.Open(ctx, k); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), short)
	defer cancel()
	_, err := h.Open(ctx, k)
	if e := workspace.Explain(err); e.Kind != workspace.Unavailable {
		t.Errorf("out of time: %v", err)
	}
}

// TestAnAbandonedCreateLeavesNoItem lets the keychain answer after nobody
// waits any more: the item that then comes to be would never be found.
func TestAnAbandonedCreateLeavesNoItem(t *testing.T) {
	kc := &akostest.Keychain{}
	h := newHolders(t.TempDir(), nil, kc, short)
	kc.Fail(akostest.Hangs)
	_, _, err := h.Create(context.Background(), workspace.BackendKeychain)
	check(t, err, workspace.Unavailable, false, "did not answer")
	kc.Fail(akostest.Healthy)
	eventually(t, "Set, Get and Delete were called", func() bool { return kc.Calls() == 3 })
	if left := kc.Accounts("akos"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestHangingCallsAreBounded calls a keychain that hangs for ever: no more
// goroutines than MaxAsking stay, and all end once it answers.
func TestHangingCallsAreBounded(t *testing.T) {
	kc := &akostest.Keychain{}
	home := t.TempDir()
	h, patient := newHolders(home, nil, kc, short), newHolders(home, nil, kc, time.Minute)
	k, s := create(t, patient, workspace.BackendKeychain)
	before := runtime.NumGoroutine()
	kc.Fail(akostest.Hangs)
	var calls sync.WaitGroup
	for range 3 * vault.MaxAsking {
		calls.Go(func() {
			start := time.Now()
			_, err := h.Open(context.Background(), k)
			check(t, err, workspace.Unavailable, false, "did not answer")
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	calls.Wait()
	eventually(t, "as many as may hang do", func() bool { return kc.Waiting() >= vault.MaxAsking })
	if n := kc.Waiting(); n != vault.MaxAsking {
		t.Errorf("%d calls hang", n)
	}
	kc.Fail(akostest.Healthy)
	eventually(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	eventually(t, "it opens again", func() bool { _, err := h.Open(context.Background(), k); return err == nil })
	opens(t, patient, k, s)
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
