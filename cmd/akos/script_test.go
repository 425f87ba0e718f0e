//go:build unix && !aix && !solaris

package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/akos/internal/wire"
	"example.com/akos/mcpserver"
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
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command of the stories ends a second late
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
	late := time.After(time.Minute)
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
	after, err := unix.IoctlGetTermios(int(tty.Fd()), termios)
	if err != nil {
		return 0, err
	}
	// What the program wrote is on its way still, and comes in order.
	const theEnd = "THE END"
	if _, err := tty.WriteString(theEnd); err != nil {
		return 0, err
	}
	for !bytes.Contains(shown[seen:], []byte(theEnd)) {
		select {
		case b := <-screen:
			shown = append(shown, b...)
		case <-late:
			return 0, fmt.Errorf("its terminal is stuck; what it shows is %q", shown)
		}
	}
	shown = shown[:seen+bytes.Index(shown[seen:], []byte(theEnd))]
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
