package project

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
)

const canary = "cAnArY-7f3e9b21"

const good = "schemaVersion: 1\nworkspace:\n  id: shop\n  name: Shop\nvault:\n  backend: file\nserver: https://akos.example\n"

func TestParse(t *testing.T) {
	site, err := parse("/p/akos.config.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if site.ID != "shop" || site.Name != "Shop" || site.Dir != "/p" || site.File.Backend != workspace.BackendFile ||
		site.File.Server != "https://akos.example" || len(site.File.Hash) != 64 || site.File.Providers != nil {
		t.Errorf("%+v %+v", site, site.File)
	}
}

// TestParseRefuses plants a word in every bad file: an error names the file,
// the line and the rule, and never quotes the file, which may be a dotenv
// file under a wrong name.
func TestParseRefuses(t *testing.T) {
	head := "schemaVersion: 1\nworkspace:\n  id: shop\n"
	for _, c := range []struct{ name, file, where, says string }{
		{"empty", "", "", "schemaVersion"},
		{"a scalar", canary, "", ""},
		{"a list", "- " + canary + "\n", "", ""},
		{"a dotenv file", "TOKEN=" + canary + "\nOTHER=2\n", "", ""},
		{"a later schema", "schemaVersion: 2\nworkspace:\n  id: shop\n", ":1", "schemaVersion must be 1"},
		{"a schema that is text", "schemaVersion: " + canary + "\nworkspace:\n  id: shop\n", ":1", "wrong type"},
		{"no id", "schemaVersion: 1\nworkspace:\n  name: " + canary + "\n", "", "workspace.id is missing"},
		{"a bad id", "schemaVersion: 1\nworkspace:\n  id: ../" + canary + "\n", ":3", "workspace.id"},
		{"an unknown field", head + canary + ": 1\n", ":4", "unknown field"},
		{"an unknown field below", head + "  " + canary + ": 1\n", ":4", "unknown field"},
		{"a field twice", head + "server: https://a.example\nserver: https://" + canary + ".example\n", ":5", "twice"},
		{"a list for a map", head + "vault: [" + canary + "]\n", ":4", "wrong type"},
		{"a map for text", head + "server: {" + canary + ": 1}\n", ":4", "wrong type"},
		{"a backend that is none", head + "vault:\n  backend: " + canary + "\n", ":5", "backend"},
		{"a server over http", head + "server: http://" + canary + ".example\n", ":4", "https"},
		{"a server with a password", head + "server: https://u:" + canary + "@akos.example\n", ":4", "credential"},
		{"a name of two lines", head + "  name: \"a\\n" + canary + "\"\n", ":4", "workspace.name"},
		{"a long name", head + "  name: " + canary + strings.Repeat("x", 100) + "\n", ":4", "workspace.name"},
		{"an alias", "schemaVersion: 1\nworkspace: &" + canary + "\n  id: shop\nserver: *" + canary + "\n", ":", "aliases"},
		{"an anchor", "schemaVersion: 1\nworkspace: &" + canary + "\n  id: shop\n", ":2", "aliases"},
		{"two documents", good + "---\n" + canary + ": 1\n", "", "document"},
		{"a tab", "schemaVersion: 1\n\tworkspace: " + canary + "\n", ":", "not valid YAML"},
		{"two tags", head + "providers: !!a !!a " + canary + "\n", "", "not valid YAML"},
		{"an open quote", head + "server: \"" + canary + "\n", ":4", "not valid YAML"},
		{"an open bracket", head + "server: [" + canary + "\n", ":", "not valid YAML"},
		{"providers of another shape", head + "providers:\n  - id: " + canary + "\n    bad: 1\n", ":", "providers"},
		{"NUL", head + "server: " + canary + "\x00\n", "", ""},
		{"invalid UTF-8", head + "server: " + canary + "\xff\xfe\n", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse("/p/akos.config.yaml", []byte(c.file))
			if err == nil {
				t.Fatal("it was taken")
			}
			e := workspace.Explain(err)
			if e.Kind != workspace.Invalid || !strings.HasPrefix(e.Msg, "/p/akos.config.yaml"+c.where) || !strings.Contains(e.Msg, c.says) {
				t.Errorf("%s: %s", e.Kind, e.Msg)
			}
			if all := err.Error() + e.Msg + e.Hint; strings.Contains(strings.ToLower(all), strings.ToLower(canary)) {
				t.Errorf("the error quotes the file: %s", all)
			}
		})
	}
}

// TestParseBombs parses what is small and would become large.
func TestParseBombs(t *testing.T) {
	lol := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i < 'k'; i++ {
		p := string(i - 1)
		lol += string(i) + ": &" + string(i) + " [" + strings.Repeat("*"+p+",", 8) + "*" + p + "]\n"
	}
	for name, file := range map[string]string{
		"a billion laughs":  lol,
		"a deep list":       strings.Repeat("[", 10000),
		"a deep map":        strings.Repeat("{a: ", 10000),
		"a deep block":      deepBlock(300),
		"a deep sequence":   "a: " + strings.Repeat("- ", 10000) + "x\n",
		"a long line":       "server: " + strings.Repeat("x", maxFile-10),
		"many fields":       strings.Repeat("a: 1\n", maxFile/5),
		"many documents":    strings.Repeat("---\n", maxFile/4),
		"many comments":     good + strings.Repeat("#\n", maxFile/3),
		"many merges":       "a: &a {x: 1}\nb:\n" + strings.Repeat("  <<: *a\n", 5000),
		"many tags":         "a: " + strings.Repeat("!!str ", 5000) + "x\n",
		"a deep closed map": strings.Repeat("{a: ", 5000) + "1" + strings.Repeat("}", 5000),
		"brackets":          strings.Repeat("[", maxBrackets),
		"dashes":            strings.Repeat("- ", maxFile/2),
		"fewer dashes":      strings.Repeat("- ", maxItems),
		"question marks":    strings.Repeat("? ", maxFile/2),
		"empty lines":       "a: |\n" + strings.Repeat("\n", maxFile-5),
		"old empty lines":   "a: >\n " + strings.Repeat("\r", maxFile-6),
		"a long text":       "a: |\n" + strings.Repeat(" x\n", maxLines-2),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			defer func() {
				// A limit of what may be taken in all, not at one time.
				runtime.ReadMemStats(&after)
				if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 160 {
					t.Errorf("it took %d MB", took)
				}
			}()
			if _, err := parse("f", []byte(file)); err == nil {
				t.Error("it was taken")
			}
			if d := time.Since(start); d > time.Minute {
				t.Errorf("it took %v", d)
			} else {
				t.Log(d)
			}
		})
	}
}

func deepBlock(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestLocate(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "p", "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	locate := func(dir, choice string) (workspace.Site, error) {
		return (&Finder{Dir: dir, Choice: choice}).Locate(context.Background())
	}
	if site, err := locate(deep, ""); err != nil || site.ID != "default" || site.File != nil || site.Named {
		t.Errorf("without a file: %+v %v", site, err)
	}
	file := filepath.Join(root, "p", FileName)
	if err := os.WriteFile(file, []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir, choice, id string
		named           bool
		kind            workspace.Kind
	}{
		{deep, "", "shop", false, 0},
		{root, "", "default", false, 0},
		{root, "p", "shop", false, 0},
		{root, "./p", "shop", false, 0},
		{deep, "../..", "shop", false, 0},
		{"/", filepath.Join(root, "p"), "shop", false, 0},
		{deep, "default", "default", false, 0},
		{deep, "other", "other", true, 0},
		{deep, ".", "", false, workspace.NotFound}, // a choice does not look upwards
		{deep, "./none", "", false, workspace.NotFound},
		{deep, "No Such", "", false, workspace.Invalid},
		{deep, "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "", false, workspace.Invalid},
	} {
		site, err := locate(c.dir, c.choice)
		if c.kind != 0 {
			if err == nil || workspace.Explain(err).Kind != c.kind {
				t.Errorf("%s %q: %v, want %s", c.dir, c.choice, err, c.kind)
			}
			continue
		}
		if err != nil || site.ID != c.id || site.Named != c.named {
			t.Errorf("%s %q: %+v %v", c.dir, c.choice, site, err)
		}
	}
	// A bad file is an error, and no reason to look further up.
	if err := os.WriteFile(filepath.Join(deep, FileName), []byte("x: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := locate(deep, ""); workspace.Explain(err).Kind != workspace.Invalid {
		t.Errorf("a bad file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(deep, FileName), []byte(good+strings.Repeat("#", maxFile)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := locate(deep, ""); err == nil || !strings.Contains(err.Error(), "16 KiB") {
		t.Errorf("a large file: %v", err)
	}
}

var words = regexp.MustCompile(`[^\s]{8,}`)

// FuzzWorkspaceFile reads what others wrote: it may be refused, and neither
// panic nor be quoted.
func FuzzWorkspaceFile(f *testing.F) {
	for _, s := range []string{
		good, "", canary, "a: &a [*a]", "workspace: {id: 12345678}", "schemaVersion: [1234567890]\n", "\t", "? a\n: b", "a: |\n  12345678",
		"providers:\n - id: 12345678\n", "!!binary 12345678", "{{{{{{{{{", "a: 'unclosed-text", "%YAML 1.1\n---\n", "<<: {schemaVersion: 1}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxFile {
			return
		}
		var err error
		done := make(chan struct{})
		go func() { defer close(done); _, err = parse("F", data) }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatal("it takes too long")
		}
		if err == nil {
			return
		}
		shown := err.Error() + workspace.Explain(err).Hint
		for _, w := range words.FindAllString(string(data), 100) {
			// What the rules themselves say is no quotation.
			if strings.Contains(shown, w) && !strings.Contains(rules, w) {
				t.Fatalf("the error quotes the file: %q", shown)
			}
		}
	})
}

// rules are words of the messages and of the schema.
const rules = `schemaVersion, workspace.id workspace.name workspace, providers: provider requiredKeys optionalKeys document allowed aliases anchors backends os-keychain,
characters lower-case hyphens loopback transcript credential printable`
