//go:build unix && !aix && !solaris

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/akos/internal/wire"
	"example.com/akos/mcpserver"
	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write what the commands say now into the scripts")

// hasTTY is set for a command that was given a terminal of its own. All
// others get none, not even that of the person who runs the tests.
const hasTTY = "SCRIPT_HAS_TTY"

func TestMain(m *testing.M) {
	detached := func(run func()) func() {
		return func() {
			if os.Getenv(hasTTY) == "" {
				if _, err := syscall.Setsid(); err != nil {
					panic(err)
				}
			}
			run()
		}
	}
	testscript.Main(m, map[string]func(){
		"akos": detached(main),
		"akos-mcp": detached(func() {
			os.Exit(mcpserver.Run(mcpserver.System{
				In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Args: os.Args[1:],
				Open: wire.Open, Version: wire.Version(), Exit: os.Exit,
			}))
		}),
		"type": typeMain,
	})
}

// TestStories runs testdata/script/*.txtar, one file per user story. Beside
// the commands of testscript a script has
//
//	exits CODE PROGRAM ARG…  run a program; its standard output and error are in $WORK/out and $WORK/err
//	type PROMPT ANSWER… -- PROGRAM ARG…  (below exits) run it on a terminal; what was shown is in $WORK/tty
//	paste CODE [PROMPT ANSWER…]  run the hint of the last command in a shell, on a terminal if there are answers
//	out LINE…, err LINE…  the whole output of the last command; any error output must be checked
//	json out|err PATH VALUE  a place in a JSON document; count is the length of a list
//	keys out|err PATH NAME…  all members of an object, in their order
//	faketoken VAR FORM  make something that looks like a credential
//	hide TEXT…  from here on, nothing may show TEXT; so with every token of faketoken
//	sealed  no file below $WORK/home may hold what is hidden
//	blob FILE SIZE  make a file of random bytes
//	agekey VAR FILE  make an age key pair
//	ageopen FILE IDENTITY KEY=VALUEFILE…  an exported file, opened with age alone, holds exactly these
//	mode FILE MODE  the permissions of a file
//	serve ARG…  start a sidecar; $SERVER is its address, $SETUP the path of its set-up page
//	setup USER PASSWORD  make the first account on the page of $SETUP
//	token VAR FILE  take a token out of a file; from here on, nothing may show it
//	sql HOME QUERY [ANSWER]  SQL on the state of a home, beside akos
//	crowd N PROGRAM ARG…  run it N times at once; each must succeed
//	killsave HOME SERVERHOME PROGRAM ARG…  kill -9 between the answer to a refresh and its save
//	squat  listen where the sidecar was; nobody may speak to it until the script ends
//	unserve [kill]  end the sidecar that was started last
//	login CODE approve|deny USER PASSWORD [TENANT] [-- ARG…]  akos auth login, and the person on the pages of $SERVER
//
// In what commands write, $WORK stands for the work directory, $BIN for that of the programs, DATE for a
// date, ID for the id of a connection.
func TestStories(t *testing.T) {
	const dir = "testdata/script"
	akos, err := exec.LookPath("akos")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		UpdateScripts:       *update,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			work := env.WorkDir
			env.Vars = slices.DeleteFunc(env.Vars, func(v string) bool {
				return strings.HasPrefix(v, "XDG_") || strings.HasPrefix(v, "AKOS_") || strings.HasPrefix(v, "AGENTSKIT")
			})
			env.Setenv("HOME", filepath.Join(work, "user"))
			env.Setenv("AKOS_HOME", filepath.Join(work, "home"))
			env.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/akos-test") // no real keychain
			env.Setenv("TERM", "xterm")
			env.Values["story"] = &story{t: t, work: work, bin: filepath.Dir(akos)}
			return os.Mkdir(filepath.Join(work, "user"), 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": cmdExits, "paste": cmdPaste, "out": cmdOut, "err": cmdErr, "json": cmdJSON, "keys": cmdKeys,
			"faketoken": cmdFakeToken, "hide": cmdHide, "sealed": cmdSealed, "blob": cmdBlob,
			"agekey": cmdAgeKey, "ageopen": cmdAgeOpen, "mode": cmdMode, "serve": cmdServe, "unserve": cmdStop, "login": cmdLogin, "setup": cmdSetUp, "sql": cmdSQL, "crowd": cmdCrowd, "killsave": cmdKillSave, "squat": cmdSquat, "token": cmdToken,
		},
	})
}

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

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// random returns n characters of an alphabet.
func random(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[rand.Intn(len(alphabet))]
	}
	return string(b)
}

// cmdFakeToken makes tokens when the script runs, so that none is in the
// repository for a scanner to find.
func cmdFakeToken(ts *testscript.TestScript, _ bool, args []string) {
	const digits, hex, upper = "0123456789", "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	forms := map[string]func() string{
		"slack": func() string {
			return "xoxb" + "-" + random(digits, 12) + "-" + random(digits, 12) + "-" + random(letters, 24)
		},
		"openai": func() string { return "sk" + "-proj-" + random(letters, 48) },
		"github": func() string { return "ghp" + "_" + random(letters, 36) },
		"stripe": func() string { return "sk" + "_live_" + random(letters, 24) },
		"aws":    func() string { return "AK" + "IA" + random(upper, 16) },
		"linear": func() string { return "lin" + "_api_" + random(letters, 40) },
		"url":    func() string { return "https://bot:" + random(letters, 20) + "@example.com/" },
		"jwt": func() string {
			return "ey" + "J" + random(letters, 30) + ".eyJ" + random(letters, 40) + "." + random(letters, 43)
		},
		"twilio": func() string { return "AC" + random(hex, 32) },
		"plain":  func() string { return "A" + random(letters, 42) }, // without a vendor's mark
		"hex":    func() string { return "a1" + random(hex, 38) },
		"age":    func() string { return "AGE-SECRET-" + "KEY-1" + random(upper, 58) },
	}
	if len(args) != 2 || forms[args[1]] == nil {
		ts.Fatalf("usage: faketoken VAR FORM")
	}
	v := forms[args[1]]()
	ts.Setenv(args[0], v)
	s := storyOf(ts)
	s.hidden = append(s.hidden, v)
}

func cmdHide(ts *testscript.TestScript, _ bool, args []string) {
	s := storyOf(ts)
	s.hidden = append(s.hidden, args...)
}

func cmdSealed(ts *testscript.TestScript, _ bool, _ []string) {
	s := storyOf(ts)
	n := 0
	ts.Check(filepath.WalkDir(filepath.Join(s.work, "home"), func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		n++
		data, err := os.ReadFile(file)
		for _, h := range s.hidden {
			if bytes.Contains(data, []byte(h)) {
				ts.Fatalf("%s holds a value in clear", file)
			}
		}
		return err
	}))
	if n == 0 || len(s.hidden) == 0 {
		ts.Fatalf("looked for %d values in %d files", len(s.hidden), n)
	}
}

func cmdBlob(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Intn(256))
	}
	b[0] = 0 // whatever chance says: it is no text
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

func cmdAgeKey(ts *testscript.TestScript, _ bool, args []string) {
	id, err := age.GenerateX25519Identity()
	ts.Check(err)
	ts.Setenv(args[0], id.Recipient().String())
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(id.String()+"\n"), 0o600))
}

func cmdAgeOpen(ts *testscript.TestScript, _ bool, args []string) {
	ids, err := age.ParseIdentities(strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	var src io.Reader = strings.NewReader(ts.ReadFile(args[0]))
	if strings.HasPrefix(ts.ReadFile(args[0]), armor.Header) {
		src = armor.NewReader(src)
	}
	r, err := age.Decrypt(src, ids...)
	ts.Check(err)
	var file struct {
		Values []struct {
			Key   string
			Value []byte
		}
	}
	ts.Check(json.NewDecoder(r).Decode(&file))
	if len(file.Values) != len(args)-2 {
		ts.Fatalf("the file holds %d values", len(file.Values))
	}
	for i, v := range file.Values {
		key, path, _ := strings.Cut(args[i+2], "=")
		if v.Key != key || string(v.Value) != ts.ReadFile(path) {
			ts.Fatalf("%s is not exactly what was stored as %s", v.Key, key)
		}
	}
}

func cmdMode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s", args[0], got)
	}
}

// typeMain is the program "type": it runs another on a terminal and types the
// answers when their prompts have come. The standard streams stay what they
// are.
func typeMain() {
	code, err := typeAnswers(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "type:", err)
		code = 125
	}
	os.Exit(code)
}

func typeAnswers(args []string) (code int, err error) {
	i := slices.Index(args, "--")
	if i < 0 || i%2 != 0 {
		return 0, errors.New("usage: type PROMPT ANSWER… -- PROGRAM ARG…")
	}
	keyboard, tty, err := pty.Open()
	if err != nil {
		return 0, err
	}
	before, err := unix.IoctlGetTermios(int(tty.Fd()), termios)
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(args[i+1], args[i+2:]...)
	cmd.Env = append(os.Environ(), hasTTY+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{tty} // it is number 3 there
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	screen := make(chan []byte)
	go func() {
		for {
			buf := make([]byte, 4096)
			n, err := keyboard.Read(buf)
			if err != nil {
				return
			}
			screen <- buf[:n]
		}
	}()
	var shown []byte
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	seen := 0
	steps := args[:i]
	late := time.After(20 * time.Second)
	var wait error
loop:
	for {
		if len(steps) > 0 && bytes.Contains(shown[seen:], []byte(steps[0])) {
			seen += bytes.Index(shown[seen:], []byte(steps[0])) + len(steps[0])
			answer := strings.NewReplacer("^C", "\x03", "^D", "\x04", "^U", "\x15", "^[", "\x1b", `\n`, "\r").Replace(steps[1])
			if _, err := keyboard.WriteString(answer); err != nil {
				return 0, err
			}
			steps = steps[2:]
			continue
		}
		select {
		case b := <-screen:
			shown = append(shown, b...)
		case wait = <-ended:
			break loop
		case <-late:
			_ = cmd.Process.Kill()
			return 0, fmt.Errorf("it waits; what it shows is %q", shown)
		}
	}
	for quiet := false; !quiet; {
		select {
		case b := <-screen:
			shown = append(shown, b...)
		case <-time.After(20 * time.Millisecond):
			quiet = true
		}
	}
	after, err := unix.IoctlGetTermios(int(tty.Fd()), termios)
	if err != nil {
		return 0, err
	}
	if *before != *after {
		return 0, errors.New("the terminal is not as it was")
	}
	if len(steps) > 0 {
		return 0, fmt.Errorf("it ended without asking %q; what it showed is %q", steps[0], shown)
	}
	if err := os.WriteFile(filepath.Join(os.Getenv("WORK"), "tty"), shown, 0o600); err != nil {
		return 0, err
	}
	if exit := (*exec.ExitError)(nil); wait != nil && !errors.As(wait, &exit) {
		return 0, wait
	}
	return cmd.ProcessState.ExitCode(), nil
}
