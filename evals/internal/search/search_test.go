package search

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestSearcher plants each form of each canary in noise, and looks at noise
// alone.
func TestSearcher(t *testing.T) {
	t.Parallel()
	// Always the same: among millions of random bytes eight digits of a hash
	// are found by chance once in a while.
	random := rand.NewChaCha8([32]byte{})
	values := NewValues(random)
	noise := func(n int) []byte {
		b := read(random, n)
		return []byte(base64.StdEncoding.EncodeToString(b) + hex.EncodeToString(b) + string(b))
	}
	// A leak is rarely whole: of each form its start, middle and end are
	// planted, with what its least length asks for. The edges and the length
	// are words.
	for _, c := range values.All() {
		s := New(c)
		seen := map[string]bool{}
		for _, f := range forms(c) {
			seen[f.name] = true
			for _, at := range []int{0, (len(f.text) - f.least) / 2, len(f.text) - f.least} {
				planted := slices.Concat(noise(300), []byte(" "), f.text[at:at+f.least], []byte(" "), noise(300))
				if !slices.ContainsFunc(s.Find(planted, true), func(got string) bool { return strings.HasPrefix(got, c.Name+" as ") }) {
					t.Errorf("%s as %s is not found at %d", c.Name, f.name, at)
				}
			}
		}
		if len(seen) < 60 {
			t.Errorf("%s has %d forms", c.Name, len(seen))
		}
		if got := s.Find(noise(1<<20), false); got != nil {
			t.Errorf("found in noise: %v", got)
		}
		if got := s.Find([]byte(prose), true); got != nil {
			t.Errorf("found in prose: %v", got)
		}
	}
	// And what the standard library writes is what the forms say it does.
	c := values.Text
	s := New(c)
	encoded, err := json.Marshal(struct{ V []byte }{c.Value})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"%v": fmt.Sprintf("%v", c.Value), "%q": fmt.Sprintf("%q", c.Value), "%x": fmt.Sprintf("%x", c.Value), "% X": fmt.Sprintf("% X", c.Value),
		"%#v": fmt.Sprintf("%#v", c.Value), "%+q": fmt.Sprintf("%+q", c.Value), "%#x": fmt.Sprintf("%#x", c.Value), "%# x": fmt.Sprintf("%# x", c.Value),
		"json": string(encoded), "dump": hex.Dump(c.Value), "first": string(c.Value[:4]), "last": string(c.Value[len(c.Value)-4:]),
		"part": string(c.Value[5:13]), "sum": fmt.Sprintf("%x", sha256.Sum256(c.Value)), "short sum": fmt.Sprintf("%.8x", sha256.Sum256(c.Value)),
	} {
		if s.Find([]byte("x "+text+" y"), true) == nil {
			t.Errorf("%s: %s is not found", name, text)
		}
	}
	if d := values.Long; New(d).Find([]byte("stored 4217 bytes"), true) == nil {
		t.Error("the length is not found")
	}
}

const prose = `{"kind":"invalid","message":"a key name is a letter or _ and then up to 127 letters, digits, _ . or -","hint":"akos vault put NAME"}
The providers are anthropic (sk-ant-api03-), openai (sk-proj-). 42171 14217 4217x conn_0123456789abcdef01234567 2026-11-24T05:05:12.421Z`
