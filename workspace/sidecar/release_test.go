//go:build unix

package sidecar_test

import (
	"bufio"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// A release is akos as it is shipped, and a home with a sidecar and a session.
type release struct {
	tb  testing.TB
	bin string
	env []string
}

func newRelease(tb testing.TB) release {
	tb.Helper()
	bin, home := tb.TempDir(), tb.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -funcalign=16", "-o", bin, "../../cmd/akos", "./testdata/bare")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
	return release{tb, bin, []string{"PATH=" + bin, "HOME=" + home, "AKOS_HOME=" + home + "/akos", "AKOS_VAULT=file"}}
}

func (r release) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(r.bin, name), args...)
	cmd.Env = r.env
	return cmd
}

func (r release) run(name string, args ...string) time.Duration {
	r.tb.Helper()
	cmd := r.command(name, args...)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		r.tb.Fatalf("%s: %v\n%s", name, err, out)
	}
	return took
}

// serve starts a sidecar and returns it with its address once it says that it
// is ready, how long that took, and the path of its set-up page.
func (r release) serve() (cmd *exec.Cmd, address, setup string, took time.Duration) {
	r.tb.Helper()
	cmd = r.command("akos", "serve", "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.tb.Fatal(err)
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		r.tb.Fatal(err)
	}
	r.tb.Cleanup(func() { _ = cmd.Process.Kill() })
	s := bufio.NewScanner(out)
	for s.Scan() {
		if _, rest, ok := strings.Cut(s.Text(), "akos serves "); ok {
			address, took = rest, time.Since(start)
			break
		}
	}
	if address == "" {
		r.tb.Fatal("akos serve does not start")
	}
	if _, err := os.Stat(strings.TrimPrefix(r.env[2], "AKOS_HOME=") + "/state.db"); err == nil {
		return cmd, address, "", took // there is an account
	}
	for s.Scan() {
		if m := regexp.MustCompile(`http\S+?(/setup/\S+)`).FindStringSubmatch(s.Text()); m != nil {
			return cmd, address, m[1], took
		}
	}
	r.tb.Fatal("there is no set-up link")
	return nil, "", "", 0
}

// logIn makes the first account and a session, as a person does.
func (r release) logIn(address, setup string) {
	r.tb.Helper()
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	submit := func(path string, form url.Values) string {
		req, _ := http.NewRequest("POST", address+path, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", address)
		res, err := browser.Do(req)
		if err != nil {
			r.tb.Fatal(err)
		}
		defer res.Body.Close()
		page, _ := io.ReadAll(res.Body)
		return string(page)
	}
	submit(setup, url.Values{"user": {"ada"}, "password": {password}, "again": {password}})
	submit("/signin", url.Values{"user": {"ada"}, "password": {password}, "next": {"/device"}})
	cmd := r.command("akos", "auth", "login", "--no-browser", "--server", address)
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.tb.Fatal(err)
	}
	for s := bufio.NewScanner(out); s.Scan(); {
		if _, code, ok := strings.Cut(s.Text(), "Enter this code:  "); ok {
			page := submit("/device", url.Values{"user_code": {code}})
			field := func(name string) string {
				m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page)
				if m == nil {
					r.tb.Fatalf("the page has no field %s:\n%s", name, page)
				}
				return html.UnescapeString(m[1])
			}
			submit("/device/approve", url.Values{"transaction": {field("transaction")}, "tenant": {field("tenant")}, "decision": {"approve"}})
		}
	}
	if err := cmd.Wait(); err != nil {
		r.tb.Fatalf("akos auth login: %v", err)
	}
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}
