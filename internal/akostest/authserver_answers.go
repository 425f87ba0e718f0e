package akostest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// An Answer is an answer of an [AuthServer]. In its text, {{request}} stands
// for the body of the request: for servers that answer with what they were
// sent.
type Answer = http.HandlerFunc

// sent is the body of a request, unescaped, as a careless server logs it.
func sent(r *http.Request) string {
	text := r.Header.Get("Authorization")
	for name, values := range r.PostForm {
		text += " " + name + "=" + strings.Join(values, ",")
	}
	return text
}

// Refuse is an error of RFC 6749 section 5.2, with the request in its
// description.
func Refuse(status int, code string) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": sent(r)})
	}
}

// Say answers with any text.
func Say(status int, contentType, text string) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(strings.ReplaceAll(text, "{{request}}", sent(r))))
	}
}

// Page is the page that a web server shows when something is wrong.
func Page(status int) Answer {
	return Say(status, "text/html; charset=utf-8", "<!DOCTYPE html><h1>Something went wrong</h1><pre>{{request}}</pre>")
}

// Redirect sends elsewhere.
func Redirect(status int, to string) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", strings.ReplaceAll(to, "{{request}}", strings.ReplaceAll(sent(r), " ", "+")))
		w.WriteHeader(status)
	}
}

// Wire writes bytes to the connection, be they HTTP or not, and closes it.
func Wire(text string) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = conn.Write([]byte(strings.ReplaceAll(text, "{{request}}", sent(r))))
	}
}

// Reset closes the connection once the request was read.
func Reset(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// Hang never answers.
func Hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// Drip answers one byte every so often, for ever.
func Drip(every time.Duration) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for {
			select {
			case <-time.After(every):
				_, _ = w.Write([]byte(" "))
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}
}
