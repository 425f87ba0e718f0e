package authserver

import (
	"context"
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"

	"example.com/akos/workspace"
	"example.com/akos/workspace/pages"
)

// setup holds the one-time path of the first account.
type setup struct {
	sync.Mutex
	key string // "" before it was asked for, and once it was used
}

// SetupPath returns the path under which the first account can be made, while
// there is none. Whoever has it may: it belongs on the terminal of whoever
// started the server, and nowhere else. It ends with the process.
func (s *Server) SetupPath() (path string, needed bool, err error) {
	needed, err = s.empty(context.Background())
	if err != nil || !needed {
		return "", false, err
	}
	s.setup.Lock()
	defer s.setup.Unlock()
	if s.setup.key == "" {
		s.setup.key = random()
	}
	return "/setup/" + s.setup.key, true, nil
}

// empty reports whether there is no account.
func (s *Server) empty(ctx context.Context) (empty bool, err error) {
	err = s.Store.Read(ctx, func(tx workspace.Tx) error {
		users, err := tx.Users("")
		empty = len(users) == 0
		return err
	})
	return empty, err
}

// opens reports whether the path of r is the one-time one, and answers if not.
func (s *Server) opens(w http.ResponseWriter, r *http.Request) bool {
	s.setup.Lock()
	key := s.setup.key
	s.setup.Unlock()
	empty, err := s.empty(r.Context())
	switch {
	case err != nil:
		s.broken(w, r, err)
	case key == "" || !empty || subtle.ConstantTimeCompare([]byte(hash(key)), []byte(hash(r.PathValue("key")))) != 1:
		pages.Write(w, http.StatusNotFound, pages.Problem{
			Title: "This link opens nothing",
			Text:  "It works once, and only until the server stops. Look at the terminal where akos serve runs.",
			Next:  "/signin", Label: "Sign in",
		})
	default:
		return true
	}
	return false
}

func (s *Server) showSetup(w http.ResponseWriter, r *http.Request) {
	if s.opens(w, r) {
		pages.Write(w, http.StatusOK, pages.Setup{MinPassword: workspace.MinPassword})
	}
}

// setUp makes the first account and signs it in.
func (s *Server) setUp(w http.ResponseWriter, r *http.Request) {
	p, err := readForm(r)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if !s.opens(w, r) {
		return
	}
	user := strings.ToLower(p["user"])
	if p["password"] != p["again"] {
		pages.Write(w, http.StatusUnprocessableEntity, pages.Setup{MinPassword: workspace.MinPassword, User: p["user"], Problem: "The two passwords are not the same."})
		return
	}
	err = s.SetUp(r.Context(), user, workspace.NewSecret([]byte(p["password"])))
	switch e := workspace.Explain(err); {
	case err != nil && e.Kind == workspace.Invalid:
		pages.Write(w, http.StatusUnprocessableEntity, pages.Setup{MinPassword: workspace.MinPassword, User: p["user"], Problem: sentence(e.Msg)})
		return
	case err != nil && e.Kind == workspace.Conflict:
		pages.Write(w, http.StatusConflict, pages.Problem{Title: "akos is set up already", Text: "There is an account. Sign in with it.", Next: "/signin", Label: "Sign in"})
		return
	case err == nil:
		s.setup.Lock()
		s.setup.key = ""
		s.setup.Unlock()
		err = s.begin(w, r, user)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// sentence returns the message of an error as a sentence.
func sentence(msg string) string {
	if msg == "" {
		return msg
	}
	return strings.ToUpper(msg[:1]) + msg[1:] + "."
}
