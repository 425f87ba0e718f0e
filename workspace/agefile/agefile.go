// Package agefile seals what leaves a vault, in the file format of age
// (https://age-encryption.org/v1), so that any age tool opens it.
//
// It knows nothing of what it seals. Its invariant: what it opens stays in a
// secret value, and nothing in clear touches the disk.
package agefile

import (
	"bytes"
	"errors"
	"io"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"filippo.io/age"
	"filippo.io/age/armor"
)

// A Courier is a workspace.Courier.
type Courier struct{}

var intro = []byte("age-encryption.org/v1\n")

// maxPayload bounds what is decrypted, in bytes.
const maxPayload = 1 << 30

// CheckRecipient returns nil if s is an age public key.
func (Courier) CheckRecipient(s string) error {
	_, err := recipient(s)
	return err
}

func recipient(s string) (age.Recipient, error) {
	rs, err := age.ParseRecipients(bytes.NewReader([]byte(s)))
	if err != nil || len(rs) != 1 {
		// age's error quotes the line, and somebody may have given the
		// private half.
		return nil, workspace.Errorf(workspace.Invalid, "the recipient is not an age public key, which starts with age1")
	}
	return rs[0], nil
}

// Encrypt seals payload to the recipients.
func (Courier) Encrypt(payload workspace.Secret, recipients []string, armored bool) ([]byte, error) {
	var rs []age.Recipient
	for _, s := range recipients {
		r, err := recipient(s)
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	var out bytes.Buffer
	var dst io.Writer = &out
	finish := func() error { return nil }
	if armored {
		aw := armor.NewWriter(&out)
		dst, finish = aw, aw.Close
	}
	w, err := age.Encrypt(dst, rs...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(secret.Reveal(payload)); err != nil {
		return nil, err
	}
	if err := errors.Join(w.Close(), finish()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Sealed reports whether data is an age file, armored or not.
func (Courier) Sealed(data []byte) bool {
	return bytes.HasPrefix(data, intro) || bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte(armor.Header))
}

// Decrypt opens data with the identities of an identity file.
func (Courier) Decrypt(data, identities []byte) (workspace.Secret, error) {
	ids, err := age.ParseIdentities(bytes.NewReader(identities))
	if err != nil {
		return workspace.Secret{}, workspace.Errorf(workspace.Invalid, "the identity file holds no age identity")
	}
	var src io.Reader = bytes.NewReader(data)
	if !bytes.HasPrefix(data, intro) {
		src = armor.NewReader(src)
	}
	// age's errors quote lines of the file: they don't go to the log either.
	r, err := age.Decrypt(src, ids...)
	if err != nil {
		return workspace.Secret{}, workspace.Errorf(workspace.Denied, "the identity does not open the file, or the file is damaged")
	}
	// The payload is smaller than the file: so the buffer never grows, which
	// would leave copies behind.
	payload := bytes.NewBuffer(make([]byte, 0, len(data)+bytes.MinRead))
	n, err := payload.ReadFrom(io.LimitReader(r, maxPayload+1))
	defer clear(payload.Bytes())
	if err != nil || n > maxPayload {
		return workspace.Secret{}, workspace.Errorf(workspace.Invalid, "the file is damaged, or over 1 GiB")
	}
	return secret.New(payload.Bytes()), nil
}
