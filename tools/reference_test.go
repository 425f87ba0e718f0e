package tools_test

import (
	"bytes"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/akos/internal/cli"
	"example.com/akos/tools"
	"example.com/akos/workspace"
)

// TestReferenceIsTrue compares the usage line and the flags of each command in
// the reference with the command's own help.
func TestReferenceIsTrue(t *testing.T) {
	data, err := os.ReadFile("../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	flag := regexp.MustCompile("(?m)^(?:\\| `| +(?:-h, )?)(--[a-z-]+)")
	usage := regexp.MustCompile(`(?m)^Usage:\n  (.*?)(?: \[flags\])?$`)
	common := []string{"--help", "--json", "--no-color", "--no-input", "--verbose", "--version", "--workspace"}
	sections := strings.Split(string(data), "\n## ")[1:]
	if len(sections) != len(tools.Catalog()) {
		t.Fatalf("%d sections for %d operations", len(sections), len(tools.Catalog()))
	}
	for i, tool := range tools.Catalog() {
		var out bytes.Buffer
		code := cli.Run(cli.System{
			In: strings.NewReader(""), Out: &out, Err: &out, Args: append(strings.Fields(tool.Command), "--help"),
			Open: func(string, string, *slog.Logger) (*workspace.Workspace, func() error, error) {
				panic("help opens a workspace")
			},
			LookupEnv:  func(string) (string, bool) { return "", false },
			Executable: func() (string, error) { return "akos", nil },
		})
		if code != 0 {
			t.Fatalf("%s --help: exit %d\n%s", tool.Command, code, &out)
		}
		section := sections[i]
		if m := usage.FindStringSubmatch(out.String()); m == nil || !strings.Contains(section, "\n    "+m[1]+"\n") {
			t.Errorf("%s: the usage is %q; the reference says another:\n%s", tool.Command, m, section)
		}
		if got, want := names(flag, section), names(flag, out.String(), common...); !slices.Equal(got, want) {
			t.Errorf("%s: the reference has the flags %q, the help %q", tool.Command, got, want)
		}
		if tool.CLIOnly == "" != strings.Contains(section, "MCP tool `"+tool.ID()+"`") {
			t.Errorf("%s: the reference is wrong about its tool", tool.Command)
		}
	}
}

// names returns what re finds in text, but for some.
func names(re *regexp.Regexp, text string, except ...string) (all []string) {
	for _, m := range re.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(except, m[1]) {
			all = append(all, m[1])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
