package vault

import "strings"

func newOSKeychain(lookupEnv func(string) (string, bool)) Keychain {
	return osKeychain{lookupEnv: lookupEnv}
}

// refuse allows every call: the Credential Manager is part of the OS.
func (osKeychain) refuse() error { return nil }

// isLocked reports what an injected keychain may say: the Credential Manager
// is open while its user is logged in.
func isLocked(err error) bool {
	return strings.Contains(err.Error(), "failed to unlock correct collection")
}

// isAbsent reports false: the Credential Manager is part of the OS.
func isAbsent(error) bool { return false }
