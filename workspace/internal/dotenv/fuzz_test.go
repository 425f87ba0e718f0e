package dotenv

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"example.com/akos/workspace/internal/secret"
)

func seed(f *testing.F) {
	for _, c := range syntax {
		f.Add([]byte(c.file))
	}
	for _, c := range failing {
		if len(c.file) < 1000 {
			f.Add([]byte(c.file))
		}
	}
}

// FuzzParse: no panic, no text of the file in an error, no byte in a value
// that the file does not have (but for what an escape stands for), and no
// statement over which the cut and the library disagree.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		es, err := Parse(data)
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%v for %d bytes", d, len(data))
		}
		lines := 1 + bytes.Count(data, []byte("\n"))
		if err != nil {
			e, ok := errors.AsType[*Error](err)
			if !ok || !problems[e.Problem] || e.Line < 0 || e.Line > lines || es != nil {
				t.Fatalf("%q: %v", data, err)
			}
			if e.Problem == misread {
				t.Fatalf("%q: the cut and the library disagree", data)
			}
			return
		}
		if n := Comments(data); n > lines {
			t.Fatalf("%q: %d comments", data, n)
		}
		runes := map[rune]bool{'\n': true, '\r': true, '\t': true}
		for _, r := range string(data) {
			runes[r] = true
		}
		last := 0
		for _, e := range es {
			if e.Line <= last || e.Line > lines || !validKey([]byte(e.Key)) {
				t.Fatalf("%q: %s in line %d", data, e.Key, e.Line)
			}
			last = e.Line
			if e.Hidden >= e.Line {
				t.Fatalf("%q: line %d hides line %d", data, e.Line, e.Hidden)
			}
			v := secret.Reveal(e.Value)
			if len(v) > len(data) || e.Ref != "" && len(v) != 0 {
				t.Fatalf("%q: the value of %s", data, e.Key)
			}
			for _, r := range string(v) {
				if !runes[r] {
					t.Fatalf("%q: %q in the value of %s is not in the file", data, r, e.Key)
				}
			}
		}
	})
}

// FuzzRewrite: see checkRewrite; every other key of the file is replaced.
func FuzzRewrite(f *testing.F) {
	seed(f)
	f.Add([]byte("\ufeffA='x\r\ny'#c\r\n\texport B = z #c\r\nA=`q`"))
	f.Fuzz(func(t *testing.T, data []byte) {
		es, err := Parse(data)
		if err != nil {
			if out, err := Rewrite(data, map[string]string{"A": "A"}); err == nil || out != nil {
				t.Fatalf("%q: Parse refuses it, Rewrite does not", data)
			}
			return
		}
		replace := map[string]string{}
		for i, e := range es {
			if i%2 == 0 {
				replace[e.Key] = "N." + e.Key[:min(len(e.Key), 100)]
			}
		}
		checkRewrite(t, data, replace)
	})
}
