//go:build unix && !aix && !solaris

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// A story is what the commands of one script know.
type story struct {
	t         *testing.T
	work, bin string
	hidden    []string
	out, err  string
	tty       string
	unchecked bool
	sidecars  []*served
	lines     []string // the out and err lines of the script as they should be
	deferred  bool
}

func storyOf(ts *testscript.TestScript) *story { return ts.Value("story").(*story) }

var (
	dates = regexp.MustCompile(`\d{8}T\d{6}|\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?Z)?`)
	pids  = regexp.MustCompile(`process \d+`)
	ids   = regexp.MustCompile(`(conn|tok)_[0-9a-f]{24}`)
)

func (s *story) plain(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, s.work, "$WORK"), s.bin, "$BIN")
	text = pids.ReplaceAllString(text, "process PID")
	return ids.ReplaceAllString(dates.ReplaceAllString(text, "DATE"), "ID")
}

func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	s := storyOf(ts)
	if s.unchecked {
		ts.Fatalf("the last command wrote this to the standard error, and nobody looked:\n%s", s.err)
	}
	if !s.deferred {
		s.deferred = true
		ts.Defer(func() { s.end(ts) })
	}
	ttyFile := filepath.Join(s.work, "tty")
	_ = os.Remove(ttyFile)
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	tty, _ := os.ReadFile(ttyFile) // there is none without a terminal
	s.tty = string(tty)
	s.took(ts, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	if strconv.Itoa(code) != args[0] {
		s.wrong(ts, "exit code %d, want %s\n%s", code, args[0], s.tty)
	}
}

// took keeps what a command wrote.
func (s *story) took(ts *testscript.TestScript, stdout, stderr string) {
	server := func(text string) string {
		if v := ts.Getenv("SERVER"); v != "" {
			text = strings.ReplaceAll(text, v, "$SERVER")
		}
		if v := ts.Getenv("CODE"); v != "" {
			text = strings.ReplaceAll(text, v, "$CODE")
		}
		return text
	}
	s.out, s.err = server(s.plain(stdout)), server(s.plain(stderr))
	s.unchecked = s.err != ""
	ts.Check(os.WriteFile(filepath.Join(s.work, "out"), []byte(s.out), 0o600))
	ts.Check(os.WriteFile(filepath.Join(s.work, "err"), []byte(s.err), 0o600))
	for _, h := range s.hidden {
		if strings.Contains(stdout+stderr+s.tty, h) {
			ts.Fatalf("the command showed what is hidden")
		}
	}
}

// wrong fails the script; in an update it goes on, so that all that is wrong is seen.
func (s *story) wrong(ts *testscript.TestScript, format string, args ...any) {
	if !*update {
		ts.Fatalf(format, args...)
	}
	s.t.Errorf(ts.Name()+": "+format, args...)
}

// end checks the last command, and in an update writes the lines back.
func (s *story) end(ts *testscript.TestScript) {
	if s.unchecked {
		s.t.Errorf("%s: the last command wrote this to the standard error, and nobody looked:\n%s", ts.Name(), s.err)
	}
	if !*update {
		return
	}
	file := filepath.Join("testdata", "script", ts.Name()+".txtar")
	data, err := os.ReadFile(file)
	ts.Check(err)
	n := 0
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if (word == "out" || word == "err") && n < len(s.lines) {
			line = s.lines[n]
			n++
		}
		b.WriteString(line)
	}
	ts.Check(os.WriteFile(file, []byte(b.String()), 0o644))
}

func (s *story) says(ts *testscript.TestScript, name, got string, args []string) {
	var lines []string
	for l := range strings.Lines(got) {
		lines = append(lines, strings.TrimSuffix(l, "\n"))
	}
	now := name
	for _, l := range lines {
		now += " '" + strings.ReplaceAll(l, "'", "''") + "'"
	}
	s.lines = append(s.lines, now+"\n")
	if !*update && (!slices.Equal(lines, args) || got != "" && !strings.HasSuffix(got, "\n")) {
		ts.Fatalf("standard %s:\n%s\nwant:\n%s", name, got, strings.Join(args, "\n"))
	}
}

func cmdOut(ts *testscript.TestScript, _ bool, args []string) {
	s := storyOf(ts)
	s.says(ts, "out", s.out, args)
}

func cmdErr(ts *testscript.TestScript, neg bool, args []string) {
	s := storyOf(ts)
	s.unchecked = false
	s.says(ts, "err", s.err, args)
}

func cmdPaste(ts *testscript.TestScript, _ bool, args []string) {
	s := storyOf(ts)
	_, hint, ok := strings.Cut(s.err, "\nhint: ")
	if e := struct{ Error struct{ Hint string } }{}; json.Unmarshal([]byte(s.err), &e) == nil {
		hint, ok = e.Error.Hint+"\n", true
	}
	if !ok || s.unchecked || len(args) == 0 {
		ts.Fatalf("paste needs a code, and a hint that was looked at")
	}
	hint = strings.ReplaceAll(strings.TrimSuffix(hint, "\n"), "$WORK", s.work)
	run := []string{args[0]}
	if len(args) > 1 {
		run = append(append(append(run, "type"), args[1:]...), "--")
	}
	cmdExits(ts, false, append(run, "sh", "-c", hint))
}

// document returns the one JSON document that a stream holds, and the part of
// it at path.
func (s *story) document(ts *testscript.TestScript, stream, path string) json.RawMessage {
	text := s.out
	if stream == "err" {
		text, s.unchecked = s.err, false
	}
	if !strings.HasPrefix(text, "{") || strings.Index(text, "\n") != len(text)-1 {
		ts.Fatalf("not one JSON document in one line: %q", text)
	}
	doc := json.RawMessage(strings.TrimSuffix(text, "\n"))
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' }) {
		var list []json.RawMessage
		var object map[string]json.RawMessage
		i, err := strconv.Atoi(step)
		switch {
		case json.Unmarshal(doc, &object) == nil && object[step] != nil:
			doc = object[step]
		case json.Unmarshal(doc, &list) != nil:
			return nil
		case step == "count":
			doc = json.RawMessage(strconv.Itoa(len(list)))
		case err == nil && i < len(list):
			doc = list[i]
		default:
			return nil
		}
	}
	return doc
}

func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json out|err PATH VALUE")
	}
	s := storyOf(ts)
	doc := s.document(ts, args[0], args[1])
	got := string(doc)
	if text := ""; json.Unmarshal(doc, &text) == nil && doc != nil {
		got = text
	}
	if (got == args[2]) == neg {
		s.wrong(ts, "%s is %s", args[1], got)
	}
}

func cmdKeys(ts *testscript.TestScript, _ bool, args []string) {
	s := storyOf(ts)
	doc := s.document(ts, args[0], args[1])
	var got []string
	dec := json.NewDecoder(bytes.NewReader(doc))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		ts.Fatalf("no object at %q in %s", args[1], doc)
	}
	for dec.More() {
		name, _ := dec.Token()
		got = append(got, name.(string))
		var skip json.RawMessage
		ts.Check(dec.Decode(&skip))
	}
	if !slices.Equal(got, args[2:]) {
		s.wrong(ts, "the members are %s", strings.Join(got, " "))
	}
}
