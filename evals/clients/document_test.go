//go:build clients && linux

package clients

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/clients.md anew from what is seen")

const (
	docFile = "../../docs/clients.md"
	begin   = "<!-- make clients writes what follows -->\n"
	end     = "<!-- until here -->\n"
)

// document compares what was seen with the documentation, or writes it there.
func document(t *testing.T, seen map[string]map[string]sight) {
	t.Helper()
	text := read(t, docFile)
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has not both %q and %q", docFile, begin, end)
	}
	want := before + begin + table(t, seen) + entries(seen) + end + after
	if text == want {
		return
	}
	if !*update {
		t.Fatalf("docs/clients.md differs from what is seen, which is:\n%s\nmake clients UPDATE=-update writes it", want)
	}
	if err := os.WriteFile(docFile, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// table is a line for each client.
func table(t *testing.T, seen map[string]map[string]sight) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("\n| client | version | says it is | works over, with tools | starts it in | protocol | elicitation | |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, c := range rows {
		var works, protocols, elicits []string
		for _, transport := range transports {
			s, ok := seen[c.name][transport]
			if !ok {
				continue
			}
			works = append(works, fmt.Sprintf("%s %d", transport, len(s.offered)))
			protocols, elicits = append(protocols, s.protocol), append(elicits, s.elicits)
		}
		_, _ = fmt.Fprintf(&b, "| %s | %s | `%s` | %s | %s | %s | %s | %s |\n", c.name, c.version(t), seen[c.name]["stdio"].client,
			strings.Join(works, ", "), seen[c.name]["stdio"].directory, alike(protocols), alike(elicits), c.note)
	}
	return b.String()
}

// alike is what is seen each time, once if it is the same.
func alike(texts []string) string { return strings.Join(slices.Compact(texts), "; ") }

// version is the version of the package of c.
func (c client) version(t *testing.T) string {
	t.Helper()
	var manifest struct{ Version string }
	if err := json.Unmarshal([]byte(read(t, filepath.Join(modules(t, c.cache), c.manifest, "package.json"))), &manifest); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(manifest.Version, "-linux-x64")
}

// entries is what each client was configured with.
func entries(seen map[string]map[string]sight) string {
	var b strings.Builder
	last := ""
	for _, c := range rows {
		name, _, _ := strings.Cut(c.name, ",")
		if name == last {
			continue // in another era
		}
		last = name
		language := strings.TrimPrefix(filepath.Ext(c.file), ".")
		made := ""
		switch c.known {
		case "":
		case "generic":
			made = ", as `akos mcp config --client generic` prints it"
		default:
			made = ", as `akos mcp config --client " + c.known + " --write` adds it"
		}
		_, _ = fmt.Fprintf(&b, "\n### %s\n\nIn `~/%s`, over stdio%s:\n\n%s\nOver HTTP, with a token:\n\n%s\n",
			name, c.file, made, block(language, seen[c.name]["stdio"].entry), block(language, seen[c.name]["HTTP"].entry))
		if c.login == nil {
			b.WriteString("It has no command that logs in.\n")
			continue
		}
		_, _ = fmt.Fprintf(&b, "With a login, by `%s`:\n\n%s",
			c.typed+" "+strings.ReplaceAll(strings.Join(c.login, " "), "$HOME", "~"), block(language, seen[c.name]["login"].entry))
	}
	return b.String()
}

func block(language, text string) string { return "```" + language + "\n" + text + "```\n" }
