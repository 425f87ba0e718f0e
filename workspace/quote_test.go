package workspace_test

import (
	"os/exec"
	"testing"

	"example.com/akos/workspace"
)

// TestShellQuote has a shell say what it takes a quoted word for.
func TestShellQuote(t *testing.T) {
	for s, want := range map[string]string{
		"a/b-c.d":     "a/b-c.d",
		"":            "''",
		"a b":         "'a b'",
		"it's":        `'it'\''s'`,
		"=ls":         "'=ls'", // which zsh takes for the place of ls
		"a\x1b[31m\n": `$'a\033[31m\012'`,
		"a\u202eb'\\": `$'a\342\200\256b\'\\'`,
	} {
		got := workspace.ShellQuote(s)
		if got != want {
			t.Errorf("%q: %s, not %s", s, got, want)
		}
		out, err := exec.Command("bash", "-c", "printf %s "+got).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q is %q to a shell: %v", s, out, err)
		}
	}
}
