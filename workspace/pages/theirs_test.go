package pages

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestShown(t *testing.T) {
	for _, c := range []struct{ what, in, want string }{
		{"a plain name", "Code Assistant 2", "Code Assistant 2"},
		{"other alphabets", "Код 日本語 עברית", "Код 日本語 עברית"},
		{"lines", " a\r\nb\tc\u2028d ", "a  b c d"},
		{"bidirectional overrides", "a\u202eb\u2066c\u200fd", "a\ufffdb\ufffdc\ufffdd"},
		{"what can't be seen", "a\u200b\ufeff\u00ad\u3164\u2800\ufe0f\U000e0041b", "a\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdb"},
		{"control characters", "a\x00\x1b[31mb\u0085c", "a\ufffd\ufffd[31mb c"},
		{"no UTF-8", "a\xff\xfeb", "a\ufffd\ufffdb"},
		{"a pile of marks", "a\u0301\u0301\u0301\u0301b\u0301", "a\u0301\u0301b\u0301"},
		{"private use", "\ue000", "\ufffd"},
		{"just so long", strings.Repeat("é", mostOfName), strings.Repeat("é", mostOfName)},
		{"too long", strings.Repeat("é", mostOfName+1), strings.Repeat("é", mostOfName) + "…"},
		{"nothing", "", ""},
		{"spaces", " \n ", ""},
	} {
		if got := name(c.in); got != c.want {
			t.Errorf("%s: %q became %q, want %q", c.what, c.in, got, c.want)
		}
	}
}

func TestClaim(t *testing.T) {
	for in, want := range map[string]string{
		"Ann's app":                 "Ann's app",
		`a” is safe, says akos. “b`: "a' is safe, says akos. 'b",
		"a\" «b» ‹c› „d‟ 「e」 〝f〞 ＂g＂ ʺh ″i": "a' 'b' 'c' 'd' 'e' 'f' 'g' 'h 'i",
	} {
		if got := claim(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestAddress(t *testing.T) {
	long := "https://accounts.example." + strings.Repeat("a.", 100) + "evil.example"
	for in, want := range map[string]string{
		"http://[::1]:80":     "http://[::1]:80",
		"https://аpple.com":   "https://\ufffdpple.com", // a Cyrillic а
		long:                  long,                     // the end counts
		"203.0.113.7\u202eab": "203.0.113.7\ufffdab",
	} {
		if got := address(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestLocal(t *testing.T) {
	for in, want := range map[string]bool{
		"/": true, "/device?user_code=A": true, "/a//b": true, "/a?next=//b": true,
		"": false, "//evil.example": false, `/\evil.example`: false, "https://evil.example": false,
		"javascript:alert(1)": false, "device": false, "/a\nb": false, "/a\x00": false, " /a": false, "/\t/evil.example": false,
	} {
		if got := local(in) != ""; got != want {
			t.Errorf("%q is a path of this server: %v, want %v", in, got, want)
		}
	}
}

func FuzzShown(f *testing.F) {
	for _, s := range evil {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := claim(s)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > mostOfName+1 {
			t.Errorf("%q", got)
		}
		if strings.ContainsFunc(got, func(r rune) bool {
			return !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r) || strings.ContainsRune("\"“”", r)
		}) {
			t.Errorf("%q", got)
		}
		if again := claim(got); len(got) < mostOfName && again != got {
			t.Errorf("%q became %q", got, again)
		}
	})
}
