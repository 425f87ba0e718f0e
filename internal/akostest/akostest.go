// Package akostest holds the fakes and the real components that the tests of
// akos run against: an in-memory [Keychain] with faults, and on Linux a real
// gnome-keyring on a private D-Bus.
//
// It knows nothing of vaults or values and is never linked into a binary. Its
// invariant: what it starts it ends, by pid, also when the test fails. A
// component that is not installed fails the test; nothing is skipped.
package akostest
