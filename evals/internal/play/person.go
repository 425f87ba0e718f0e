package play

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"example.com/akos/evals/internal/drive"
	"github.com/creack/pty"
)

// person does what a person does, who is not the agent: nothing of it is seen
// by the agent.
func (s *stage) person(rest string) error {
	verb, rest, _ := strings.Cut(rest, " ")
	switch verb {
	case "will":
		s.will = rest
		return nil
	case "enters":
		return s.enter(s.entry(), strings.Fields(rest)...)
	case "declines":
		return s.decline(s.entry())
	case "runs":
		return s.run(strings.TrimPrefix(rest, "akos "))
	case "follows":
		m := regexp.MustCompile(`(?m)^hint: akos (.+)$`).FindStringSubmatch(s.answer.Text)
		if m == nil {
			return fmt.Errorf("there is no hint of a command in %q", s.answer.Text)
		}
		return s.run(m[1] + " " + rest)
	case "approves":
		return s.approve(rest)
	case "trusts":
		return s.trust()
	}
	return fmt.Errorf("a person does not %q", verb)
}

// run runs a command line of akos. "< name" gives it a planted value.
func (s *stage) run(rest string) error {
	rest, stdin, given := strings.Cut(rest, "<")
	args := strings.Fields(rest)
	if given {
		var ok bool
		if stdin, ok = s.value(strings.TrimSpace(stdin)); !ok {
			return errors.New("there is no such value")
		}
		if args[0] != "user" {
			args = append(args, "--stdin")
		}
	}
	out, err := s.akos(stdin, args...)
	s.shown = out
	return err
}

// trust trusts the workspace file, on a terminal.
func (s *stage) trust() error {
	cmd, cancel := s.command(filepath.Join(s.opts.Bin, "akos"), "trust")
	defer cancel()
	tty, err := pty.Start(cmd)
	if err != nil {
		return err
	}
	defer tty.Close()
	var screen []byte
	for b := make([]byte, 1<<10); !bytes.Contains(screen, []byte("[y/N] ")); {
		n, err := tty.Read(b)
		if screen = append(screen, b[:n]...); err != nil {
			return fmt.Errorf("akos trust does not ask: %w: %s", err, screen)
		}
	}
	if _, err := io.WriteString(tty, "y\n"); err != nil {
		return err
	}
	rest, _ := io.ReadAll(tty) // a terminal ends with an error
	screen = append(screen, rest...)
	s.aside.Add(drive.Seen{Where: "akos trust", Data: screen})
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("akos trust: %w: %s", err, screen)
	}
	return nil
}

// open is what the person does when a page opens.
func (s *stage) open(url string) string {
	verb, names, _ := strings.Cut(s.will, " ")
	switch verb {
	case "enter":
		if err := s.enter(url, strings.Fields(names)...); err != nil {
			s.aside.Add(drive.Seen{Where: "person", Data: []byte(err.Error())})
			return "cancel"
		}
		return "accept"
	case "look": // and enter nothing
		return "accept"
	case "decline":
		time.Sleep(1200 * time.Millisecond) // nobody reads in a second
		return "decline"
	}
	return "cancel"
}

var (
	entryPage = regexp.MustCompile(`http://127\.0\.0\.1:\d+/enter/[A-Za-z0-9_-]+`)
	origin    = regexp.MustCompile(`^https?://[^/]+`)
	userCode  = regexp.MustCompile(`"user_?[cC]ode":"([^"]+)"`)
	uriField  = regexp.MustCompile(`"verification_?[uU]ri":"([^"]+)"`)
)

// last returns what re found last in what the agent saw.
func (s *stage) last(re *regexp.Regexp) string {
	for all := s.seen.All(); len(all) > 0; all = all[:len(all)-1] {
		if m := re.FindAllSubmatch(all[len(all)-1].Data, -1); m != nil {
			end := m[len(m)-1]
			return string(end[len(end)-1])
		}
	}
	return ""
}

// entry is the address of the last page that the agent was told of.
func (s *stage) entry() string { return s.last(entryPage) }

// enter enters planted values on a page, in their order.
func (s *stage) enter(page string, names ...string) error {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i, name := range names {
		v, ok := s.value(name)
		if !ok {
			return fmt.Errorf("there is no value %q", name)
		}
		var part io.Writer
		var err error
		if strings.Contains(v, "\n") || name == "binary" {
			part, err = w.CreateFormFile(fmt.Sprintf("file-%d", i), "value")
		} else {
			part, err = w.CreateFormField(fmt.Sprintf("line-%d", i))
		}
		if err == nil {
			_, err = io.WriteString(part, v)
		}
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return s.submit(page, w.FormDataContentType(), &body)
}

func (s *stage) decline(page string) error {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	if err := errors.Join(w.WriteField("decision", "decline"), w.Close()); err != nil {
		return err
	}
	return s.submit(page, w.FormDataContentType(), &body)
}

// submit looks at a page and sends its form, as a browser does.
func (s *stage) submit(page, contentType string, body io.Reader) error {
	b := newBrowser(s)
	if _, _, err := b.send(http.MethodGet, page, "", nil); err != nil {
		return err
	}
	status, text, err := b.send(http.MethodPost, page, contentType, body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the page answers %d: %.300s", status, text)
	}
	return err
}

// A browser is the person's.
type browser struct {
	stage *stage
	http  http.Client
}

func newBrowser(s *stage) *browser {
	jar, _ := cookiejar.New(nil) // without options it can't fail
	return &browser{s, http.Client{Jar: jar, Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}}
}

// send follows redirections, and keeps what the person sees.
func (b *browser) send(method, page, contentType string, body io.Reader) (status int, text string, err error) {
	req, err := http.NewRequest(method, page, body)
	if err != nil {
		return 0, "", err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
		req.Header.Set("Origin", origin.FindString(page))
	}
	res, err := b.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	b.stage.aside.Add(drive.Seen{Where: "person: " + method, Data: data})
	return res.StatusCode, string(data), err
}

func (b *browser) form(page string, fields ...string) (string, error) {
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	status, text, err := b.send(http.MethodPost, page, "application/x-www-form-urlencoded", strings.NewReader(v.Encode()))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s answers %d: %.300s", page, status, text)
	}
	return text, err
}

var (
	transaction = regexp.MustCompile(`name="transaction" value="([^"]*)"`)
	tenant      = regexp.MustCompile(`name="tenant" value="([^"]*)"`)
)

// approve signs in as ada and approves, or denies, the login that the agent
// was told of: "person approves [TENANT]", "person approves - deny".
func (s *stage) approve(rest string) error {
	choice, decision, _ := strings.Cut(rest, " ")
	if decision == "" {
		decision = "approve"
	}
	at := origin.FindString(s.last(uriField))
	b := newBrowser(s)
	if _, err := b.form(at+"/signin", "user", "ada", "password", string(s.opts.values.Password.Value), "next", "/device"); err != nil {
		return err
	}
	page, err := b.form(at+"/device", "user_code", s.last(userCode))
	if err != nil {
		return err
	}
	m, t := transaction.FindStringSubmatch(page), tenant.FindStringSubmatch(page)
	if m == nil || t == nil {
		return fmt.Errorf("the page asks nothing: %.300s", page)
	}
	if choice == "" || choice == "-" {
		choice = html.UnescapeString(t[1])
	}
	_, err = b.form(at+"/device/approve", "transaction", html.UnescapeString(m[1]), "tenant", choice, "decision", decision)
	return err
}
