package mcpserver_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
	"example.com/akos/workspace/project"
)

// TestRoots: in a workspace without a directory a file is read if it is in a
// root of the client that counts, in both eras, and otherwise refused in the
// same words whether it is there or not.
func TestRoots(t *testing.T) {
	h := newEmptyHome(t)
	home := filepath.Dir(h.dir)
	h.with = func(o *workspace.Options) {
		o.Project = &project.Finder{Choice: "default", Dir: h.dir, User: home, Home: h.data}
	}
	if err := os.Symlink("my project", filepath.Join(home, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(home, "beside"), filepath.Join(home, "my project", "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.data, ".env"), []byte("GITHUB_TOKEN=fake-value-one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	roots := func(uris ...string) string { return `{"roots":[{"uri":"` + strings.Join(uris, `"},{"uri":"`) + `"}]}` }
	mine := "file://" + home + "/my%20project"
	for name, c := range map[string]struct{ roots, path, kind string }{
		"a percent-encoded space":  {roots(mine), home + "/my project/.env", ""},
		"on this host":             {roots(strings.Replace(mine, "//", "//localhost", 1)), home + "/my project/.env", ""},
		"relative":                 {roots(mine), ".env", ""},
		"a link":                   {roots("file://" + home + "/link"), home + "/link/.env", ""},
		"the working directory":    {roots("file://" + h.dir), h.dir + "/.env", ""},
		"the second":               {roots("file://"+h.dir, mine), home + "/my project/.env", ""},
		"beside lies":              {roots("https://evil.example", "file:///", mine), ".env", ""},
		"not there, in a root":     {roots(mine), "none", "invalid"},
		"a directory":              {roots(mine), home + "/my project", "invalid"},
		"a link out of it":         {roots(mine), "out", "denied"},
		"out of it":                {roots(mine), "../beside", "denied"},
		"everything":               {roots("file:///"), home + "/beside", "denied"},
		"the environment":          {roots("file:///proc"), "/proc/self/environ", "denied"},
		"a site":                   {roots("https://" + home + "/my%20project"), ".env", "denied"},
		"another host":             {roots("file://evil.example" + home + "/my%20project"), ".env", "denied"},
		"the home":                 {roots("file://" + home), home + "/beside", "denied"},
		"above the home":           {roots("file://" + filepath.Dir(home)), home + "/beside", "denied"},
		"akos's own":               {roots("file://" + h.data), h.data + "/.env", "denied"},
		"a query":                  {roots(mine + "?x"), ".env", "denied"},
		"a path":                   {roots(home + "/my project"), ".env", "denied"},
		"too many":                 {roots(strings.Split(strings.Repeat(mine+" ", 101), " ")[:101]...), ".env", "denied"},
		"as many as may be":        {roots(strings.Split(strings.Repeat(mine+" ", 100), " ")[:100]...), ".env", ""},
		"none":                     {`{"roots":[]}`, ".env", "denied"},
		"null":                     {`{"roots":null}`, ".env", "denied"},
		"garbage":                  {`{"roots":{"uri":1}}`, ".env", "denied"},
		"no object":                {`"roots"`, ".env", "denied"},
		"an answer without it":     {`{}`, ".env", "denied"},
		"a root that is no object": {`{"roots":["` + mine + `"]}`, ".env", "denied"},
	} {
		t.Run(name, func(t *testing.T) {
			older := connect(t, h.server(t, mcpserver.Options{}))
			older.ask(hello(`{"roots":{"listChanged":true}}`))
			modern := connect(t, h.server(t, mcpserver.Options{}))
			for era, call := range map[string]func(args string) response{
				"older": func(args string) response {
					ask := older.ask(request(1, "creds_check", args))
					if ask.Method != "roots/list" {
						t.Fatalf("it does not ask: %s", ask.raw)
					}
					return older.ask(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, ask.ID, c.roots))
				},
				"stateless": func(args string) response {
					ask := modern.ask(modernCall("creds_check", args, ""))
					if !strings.Contains(ask.raw, `"inputRequests":{"roots":{"method":"roots/list"}}`) {
						t.Fatalf("it does not ask: %s", ask.raw)
					}
					return modern.ask(modernCall("creds_check", args, fmt.Sprintf(`,"inputResponses":{"roots":%s},"requestState":%q`, c.roots, requestState(t, ask))))
				},
			} {
				r := call(fmt.Sprintf(`{"provider":["github"],"secretsFile":%q}`, c.path))
				if kind, _ := r.kind(); kind != c.kind || c.kind == "" && !strings.Contains(r.raw, `"foundIn":{"GITHUB_TOKEN":"file"}`) {
					t.Errorf("%s: %q, want %q: %s", era, kind, c.kind, r.raw)
				}
				if c.kind != "denied" {
					continue
				}
				gone := call(fmt.Sprintf(`{"provider":["github"],"secretsFile":%q}`, c.path+"-none"))
				if name != "a link out of it" && strings.ReplaceAll(gone.text(), c.path+"-none", c.path) != r.text() {
					t.Errorf("%s: a file that is there is told from one that is not: %s, %s", era, r.text(), gone.text())
				}
				if !strings.Contains(r.text(), "hint: akos creds check --secrets-file ") {
					t.Errorf("%s: no way out: %s", era, r.text())
				}
			}
		})
	}
}

// TestRootsSilence: a client that has no roots is not asked for them, and one
// that does not answer keeps nobody waiting.
func TestRootsSilence(t *testing.T) {
	h := newHome(t)
	args := `{"provider":["github"],"secretsFile":"../my project/.env"}`
	c := connect(t, h.server(t, mcpserver.Options{}))
	c.ask(hello(`{}`))
	if kind, _ := c.ask(request(1, "creds_check", args)).kind(); kind != "denied" {
		t.Errorf("without roots: %s", kind)
	}
	forged := modernCall("creds_check", args, fmt.Sprintf(`,"inputResponses":{"roots":{"roots":[{"uri":"file://%s/my%%20project"}]}},"requestState":"x.y"`, filepath.Dir(h.dir)))
	if kind, _ := c.ask(forged).kind(); kind != "invalid" {
		t.Errorf("roots that nobody asked for: %s", kind)
	}
	c = connect(t, h.server(t, mcpserver.Options{}))
	c.ask(hello(`{"roots":{}}`))
	const calls = 100
	for i := range calls {
		if r := c.ask(request(i, "creds_check", args)); r.Method != "roots/list" {
			t.Fatalf("it does not ask: %s", r.raw)
		}
	}
	if r := c.ask(ping); r.Result == nil {
		t.Errorf("nothing else is answered: %s", r.raw)
	}
	for canceled, denied := 0, 0; canceled+denied < 2*calls; {
		r := parse(t, c.recv())
		kind, _ := r.kind()
		switch {
		case r.Method == "notifications/cancelled":
			canceled++
		case kind == "denied":
			denied++
		default:
			t.Fatal(r.raw)
		}
	}
}
