package dotenv

import (
	"fmt"
	"strings"
	"testing"

	"example.com/akos/workspace/internal/secret"
)

const pem = "-----BEGIN FAKE KEY-----\nZmFrZQ==\nZmFrZQ==\n-----END FAKE KEY-----\n"

// syntax is what a file with one assignment to A means. In the third column:
// what node (dotenv 16.6.1), compose (compose-go 2.16.2, no variable set),
// godotenv 1.5.1 and gotenv 1.6.0 read where they read something else; ERR is
// a refusal. A reader that is not named there agrees with the row.
var syntax = []struct{ file, want, others string }{
	// Unquoted.
	{"A=x", "x", ""},
	{"A=x\n", "x", ""},
	{"A=", "", ""},
	{"A=   ", "", ""},
	{"A=\n", "", ""},
	{"A= x y ", "x y", ""},
	{"A = x", "x", ""},
	{"A\t=\tx", "x", ""},
	{" \tA=x", "x", ""},
	{"export A=x", "x", ""},
	{"export\tA=x", "x", ""},
	{"  export   A  =  x  ", "x", ""},
	{"A=x=y==", "x=y==", ""},
	{"A=it's", "it's", ""},
	{`A=x"y"`, `x"y"`, ""},
	{`A={"a":"b"}`, `{"a":"b"}`, ""},
	{"A=%s", "%s", ""},
	{"A=\u00a0x\u00a0", "x", ""},
	{"A=x\u2003", "x", "godotenv keeps the space"},
	{"A=\u2003\"x\"", "x", "compose, godotenv keep the quotes"},
	{"A=é🔑", "é🔑", ""},
	{"A=a\ufffdb", "a\ufffdb", ""},
	{"A=\ufeffx", "\ufeffx", "node: x"},
	// Comments.
	{"# B=1\n\n  # c\nA=x\n# e", "x", ""},
	{"A=x #y", "x", ""},
	{"A=x #y #z", "x", "godotenv: x #y"},
	{"A=x\t#y", "x", "compose keeps it all"},
	{"A=x # it's", "x", ""},
	{"A=x#y", "x#y", "node, gotenv: x"},
	{"A=x#y #z", "x#y", "node, gotenv: x"},
	{"A=#x", "#x", "node, gotenv: empty"},
	{"A= # x", "", "compose, godotenv: # x"},
	{`A="x"#y`, "x", ""},
	{`A="x" # "y"`, "x", `gotenv: x" # "y`},
	{"A='x' # it's", "x", ""},
	{`A="x # y"`, "x # y", ""},
	{"A='x # y'", "x # y", ""},
	// Single quotes and backticks.
	{"A=''", "", ""},
	{"A='  x  '", "  x  ", ""},
	{"A='x\ny'", "x\ny", ""},
	{`A='"x"'`, `"x"`, ""},
	{`A='C:\new\t'`, `C:\new\t`, ""},
	{`A='{"a":"b\n"}'`, `{"a":"b\n"}`, ""},
	{"A=`it's \"q\"`", `it's "q"`, "compose, godotenv, gotenv keep the backticks"},
	{"A=`'x'`", `'x'`, "compose, godotenv, gotenv keep the backticks"},
	{"A=`a\\nb`", `a\nb`, "compose, godotenv, gotenv keep the backticks"},
	{"A=`x\ny`", "x\ny", "compose, godotenv, gotenv: ERR"},
	// Double quotes. Node keeps every backslash but those of \n and \r, and
	// reads "a\\nb" as a, backslash, line feed, b; compose is followed.
	{`A=""`, "", ""},
	{`A="  x  "`, "  x  ", ""},
	{`A="'x'"`, "'x'", ""},
	{"A=\"x\n\ny\"", "x\n\ny", ""},
	{`A="x\ny\rz"`, "x\ny\rz", ""},
	{`A="x\ty"`, "x\ty", `node: x\ty; godotenv, gotenv: xty`},
	{`A="say \"hi\""`, `say "hi"`, `node keeps the backslashes; godotenv: say "hi\`},
	{`A="\"x\""`, `"x"`, `node keeps the backslashes; godotenv: "x\`},
	{`A="a\\b"`, `a\b`, `node: a\\b`},
	{`A="a\\nb"`, `a\nb`, "node, gotenv: a line feed"},
	{`A="a\\"`, `a\`, `node: a\\; godotenv, gotenv: ERR`},
	{`A="a\\\"b"`, `a\"b`, `node keeps the backslashes`},
	{`A="C:\new"`, "C:\new", ""},
	{`A="C:\dir"`, `C:\dir`, "godotenv, gotenv: C:dir"},
	{`A="a\bb"`, `a\bb`, "compose: a backspace; godotenv, gotenv: abb"},
	{`A="\u00e9\x41"`, `\u00e9\x41`, "godotenv, gotenv: u00e9x41"},
	{"A=\"x\\\ny\"", "x\\\ny", "godotenv, gotenv drop the backslash"},
	{`A="é🔑"`, "é🔑", ""},
	// Dollars: never expanded.
	{"A=pa$$w$Ord", "pa$$w$Ord", "compose, godotenv, gotenv expand"},
	{"A=${HOME}x", "${HOME}x", "compose, godotenv, gotenv expand"},
	{`A=p\$HOME`, `p\$HOME`, `compose: p\; godotenv, gotenv: p$HOME`},
	{`A="p$HOME"`, "p$HOME", "compose, godotenv, gotenv expand"},
	{`A="p\$HOME"`, "p$HOME", `node: p\$HOME`},
	{"A='p$HOME'", "p$HOME", ""},
	{"A=`p$HOME`", "p$HOME", "compose, godotenv, gotenv expand, keep the backticks"},
	{"A=$(id)", "$(id)", ""},
	{"B=1\nA=$B", "$B", "compose, godotenv, gotenv: 1"},
	{"A=x${vault:B}", "x${vault:B}", "compose expands"},
	// Line ends, byte order mark, duplicates.
	{"A=x\r\n", "x", ""},
	{"A=x #y\r\n", "x", ""},
	{"A='x'\r\n", "x", ""},
	{"A=\"x\r\ny\"\r\n", "x\ny", "compose keeps the \\r"},
	{"A='x\r\ny'", "x\ny", "compose keeps the \\r"},
	{"\ufeffA=x", "x", "compose, godotenv: ERR"},
	{"\ufeff\r\n  A=x", "x", "compose, godotenv: ERR"},
	{"A=x\nB=1\nA=y", "y", ""},
	{"A=x\nA=", "", ""},
	{`A="` + pem + `"`, pem, ""},
	{`A="` + strings.ReplaceAll(pem, "\n", "\r\n") + `"`, pem, "compose keeps the \\r"},
	{`A="` + strings.ReplaceAll(pem, "\n", `\n`) + `"`, pem, ""},
	{`A='` + pem + `'`, pem, ""},
}

// get returns the value of key, or ok = false.
func get(es []Entry, key string) (value string, ok bool) {
	for _, e := range es {
		if e.Key == key {
			return string(secret.Reveal(e.Value)), true
		}
	}
	return "", false
}

func TestSyntax(t *testing.T) {
	for _, c := range syntax {
		es, err := Parse([]byte(c.file))
		if err != nil {
			t.Errorf("%q: %v", c.file, err)
			continue
		}
		if got, ok := get(es, "A"); !ok || got != c.want {
			t.Errorf("%q: got %q, want %q", c.file, got, c.want)
		}
	}
}

// Each value, however it may be quoted, comes out as it is.
func TestCorruption(t *testing.T) {
	values := []string{
		"$", "$$", "$A", "${A}", "$(A)", `\$`, `\\$A`, "a$", "$1", "pa$$w0rd",
		`\`, `\\`, `\n`, `\\n`, `C:\new\table`, `a\`, `\"`, `\'`, "\\`",
		`"`, `""`, `"x"`, `x"`, "'", "''", "'x'", "x'", "`", "`x`", `'"` + "`",
		"#", "# x", "x #", "x # y", "x#y", "=", "==", "a=b", "=x", "A=b",
		" ", "  ", " x", "x ", "\tx\t", "\n", "\nx\n", "\r\n", "\r", "x\r\ny",
		"é", "🔑", "\u00a0x\u00a0", "\u2028", "\ufeff", "\ufffd", "\u0085", "\U0010ffff", "\ue000",
		"\x01\x7f\x1b[0m", "\v\f", "export A=1", "KEY: value", "%s%n", "${vault:", "vault:A}",
		`{"a":"b\n","c":"$d"}`, pem, strings.Repeat("fake-", 1000),
		// What value.go uses inside.
		"d", "b", "q", "s", "dbqs",
	}
	for _, v := range values {
		for how, q := range quotings(v) {
			for _, file := range []string{"A=" + q, "A=" + q + "\n", "x-y = " + q + " # c\r\nA=" + q + "\t# \"c' `\r\n"} {
				es, err := Parse([]byte(file))
				if err != nil {
					t.Errorf("%s %q: %v", how, file, err)
					continue
				}
				if got, ok := get(es, "A"); !ok || got != v {
					t.Errorf("%s %q: got %q, want %q", how, file, got, v)
				}
			}
		}
	}
}

func TestEntries(t *testing.T) {
	file := "# c\nA=1\nexport B_2=\"x\n\ny\" # c\nC.d-e=\r\n\r\nA='2'\nF=${vault:Some.Key-1}\nG = \"${vault:g}\" # c\nH='${VAULT:h}'\nI=end"
	es, err := Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range es {
		got = append(got, fmt.Sprintf("%d %s %q %s", e.Line, e.Key, secret.Reveal(e.Value), e.Ref))
	}
	want := []string{
		`3 B_2 "x\n\ny" `, `6 C.d-e "" `, `8 A "2" `,
		`9 F "" Some.Key-1`, `10 G "" g`, `11 H "" h`, `12 I "end" `,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if es, err := Parse(nil); err != nil || len(es) != 0 {
		t.Errorf("an empty file: %d entries, %v", len(es), err)
	}
}

func TestKeys(t *testing.T) {
	for _, k := range []string{"A", "_", "a1", "A.B-c_d", "export", "exportA", "export-x", strings.Repeat("k", 128)} {
		for _, file := range []string{k + "=x", k + " =x", "export " + k + "=x", "export\t" + k + "\t=x"} {
			es, err := Parse([]byte(file))
			if err != nil || len(es) != 1 || es[0].Key != k {
				t.Errorf("%q: %v", file, err)
			}
		}
	}
}
