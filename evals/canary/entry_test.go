//go:build linux

package canary

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// entries has a person enter every canary on the page of akos-mcp, by each
// way, right and wrong, and searches all that comes back to the person, to the
// agent and to the log.
func (b *box) entries() {
	for _, format := range []string{"text", "json"} {
		p := b.enter(format)
		for _, c := range values.All() {
			for _, way := range []string{"line", "text", "file"} {
				url := p.page()
				v := string(c.Value)
				p.refused(url, v)
				if code := p.submit(url, way+"-0", "key", v, nil); code != http.StatusSeeOther {
					b.report.Errorf("%s of %s: status %d", way, c.Name, code)
				}
				p.submit(url, way+"-0", "key", v, nil) // it was used
			}
		}
		p.page()
		_ = p.in.Close()
		p.ended()
	}
	// Killed in the middle, and looked at by a debugger that prints stacks.
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGKILL, syscall.SIGTERM} {
		p := b.enter("text")
		url := p.page()
		go p.half(url, string(values.Text.Value))
		time.Sleep(100 * time.Millisecond)
		_ = p.cmd.Process.Signal(sig)
		p.ended()
	}
}

// An entering is a session with akos-mcp that answers while it lives.
type entering struct {
	*box
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	all  bytes.Buffer // what an agent saw
	errs bytes.Buffer
}

func (b *box) enter(format string) *entering {
	b.Helper()
	p := &entering{box: b, cmd: exec.Command(filepath.Join(b.world.bin, "akos-mcp"), "--verbose", "--log-format", format)}
	p.cmd.Env, p.cmd.Dir, p.cmd.Stderr = append(slices.Clone(b.env), "GOTRACEBACK=all"), b.project, &p.errs
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	late := time.AfterFunc(4*patience, func() { _ = p.cmd.Process.Kill() })
	b.Cleanup(func() { late.Stop() })
	p.in, p.out = in, bufio.NewReader(out)
	p.ask(request("initialize", map[string]any{"protocolVersion": "2025-11-25", "capabilities": map[string]any{},
		"clientInfo": map[string]any{"name": string(values.Vendor.Value), "version": "1"}}))
	return p
}

func (p *entering) ask(m message) string {
	p.Helper()
	if _, err := io.WriteString(p.in, m.text+"\n"); err != nil {
		p.Fatal(err)
	}
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.Fatalf("%v: %s", err, p.errs.String())
	}
	p.all.WriteString(line)
	return line
}

var entryURL = regexp.MustCompile(`"entryUrl":"(http://[^"]+)"`)

// page returns the address of a new page, once the end of the last is told.
func (p *entering) page() string {
	p.Helper()
	for range 2 {
		if m := entryURL.FindStringSubmatch(p.ask(call("vault_put", map[string]any{"key": "ENTERED", "reason": "a test"}))); m != nil {
			return m[1]
		}
	}
	p.Fatalf("no page: %s", p.all.String())
	return ""
}

// submit sends a value in a form, and searches the answer.
func (p *entering) submit(url, field, file, v string, change func(*http.Request)) int {
	p.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	var part io.Writer
	var err error
	if strings.HasPrefix(field, "file-") {
		part, err = w.CreateFormFile(field, file)
	} else {
		part, err = w.CreateFormField(field)
	}
	if err == nil {
		_, err = io.WriteString(part, v)
	}
	if err != nil {
		p.Fatal(err)
	}
	_ = w.Close()
	r, err := http.NewRequest(http.MethodPost, url, &body)
	if err != nil {
		p.Fatal(err)
	}
	r.Close = true // a connection that is kept may end just then
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.Header.Set("Origin", regexp.MustCompile(`^http://[^/]+`).FindString(url))
	if change != nil {
		change(r)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		p.report.Errorf("the page: %v", err)
		return 0
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	p.search("the page", fmt.Appendf(answer, "%v", resp.Header), true, true)
	p.world.operations.Add(1)
	if resp.StatusCode == http.StatusSeeOther {
		done, err := http.Get(r.Header.Get("Origin") + resp.Header.Get("Location"))
		if err != nil {
			p.report.Errorf("the page: %v", err)
			return 0
		}
		defer done.Body.Close()
		answer, _ = io.ReadAll(done.Body)
		p.search("the page of what came of it", answer, true, true)
	}
	return resp.StatusCode
}

// refused sends v in all the ways in which it is not taken.
func (p *entering) refused(url, v string) {
	p.Helper()
	refused := func(field, file, v string, change func(*http.Request)) {
		if code := p.submit(url, field, file, v, change); code < 400 {
			p.report.Errorf("%s is answered with %d", field, code)
		}
	}
	one := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, v)
	refused("line-0", "", v, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") })
	refused("line-0", "", v, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
	refused("line-0", "", v, func(r *http.Request) {
		r.Header.Set("Content-Type", "multipart/form-data; boundary="+one[:min(len(one), 60)])
	})
	refused("line-0", "", v, func(r *http.Request) { r.Host = "x" })
	refused("line-0", "", v, func(r *http.Request) { r.Method = http.MethodPut })
	refused("line-0", "", v, func(r *http.Request) { r.URL.Path = "/enter/" + one })
	refused(one, "", v, nil)
	refused("file-1", one, v, nil)
	refused("line-0", "", strings.Repeat(v, 1+(1<<20)/len(v)), nil)
	// What is no HTTP at all.
	c, err := net.Dial("tcp", strings.TrimPrefix(url[:strings.Index(url, "/enter")], "http://"))
	if err != nil {
		p.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, v+" / HTTP/9\r\n"+v+"\r\n\r\n")
	answer, _ := io.ReadAll(c)
	p.search("an answer to what is no request", answer, true, true)
}

// half sends a form that does not end.
func (p *entering) half(url, v string) {
	r, err := http.NewRequest(http.MethodPost, url, io.MultiReader(strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"line-0\"\r\n\r\n"+v), slow{}))
	if err != nil {
		p.report.Errorf("%v", err)
		return
	}
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	r.Header.Set("Origin", url[:strings.Index(url, "/enter")])
	if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
		resp.Body.Close()
	}
}

type slow struct{}

func (slow) Read([]byte) (int, error) { time.Sleep(time.Second); return 0, io.EOF }

// ended waits for the end and searches what the session left.
func (p *entering) ended() {
	p.Helper()
	rest, _ := io.ReadAll(p.out)
	p.all.Write(rest)
	_ = p.cmd.Wait() // it may have been killed
	p.search("what an agent saw of an entry", p.all.Bytes(), true, true)
	p.search("the log of an entry", p.errs.Bytes(), true, true)
	p.searchFiles("an entry")
}
