package catalog

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzCheckConfig gives one value to one field of one kind, in every guise:
// no panic, and no error that contains the value.
func FuzzCheckConfig(f *testing.F) {
	for i, k := range Kinds() {
		for j, field := range k.Config {
			f.Add(i, j, field.Example)
		}
	}
	f.Add(4, 1, "99999999999999999999")
	f.Add(5, 0, "0,99 * * * *")
	f.Add(7, 0, "https://user:"+"password@example.com")
	f.Fuzz(func(t *testing.T, kind, field int, value string) {
		ks := Kinds()
		k := ks[uint(kind)%uint(len(ks))]
		name := k.Config[uint(field)%uint(len(k.Config))].Name
		check := func(v any) string {
			clean, err := k.CheckConfig(object{name: v}, nil)
			if err != nil {
				return err.Error()
			}
			if again, err := k.CheckConfig(clean, nil); err != nil || len(again) != len(clean) {
				t.Errorf("%s.%s: what was normalised is refused: %v", k.Kind, name, err)
			}
			return ""
		}
		// What the error says of another bad value too is the rule, not the value.
		always := check("\x01") + check([]any{"\x01"}) + check([]any{}) + check(object{}) + ruleTexts(k)
		var decoded any
		_ = json.Unmarshal([]byte(value), &decoded)
		for _, v := range []any{value, []string{value}, []any{value}, []any{value, value}, json.Number(value), object{value: value}, decoded} {
			if msg := check(v); len(value) >= 8 && strings.Contains(msg, value) && !strings.Contains(always, value) {
				t.Errorf("%s.%s: the error contains the value", k.Kind, name)
			}
		}
		// In the place of a name too: only a plain word may be echoed there.
		_, err := k.CheckConfig(object{value: value}, nil)
		if LooksLikeCredential(value) && strings.Contains(err.Error(), value) {
			t.Errorf("%s: the error contains a credential that was given as a name", k.Kind)
		}
	})
}

// ruleTexts are the constant words of every rule that a field of k can break.
func ruleTexts(k Kind) string {
	var b strings.Builder
	for _, f := range k.Config {
		if err := checkFormat(f.Format, ""); err != nil {
			b.WriteString(err.Error())
		}
		b.WriteString("must be one of " + strings.Join(f.Enum, ", "))
	}
	for _, v := range []string{"", strings.Repeat("a", maxString+1), "\xff", "a\x00", "sk-" + fake(12), "token=x"} {
		if err := (Field{}).checkString("", v); err != nil {
			b.WriteString(err.Error())
		}
	}
	return b.String()
}

// FuzzLooksLikeCredential looks for a panic, and for a credential that is
// found alone and lost among other words.
func FuzzLooksLikeCredential(f *testing.F) {
	for _, c := range fakeCredentials() {
		f.Add(c)
		f.Add("KEY=" + c)
	}
	f.Add("OPENAI_API_KEY")
	f.Fuzz(func(t *testing.T, s string) {
		if LooksLikeCredential(s) && !LooksLikeCredential("a "+s+" b") {
			t.Errorf("%q is found alone, but not among words", s)
		}
	})
}
