package vault

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
)

const (
	credential      = "akos-kek" // as in LoadCredentialEncrypted=akos-kek:…
	credentialLimit = 1 << 20    // systemd's own
	credentialMin   = 16
)

// credentialPath returns where systemd puts the credential of this service.
func (h *Holders) credentialPath() (string, bool) {
	dir, ok := h.env("CREDENTIALS_DIRECTORY")
	return filepath.Join(dir, credential), ok
}

// fromSystemd returns the KEK of the systemd credential.
func (h *Holders) fromSystemd(ctx context.Context) (secret.Value, error) {
	path, ok := h.credentialPath()
	if !ok {
		return secret.Value{}, workspace.Errorf(workspace.Unavailable,
			"this vault opens with the systemd credential %s, which only the service that has it can read", credential).
			WithHint("akos doctor")
	}
	data, err := within(ctx, h.reading, func(context.Context) ([]byte, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readAtMost(f, credentialLimit)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return secret.Value{}, lost("this service has no systemd credential %s", credential)
	}
	if err != nil {
		return secret.Value{}, unreadable(workspace.Unavailable, err, "the systemd credential %s can't be read", path)
	}
	defer clear(data)
	return decodeCredential(data)
}

// decodeCredential returns the KEK of a credential: 32 bytes as they are; 64
// hex digits or the base64 of 32 bytes, decoded; any other 16 bytes or more,
// through HKDF-SHA256. An end of line is no part of it, except of 32 bytes.
func decodeCredential(data []byte) (secret.Value, error) {
	if len(data) == keySize {
		return secret.New(data), nil
	}
	text := bytes.TrimSuffix(bytes.TrimSuffix(data, []byte("\n")), []byte("\r"))
	if b, err := hex.DecodeString(string(text)); err == nil && len(b) == keySize {
		return hide(b), nil
	}
	if b, err := base64.StdEncoding.DecodeString(string(text)); err == nil && len(b) == keySize {
		return hide(b), nil
	}
	if len(text) < credentialMin {
		return secret.Value{}, workspace.Errorf(workspace.Invalid, "the systemd credential %s is shorter than %d bytes", credential, credentialMin).
			WithHint("akos doctor")
	}
	kek, err := hkdf.Key(sha256.New, text, nil, "akos systemd credential 1", keySize)
	if err != nil {
		return secret.Value{}, err
	}
	return hide(kek), nil
}
