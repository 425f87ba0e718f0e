package vault_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"example.com/akos/workspace/vault"
	"golang.org/x/crypto/chacha20poly1305"
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func TestSealReturnsEveryValueExactly(t *testing.T) {
	s := sealerOf(t)
	sizes := []int{1, 2, 31, 32, 1024, 1 << 20}
	for range 50 {
		sizes = append(sizes, 1+mathrand.IntN(64<<10))
	}
	for _, n := range sizes {
		value, ad := randomBytes(n), randomBytes(mathrand.IntN(100))
		box, err := s.Seal(workspace.NewSecret(value), ad)
		if err != nil {
			t.Fatal(err)
		}
		if n >= 16 && bytes.Contains(box, value[:16]) {
			t.Fatalf("%d bytes: the box holds the value", n)
		}
		got, err := s.Unseal(box, ad)
		if err != nil || !secret.Equal(got, workspace.NewSecret(value)) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

func TestSealTakesAFreshNonce(t *testing.T) {
	s := sealerOf(t)
	v := workspace.NewSecret([]byte("the same"))
	seen := map[string]bool{}
	for range 1000 {
		box, err := s.Seal(v, nil)
		if err != nil || seen[string(box[1:25])] {
			t.Fatalf("nonce seen before, or %v", err)
		}
		seen[string(box[1:25])] = true
	}
}

func TestAChangedBoxDoesNotOpen(t *testing.T) {
	s := sealerOf(t)
	ad := []byte("workspace\x00default\x00KEY\x001")
	box, err := s.Seal(workspace.NewSecret([]byte("canary-value")), ad)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, box, ad []byte) {
		t.Helper()
		got, err := s.Unseal(box, ad)
		if err == nil || !secret.Empty(got) {
			t.Fatalf("%s: it opened", what)
		}
		check(t, err, workspace.Unavailable, false, "does not open with this key")
		if strings.Contains(err.Error(), "canary") {
			t.Fatalf("%s: the error holds the value", what)
		}
	}
	for i := range box {
		for bit := range 8 {
			changed := bytes.Clone(box)
			changed[i] ^= 1 << bit
			refused(fmt.Sprintf("byte %d bit %d", i, bit), changed, ad)
		}
		refused(fmt.Sprintf("cut to %d", i), box[:i], ad)
	}
	refused("longer", append(bytes.Clone(box), 0), ad)
	refused("no associated data", box, nil)
	refused("other associated data", box, []byte("workspace\x00default\x00KEY\x002"))
	other := sealerOf(t)
	if _, err := other.Unseal(box, ad); err == nil {
		t.Fatal("it opened under another data key")
	}
}

func TestAWrappedDataKeyIsBoundToItsRecord(t *testing.T) {
	kc := &akostest.Keychain{}
	h := newHolders(t.TempDir(), nil, kc, 0)
	k, s := create(t, h, workspace.BackendKeychain)
	opens(t, h, k, s)
	moved := k
	moved.ID = strings.Repeat("0", 32)
	item, err := kc.Get("akos", "kek-"+k.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := kc.Set("akos", "kek-"+moved.ID, item); err != nil {
		t.Fatal(err)
	}
	_, err = h.Open(context.Background(), moved)
	check(t, err, workspace.Unavailable, true, "another key-encryption key")
	moved = k
	moved.Backend = workspace.BackendFile
	_, err = h.Open(context.Background(), moved)
	check(t, err, workspace.Unavailable, true, "another key-encryption key")
}

// closedKeychain keeps its fake where no printer comes: the fake has its items
// in clear, which no real keychain does in this process.
type closedKeychain struct{ kc func() *akostest.Keychain }

func (k closedKeychain) Get(s, a string) (string, error) { return k.kc().Get(s, a) }
func (k closedKeychain) Set(s, a, item string) error     { return k.kc().Set(s, a, item) }
func (k closedKeychain) Delete(s, a string) error        { return k.kc().Delete(s, a) }

// TestNothingPrintsAKey prints all that a caller gets hold of in every way
// and looks for the KEK, which the fake keychain tells, and the data key,
// which it opens.
func TestNothingPrintsAKey(t *testing.T) {
	kc := &akostest.Keychain{}
	h := newHolders(t.TempDir(), nil, closedKeychain{func() *akostest.Keychain { return kc }}, 0)
	k, s := create(t, h, workspace.BackendKeychain)
	item, err := kc.Get("akos", "kek-"+k.ID)
	if err != nil {
		t.Fatal(err)
	}
	kek, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(item, "akos-kek-1:"))
	if err != nil {
		t.Fatal(err)
	}
	// The format as it is documented, opened without the code under test.
	aead, err := chacha20poly1305.NewX(kek)
	if err != nil {
		t.Fatal(err)
	}
	ad := "\x01akos data key\x00" + k.ID + "\x00os-keychain\x00os-keychain"
	dataKey, err := aead.Open(nil, k.Wrapped[1:25], k.Wrapped[25:], []byte(ad))
	if err != nil || k.Wrapped[0] != 1 || len(dataKey) != 32 {
		t.Fatalf("the wrapped data key is not of the documented format: %v", err)
	}
	canaries := append(forms(kek), forms(dataKey)...)
	for _, thing := range []any{h, *h, s, &s, k, &k, []any{s, k}, map[string]any{"s": s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			refuse(t, verb, fmt.Sprintf(verb, thing), canaries)
		}
		if data, err := json.Marshal(thing); err == nil {
			refuse(t, "json", string(data), canaries)
		}
	}
}

// forms returns the ways in which a printer may write b.
func forms(b []byte) []string {
	numbers := strings.Trim(fmt.Sprint(b), "[]")
	return []string{
		string(b), base64.StdEncoding.EncodeToString(b), hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)),
		numbers, strings.ReplaceAll(numbers, " ", ", "), strings.ReplaceAll(numbers, " ", ","),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", b), "[]byte{"), "}"),
	}
}

func refuse(t *testing.T, how, text string, canaries []string) {
	t.Helper()
	for _, c := range canaries {
		if strings.Contains(text, c) {
			t.Errorf("%s shows a key", how)
		}
	}
}

func FuzzDecodeIdentity(f *testing.F) {
	f.Add([]byte("# c\nAKOS-KEK-1 " + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n"))
	f.Add([]byte("AKOS-KEK-1 \n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, kek := range vault.DecodeIdentity(data) {
			if secret.Empty(kek) {
				t.Fatal("a key and no key at once")
			}
		}
	})
}

func BenchmarkSeal1KiB(b *testing.B) {
	s := sealerOf(b)
	v, ad := workspace.NewSecret(randomBytes(1024)), randomBytes(80)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Seal(v, ad); err != nil {
			b.Fatal(err)
		}
	}
}
