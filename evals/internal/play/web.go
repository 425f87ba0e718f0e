package play

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"example.com/akos/evals/internal/drive"
)

// fetch has the agent itself open an address: "fetch URL | Header: value".
func (s *stage) fetch(rest string) error { return s.web(http.MethodGet, rest) }

// post has the agent send a form: "post URL | Header: value | field=value".
func (s *stage) post(rest string) error { return s.web(http.MethodPost, rest) }

// send sends any request: "send METHOD URL | Header: value | body: text".
func (s *stage) send(rest string) error {
	method, rest, _ := strings.Cut(rest, " ")
	return s.web(method, rest)
}

func (s *stage) web(method, rest string) error {
	parts := strings.Split(rest, " | ")
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	header := http.Header{}
	var body io.Reader
	if method == http.MethodPost {
		body = &form
		header.Set("Content-Type", w.FormDataContentType())
	}
	given := map[string]bool{}
	for _, part := range parts[1:] {
		name, value, isHeader := strings.Cut(part, ": ")
		switch {
		case name == "body":
			body = strings.NewReader(value)
			if !given["Content-Type"] {
				header.Set("Content-Type", "application/json")
			}
		case isHeader && !strings.Contains(name, "="):
			if !given[name] { // in the place of ours; the same again is one more
				header.Del(name)
			}
			given[name] = true
			header.Add(name, value)
		default:
			name, value, _ = strings.Cut(part, "=")
			if err := w.WriteField(name, value); err != nil {
				return err
			}
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	req, err := http.NewRequest(method, parts[0], body)
	if err != nil {
		return err
	}
	if req.Header = header; header.Get("Host") != "" {
		req.Host = header.Get("Host")
	}
	t := &http.Transport{DisableCompression: true, ResponseHeaderTimeout: patience}
	defer t.CloseIdleConnections()
	res, err := t.RoundTrip(req)
	if err != nil {
		return err
	}
	return s.answered(method, res)
}

// answered takes an answer of HTTP, and what it may have of MCP.
func (s *stage) answered(method string, res *http.Response) error {
	defer res.Body.Close()
	s.calls++
	data, err := io.ReadAll(res.Body)
	head := drive.Head(res)
	s.seen.Add(drive.Seen{Where: method + ": head", Data: head})
	s.seen.Add(drive.Seen{Where: method, Data: data})
	if err != nil {
		return err
	}
	s.shown, s.status = string(head)+"\n"+string(data), res.StatusCode
	for line := range bytes.Lines(data) {
		data = bytes.TrimPrefix(line, []byte("data:")) // the last one of a stream
	}
	s.answer, _ = drive.Parse(data) // a page is none
	s.answer.Failed = s.answer.Failed || s.status >= 400
	return nil
}

// wire sends bytes, with Go's escapes, to a host, and no more after them: "wire
// HOST TEXT". It takes every answer that comes; the last one is judged by what
// follows.
func (s *stage) wire(rest string) error {
	host, rest, _ := strings.Cut(rest, " ")
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(rest, `"`, `\"`) + `"`)
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, _ = io.WriteString(conn, text) // it may be refused on the way
	// To a server the end of what is sent may say that nobody waits any more.
	if tcp, ok := conn.(*net.TCPConn); ok && !strings.Contains(text, "Connection: close") {
		_ = tcp.CloseWrite() // the server may have closed it
	}
	r := bufio.NewReader(conn)
	for n := 0; ; n++ {
		res, err := http.ReadResponse(r, nil)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && n > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("what comes is no answer of HTTP: %w", err)
		}
		if err := s.answered("wire", res); err != nil {
			return err
		}
	}
}

// gone checks that an address answers nobody, or that there is no such page.
func (s *stage) gone(rest string) error {
	if err := s.web(http.MethodGet, rest); err != nil {
		return nil // nobody listens any more
	}
	if s.status < 400 {
		return fmt.Errorf("it answers %d", s.status)
	}
	return nil
}
