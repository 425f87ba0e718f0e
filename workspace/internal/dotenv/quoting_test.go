package dotenv

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
)

// quotings returns every way to write v, which is not a reference, by name.
func quotings(v string) map[string]string {
	out := map[string]string{}
	esc := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\r", `\r`)
	out["double"] = `"` + esc.Replace(v) + `"`
	out["escaped"] = `"` + strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(esc.Replace(v)) + `"`
	out["dollar"] = `"` + strings.ReplaceAll(esc.Replace(v), `\$`, `$`) + `"`
	for name, q := range map[string]string{"single": "'", "backtick": "`"} {
		if !strings.Contains(v, q) && !strings.HasSuffix(v, `\`) && !strings.Contains(v, "\r") {
			out[name] = q + v + q
		}
	}
	if plain(v) {
		out["unquoted"] = v
	}
	return out
}

// plain reports whether v means itself without quotes.
func plain(v string) bool {
	if strings.TrimFunc(v, unicode.IsSpace) != v || strings.ContainsAny(v, "\r\n") {
		return false
	}
	if v != "" && strings.Trim(v, "=") == "" { // padding
		return false
	}
	space := false
	for i, r := range v {
		if i == 0 && strings.ContainsRune("\"'`", r) || r == '#' && space {
			return false
		}
		space = unicode.IsSpace(r)
	}
	return true
}

// Random values, written in every possible way, come out exactly.
func TestRandomValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	alphabet := []string{
		"a", "d", "b", "q", "s", "n", "r", "t", "A", "0", "$", "{", "}", "(", `\`, `"`, "'", "`",
		"#", "=", ":", " ", "\t", "\n", "\r", "é", "\u00a0", "\u2003", "🔑", "\ufffd", "\x01", "export",
	}
	for range 40000 / slowdown {
		var b strings.Builder
		for range rng.IntN(12) {
			b.WriteString(alphabet[rng.IntN(len(alphabet))])
		}
		v := b.String()
		for how, q := range quotings(v) {
			file := "Z=1\nexport A = " + q + " # c\nB=${vault:b}\n"
			if how == "unquoted" && v == "" {
				continue
			}
			if how == "unquoted" && v[0] == '#' {
				file = "Z=1\nexport A =" + q + " # c\nB=${vault:b}\n"
			}
			es, err := Parse([]byte(file))
			if err != nil {
				t.Fatalf("%s %q: %v", how, file, err)
			}
			if got, ok := get(es, "A"); !ok || got != v || len(es) != 3 || es[2].Ref != "b" {
				t.Fatalf("%s %q: got %q, want %q", how, file, got, v)
			}
		}
	}
}
