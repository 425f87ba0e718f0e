package catalog

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestGuessable: what a person makes up or what is no secret could be tried.
func TestGuessable(t *testing.T) {
	for _, s := range append([]string{
		"", "1", "prod", "us-east-1", "admin@example.com", "smtp.example.com:587", "https://my-resource.openai.azure.com/", "10.0.0.12:5432/db1",
		"postgres://db.example.com:5432/shop", "2026-01-02T03:04:05Z", "hunter2hunter2hunter2", "Company-Prod-2024!", "correct horse battery staple",
		"the-token-of-the-build-server", "My Company, Inc. 2024", strings.Repeat("x", 64), strings.Repeat("1", 64), "0123456789012345678901234567890",
		"k9#mQ2$vL8@nR4", // 14 bytes
	}, Providers()[0].RequiredKeys...) {
		if !Guessable(s) {
			t.Errorf("%q is taken for random", s)
		}
	}
	// Names too, unless they are half digits or end in an id: looking for those
	// costs a moment, and nothing else.
	found := 0
	for _, s := range plausibleNames {
		if !Guessable(s) {
			found++
			t.Log(s)
		}
	}
	if found > len(plausibleNames)/20 {
		t.Errorf("%d of %d names", found, len(plausibleNames))
	}
}

const symbols = "!#$%&*+-./:;<=>?@^_~"

// TestRandomIsNotGuessable measures how many of what generators make are found.
func TestRandomIsNotGuessable(t *testing.T) {
	const n = 3000
	r := rand.New(rand.NewPCG(6, 7))
	for _, row := range []struct {
		name, letters string
		length        int
		want          float64 // of 100
	}{
		{"hex", hexLetters, 32, 99}, {"hex", hexLetters, 40, 99}, {"hex", hexLetters, 24, 70},
		{"base62", wordLetters, 16, 50}, {"base62", wordLetters, 20, 80}, {"base62", wordLetters, 24, 95}, {"base62", wordLetters, 32, 99},
		{"base64", wordLetters + "+/", 44, 99}, {"symbols", wordLetters + symbols, 20, 60}, {"symbols", wordLetters + symbols, 32, 80},
	} {
		found := 0
		for range n {
			b := make([]byte, row.length)
			for i := range b {
				b[i] = row.letters[r.IntN(len(row.letters))]
			}
			if !Guessable(string(b)) {
				found++
			}
		}
		percent := 100 * float64(found) / n
		t.Logf("%s, %d: %.1f %%", row.name, row.length, percent)
		if percent < row.want {
			t.Errorf("%s, %d: %.1f %%", row.name, row.length, percent)
		}
	}
}

func BenchmarkGuessable(b *testing.B) {
	for name, s := range map[string]string{"name": "production-slack-token", "prose": strings.Repeat("words of a person ", 20)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Guessable(s)
			}
		})
	}
}
