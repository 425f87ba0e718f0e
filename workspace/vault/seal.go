package vault

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"golang.org/x/crypto/chacha20poly1305"
)

// This is the one file of the package that sees the bytes of a value or key.

// keySize is the size in bytes of a data key and of a KEK.
const keySize = chacha20poly1305.KeySize

// formatV1 leads a box: format (1 byte), nonce (24), XChaCha20-Poly1305
// ciphertext with its tag (16 bytes more than the value).
const formatV1 byte = 1

// A sealer is a data key, opened.
type sealer struct{ key secret.Value }

// Seal seals value under the data key, bound to ad.
func (s sealer) Seal(value workspace.Secret, ad []byte) ([]byte, error) {
	return seal(s.key, value, ad)
}

// Unseal opens a box of Seal.
func (s sealer) Unseal(box, ad []byte) (workspace.Secret, error) {
	v, ok := unseal(s.key, box, ad)
	if !ok {
		return v, workspace.Errorf(workspace.Unavailable, "the stored value does not open with this key").WithHint("akos doctor")
	}
	return v, nil
}

// seal returns plain, sealed under key and bound to ad. Nonces are random:
// at 24 bytes one key may seal without counting.
func seal(key, plain secret.Value, ad []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(secret.Reveal(key))
	if err != nil {
		return nil, err
	}
	value := secret.Reveal(plain)
	box := make([]byte, 1+aead.NonceSize(), 1+aead.NonceSize()+len(value)+aead.Overhead())
	box[0] = formatV1
	_, _ = rand.Read(box[1:])
	return aead.Seal(box, box[1:], value, bound(ad)), nil
}

// unseal opens what seal returned; it says no more than that a box does not
// open.
func unseal(key secret.Value, box, ad []byte) (secret.Value, bool) {
	const head = 1 + chacha20poly1305.NonceSizeX
	aead, err := chacha20poly1305.NewX(secret.Reveal(key))
	if err != nil || len(box) < head || box[0] != formatV1 {
		return secret.Value{}, false
	}
	plain, err := aead.Open(nil, box[1:head], box[head:], bound(ad))
	if err != nil {
		return secret.Value{}, false
	}
	return hide(plain), true
}

// bound returns the associated data with the format in it, so that a later
// format can't be taken for this one.
func bound(ad []byte) []byte {
	return append([]byte{formatV1}, ad...)
}

// newKey returns a random key.
func newKey() secret.Value {
	b := make([]byte, keySize)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return hide(b)
}

// hide returns b as a Value, and clears b.
func hide(b []byte) secret.Value {
	defer clear(b)
	return secret.New(b)
}

// encodeKEK returns kek as the text that a holder keeps.
func encodeKEK(prefix string, kek secret.Value) string {
	return prefix + base64.StdEncoding.EncodeToString(secret.Reveal(kek))
}

// decodeKEK returns the KEK of a text of encodeKEK.
func decodeKEK(prefix, text string) (secret.Value, bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	b, err := base64.StdEncoding.Strict().DecodeString(rest)
	if !ok || err != nil || len(b) != keySize || strings.ContainsAny(rest, "\r\n") {
		return secret.Value{}, false
	}
	return hide(b), true
}

// encodeIdentity returns the content of an identity file.
func encodeIdentity(kek secret.Value) []byte {
	return []byte(identityComment + encodeKEK(identityPrefix, kek) + "\n")
}

// encodeLine returns what adds kek to an identity file, whether or not that
// ends with a line end.
func encodeLine(kek secret.Value) []byte {
	return []byte("\n" + encodeKEK(identityPrefix, kek) + "\n")
}

// decodeIdentity returns the KEKs of an identity file, one a line, in their
// order. What can't be read, be it a comment or a damaged line, does not close
// what the others open.
func decodeIdentity(file []byte) (keks []secret.Value) {
	for line := range bytes.Lines(file) {
		if kek, ok := decodeKEK(identityPrefix, string(bytes.TrimSpace(line))); ok {
			keks = append(keks, kek)
		}
	}
	return keks
}

// A hasher hashes with HMAC-SHA-256 under a key of its own.
type hasher struct{ key secret.Value }

// Hash returns the name of the key and the keyed hash of value.
func (h hasher) Hash(value workspace.Secret) []byte {
	name := h.sum("key", nil)[:workspace.HashID:workspace.HashID]
	return append(name, h.sum("value", bytes.TrimSpace(secret.Reveal(value)))...)
}

func (h hasher) sum(what string, b []byte) []byte {
	mac := hmac.New(sha256.New, secret.Reveal(h.key))
	mac.Write([]byte(what + "\x00"))
	mac.Write(b)
	return mac.Sum(nil)
}

// encodeHashKey returns the content of the file with a hasher's key.
func encodeHashKey(key secret.Value) []byte {
	return []byte(hashKeyComment + encodeKEK(hashKeyPrefix, key) + "\n")
}

// decodeHashKey returns the key of such a file.
func decodeHashKey(file []byte) (secret.Value, bool) {
	for line := range bytes.Lines(file) {
		if key, ok := decodeKEK(hashKeyPrefix, string(bytes.TrimSpace(line))); ok {
			return key, true
		}
	}
	return secret.Value{}, false
}
