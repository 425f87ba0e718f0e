package agefile

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"filippo.io/age"
)

func kind(err error) string {
	if err == nil {
		return "none"
	}
	return workspace.Explain(err).Kind.String()
}

// TestCourier seals and opens with age itself on the other side: what leaves
// is a file that any age tool reads.
func TestCourier(t *testing.T) {
	a, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	b, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var c Courier
	for _, payload := range [][]byte{{}, {0}, []byte("\xff\x00\n"), bytes.Repeat([]byte("0123456789abcdef"), 1<<16)} {
		for _, armored := range []bool{false, true} {
			data, err := c.Encrypt(workspace.NewSecret(payload), []string{a.Recipient().String(), b.Recipient().String()}, armored)
			if err != nil || !c.Sealed(data) || len(payload) > 8 && bytes.Contains(data, payload[:8]) {
				t.Fatalf("%v, sealed: %v", err, c.Sealed(data))
			}
			for _, id := range []string{a.String(), "# mine\n\n" + b.String() + "\n"} {
				v, err := c.Decrypt(data, []byte(id))
				if err != nil || !bytes.Equal(secret.Reveal(v), payload) {
					t.Errorf("%v", err)
				}
			}
			if !armored {
				if _, err := age.Decrypt(bytes.NewReader(data), a); err != nil {
					t.Error(err)
				}
			}
			for at := 0; at < len(data); at += 1 + len(data)/50 { // one bit, anywhere
				bad := bytes.Clone(data)
				bad[at] ^= 1
				if v, err := c.Decrypt(bad, []byte(a.String())); err == nil && !(armored && bytes.Equal(secret.Reveal(v), payload)) {
					t.Errorf("byte %d may change", at)
				}
			}
		}
	}
}

func TestCourierRefuses(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var c Courier
	r := id.Recipient().String()
	for _, s := range []string{"", "age1", r + "\n" + r, id.String(), "# " + r, r + "x", "-----BEGIN"} {
		err := c.CheckRecipient(s)
		if kind(err) != "invalid" || len(s) > 8 && strings.Contains(err.Error(), s) {
			t.Errorf("%q: %v", s, err)
		}
		if _, err := c.Encrypt(workspace.NewSecret([]byte("x")), []string{r, s}, false); kind(err) != "invalid" {
			t.Errorf("%q: %v", s, err)
		}
	}
	data, err := c.Encrypt(workspace.NewSecret([]byte("x")), []string{r}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, ids := range []string{"", "# none", r, "AGE-SECRET-KEY-1", id.String()[:40]} {
		if _, err := c.Decrypt(data, []byte(ids)); kind(err) != "invalid" || len(ids) > 8 && strings.Contains(err.Error(), ids) {
			t.Errorf("%q: %v", ids, err)
		}
	}
	if _, err := c.Decrypt(data, []byte(other.String())); kind(err) != "denied" {
		t.Error(err)
	}
	// The log gets no line of a file that only looks like one.
	const canary = "FAKE-CANARY-1234"
	for _, s := range []string{
		string(intro) + canary + "\n", string(intro) + "-> X25519 " + canary + "\n" + canary + "\n", string(intro) + "-> " + canary,
		"-----BEGIN AGE ENCRYPTED FILE-----\n" + canary + "\n", "-----BEGIN AGE ENCRYPTED FILE-----" + canary + "\n",
		string(data[:len(data)-1]) + canary,
	} {
		if _, err := c.Decrypt([]byte(s), []byte(id.String())); err == nil || strings.Contains(err.Error(), canary) || errors.Unwrap(err) != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "A=1", "age-encryption.org/v2\n", "-----BEGIN OPENSSH PRIVATE KEY-----"} {
		if c.Sealed([]byte(s)) {
			t.Errorf("%q passes for an age file", s)
		}
	}
}
