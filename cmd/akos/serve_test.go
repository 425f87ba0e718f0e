//go:build unix && !aix && !solaris

package main

import (
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"example.com/akos/internal/akostest"
	"github.com/ncruces/go-sqlite3"
	"github.com/rogpeppe/go-internal/testscript"
)

// A served is a sidecar that a script started.
type served struct {
	cmd      *exec.Cmd
	out, err *akostest.Buffer
	ended    chan error
}

// waitFor returns what re finds in b once it does, or fails the script.
func waitFor(ts *testscript.TestScript, b *akostest.Buffer, re *regexp.Regexp, what string, ended <-chan error) []string {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if m := re.FindStringSubmatch(b.String()); m != nil {
			return m
		}
		select {
		case err := <-ended:
			ts.Fatalf("%s: it ended first (%v):\n%s", what, err, b)
		default:
		}
	}
	ts.Fatalf("%s: not in time:\n%s", what, b)
	return nil
}

func start(ts *testscript.TestScript, name string, args ...string) *served {
	path, err := exec.LookPath(name)
	ts.Check(err)
	p := &served{cmd: exec.Command(path, args...), out: &akostest.Buffer{}, err: &akostest.Buffer{}, ended: make(chan error, 1)}
	p.cmd.Dir, p.cmd.Env = ts.MkAbs("."), environ(ts)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.err
	ts.Check(p.cmd.Start())
	go func() { p.ended <- p.cmd.Wait() }()
	return p
}

// environ returns the environment of the script.
func environ(ts *testscript.TestScript) (env []string) {
	for _, name := range []string{"HOME", "PATH", "TERM", "TMPDIR", "DBUS_SESSION_BUS_ADDRESS", "AKOS_HOME", "AKOS_VAULT", "AKOS_SERVER", "AKOS_WORKSPACE", "AGENTSKIT_TOKEN", "AKOS_TOKEN"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// cmdServe starts a sidecar and waits until it is ready. $SERVER is its
// address from then on, and $SETUP the path of the set-up page if there is
// one. It is stopped when the script stops it, or ends.
func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serve ARG…")
	}
	s := storyOf(ts)
	p := start(ts, "akos", append([]string{"serve", "--listen", akostest.FreeAddr(s.t)}, args...)...)
	m := waitFor(ts, p.out, regexp.MustCompile(`akos serves (\S+)\n`), "akos serve", p.ended)
	ts.Setenv("SERVER", m[1])
	if m := regexp.MustCompile(`(?s)account yet.*?http\S+?(/setup/\S+)\n`).FindStringSubmatch(p.out.String()); m != nil {
		ts.Setenv("SETUP", m[1])
		s.hidden = append(s.hidden, m[1])
	}
	s.sidecars = append(s.sidecars, p)
	ts.Defer(func() { s.stopSidecar(ts, p) })
}

// stopSidecar ends a sidecar in good order: SIGTERM, exit 0, nothing hidden in
// its log.
func (s *story) stopSidecar(ts *testscript.TestScript, p *served) {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case err := <-p.ended:
		if err != nil {
			s.t.Errorf("%s: akos serve: %v\n%s", ts.Name(), err, p.err)
		}
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		s.t.Errorf("%s: akos serve does not end", ts.Name())
	}
	for _, h := range s.hidden {
		if strings.Contains(p.err.String(), h) {
			s.t.Errorf("%s: the log of akos serve shows what is hidden", ts.Name())
		}
	}
	p.cmd = nil
}

func cmdStop(ts *testscript.TestScript, _ bool, args []string) {
	s := storyOf(ts)
	if len(s.sidecars) == 0 || len(args) > 1 || len(args) == 1 && args[0] != "kill" {
		ts.Fatalf("usage: unserve [kill], after serve")
	}
	p := s.sidecars[len(s.sidecars)-1]
	s.sidecars = s.sidecars[:len(s.sidecars)-1]
	if len(args) == 1 {
		ts.Check(p.cmd.Process.Kill())
		<-p.ended
		p.cmd = nil
		return
	}
	s.stopSidecar(ts, p)
}

// cmdLogin runs akos auth login and plays the person on the real pages.
func cmdLogin(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: login CODE approve|deny USER PASSWORD [TENANT] [-- ARG…]")
	}
	s := storyOf(ts)
	words, more := args, []string(nil)
	for i, a := range args {
		if a == "--" {
			words, more = args[:i], args[i+1:]
		}
	}
	tenant := ""
	if len(words) > 4 {
		tenant = words[4]
	}
	p := start(ts, "akos", append([]string{"auth", "login", "--no-browser"}, more...)...)
	code := waitFor(ts, p.out, regexp.MustCompile(`Enter this code:  (\S+)\n`), "akos auth login", p.ended)[1]
	newPerson(ts, ts.Getenv("SERVER")).decide(words[2], words[3], code, tenant, words[1])
	exit := 0
	select {
	case <-p.ended:
		exit = p.cmd.ProcessState.ExitCode()
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		ts.Fatalf("akos auth login does not end:\n%s%s", p.out, p.err)
	}
	ts.Setenv("CODE", code)
	s.took(ts, p.out.String(), p.err.String())
	if strconv.Itoa(exit) != words[0] {
		s.wrong(ts, "exit code %d, want %s\n%s%s", exit, words[0], p.out, p.err)
	}
}

// cmdSetUp makes the first account on the page of the one-time link.
func cmdSetUp(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: setup USER PASSWORD")
	}
	p := newPerson(ts, ts.Getenv("SERVER"))
	link := ts.Getenv("SETUP")
	if page := p.open(link); !strings.Contains(page, `type="password"`) {
		ts.Fatalf("no set-up page:\n%s", page)
	}
	form := url.Values{"user": {args[0]}, "password": {args[1]}, "again": {args[1]}}
	p.submit(link, form)
	if page := p.submit(link, form); strings.Contains(page, `type="password"`) {
		ts.Fatalf("the link works again:\n%s", page)
	}
}

// cmdToken takes a token out of a file, to be used and never shown.
func cmdToken(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: token VAR FILE")
	}
	token := strings.TrimSuffix(ts.ReadFile(args[1]), "\n")
	if !strings.HasPrefix(token, "akos_pt_") {
		ts.Fatalf("no token in %s", args[1])
	}
	ts.Setenv(args[0], token)
	ts.Check(os.Remove(ts.MkAbs(args[1])))
	s := storyOf(ts)
	s.hidden = append(s.hidden, token)
}

// database opens the state of a home beside akos.
func database(ts *testscript.TestScript, home string) *sqlite3.Conn {
	db, err := sqlite3.Open("file:" + ts.MkAbs(filepath.Join(home, "state.db")) + "?mode=rw&_pragma=busy_timeout(10000)")
	ts.Check(err)
	return db
}

// ask returns the number that a query answers with, or nothing.
func ask(ts *testscript.TestScript, db *sqlite3.Conn, query string) string {
	s, _, err := db.Prepare(query)
	ts.Check(err)
	defer s.Close()
	answer := ""
	for s.Step() {
		answer = s.ColumnText(0)
	}
	ts.Check(s.Err())
	return answer
}

func cmdSQL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: sql HOME QUERY [ANSWER]")
	}
	db := database(ts, args[0])
	defer db.Close()
	got := ask(ts, db, args[1])
	if len(args) == 3 && got != args[2] {
		ts.Fatalf("%s: %s, want %s", args[1], got, args[2])
	}
}

// cmdCrowd runs a command many times at once; each must succeed.
func cmdCrowd(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	if neg || err != nil || len(args) < 2 {
		ts.Fatalf("usage: crowd N PROGRAM ARG…")
	}
	all := make([]*served, n)
	for i := range all {
		all[i] = start(ts, args[1], args[2:]...)
	}
	failed := 0
	for _, p := range all {
		if err := <-p.ended; err != nil {
			failed++
			ts.Logf("%v\n%s%s", err, p.out, p.err)
		}
	}
	if failed > 0 {
		ts.Fatalf("%d of %d failed", failed, n)
	}
}

// cmdKillSave kills a command whose session was refreshed at the server, of
// the home there, before it could save what it got in the home here.
func cmdKillSave(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: killsave HOME SERVERHOME PROGRAM ARG…")
	}
	here, there := database(ts, args[0]), database(ts, args[1])
	defer here.Close()
	defer there.Close()
	ts.Check(here.Exec("BEGIN IMMEDIATE")) // a save waits for this
	p := start(ts, args[2], args[3:]...)
	const used = "SELECT count(*) FROM token WHERE kind = 'refresh' AND used > 0"
	for deadline := time.Now().Add(8 * time.Second); ask(ts, there, used) == "0"; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("nothing was refreshed:\n%s%s", p.out, p.err)
		}
	}
	time.Sleep(200 * time.Millisecond) // the answer arrives
	ts.Check(p.cmd.Process.Kill())
	<-p.ended
	ts.Check(here.Exec("ROLLBACK"))
}

// cmdSquat listens where a sidecar was, as any user of the machine can. At the
// end of the script nobody may have spoken to it.
func cmdSquat(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: squat, after unserve")
	}
	l, err := net.Listen("tcp", strings.TrimPrefix(ts.Getenv("SERVER"), "http://"))
	ts.Check(err)
	var came atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			came.Add(1)
			c.Close()
		}
	}()
	s := storyOf(ts)
	ts.Defer(func() {
		l.Close()
		if n := came.Load(); n > 0 {
			s.t.Errorf("%s: akos spoke %d times to a stranger", ts.Name(), n)
		}
	})
}

// A person clicks through the pages of a sidecar.
type person struct {
	ts     *testscript.TestScript
	server string
	http   *http.Client
}

func newPerson(ts *testscript.TestScript, server string) *person {
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	return &person{ts, server, &http.Client{Jar: jar, Timeout: time.Minute}}
}

// submit fills in the form of a page and returns the page after it.
func (p *person) submit(path string, form url.Values) string {
	req, err := http.NewRequest(http.MethodPost, p.server+path, strings.NewReader(form.Encode()))
	p.ts.Check(err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", p.server)
	return p.do(req)
}

func (p *person) open(path string) string {
	req, err := http.NewRequest(http.MethodGet, p.server+path, nil)
	p.ts.Check(err)
	return p.do(req)
}

func (p *person) do(req *http.Request) string {
	res, err := p.http.Do(req)
	p.ts.Check(err)
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	p.ts.Check(err)
	return string(page)
}

// field returns the value of a hidden field of a page.
func field(ts *testscript.TestScript, page, name string) string {
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		ts.Fatalf("the page has no field %s:\n%s", name, page)
	}
	return html.UnescapeString(m[1])
}

// decide signs in, enters a code and decides.
func (p *person) decide(user, password, code, tenant, decision string) string {
	p.submit("/signin", url.Values{"user": {user}, "password": {password}, "next": {"/device"}})
	page := p.submit("/device", url.Values{"user_code": {code}})
	form := url.Values{"transaction": {field(p.ts, page, "transaction")}, "decision": {decision}}
	if form.Set("tenant", tenant); tenant == "" {
		form.Set("tenant", field(p.ts, page, "tenant"))
	}
	return p.submit("/device/approve", form)
}
