//go:build unix && !aix && !solaris

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/rogpeppe/go-internal/testscript"
)

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// random returns n characters of an alphabet.
func random(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[rand.Intn(len(alphabet))]
	}
	return string(b)
}

// cmdFakeToken makes tokens when the script runs, so that none is in the
// repository for a scanner to find.
func cmdFakeToken(ts *testscript.TestScript, _ bool, args []string) {
	const digits, hex, upper = "0123456789", "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	forms := map[string]func() string{
		"slack": func() string {
			return "xoxb" + "-" + random(digits, 12) + "-" + random(digits, 12) + "-" + random(letters, 24)
		},
		"openai": func() string { return "sk" + "-proj-" + random(letters, 48) },
		"github": func() string { return "ghp" + "_" + random(letters, 36) },
		"stripe": func() string { return "sk" + "_live_" + random(letters, 24) },
		"aws":    func() string { return "AK" + "IA" + random(upper, 16) },
		"linear": func() string { return "lin" + "_api_" + random(letters, 40) },
		"url":    func() string { return "https://bot:" + random(letters, 20) + "@example.com/" },
		"jwt": func() string {
			return "ey" + "J" + random(letters, 30) + ".eyJ" + random(letters, 40) + "." + random(letters, 43)
		},
		"twilio": func() string { return "AC" + random(hex, 32) },
		"plain":  func() string { return "A" + random(letters, 42) }, // without a vendor's mark
		"hex":    func() string { return "a1" + random(hex, 38) },
		"age":    func() string { return "AGE-SECRET-" + "KEY-1" + random(upper, 58) },
	}
	if len(args) != 2 || forms[args[1]] == nil {
		ts.Fatalf("usage: faketoken VAR FORM")
	}
	v := forms[args[1]]()
	ts.Setenv(args[0], v)
	s := storyOf(ts)
	s.hidden = append(s.hidden, v)
}

func cmdHide(ts *testscript.TestScript, _ bool, args []string) {
	s := storyOf(ts)
	s.hidden = append(s.hidden, args...)
}

func cmdSealed(ts *testscript.TestScript, _ bool, _ []string) {
	s := storyOf(ts)
	n := 0
	ts.Check(filepath.WalkDir(filepath.Join(s.work, "home"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		n++
		data, err := os.ReadFile(file)
		for _, h := range s.hidden {
			if bytes.Contains(data, []byte(h)) {
				ts.Fatalf("%s holds a value in clear", file)
			}
		}
		return err
	}))
	if n == 0 || len(s.hidden) == 0 {
		ts.Fatalf("looked for %d values in %d files", len(s.hidden), n)
	}
}

func cmdBlob(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Intn(256))
	}
	b[0] = 0 // whatever chance says: it is no text
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

func cmdAgeKey(ts *testscript.TestScript, _ bool, args []string) {
	id, err := age.GenerateX25519Identity()
	ts.Check(err)
	ts.Setenv(args[0], id.Recipient().String())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(id.String()+"\n"), 0o600))
}

func cmdAgeOpen(ts *testscript.TestScript, _ bool, args []string) {
	ids, err := age.ParseIdentities(strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	var src io.Reader = strings.NewReader(ts.ReadFile(args[0]))
	if strings.HasPrefix(ts.ReadFile(args[0]), armor.Header) {
		src = armor.NewReader(src)
	}
	r, err := age.Decrypt(src, ids...)
	ts.Check(err)
	var file struct {
		Values []struct {
			Key   string
			Value []byte
		}
	}
	ts.Check(json.NewDecoder(r).Decode(&file))
	if len(file.Values) != len(args)-2 {
		ts.Fatalf("the file holds %d values", len(file.Values))
	}
	for i, v := range file.Values {
		key, path, _ := strings.Cut(args[i+2], "=")
		if v.Key != key || string(v.Value) != ts.ReadFile(path) {
			ts.Fatalf("%s is not exactly what was stored as %s", v.Key, key)
		}
	}
}

func cmdMode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s", args[0], got)
	}
}
