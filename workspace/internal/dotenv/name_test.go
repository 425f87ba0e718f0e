package dotenv

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"strings"
	"testing"
)

// TestNoEncodedSecretIsAKey writes random bytes as the tools do that make
// secrets, alone in a file and wrapped behind a key: none comes out as a key.
func TestNoEncodedSecretIsAKey(t *testing.T) {
	encodings := map[string]func([]byte) string{
		"base64": base64.StdEncoding.EncodeToString, "base64url": base64.URLEncoding.EncodeToString, "base32": base32.StdEncoding.EncodeToString,
	}
	for name, encode := range encodings {
		for n := 12; n <= 96; n++ {
			missed := 0
			for range 200 {
				b := make([]byte, n)
				_, _ = rand.Read(b)
				text := encode(b)
				if !strings.HasSuffix(text, "=") {
					break // no assignment at all
				}
				for _, file := range []string{text, text + "\n", "A=1\n" + text + "\r\n", "\ufeff" + text + " # c"} {
					if es, err := Parse([]byte(file)); err == nil || es != nil {
						missed++
						break
					}
				}
				if rest := len(text) % 76; len(text) > 76 && rest > 12 {
					if es, err := Parse([]byte("A=" + text[:76] + "\n" + text[76:] + "\n")); err == nil && len(es) > 1 {
						missed++
					}
				}
			}
			// What is in one case by chance is a name to anybody.
			if missed > 16 {
				t.Errorf("%s of %d bytes: %d of 200 are keys", name, n, missed)
			}
		}
	}
	for n := range 7 {
		if es, err := Parse([]byte(strings.Repeat("Q", n+1) + "==")); err == nil || es != nil {
			t.Errorf("%d letters before padding are a key", n+1)
		}
	}
}

func TestEmptyNames(t *testing.T) {
	for _, key := range []string{
		"A", "_", "S3", "K8S_TOKEN", "I18N_DEFAULT", "AWS_SECRET_ACCESS_KEY", "AKOS_VAULT_PASSPHRASE_FILE", "OAUTH2_CLIENT_ID", "AUTH0_DOMAIN",
		"db_password", "spring.datasource.url", "my-key", "x509_cert", "NEXTAUTHURL", "A__B", "PORT8080", "B2B_KEY", "_2FA",
	} {
		if es, err := Parse([]byte(key + "=\nexport " + key + " = # c\n")); err != nil || len(es) != 1 || es[0].Key != key {
			t.Errorf("%s: %v", key, err)
		}
	}
	// Names in camel case can't be told from encoded bytes; quotes tell.
	for _, key := range []string{"nextAuthUrl", "Key", "myDb2Url"} {
		if _, err := Parse([]byte(key + "=\n")); err == nil {
			t.Errorf("%s: taken without quotes", key)
		}
		for _, file := range []string{key + `=""`, key + "=''", key + "=x", key + "==x", key + `="="`, key + "=${vault:A}"} {
			if es, err := Parse([]byte(file)); err != nil || len(es) != 1 {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

func TestConventional(t *testing.T) {
	for _, key := range []string{"A", "OPENAI_API_KEY", "_X", "S3_KEY", "K8S", "A1", "ID2"} {
		if !Conventional(key) {
			t.Error(key)
		}
	}
	for _, key := range []string{"a", "db_password", "A.B", "A-B", "Key", "JB5WY3DPEHPK3PXPJBSWY3DPEH", strings.Repeat("A", 25)} {
		if Conventional(key) {
			t.Error(key)
		}
	}
}

func TestHidden(t *testing.T) {
	for _, c := range []struct {
		file   string
		hidden int
	}{
		{"A=x", 0},
		{"A=x\nA=y", 1},
		{"A=w\nA=x\nB=1\nA=y", 2},
		{"A=x\nA='x'", 0},
		{"A=\nA=x", 0},
		{"A=${vault:A}\nA=x", 0},
		{"A=x\nA=", 1},
		{"A=x\nA=${vault:A}", 1},
		{"A=x\nA=\nA=x", 0},
		{"a=x\nA=y", 0},
	} {
		es, err := Parse([]byte(c.file))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range es {
			if e.Key == "A" && e.Hidden != c.hidden {
				t.Errorf("%q: line %d is hidden, want %d", c.file, e.Hidden, c.hidden)
			}
		}
	}
}

func TestComments(t *testing.T) {
	for file, want := range map[string]int{
		"": 0, "A=1": 0, "A=x#y\n": 0, "A='# x'\n": 0, "A=\"\n# x\n\"\n": 0,
		"# c": 1, " \t# c\r\nA=1 # d\n\n#\n": 3, "A= # x\n": 1, "A='x'#c\n": 1, "A='\n' # c\n# d": 2,
	} {
		if n := Comments([]byte(file)); n != want {
			t.Errorf("%q: %d, want %d", file, n, want)
		}
	}
}
