package dotenv

import (
	"strings"
	"testing"
	"time"
)

// 4 MiB of anything take less than a second, and where something is scanned
// again and again they take hours: the limit is for a machine that is busy.
// Under the race detector, which makes this ten to twenty times slower, the
// files are as much smaller.
func TestHostileInput(t *testing.T) {
	const size = maxFile / slowdown
	fill := func(s string, n int) string { return strings.Repeat(s, n/len(s)) }
	full := func(s string) string { return fill(s, size-8) }
	// As much as a value may be, and as many of them as there is room for.
	values := func(q, s string, n int) string { return fill("A="+q+fill(s, n/slowdown-8)+q+"\n", size) }
	for name, file := range map[string]string{
		"open double":       `A="` + full("x\n"),
		"open single":       `A='` + full("A=\n"),
		"open everywhere":   full("A=\"\n"),
		"open at odd ones":  full("A=\"\n#\nB='\n"),
		"open backticks":    full("A=`x\n"),
		"quotes":            full(`"`),
		"quotes in quotes":  values("'", `"`, maxValue),
		"escaped quotes":    values(`"`, `\"`, 2*maxValue),
		"escaped dollars":   values(`"`, `\$`, 2*maxValue),
		"backslashes":       values(`"`, `\\`, 2*maxValue),
		"escapes":           values(`"`, `\n`, 2*maxValue),
		"CRLF in quotes":    values("'", "\r\n", 2*maxValue),
		"dollars":           values("", "$", maxValue),
		"variables":         values(`"`, "${B}", maxValue),
		"hashes":            values("", "x#", maxValue),
		"wide spaces":       values("", "x\u2003", maxValue),
		"one huge value":    "A=" + full("$"),
		"one long comment":  "A=x " + full(" #"),
		"spaces after":      "A=x" + full("\u2003"),
		"spaces":            full(" "),
		"empty lines":       full("\n"),
		"blank lines":       full(" \r\n"),
		"comments":          full("#\n"),
		"equals signs":      full("="),
		"export":            full("export "),
		"short assignments": full("A=\n"),
		"long assignments":  strings.Repeat("KEY_OF_SOME_LENGTH=\"a\\nb $c a value of some length\" # c\n", maxAssignments/slowdown),
	} {
		start := time.Now()
		_, err := Parse([]byte(file))
		d := time.Since(start)
		if d > 20*time.Second {
			t.Errorf("%s: %v", name, d)
		}
		t.Logf("%-18s %8v %v", name, d.Round(time.Millisecond), err)
	}
}
