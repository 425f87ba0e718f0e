package akostest_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"github.com/zalando/go-keyring"
)

func TestKeychainKeepsItems(t *testing.T) {
	k := &akostest.Keychain{}
	if _, err := k.Get("s", "a"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("get: %v", err)
	}
	for _, a := range []string{"b", "a"} {
		if err := k.Set("s", a, "item "+a); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := k.Get("s", "a"); got != "item a" || err != nil {
		t.Errorf("get: %q, %v", got, err)
	}
	if got := k.Accounts("s"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("accounts: %q", got)
	}
	if err := k.Delete("s", "a"); err != nil {
		t.Errorf("delete: %v", err)
	}
	if err := k.Delete("s", "a"); !errors.Is(err, keyring.ErrNotFound) {
		t.Errorf("delete again: %v", err)
	}
}

func TestKeychainHangsUntilTheFaultChanges(t *testing.T) {
	k := &akostest.Keychain{}
	k.Fail(akostest.Hangs)
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() { _ = k.Set("s", "a", "item") })
	}
	for k.Waiting() < 4 {
		time.Sleep(time.Millisecond)
	}
	k.Fail(akostest.Healthy)
	calls.Wait()
	if k.Waiting() != 0 || k.Calls() != 4 {
		t.Errorf("%d wait of %d calls", k.Waiting(), k.Calls())
	}
}
