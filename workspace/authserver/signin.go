package authserver

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"example.com/akos/internal/crowd"
	"example.com/akos/workspace"
	"example.com/akos/workspace/pages"
)

// A session is that of a browser whose person has signed in.
type session struct{ user, stamp string }

// A visitor is a person who has signed in.
type visitor struct {
	session     string // hash of the cookie
	user, stamp string
	tenants     []string
}

// stamp changes with whatever ends the sessions of an account: its removal and
// its password.
func stamp(u workspace.User) string {
	return hash(u.Password + " " + u.Created.UTC().String())
}

// cookieName has, where it can, the prefix by which browsers refuse to let
// another host or an unencrypted page set it (RFC 6265bis section 4.1.3.2).
// Where it can't, it has the port: cookies are shared by the ports of a host.
func (s *Server) cookieName() string {
	if s.secure {
		return "__Host-akos"
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.Issuer, "http://"))
	return strings.TrimSuffix("akos-"+port, "-")
}

func (s *Server) setCookie(w http.ResponseWriter, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	})
}

// seen returns who sent r. ok is false if that is nobody who has signed in.
func (s *Server) seen(r *http.Request) (v visitor, ok bool, err error) {
	cookie, err := r.Cookie(s.cookieName())
	if err != nil {
		return v, false, nil
	}
	v.session = hash(cookie.Value)
	in, ok := s.sessions.get(v.session)
	if !ok {
		return v, false, nil
	}
	err = s.Store.Read(r.Context(), func(tx workspace.Tx) error {
		users, err := tx.Users(in.user)
		if err != nil {
			return err
		}
		if ok = len(users) == 1 && in.user != "" && stamp(users[0]) == in.stamp; !ok {
			return nil
		}
		vouch(r.Context())
		v.user, v.stamp = in.user, in.stamp
		v.tenants, err = workspace.TenantsOf(tx, in.user)
		return err
	})
	return v, ok && err == nil, err
}

// visitor returns who sent r, or sends the browser to sign in first, and then
// on to next.
func (s *Server) visitor(w http.ResponseWriter, r *http.Request, next string) (visitor, bool) {
	v, ok, err := s.seen(r)
	if err != nil {
		s.broken(w, r, err)
		return v, false
	}
	if !ok {
		to := "/signin"
		if next = localNext(next); next != "/" {
			to += "?next=" + url.QueryEscape(next)
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
	return v, ok
}

// localNext returns next if it is a page of ours that one can go on to, and
// "/" otherwise.
//
// RFC 9700 section 2.1: "Clients and authorization servers MUST NOT expose URLs
// that forward the user's browser to arbitrary URIs obtained from a query
// parameter (open redirectors)".
func localNext(next string) string {
	u, err := url.Parse(next)
	if err != nil || len(next) > maxNext || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || u.Fragment != "" {
		return "/"
	}
	if u.EscapedPath() != "/device" && u.EscapedPath() != "/oauth/authorize" {
		return "/"
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "/"
	}
	// Written anew from what was understood.
	return (&url.URL{Path: u.Path, RawQuery: q.Encode()}).String()
}

// maxNext bounds a path to go on to, and so an authorization request.
const maxNext = 8 << 10

func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request) {
	p, err := readParams(r.URL.RawQuery)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	pages.Write(w, http.StatusOK, pages.SignIn{Next: localNext(p["next"])})
}

// signIn checks the password and starts a session.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	p, err := readForm(r)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	// Those that wait here are not counted as failures meanwhile.
	at := s.from(r)
	if !s.queue.enter(at) {
		w.Header().Set("Retry-After", "5")
		pages.Write(w, http.StatusServiceUnavailable, pages.Problem{
			Title: "Too many people sign in just now", Text: "Wait a few seconds and try again.", Next: "/signin", Label: "Try again",
		})
		return
	}
	defer s.queue.leave(at)
	// They are few, and those that wait for longest are the next.
	defer crowd.Hold(r.Context())()
	select {
	case s.checking <- struct{}{}:
		defer func() { <-s.checking }()
	case <-r.Context().Done():
		return
	}
	user := strings.ToLower(p["user"])
	from := at + " " + hash(user)
	if !s.failures.take(from) {
		s.Log.WarnContext(r.Context(), "passwords are being guessed", "from", quoted(s.address(r)))
		tooMany(w, "Too many sign-ins with this name failed from where you are. Wait ten minutes.")
		return
	}
	err = s.CheckPassword(r.Context(), user, workspace.NewSecret([]byte(p["password"])))
	if e := workspace.Explain(err); err != nil && (e.Kind == workspace.Denied || e.Kind == workspace.Invalid) {
		s.Log.InfoContext(r.Context(), "a sign-in failed", "from", quoted(s.address(r)))
		pages.Write(w, http.StatusUnprocessableEntity, pages.SignIn{
			User: p["user"], Next: localNext(p["next"]),
			Problem: "The name or the password is not right, or there were too many tries. After many of them an account is closed for a while.",
		})
		return
	}
	s.failures.give(from)
	if err == nil {
		err = s.begin(w, r, user)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	// No redirect: where the next page answers with one to a client, a browser
	// would hold it to what this form may lead to, and stop.
	pages.Write(w, http.StatusOK, pages.SignedIn{User: user, Next: localNext(p["next"])})
}

// begin starts a session of user in the place of whichever the browser had: a
// cookie that somebody planted before is worth nothing.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, user string) error {
	in := session{user: user}
	err := s.Store.Read(r.Context(), func(tx workspace.Tx) error {
		users, err := tx.Users(user)
		if err == nil && (user == "" || len(users) != 1) {
			err = errors.New("the account is gone")
		}
		if err == nil {
			in.stamp = stamp(users[0])
		}
		return err
	})
	if err != nil {
		return err
	}
	s.end(r)
	cookie := random()
	if !s.sessions.put(hash(cookie), user, in) {
		return workspace.Errorf(workspace.Unavailable, "too many browsers are signed in")
	}
	s.setCookie(w, cookie, int(sessionLife.Seconds()))
	return nil
}

// end ends the session of the browser that sent r.
func (s *Server) end(r *http.Request) {
	for _, cookie := range r.CookiesNamed(s.cookieName()) {
		s.sessions.remove(hash(cookie.Value))
	}
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	s.end(r)
	s.setCookie(w, "", -1)
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}

func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	v, ok, err := s.seen(r)
	switch {
	case err != nil:
		s.broken(w, r, err)
	case ok:
		pages.Write(w, http.StatusOK, pages.Problem{Title: "You are signed in", Text: "As " + v.user + ".", Next: "/device", Label: "Enter a code"})
	default:
		pages.Write(w, http.StatusOK, pages.Problem{Title: "This is akos", Text: "It keeps the credentials of a workspace. Sign in to let a client act for you.", Next: "/signin", Label: "Sign in"})
	}
}
