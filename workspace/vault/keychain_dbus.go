//go:build !darwin && !windows

package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	secretsName = "org.freedesktop.secrets"
	// detectDeadline bounds the question whether a Secret Service is there.
	// Only the bus answers it, never the service or a person.
	detectDeadline = time.Second
)

func newOSKeychain(lookupEnv func(string) (string, bool)) Keychain {
	return osKeychain{lookupEnv, fmt.Sprintf("/run/user/%d/bus", os.Getuid())}
}

// address returns the address of the session bus, found as godbus finds it
// but for its last resort, which starts a bus with dbus-launch.
func (k osKeychain) address() (string, bool) {
	if a, ok := k.lookupEnv("DBUS_SESSION_BUS_ADDRESS"); ok && a != "" && !strings.HasPrefix(a, "autolaunch:") {
		return a, true
	}
	if _, err := os.Stat(k.busSocket); err != nil {
		return "", false
	}
	return "unix:path=" + dbus.EscapeBusAddressValue(k.busSocket), true
}

// refuse returns an error where a call would start a bus daemon of its own,
// one for each process, which has no keychain on it anyway.
func (k osKeychain) refuse() error {
	if _, ok := k.address(); !ok {
		return errNoBus
	}
	return nil
}

// There reports whether a Secret Service runs on the session bus or is
// started on demand. A bus that takes the connection and does not answer
// counts as one that has it: the person gets an error then, and not a second
// store.
func (k osKeychain) There(ctx context.Context) bool {
	address, ok := k.address()
	if !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, detectDeadline)
	defer cancel()
	// A connection of our own: the shared one of go-keyring can't be given a
	// deadline. The end of ctx closes it, also in the middle of connecting.
	conn, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		return ctx.Err() != nil
	}
	defer conn.Close()
	var owned bool
	if err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&owned); err != nil || owned {
		return owned || ctx.Err() != nil
	}
	var names []string
	err = conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.ListActivatableNames", 0).Store(&names)
	return slices.Contains(names, secretsName) || err != nil && ctx.Err() != nil
}

// Reset closes the bus connection that go-keyring shares in this process.
// Every call that hangs on it fails, and the next one connects anew: without
// it, one whose daemon died under a prompt would wait for ever.
func (k osKeychain) Reset() {
	if k.refuse() != nil {
		return
	}
	if conn, err := dbus.SessionBus(); err == nil {
		_ = conn.Close()
	}
}

// isLocked reports whether err says that the keychain is locked, which after
// a prompt that was dismissed only go-keyring's text tells.
func isLocked(err error) bool {
	if e := (dbus.Error{}); errors.As(err, &e) && e.Name == "org.freedesktop.Secret.Error.IsLocked" {
		return true
	}
	return strings.Contains(err.Error(), "failed to unlock correct collection")
}

// isAbsent reports whether err says that nobody serves the Secret Service.
func isAbsent(err error) bool {
	e := dbus.Error{}
	return errors.As(err, &e) && (e.Name == "org.freedesktop.DBus.Error.ServiceUnknown" ||
		e.Name == "org.freedesktop.DBus.Error.NameHasNoOwner" || strings.HasPrefix(e.Name, "org.freedesktop.DBus.Error.Spawn."))
}
