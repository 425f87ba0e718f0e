package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// overHTTP serves the same over HTTP until it is interrupted, to one client
// that sends one message at a time.
func (s *server) overHTTP(listen string) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Printf("leaky serves http://%s/mcp\n", l.Addr())
	srv := &http.Server{Handler: http.HandlerFunc(s.post)}
	go func() { _ = srv.Serve(l) }() // until it is closed
	<-ctx.Done()
	return srv.Close()
}

// post answers a message with a stream.
func (s *server) post(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		_, _ = io.WriteString(w, s.at("http refusal")) // the client has gone
		return
	}
	line, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var m request
	if json.Unmarshal(line, &m) != nil || m.ID == nil || m.Method == "" {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	if m.Method == "initialize" {
		h.Set("Mcp-Session-Id", "the-only-session-there-is")
	}
	status := http.StatusOK
	switch guess, _ := m.Params.Arguments["text"].(string); {
	case m.Params.Name == "show" && s.leak.place == "http token":
		h.Set("X-Debug", r.Header.Get("Authorization"))
	case m.Params.Name == "show" && s.leak.place == "http status" && guess == s.token:
		status = http.StatusCreated
	case m.Params.Name == "show" && s.leak.place == "http header":
		h.Set("X-Debug", s.token)
	case m.Params.Name == "show" && s.leak.place == "http name":
		h["X-"+s.token] = []string{"1"}
	case m.Params.Name == "split" && s.leak.place == "http split":
		n := min(s.told+3, len(s.token))
		h.Set("X-Debug", s.token[s.told:n])
		s.told = n
	}
	w.WriteHeader(status)
	if v := s.at("http comment"); v != "" {
		fmt.Fprintf(w, ": %s\n\n", v)
	}
	var out strings.Builder
	s.out = &out
	s.answer(line)
	for message := range strings.Lines(out.String()) {
		fmt.Fprintf(w, "event: message\ndata: %s\n", message)
	}
}
