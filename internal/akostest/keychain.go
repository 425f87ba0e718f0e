package akostest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/zalando/go-keyring"
)

// A Fault is a way in which a keychain fails.
type Fault uint8

// The faults of a [Keychain].
const (
	Healthy Fault = iota
	Locked        // every call fails as go-keyring does when a prompt is dismissed
	Hangs         // every call waits until the fault changes, and then does its work
	Missing       // no item is found, though it is there
	Absent        // there is no keychain at all
	Forgets       // Set succeeds and keeps nothing
	Garbles       // Set succeeds and keeps something else
	Panics        // every call panics, as go-keyring does when its bus goes away under a prompt
)

// A Keychain is an OS keychain in memory. The zero Keychain is empty and
// healthy. It is safe for concurrent use.
type Keychain struct {
	mu      sync.Mutex
	changed *sync.Cond
	items   map[[2]string]string
	fault   Fault
	waiting int
	calls   int
}

// Fail makes every later call fail in the way of f; calls that hang go on.
func (k *Keychain) Fail(f Fault) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fault = f
	k.cond().Broadcast()
}

// Waiting returns how many calls hang now.
func (k *Keychain) Waiting() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.waiting
}

// Calls returns how many calls were made so far.
func (k *Keychain) Calls() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calls
}

// Accounts returns the accounts under service, sorted.
func (k *Keychain) Accounts(service string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []string
	for key := range k.items {
		if key[0] == service {
			list = append(list, key[1])
		}
	}
	slices.Sort(list)
	return list
}

// There reports whether there is a keychain to ask.
func (k *Keychain) There(context.Context) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.fault != Absent
}

// Get returns an item, or keyring.ErrNotFound.
func (k *Keychain) Get(service, account string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.enter(); err != nil {
		return "", err
	}
	item, ok := k.items[[2]string{service, account}]
	if !ok || k.fault == Missing {
		return "", keyring.ErrNotFound
	}
	return item, nil
}

// Set keeps an item, in the place of one of the same name.
func (k *Keychain) Set(service, account, item string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.enter(); err != nil {
		return err
	}
	switch k.fault {
	case Forgets:
		return nil
	case Garbles:
		item = item[:len(item)-1]
	}
	if k.items == nil {
		k.items = map[[2]string]string{}
	}
	k.items[[2]string{service, account}] = item
	return nil
}

// Delete removes an item, or fails with keyring.ErrNotFound.
func (k *Keychain) Delete(service, account string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.enter(); err != nil {
		return err
	}
	key := [2]string{service, account}
	if _, ok := k.items[key]; !ok || k.fault == Missing {
		return keyring.ErrNotFound
	}
	delete(k.items, key)
	return nil
}

// enter counts a call and lets it fail or hang; the caller holds the lock.
func (k *Keychain) enter() error {
	k.calls++
	for k.waiting++; k.fault == Hangs; {
		k.cond().Wait()
	}
	k.waiting--
	switch k.fault {
	case Locked:
		return errors.New("failed to unlock correct collection '/org/freedesktop/secrets/collection/login'")
	case Absent:
		return errors.New("dbus: couldn't determine address of session bus")
	case Panics:
		panic("runtime error: invalid memory address or nil pointer dereference")
	}
	return nil
}

func (k *Keychain) cond() *sync.Cond {
	if k.changed == nil {
		k.changed = sync.NewCond(&k.mu)
	}
	return k.changed
}
