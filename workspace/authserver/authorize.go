package authserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"example.com/akos/workspace/pages"
)

// A request is an authorization request, RFC 6749 section 4.1.1, that is right.
type request struct {
	redirect  *url.URL // where the answer goes
	given     string   // as it was given; "" if it was left out
	state     string
	challenge string
}

// A code is an authorization code that was given out.
type code struct {
	grant     grant
	given     string
	challenge string
	until     time.Time
	use       use
}

var (
	// RFC 7636 section 4.1: "code-verifier = 43*128unreserved".
	verifierForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`) })
	// RFC 7636 section 4.2: 43 characters are what SHA-256 comes to.
	challengeForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`) })
)

// authorize is the authorization endpoint: it asks the person.
//
// RFC 6749 section 4.1.2.1: "If the request fails due to a missing, invalid, or
// mismatching redirection URI, or if the client identifier is missing or
// invalid, the authorization server SHOULD inform the resource owner of the
// error and MUST NOT automatically redirect the user-agent to the invalid
// redirection URI."
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.RawQuery) > maxNext-len("/oauth/authorize?") {
		s.unasked(w, http.StatusRequestURITooLong, "Its request is too long.")
		return
	}
	p, wrong := readParams(r.URL.RawQuery)
	c, ok, err := s.client(r.Context(), p["client_id"])
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if !ok {
		s.unasked(w, http.StatusBadRequest, "It is not registered here.")
		return
	}
	redirect := c.redirect(p["redirect_uri"])
	if redirect == nil {
		s.unasked(w, http.StatusBadRequest, "It wants the answer to go to an address that it did not register.")
		return
	}
	// RFC 9700 section 4.11.2: "The authorization server MUST always
	// authenticate the user first and, with the exception of the silent
	// authentication use case, prompt the user for credentials when needed,
	// before redirecting the user."
	v, in := s.visitor(w, r, "/oauth/authorize?"+r.URL.RawQuery)
	if !in {
		return
	}
	q, err := s.readRequest(c, p)
	if wrong != nil {
		err = wrong
	}
	q.request.redirect, q.request.given = redirect, p["redirect_uri"]
	if f := (*fault)(nil); errors.As(err, &f) {
		// The same section: it "SHOULD only automatically redirect the user
		// agent if it trusts the redirection URI". Anybody can register one;
		// those on this machine lead nobody astray.
		if loopback(redirect) {
			s.respond(w, r, q.request, url.Values{"error": {f.code}, "error_description": {f.text}})
		} else {
			s.unasked(w, f.status, "Its request is not right: "+f.code+", "+f.text+".")
		}
		return
	}
	s.ask(w, r, v, q, pages.Approve{
		Action: "/oauth/authorize/approve", From: s.address(r),
		Redirect: redirect.Scheme + "://" + redirect.Host,
	})
}

// readRequest reads what an authorization request asks for.
func (s *Server) readRequest(c client, p params) (question, error) {
	q := question{client: c, request: &request{state: p["state"], challenge: p["code_challenge"]}}
	// RFC 6749 section 3.1.1: "If an authorization request is missing the
	// 'response_type' parameter, or if the response type is not understood,
	// the authorization server MUST return an error response".
	switch p["response_type"] {
	case "code":
	case "":
		return q, refuse("invalid_request", "response_type is missing")
	default:
		return q, refuse("unsupported_response_type", "the response type is code")
	}
	// RFC 9700 section 2.1.1: public clients must use PKCE. RFC 7636 section
	// 4.4.1: "If the server requires Proof Key for Code Exchange (PKCE) by
	// OAuth public clients and the client does not send the 'code_challenge'
	// in the request, the authorization endpoint MUST return the authorization
	// error response with the 'error' value set to 'invalid_request'."
	if !challengeForm().MatchString(p["code_challenge"]) {
		return q, refuse("invalid_request", "a code_challenge is required, of 43 characters")
	}
	// Section 4.3: it "defaults to 'plain' if not present in the request",
	// which is not supported.
	if p["code_challenge_method"] != "S256" {
		return q, refuse("invalid_request", "the code_challenge_method is S256")
	}
	var ok bool
	if q.audience, ok = s.audience(p["resource"]); !ok {
		return q, refuse("invalid_target", "tokens are not given out for this resource")
	}
	var err error
	q.scopes, err = readScope(p["scope"], c.scope)
	return q, err
}

// redirect returns where an answer to c may go that asks for text, or nil.
//
// RFC 9700 section 2.1: "authorization servers MUST utilize exact string
// matching except for port numbers in localhost redirection URIs of native
// apps". RFC 6749 section 3.1.2.3: with one registered it may be left out.
func (c client) redirect(text string) *url.URL {
	if text == "" && len(c.RedirectURIs) == 1 {
		text = c.RedirectURIs[0]
	}
	want := readRedirect(text)
	if want == nil {
		return nil
	}
	for _, registered := range c.RedirectURIs {
		if text == registered {
			return want
		}
		if u := readRedirect(registered); u != nil && loopback(u) && u.Hostname() == want.Hostname() {
			if u.Host = want.Host; u.String() == text {
				return want
			}
		}
	}
	return nil
}

// unasked tells the person of a client that may not be answered.
func (s *Server) unasked(w http.ResponseWriter, status int, why string) {
	pages.Write(w, status, pages.Problem{Title: "The client that sent you here made a mistake", Text: why + " Nothing was done."})
}

// respond sends the browser back to the client.
//
// RFC 6749 section 4.1.2.1: "state REQUIRED if a 'state' parameter was present
// in the client authorization request. The exact value received from the
// client." RFC 9207 section 2: "In authorization responses to the client,
// including error responses, an authorization server supporting this
// specification MUST indicate its identity by including the 'iss' parameter in
// the response." RFC 6749 section 3.1.2: a query of the redirection URI "MUST
// be retained when adding additional query parameters".
func (s *Server) respond(w http.ResponseWriter, r *http.Request, q *request, answer url.Values) {
	answer.Set("iss", s.Issuer)
	if q.state != "" {
		answer.Set("state", q.state)
	}
	to := *q.redirect
	if to.RawQuery != "" {
		to.RawQuery += "&"
	}
	to.RawQuery += answer.Encode()
	// RFC 9700 section 4.12: servers "that redirect a request that potentially
	// contains the user's credentials MUST NOT use the HTTP 307 (Temporary
	// Redirect) status code".
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// decideAuthorization takes the person's decision to the client.
func (s *Server) decideAuthorization(w http.ResponseWriter, r *http.Request) {
	q, g, ok := s.decision(w, r, func(q question) bool { return q.request != nil })
	if !ok {
		return
	}
	if g == nil {
		s.respond(w, r, q.request, url.Values{"error": {"access_denied"}, "error_description": {"the person said no"}})
		return
	}
	text := random()
	// RFC 6749 section 4.1.2: "The authorization code MUST expire shortly after
	// it is issued", and is "bound to the client identifier and redirection
	// URI".
	given := code{grant: *g, given: q.request.given, challenge: q.request.challenge, until: s.Now().Add(codeLife)}
	if !s.codes.put(hash(text), g.user, given) {
		s.respond(w, r, q.request, url.Values{"error": {"temporarily_unavailable"}})
		return
	}
	s.respond(w, r, q.request, url.Values{"code": {text}})
}

// redeemCode exchanges an authorization code, RFC 6749 section 4.1.3.
func (s *Server) redeemCode(ctx context.Context, c client, p params) (any, error) {
	if p["code"] == "" {
		return nil, refuse("invalid_request", "code is missing")
	}
	if p["code_verifier"] == "" {
		return nil, refuse("invalid_request", "code_verifier is missing")
	}
	key := hash(p["code"])
	var it code
	var mine, late bool
	if !s.codes.edit(key, func(c *code) {
		late = !s.Now().Before(c.until) && c.use.ended == nil
		if !late {
			_, mine = c.use.begin()
		}
		it = *c
	}) || late {
		return nil, errGrant
	}
	if !mine {
		return nil, s.again(ctx, it.use, it.grant)
	}
	// From here on the code is used up whatever is wrong: it has leaked, or its
	// client is broken.
	defer close(it.use.ended)
	vouch(ctx)
	if err := s.fits(it, c, p); err != nil {
		return nil, err
	}
	a, err := s.login(ctx, it.grant)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// fits returns nil if the code is exchanged as it was asked for.
func (s *Server) fits(it code, c client, p params) error {
	// RFC 6749 section 4.1.3: "ensure that the authorization code was issued
	// to the authenticated confidential client, or if the client is public,
	// ensure that the code was issued to 'client_id' in the request", and
	// "ensure that the 'redirect_uri' parameter is present if the
	// 'redirect_uri' parameter was included in the initial authorization
	// request … and if included ensure that their values are identical."
	if it.grant.client != c.ID || it.given != p["redirect_uri"] {
		return errGrant
	}
	// RFC 7636 section 4.6: "If the values are not equal, an error response
	// indicating 'invalid_grant' as described in Section 5.2 of [RFC6749] MUST
	// be returned."
	sum := sha256.Sum256([]byte(p["code_verifier"]))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	if !verifierForm().MatchString(p["code_verifier"]) || subtle.ConstantTimeCompare([]byte(challenge), []byte(it.challenge)) != 1 {
		return errGrant
	}
	// RFC 8707 section 2.2: the resource of the token request is one of those
	// of the authorization request.
	if audience, ok := s.audience(p["resource"]); p["resource"] != "" && (!ok || audience != it.grant.audience) {
		return refuse("invalid_target", "the code is for another resource")
	}
	return nil
}
