package mcpserver_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
	"example.com/akos/workspace/entry"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestWire plays testdata/wire/*.txtar, one file per story, and compares what
// the server answers. A story begins with a workspace that holds nothing. Its
// sections are, in their order:
//
//	client       the lines that the client sends; $TOKEN is what looks like a credential
//	server       the lines that the server answers
//	connect      the client goes, and another one comes
//	store KEY    a person stores a value
//	env NAME=VALUE  a variable of the server
//	holder WORD  what holds the vault's key is healthy from here on, or it
//	             hangs, panics, is unavailable, or fails as nobody foresaw
//	await        until a call waits for the holder
//	distrust     the workspace file changes, so that nobody trusts it
//	pages        from here on values are entered on a page
//	enter        a person enters a value on the page that was opened last
//	decline      or declines there
//
// In the lines of a client $STATE is the requestState that it was given last,
// and $ROOT the home of the person, with "app", the project, in it.
//
// With -update the server sections are written anew.
func TestWire(t *testing.T) {
	files, err := filepath.Glob("testdata/wire/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	kinds := map[string]bool{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := txtar.Format(play(t, txtar.Parse(want), kinds))
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
				t.Errorf("the wire differs (-want +got); after a look at it: go generate ./...\n%s", diff)
			}
		})
	}
	for _, kind := range workspace.Kinds() {
		// No operation of an agent needs a session yet.
		if want := kind != workspace.LoginNeeded; kinds[kind.String()] != want {
			t.Errorf("a story with the kind %s: %v", kind, !want)
		}
	}
}

// play returns story with what the server answers now, and adds the kinds of
// its errors to kinds.
func play(t *testing.T, story *txtar.Archive, kinds map[string]bool) *txtar.Archive {
	t.Helper()
	h := newEmptyHome(t)
	f := &faulty{gate: newGate()}
	h.keys = f.in
	token := fakeToken()
	played := &txtar.Archive{Comment: story.Comment}
	var c *client
	owed := 0       // answers
	asked := false  // for the client's answer, which ours waits for
	opened := false // the page by the client, which is told of a store
	seen := &lastSeen{}
	hangs := false
	var answers bytes.Buffer
	// take reads the next answer, with the notifications before it.
	show := func(r response, line string) {
		if r.Method == "notifications/progress" {
			// How many there are is a matter of time.
			line = progressAt.ReplaceAllString(line, `"progress":N`)
			if seen.progress == line || strings.Contains(line, `"still at work"`) {
				return
			}
			seen.progress = line
		}
		answers.WriteString(seen.plain(h.plain(short(t, line))) + "\n")
	}
	take := func() {
		t.Helper()
		for answered := false; !answered; {
			line := c.recv()
			r := parse(t, line)
			if answered = r.Method == ""; answered {
				owed--
			}
			if strings.Contains(line, token) {
				t.Fatal("the answer shows the token")
			}
			if kind, ok := r.kind(); ok {
				kinds[kind] = true
			}
			show(r, line)
			if r.Method == "elicitation/create" {
				opened = true
			}
			if asked = r.Method == "elicitation/create" || r.Method == "roots/list"; asked {
				return
			}
		}
	}
	leave := func() {
		t.Helper()
		if owed != 0 {
			t.Fatalf("the story does not show %d answers", owed)
		}
		if rest := c.end(); len(rest) > 0 {
			t.Fatalf("answers to nothing: %q", rest)
		}
	}
	for _, section := range story.Files {
		word, arg, _ := strings.Cut(section.Name, " ")
		if c == nil && word != "env" && word != "store" && word != "pages" {
			c = connect(t, h.server(t, mcpserver.Options{}))
		}
		switch word {
		case "client":
			for line := range strings.Lines(string(section.Data)) {
				c.send(strings.NewReplacer("$TOKEN", token, "$STATE", seen.state, "$ROOT", filepath.Dir(h.dir)).Replace(line))
				switch {
				case wantsAnswer(line):
					owed++
				case !asked || strings.Contains(line, `"method"`):
					continue
				}
				// Calls that write are answered as they end, so that a story
				// has one order only if each waits for the one before.
				if !hangs {
					take()
				}
			}
		case "server":
			for owed > 0 && !asked {
				take()
			}
			section.Data = bytes.Clone(answers.Bytes())
			answers.Reset()
		case "connect":
			leave()
			c = connect(t, h.server(t, mcpserver.Options{}))
		case "store":
			h.store(t, arg, workspace.ScopeWorkspace, token)
		case "env":
			name, value, _ := strings.Cut(arg, "=")
			h.env[name] = value
		case "holder":
			f.set(t, arg)
			hangs = arg == "hangs"
		case "distrust":
			untrust(t, h)
		case "pages":
			d := entry.New(entry.Options{Log: h.log})
			defer d.Close()
			h.with = func(o *workspace.Options) { o.Desk = d }
		case "enter":
			if code := submit(t, seen.page, map[string]string{"line-0": token}); code != http.StatusSeeOther {
				t.Fatalf("the page answers %d", code)
			}
			for opened { // before anything else, so that a story has one order
				line := c.recv()
				r := parse(t, line)
				show(r, line)
				opened = r.Method == "notifications/progress"
			}
		case "decline":
			if code := submit(t, seen.page, map[string]string{"decision": "decline"}); code != http.StatusSeeOther {
				t.Fatalf("the page answers %d", code)
			}
		case "await":
			f.gate.await(t)
		default:
			t.Fatalf("no such section: %s", section.Name)
		}
		played.Files = append(played.Files, section)
	}
	leave()
	return played
}

// wantsAnswer reports whether line gets an answer: everything does but empty
// lines, notifications and answers.
func wantsAnswer(line string) bool {
	var m map[string]json.RawMessage
	if json.Unmarshal([]byte(line), &m) != nil {
		return strings.TrimSpace(line) != ""
	}
	isNotification := m["method"] != nil && m["id"] == nil && string(m["jsonrpc"]) == `"2.0"`
	isAnswer := m["method"] == nil && (m["result"] != nil || m["error"] != nil)
	return !isNotification && !isAnswer
}

// lastSeen is what a client was given last, and differs from run to run.
type lastSeen struct{ page, state, progress string }

var (
	pageURL    = regexp.MustCompile(`http://127\.0\.0\.1:\d+/enter/[\w-]+`)
	pageID     = regexp.MustCompile(`"elicitationId":"[0-9a-f]{16}"`)
	progressAt = regexp.MustCompile(`"progress":\d+`)
	stateOne   = regexp.MustCompile(`"requestState":"([\w.-]+)"`)
)

func (l *lastSeen) plain(line string) string {
	if url := pageURL.FindString(line); url != "" {
		l.page = url
	}
	if m := stateOne.FindStringSubmatch(line); m != nil {
		l.state = m[1]
	}
	line = pageURL.ReplaceAllString(line, "$$PAGE")
	line = pageID.ReplaceAllString(line, `"elicitationId":"ID"`)
	return stateOne.ReplaceAllString(line, `"requestState":"$$STATE"`)
}

// plain returns line without what differs from run to run: the directories of
// the test and the ids of connections. The clock of a home stands still.
func (h *home) plain(line string) string {
	line = strings.ReplaceAll(line, filepath.Dir(h.dir), "$ROOT")
	return connID.ReplaceAllString(line, "conn_ID")
}

// short returns an answer to tools/list with the names alone; TestDefinitions
// looks at the rest.
func short(t *testing.T, line string) string {
	t.Helper()
	var m struct {
		JSONRPC string                     `json:"jsonrpc"`
		ID      json.RawMessage            `json:"id"`
		Result  map[string]json.RawMessage `json:"result"`
	}
	if json.Unmarshal([]byte(line), &m) != nil || m.Result["tools"] == nil {
		return line
	}
	var err error
	if m.Result["tools"], err = json.Marshal(names(t, parse(t, line))); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// names returns the names in the answer to tools/list, sorted.
func names(t *testing.T, r response) []string {
	t.Helper()
	if r.Result == nil {
		t.Fatalf("no list: %s", r.raw)
	}
	list := []string{}
	for _, raw := range r.Result.Tools {
		var tool struct{ Name string }
		if err := json.Unmarshal(raw, &tool); err != nil {
			t.Fatal(err)
		}
		list = append(list, tool.Name)
	}
	slices.Sort(list)
	return list
}
