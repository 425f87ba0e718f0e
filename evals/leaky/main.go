// Command leaky is a control: an MCP server that tells the values it was given,
// in the one way that -leak names, and does nothing else. It is never shipped
// and no example of anything; it shows that the judge of the evals finds what
// it says it finds. Without -leak it tells nothing, and must pass.
//
// The values are in planted.env, in the directory where it is started.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

func main() {
	list := flag.Bool("list", false, "print the leaks as JSON")
	name := flag.String("leak", "", "the one leak")
	listen := flag.String("http", "", "serve HTTP at `HOST:PORT`, in the place of stdio")
	flag.Parse()
	if *list {
		type listed struct {
			leak
			Over string `json:"over"`
		}
		var all []listed
		for _, l := range leaks {
			all = append(all, listed{l, l.over()})
		}
		_ = json.NewEncoder(os.Stdout).Encode(all) // who asks sees that it is none
		return
	}
	s := &server{out: os.Stdout}
	for _, l := range leaks {
		if l.Name == *name {
			s.leak = l
		}
	}
	if err := s.run(os.Stdin, *listen); err != nil || *name != s.leak.Name {
		fmt.Fprintln(os.Stderr, "leaky:", err)
		os.Exit(1)
	}
}

type server struct {
	out           io.Writer
	leak          leak
	token, vendor string
	long          string
	told          int    // characters of a value that split has told
	page          string // its address
}

// at returns the leak's form of the value if this is its place, and nothing
// otherwise.
func (s *server) at(place string) string {
	if s.leak.place != place {
		return ""
	}
	return s.leak.form(s.token)
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always encodes
	return string(b)
}

func (s *server) write(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *server) run(in io.Reader, listen string) error {
	planted, err := os.ReadFile("planted.env")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(planted)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "TOKEN":
			s.token = value
		case "VENDOR":
			s.vendor = value
		case "LONG":
			s.long = value
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	s.page = "http://" + l.Addr().String() + "/enter/page"
	go func() { _ = http.Serve(l, http.HandlerFunc(s.serve)) }() // until the end
	if listen != "" {
		return s.overHTTP(listen)
	}
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			if v := s.at("late"); v != "" {
				s.write(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":%s}}`, quote(v))
			}
			return nil
		}
		s.answer(line)
	}
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "refused "+s.at("form"))
		return
	}
	if v := s.at("header"); v != "" {
		w.Header().Set("X-Debug", v)
	}
	_, _ = io.WriteString(w, "<p>enter a value "+s.at("page")+"</p>")
}
