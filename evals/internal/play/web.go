package play

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"example.com/akos/evals/internal/drive"
)

// fetch has the agent itself open an address: "fetch URL | Header: value".
func (s *stage) fetch(rest string) error { return s.web(http.MethodGet, rest) }

// post has the agent send a form: "post URL | Header: value | field=value".
func (s *stage) post(rest string) error { return s.web(http.MethodPost, rest) }

func (s *stage) web(method, rest string) error {
	parts := strings.Split(rest, " | ")
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	header := http.Header{}
	for _, part := range parts[1:] {
		name, value, isHeader := strings.Cut(part, ": ")
		if isHeader && !strings.Contains(name, "=") {
			header.Set(name, value)
			continue
		}
		name, value, _ = strings.Cut(part, "=")
		if err := w.WriteField(name, value); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	var form io.Reader
	if method == http.MethodPost {
		form = &body
	}
	req, err := http.NewRequest(method, parts[0], form)
	if err != nil {
		return err
	}
	if form != nil {
		req.Header.Set("Content-Type", w.FormDataContentType())
	}
	for name := range header {
		req.Header.Set(name, header.Get(name))
	}
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	s.calls++
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	all := fmt.Appendf(nil, "%s\n%v\n%s", res.Status, res.Header, data)
	s.seen.Add(drive.Seen{Where: method, Data: all})
	s.shown, s.status, s.answer = string(all), res.StatusCode, drive.Answer{}
	return nil
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
