package dotenv

import (
	"errors"
	"strings"
	"testing"
)

const canary = "FAKE-CANARY-1234"

// failing lists files that are refused. Each holds the canary.
var failing = []struct {
	file    string
	line    int
	problem string
}{
	{canary, 1, notAssignment},
	{"A=1\n" + canary + "\nB=2", 2, notAssignment},
	{"export " + canary, 1, notAssignment},
	{"A\n" + canary + "=1", 1, notAssignment},
	{"KEY: " + canary, 1, notAssignment},
	{"A=1\n\"" + canary + "\"", 2, notAssignment},
	{"\n\nKEY: " + canary + "=", 3, badKey},
	{"=" + canary, 1, badKey},
	{"A B=" + canary, 1, badKey},
	{"export A B=" + canary, 1, badKey},
	{canary + "!=1", 1, badKey},
	{"1A=" + canary, 1, badKey},
	{".A=" + canary, 1, badKey},
	{"-A=" + canary, 1, badKey},
	{"Ä=" + canary, 1, badKey},
	{"'A'=" + canary, 1, badKey},
	{"A\v=" + canary, 1, badKey},
	{"A\u00a0=" + canary, 1, badKey},
	{"A=1\n\ufeffB=" + canary, 2, badKey},
	{strings.Repeat("k", 129) + "=" + canary, 1, badKey},
	{"A=\"" + canary, 1, unterminated},
	{"A=1\n\nB='" + canary + "\nC=1\n", 3, unterminated},
	{"A=`" + canary, 1, unterminated},
	{"A=\"", 1, unterminated},
	{`A="` + canary + `\"`, 1, unterminated},
	{`A="` + canary + `\`, 1, unterminated},
	{`A='` + canary + `\`, 1, unterminated},
	{`A="x" ` + canary, 1, textAfterQuote},
	{`A="{"a":"` + canary + `"}"`, 1, textAfterQuote},
	{"A=''" + canary + "''", 1, textAfterQuote},
	{"A='a'" + canary + "'", 1, textAfterQuote},
	{"A=`id`" + canary, 1, textAfterQuote},
	{"A=1\nB=\"" + canary + "\nC=\"x\"", 2, textAfterQuote},
	{`A='it\'s ` + canary + `'`, 1, backslashQuote},
	{`A='C:\` + canary + `\'`, 1, backslashQuote},
	{"A=`" + canary + "\\` # c", 1, backslashQuote},
	{"A=1\nB=${vault:" + canary + "!}", 2, badReference},
	{"A='${vault:}'#" + canary, 1, badReference},
	{"A=${vault:A}" + canary + "${vault:B}", 1, badReference},
	{"A=1\nB=" + canary + "\xff", 2, notUTF8},
	{"\xff\xfeA\x00=\x00" + canary, 1, notUTF8},
	{"# \xc3\n" + canary, 1, notUTF8},
	{"A=\"\n\n" + canary + "\x00\"", 3, nulByte},
	{"A\x00=" + canary, 1, nulByte},
	{"A=1\nB=" + canary + "\rC=1", 2, bareReturn},
	{"A='" + canary + "\r'", 1, bareReturn},
	{"A=" + canary + "\r", 1, bareReturn},
	{strings.ReplaceAll(canary, "-", "x") + "==", 1, noName},
	{"A=1\n\nCANARY=\n" + canary + "=========", 4, noName},
	{"A=1\nx" + strings.ReplaceAll(canary, "-", "") + "=", 2, noName},
	{"export c2VjcmV0c2VjcmV0 = # " + canary, 1, noName},
	{"A=" + canary + "\nB=" + strings.Repeat("x", maxValue+1), 2, valueTooLarge},
	{"A=" + canary + strings.Repeat("\n", maxFile), 0, fileTooLarge},
	{"#" + canary + "\n" + strings.Repeat("A=\n", maxAssignments+1), maxAssignments + 2, tooMany},
}

var problems = map[string]bool{
	fileTooLarge: true, tooMany: true, valueTooLarge: true, notUTF8: true, nulByte: true, bareReturn: true,
	notAssignment: true, badKey: true, unterminated: true, textAfterQuote: true, backslashQuote: true,
	badReference: true, badVaultKey: true, misread: true, noName: true,
}

func TestRefused(t *testing.T) {
	seen := map[string]bool{badVaultKey: true, misread: true} // the two tests below
	for _, c := range failing {
		short := c.file[:min(len(c.file), 60)]
		es, err := Parse([]byte(c.file))
		out, rerr := Rewrite([]byte(c.file), map[string]string{"A": "A"})
		if es != nil || out != nil {
			t.Errorf("%q: a result beside the error", short)
		}
		for _, err := range []error{err, rerr} {
			e, ok := errors.AsType[*Error](err)
			if !ok {
				t.Errorf("%q: %v", short, err)
				continue
			}
			if e.Line != c.line || e.Problem != c.problem {
				t.Errorf("%q: got %v, want line %d: %s", short, e, c.line, c.problem)
			}
			if strings.Contains(e.Error(), canary) || !problems[e.Problem] {
				t.Errorf("%q: text of the file in the error", short)
			}
		}
		seen[c.problem] = true
	}
	for p := range problems {
		if !seen[p] {
			t.Errorf("no file shows %q", p)
		}
	}
}

// The cut and the library must agree. No file is known over which they don't,
// so wrong cuts are made up.
func TestMisread(t *testing.T) {
	for _, c := range []struct{ data, key string }{
		{"A=1\nB=" + canary, "A"},   // two keys
		{"B=" + canary, "A"},        // another key
		{"A!=" + canary, "A!"},      // one the library does not take
		{"A=" + canary + " #", "A"}, // a comment in the value
	} {
		st := statement{line: 7, key: c.key, eq: strings.LastIndex(c.data, "="), end: len(c.data)}
		st.val = st.eq + 1
		v, err := st.read([]byte(c.data))
		if e, ok := errors.AsType[*Error](err); v != nil || !ok || *e != (Error{7, misread}) {
			t.Errorf("%q: %v", c.data, err)
		}
	}
}

func TestLimits(t *testing.T) {
	big := strings.Repeat("x", maxValue)
	for _, file := range []string{"A=" + big, "A='" + big + "'", `A="` + strings.Repeat(`\n`, maxValue) + `"`} {
		es, err := Parse([]byte(file))
		if err != nil {
			t.Error(err)
			continue
		}
		if v, _ := get(es, "A"); len(v) != maxValue {
			t.Errorf("%d bytes of %d", len(v), maxValue)
		}
	}
	if _, err := Parse([]byte(strings.Repeat("\n", maxFile))); err != nil {
		t.Error(err)
	}
	if es, err := Parse([]byte(strings.Repeat("A=\n", maxAssignments))); err != nil || len(es) != 1 {
		t.Errorf("%d entries, %v", len(es), err)
	}
}
