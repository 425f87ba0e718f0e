package dotenv

import (
	"errors"
	"strings"
	"testing"
)

func TestRewrite(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "A=x\nB=y\n", "A=${vault:NAME}\nB=y\n"},
		{"no final newline", "B=y\nA=x", "B=y\nA=${vault:NAME}"},
		{"empty value", "A=\nB=y\n", "A=${vault:NAME}\nB=y\n"},
		{"empty value at the end", "A=", "A=${vault:NAME}"},
		{"only a comment", "A=  # c\n", "A=${vault:NAME}  # c\n"},
		{"CRLF", "A=x\r\nB=y\r\nA='z'\r\n", "A=${vault:NAME}\r\nB=y\r\nA=${vault:NAME}\r\n"},
		{"byte order mark", "\ufeffA=x\r\n", "\ufeffA=${vault:NAME}\r\n"},
		{"export and indentation", "\t export\tA  =  'x'  # c\n", "\t export\tA  =  ${vault:NAME}  # c\n"},
		{"comment after", "A=x y # c=d #e\n", "A=${vault:NAME} # c=d #e\n"},
		{"comment at the quote", "A=\"x\"#c\n", "A=${vault:NAME} #c\n"},
		{"hash in the value", "A=x#y\n", "A=${vault:NAME}\n"},
		{"trailing space", "A=x \t\u00a0\r\n", "A=${vault:NAME} \t\u00a0\r\n"},
		{"multi-line", "B=1\nA=\"" + pem + "\" # c\n\n# A=old\nC=3", "B=1\nA=${vault:NAME} # c\n\n# A=old\nC=3"},
		{"multi-line CRLF", "A='x\r\ny'\r\nB=1\r\n", "A=${vault:NAME}\r\nB=1\r\n"},
		{"inside another value", "B='\nA=x\n'\nA=y\n", "B='\nA=x\n'\nA=${vault:NAME}\n"},
		{"duplicates", "A=x\nB=y\nexport A=\"z\"\nA=`q`\n", "A=${vault:NAME}\nB=y\nexport A=${vault:NAME}\nA=${vault:NAME}\n"},
		{"a reference already", "A=${vault:OTHER}\nA=\"${vault:Other}\" # c\n", "A=${vault:OTHER}\nA=\"${vault:Other}\" # c\n"},
		{"a reference and a value", "A=${vault:OTHER}\nA=x\n", "A=${vault:OTHER}\nA=${vault:NAME}\n"},
		{"other case, other key", "a=x\nAA=y\nA.A=z\n", "a=x\nAA=y\nA.A=z\n"},
		{"nothing but comments", "# A=x\r\n\n\t\n", "# A=x\r\n\n\t\n"},
		{"nothing", "", ""},
	} {
		in := []byte(c.in)
		got, err := Rewrite(in, map[string]string{"A": "NAME", "ABSENT": "X"})
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %q, want %q; %v", c.name, got, c.want, err)
		}
		if string(in) != c.in {
			t.Errorf("%s: the input was changed", c.name)
		}
		same, err := Rewrite(in, nil)
		if err != nil || string(same) != c.in {
			t.Errorf("%s: nothing to replace: got %q; %v", c.name, same, err)
		}
		checkRewrite(t, in, map[string]string{"A": "NAME"})
	}
}

func TestRewriteRefusesABadName(t *testing.T) {
	for _, name := range []string{"", "1A", "A}", canary + "\n", strings.Repeat("k", 129)} {
		out, err := Rewrite([]byte("A=x\n"), map[string]string{"A": name})
		if e, ok := errors.AsType[*Error](err); out != nil || !ok || *e != (Error{0, badVaultKey}) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// What Rewrite returns must be small enough for Parse.
func TestRewriteStaysBelowTheLimit(t *testing.T) {
	file := []byte(strings.Repeat("A=x\n", 1<<15))
	if _, err := Rewrite(file, map[string]string{"A": strings.Repeat("N", 110)}); err != nil {
		t.Error(err)
	}
	out, err := Rewrite(file, map[string]string{"A": strings.Repeat("N", 128)})
	if e, ok := errors.AsType[*Error](err); out != nil || !ok || *e != (Error{0, fileTooLarge}) {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

// rest returns data without the values of the keys in replace; a value that
// has a comment right behind it counts as having a space there.
func rest(t *testing.T, data []byte, replace map[string]string) (string, []assignment) {
	t.Helper()
	as, _, err := assignments(data)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	done := 0
	for _, a := range as {
		if _, ok := replace[a.key]; !ok {
			continue
		}
		b.Write(data[done:a.val])
		b.WriteString("\x00")
		done = a.end
		if done < len(data) && data[done] == '#' && a.ref == "" {
			b.WriteString(" ")
		}
	}
	b.Write(data[done:])
	return b.String(), as
}

// checkRewrite checks what is promised of Rewrite on a file that Parse takes:
// the bytes outside the values stay, every replaced assignment is a reference,
// the others mean what they did, and a second time nothing changes.
func checkRewrite(t *testing.T, data []byte, replace map[string]string) {
	t.Helper()
	out, err := Rewrite(data, replace)
	if err != nil {
		if len(data) < 1<<12 {
			t.Fatalf("%q: %v", data, err)
		}
		return
	}
	before, was := rest(t, data, replace)
	after, is := rest(t, out, replace)
	if before != after || len(was) != len(is) {
		t.Fatalf("%q: became %q", data, out)
	}
	for i, a := range was {
		b := is[i]
		ref, value := a.ref, string(a.value)
		if name, ok := replace[a.key]; ok && ref == "" {
			ref, value = name, "${vault:"+name+"}"
		}
		if b.key != a.key || b.ref != ref || string(b.value) != value {
			t.Fatalf("%q: became %q: assignment %d means something else", data, out, i)
		}
	}
	again, err := Rewrite(out, replace)
	if err != nil || string(again) != string(out) {
		t.Fatalf("%q: a second time %q, %v", out, again, err)
	}
}
