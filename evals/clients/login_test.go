//go:build clients && linux

package clients

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/creack/pty"
)

// The person who logs in: an account of the sidecar, and its password.
const (
	person       = "ada"
	fakePassword = "a fake password of ada"
)

var (
	// The address that a client shows, up to the last of what it asks.
	authorize = regexp.MustCompile(`http://127\.0\.0\.1:7717/oauth/authorize\?[\w%&=.+~-]+&resource=http%3A%2F%2F127\.0\.0\.1%3A7718%2Fmcp`)
	inPage    = regexp.MustCompile(`name="transaction" value="([^"]*)"`)
)

// login runs a command of a client that logs in, on a terminal, and is the
// person who opens the address that it shows. It returns what the client says.
func (b *box) login(args []string) (text string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = filepath.Join(b.home(), "app"), b.env
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 4000})
	if err != nil {
		b.t.Fatal(err)
	}
	said, ended := &kept{}, make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 64<<10)
		for {
			n, err := terminal.Read(buf)
			said.add(string(buf[:n]))
			if err != nil { // as there is when the client ends
				return
			}
		}
	}()
	approved := make(chan string, 1)
	go func() { approved <- approve(ctx, said) }()
	err = cmd.Wait()
	cancel()
	<-ended
	_ = terminal.Close()
	text = said.all()
	if problem := <-approved; err != nil || problem != "" {
		b.t.Errorf("%q: %v %s\n%s", args, err, problem, text)
	}
	return text
}

// approve waits for an address in what a client says, signs in and says yes.
// It returns what is wrong.
func approve(ctx context.Context, said *kept) (problem string) {
	address := ""
	for ; address == ""; time.Sleep(50 * time.Millisecond) {
		if address = authorize.FindString(said.all()); address == "" && ctx.Err() != nil {
			return "it shows no address"
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err.Error()
	}
	browser := &http.Client{Jar: jar, Timeout: patience}
	const server = "http://127.0.0.1:7717"
	open := func(method, address string, form url.Values) (page string) {
		req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
		if err != nil {
			problem = err.Error()
			return ""
		}
		if method == http.MethodPost {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Origin", server)
		}
		res, err := browser.Do(req)
		if err != nil {
			problem = err.Error()
			return ""
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode >= 400 {
			problem = method + " " + address + ": " + res.Status + string(text)
		}
		return string(text)
	}
	open(http.MethodPost, server+"/signin", url.Values{"user": {person}, "password": {fakePassword}, "next": {"/"}})
	transaction := inPage.FindStringSubmatch(open(http.MethodGet, address, nil))
	if transaction == nil {
		return "the page asks nothing " + problem
	}
	open(http.MethodPost, server+"/oauth/authorize/approve", url.Values{"transaction": {html.UnescapeString(transaction[1])}, "decision": {"approve"}})
	return problem
}
