package vault

import (
	"errors"
	"os/exec"
	"strings"
)

func newOSKeychain(lookupEnv func(string) (string, bool)) Keychain {
	return osKeychain{lookupEnv: lookupEnv}
}

// refuse allows every call: the keychain is part of the OS.
func (osKeychain) refuse() error { return nil }

// isLocked reports whether err says that the keychain is locked: go-keyring
// runs /usr/bin/security, whose exit code is the low byte of an OSStatus.
func isLocked(err error) bool {
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		switch e.ExitCode() {
		case 36, // errSecInteractionNotAllowed, -25308: locked and no session to ask in
			51,  // errSecAuthFailed, -25293
			128: // userCanceledErr, -128
			return true
		}
	}
	return strings.Contains(err.Error(), "failed to unlock correct collection")
}

// isAbsent reports false: the keychain is part of the OS.
func isAbsent(error) bool { return false }
