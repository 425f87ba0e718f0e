package authserver

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"example.com/akos/internal/crowd"
	"example.com/akos/workspace"
	"example.com/akos/workspace/pages"
)

// maxBody bounds what a request may send.
const maxBody = 64 << 10

// guard stands before every path. It refuses what was not meant for this
// server, and notes what was answered: the pattern and not the path, which may
// be a one-time one.
func (s *Server) guard(next http.Handler) http.Handler {
	// Also what no cookie opens: a site could have its visitors' browsers ask
	// for logins until there is no place for more.
	next = guarded(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pages.Protect(w.Header())
		noted := &status{ResponseWriter: w, code: http.StatusOK}
		var done func()
		r = r.WithContext(context.WithValue(r.Context(), vouchKey{}, &done))
		defer func() {
			if done != nil {
				_ = http.NewResponseController(w).Flush() // the client may have gone
				done()
			}
		}()
		if s.hosts[s.host(r.Host)] {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			next.ServeHTTP(noted, r)
		} else {
			http.Error(noted, "this host is not served here", http.StatusMisdirectedRequest)
		}
		s.Log.LogAttrs(r.Context(), slog.LevelDebug, "answered", slog.String("pattern", r.Pattern), slog.Int("status", noted.code))
	})
}

type vouchKey struct{}

// vouch vouches for the request whose context is given, which came with a
// secret that was found here, until its answer is written: what is stored for
// it is worth nothing to whoever does not get the answer.
func vouch(ctx context.Context) {
	if done, _ := ctx.Value(vouchKey{}).(*func()); done != nil && *done == nil {
		*done = crowd.Hold(ctx)
	}
}

// A status remembers the status of an answer.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap is for http.ResponseController.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// guarded refuses what another site has a browser send, unless it is for a
// page, which says so in its own words.
func guarded(next http.Handler) http.Handler {
	var protection http.CrossOriginProtection
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/oauth/") && r.URL.Path != "/oauth/authorize/approve" && protection.Check(r) != nil {
			http.Error(w, "this came from another site", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// page guards what a browser shows or sends with a cookie. A form that another
// origin sends is refused (RFC 6749 section 10.12: "The authorization server
// MUST implement CSRF protection for its authorization endpoint").
func (s *Server) page(h http.HandlerFunc) http.Handler {
	var protection http.CrossOriginProtection
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		pages.Write(w, http.StatusForbidden, pages.Problem{
			Title: "This came from another site",
			Text:  "Nothing was done. If you meant to do this, open the page here and try again.",
			Next:  "/", Label: "Start again",
		})
	}))
	return protection.Handler(h)
}

// api answers what clients send. It is the one place where their requests are
// read and their errors are written.
func (s *Server) api(h func(*http.Request, params) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := readForm(r)
		var answer any
		if err == nil {
			answer, err = h(r, p)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.answer(w, http.StatusOK, answer)
	})
}

// answer writes v as JSON, or nothing for nil.
//
// RFC 6749 section 5.1: "The authorization server MUST include the HTTP
// 'Cache-Control' response header field with a value of 'no-store' in any
// response containing tokens, credentials, or other sensitive information, as
// well as the 'Pragma' response header field with a value of 'no-cache'."
func (s *Server) answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Pragma", "no-cache")
	if v == nil {
		w.WriteHeader(code)
		return
	}
	body, _ := json.Marshal(v) // what is answered always encodes
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(code)
	// A client that went away is all that can fail here.
	_, _ = w.Write(append(body, '\n'))
}

// A fault is an error that a client is told, as RFC 6749 section 5.2 has it.
type fault struct {
	status int
	code   string
	// text is for the client's developer: constant, and of the characters that
	// error_description may have, which are neither quotes nor backslashes.
	text  string
	after int    // seconds until it may be tried again; 0 for not
	how   string // of WWW-Authenticate; "" for none
}

func (f *fault) Error() string { return f.code + ": " + f.text }

func refuse(code, text string) *fault {
	return &fault{status: http.StatusBadRequest, code: code, text: text}
}

// fail answers with err. What is not a fault is for the log.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := s.faultOf(r, err)
	if f.how != "" {
		w.Header().Set("WWW-Authenticate", f.how)
	}
	if f.after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.after))
	}
	s.answer(w, f.status, map[string]string{"error": f.code, "error_description": f.text})
}

func (s *Server) faultOf(r *http.Request, err error) *fault {
	if f := (*fault)(nil); errors.As(err, &f) {
		return f
	}
	s.Log.LogAttrs(r.Context(), slog.LevelError, "failed", slog.String("pattern", r.Pattern), slog.Any("err", err))
	if workspace.Explain(err).Kind == workspace.Unavailable {
		return &fault{status: http.StatusServiceUnavailable, code: "temporarily_unavailable", text: "try again later", after: 5}
	}
	return &fault{status: http.StatusInternalServerError, code: "server_error", text: "it failed for a reason that is in the log of the server"}
}

// busy is what is answered when too many ask.
func busy(after int) *fault {
	return &fault{status: http.StatusTooManyRequests, code: "temporarily_unavailable", text: "too many requests, try again later", after: after}
}

// broken answers a person when something failed.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, err error) {
	f := s.faultOf(r, err)
	if f.status < 500 {
		pages.Write(w, f.status, pages.Problem{Title: "That request can't be read", Text: "Nothing was done.", Next: "/", Label: "Start again"})
		return
	}
	pages.Write(w, f.status, pages.Problem{Title: "akos could not do that", Text: "Something failed on this server. Its log says what. Try again in a while.", Next: "/", Label: "Start again"})
}

// quoted returns what a stranger wrote as it may stand in a log: on one line,
// in quotes, and not for long.
func quoted(text string) string {
	const most = 64
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strconv.QuoteToASCII(text)
}
