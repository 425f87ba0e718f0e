package akostest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// An Endpoint is a place at which an [AuthServer] answers.
type Endpoint string

// The endpoints.
const (
	Resource Endpoint = "/.well-known/oauth-protected-resource"   // RFC 9728
	Metadata Endpoint = "/.well-known/oauth-authorization-server" // RFC 8414
	OpenID   Endpoint = "/.well-known/openid-configuration"
	Device   Endpoint = "/device_authorization"
	Token    Endpoint = "/token"
	Revoke   Endpoint = "/revoke"
	Userinfo Endpoint = "/userinfo"
	Whoami   Endpoint = "/api/v1/whoami" // of the workspace server
)

// An AuthServer is a workspace server and its authorization server. It is
// strict: it answers slow_down to whoever polls too fast, lets no code and no
// rotated refresh token be used twice, and compares code verifiers. Next,
// Always and Edit make it do what real servers won't.
//
// Every refusal repeats the whole request in its error_description.
//
// The fields are set before the first request.
type AuthServer struct {
	Server, Issuer string        // addresses: both https://vault.test
	Without        []Endpoint    // not there: answers 404 and is in no metadata
	PKCE           bool          // offers S256, and then insists on it
	IDToken        bool          // gives one with each access token
	NoRefresh      bool          // gives no refresh token
	NoRotation     bool          // a refresh gives no new refresh token
	Interval       int           // in seconds; 0: none is told, and 5 is meant
	ExpiresIn      int           // of a device code, in seconds
	Skew           time.Duration // by how much its clock is wrong
	User, Tenant   string
	Tenants        []string

	mu      sync.Mutex
	next    map[Endpoint][]Answer
	always  map[Endpoint]Answer
	edits   map[Endpoint]func(map[string]any)
	seen    []Request
	secrets []string
	devices map[string]*device // by device code
	refresh map[string]bool    // whether one is good
	access  map[string]bool
	serving
}

// A Request is one that came.
type Request struct {
	Endpoint Endpoint
	At       time.Time
	Header   http.Header
	Form     url.Values
}

type device struct {
	client, scope, resource, challenge, user string
	interval                                 time.Duration
	expires, polled                          time.Time
	approved, denied, used                   bool
}

// NewAuthServer returns a server that is reached by its Transport alone. It
// ends with the test, and may be made in a bubble of testing/synctest.
func NewAuthServer(t testing.TB) *AuthServer {
	s := &AuthServer{
		Server: "https://vault.test", Issuer: "https://vault.test", ExpiresIn: 600, Interval: 5,
		User: "ada", Tenant: "acme", Tenants: []string{"acme", "zeta"},
		next: map[Endpoint][]Answer{}, always: map[Endpoint]Answer{}, edits: map[Endpoint]func(map[string]any){},
		devices: map[string]*device{}, refresh: map[string]bool{}, access: map[string]bool{},
	}
	s.serve(t, s)
	return s
}

// Next gives the answers to the next requests at an endpoint, one each; nil is
// the right one.
func (s *AuthServer) Next(e Endpoint, answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next[e] = append(s.next[e], answers...)
}

// Always gives the answer to all requests at an endpoint; nil is the right
// one.
func (s *AuthServer) Always(e Endpoint, a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always[e] = a
}

// Edit changes every document that an endpoint gives.
func (s *AuthServer) Edit(e Endpoint, edit func(doc map[string]any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.edits[e] = edit
}

// Approve is the person who enters a user code and says yes.
func (s *AuthServer) Approve(userCode string) { s.decide(userCode, true) }

// Deny is the person who says no.
func (s *AuthServer) Deny(userCode string) { s.decide(userCode, false) }

func (s *AuthServer) decide(userCode string, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.devices {
		if d.user == userCode {
			d.approved, d.denied = yes, !yes
			return
		}
	}
	panic("akostest: no such user code")
}

// Requests returns what came at an endpoint, in order.
func (s *AuthServer) Requests(e Endpoint) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.seen), func(r Request) bool { return r.Endpoint != e })
}

// Secrets returns every token and code that was given out or came in.
func (s *AuthServer) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.secrets)
}

// ServeHTTP answers for both servers, by host and path.
func (s *AuthServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	e, known := s.endpoint(r)
	s.mu.Lock()
	s.seen = append(s.seen, Request{e, time.Now(), r.Header.Clone(), r.PostForm})
	for _, name := range []string{"device_code", "code_verifier", "refresh_token", "token"} {
		if v := r.PostForm.Get(name); v != "" {
			s.secrets = append(s.secrets, v)
		}
	}
	answer := s.always[e]
	if queue := s.next[e]; len(queue) > 0 {
		answer, s.next[e] = queue[0], queue[1:]
	}
	s.mu.Unlock()
	w.Header().Set("Date", time.Now().Add(s.Skew).UTC().Format(http.TimeFormat))
	switch {
	case answer != nil:
		answer(w, r)
	case !known || slices.Contains(s.Without, e):
		http.Error(w, "there is no such page", http.StatusNotFound)
	default:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.right(e, w, r)
	}
}

// endpoint says at which endpoint a request came.
func (s *AuthServer) endpoint(r *http.Request) (Endpoint, bool) {
	server, issuer := mustParse(s.Server), mustParse(s.Issuer)
	under := strings.TrimSuffix(issuer.Path, "/")
	for _, e := range []struct {
		Endpoint
		at   *url.URL
		path string
	}{
		{Resource, server, string(Resource) + strings.TrimSuffix(server.Path, "/")},
		{Whoami, server, strings.TrimSuffix(server.Path, "/") + string(Whoami)},
		{Metadata, issuer, string(Metadata) + under},
		{OpenID, issuer, under + string(OpenID)},
		{Device, issuer, under + string(Device)},
		{Token, issuer, under + string(Token)},
		{Revoke, issuer, under + string(Revoke)},
		{Userinfo, issuer, under + string(Userinfo)},
	} {
		if r.Host == e.at.Host && r.URL.Path == e.path {
			return e.Endpoint, true
		}
	}
	return Endpoint(r.URL.Path), false
}

// right gives the right answer; the caller holds the lock.
func (s *AuthServer) right(e Endpoint, w http.ResponseWriter, r *http.Request) {
	switch e {
	case Resource:
		s.write(w, e, map[string]any{"resource": s.Server, "authorization_servers": []string{s.Issuer}})
	case Metadata, OpenID:
		s.write(w, e, s.metadata())
	case Device:
		s.authorize(w, r)
	case Token:
		s.token(w, r)
	case Revoke:
		delete(s.refresh, r.PostForm.Get("token"))
		delete(s.access, r.PostForm.Get("token"))
		w.WriteHeader(http.StatusOK)
	case Userinfo, Whoami:
		if !s.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] {
			Refuse(http.StatusUnauthorized, "invalid_token")(w, r)
			return
		}
		if e == Userinfo {
			s.write(w, e, map[string]any{"sub": s.User, "tenant_id": s.Tenant, "tenants": s.Tenants})
			return
		}
		s.write(w, e, map[string]any{"userId": s.User, "tenantId": s.Tenant, "tenants": s.Tenants})
	}
}

func (s *AuthServer) metadata() map[string]any {
	doc := map[string]any{"issuer": s.Issuer, "response_types_supported": []string{"code"}}
	for name, e := range map[string]Endpoint{
		"device_authorization_endpoint": Device, "token_endpoint": Token,
		"revocation_endpoint": Revoke, "userinfo_endpoint": Userinfo,
	} {
		if !slices.Contains(s.Without, e) {
			doc[name] = strings.TrimSuffix(s.Issuer, "/") + string(e)
		}
	}
	if s.PKCE {
		doc["code_challenge_methods_supported"] = []string{"S256"}
	}
	return doc
}

func (s *AuthServer) authorize(w http.ResponseWriter, r *http.Request) {
	d := &device{
		client: r.PostForm.Get("client_id"), scope: r.PostForm.Get("scope"),
		resource: r.PostForm.Get("resource"), challenge: r.PostForm.Get("code_challenge"),
		user: "FAKE-" + rand.Text()[:4], interval: 5 * time.Second,
		expires: time.Now().Add(time.Duration(s.ExpiresIn) * time.Second),
	}
	if s.Interval > 0 {
		d.interval = time.Duration(s.Interval) * time.Second
	}
	if s.PKCE && (d.challenge == "" || r.PostForm.Get("code_challenge_method") != "S256") {
		Refuse(http.StatusBadRequest, "invalid_request")(w, r)
		return
	}
	code := s.issue("device")
	s.devices[code] = d
	doc := map[string]any{
		"device_code": code, "user_code": d.user, "expires_in": s.ExpiresIn,
		"verification_uri": s.Issuer + "/device", "verification_uri_complete": s.Issuer + "/device?user_code=" + d.user,
	}
	if s.Interval > 0 {
		doc["interval"] = s.Interval
	}
	s.write(w, Device, doc)
}

func (s *AuthServer) token(w http.ResponseWriter, r *http.Request) {
	if r.PostForm.Get("grant_type") == "refresh_token" {
		old := r.PostForm.Get("refresh_token")
		if !s.refresh[old] {
			Refuse(http.StatusBadRequest, "invalid_grant")(w, r)
			return
		}
		s.refresh[old] = s.NoRotation
		s.write(w, Token, s.tokens(r.PostForm.Get("client_id"), !s.NoRotation))
		return
	}
	d, code := s.devices[r.PostForm.Get("device_code")], ""
	now := time.Now()
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	switch {
	case d == nil || d.used || d.client != r.PostForm.Get("client_id") || d.resource != r.PostForm.Get("resource"),
		d.challenge != "" && base64.RawURLEncoding.EncodeToString(sum[:]) != d.challenge:
		code = "invalid_grant"
	case !now.Before(d.expires):
		code = "expired_token"
	case now.Sub(d.polled) < d.interval:
		code = "slow_down"
		d.interval += 5 * time.Second
	case d.denied:
		code = "access_denied"
	case !d.approved:
		code = "authorization_pending"
	}
	if d != nil {
		d.polled = now
	}
	if code != "" {
		Refuse(http.StatusBadRequest, code)(w, r)
		return
	}
	d.used = true
	doc := s.tokens(d.client, !s.NoRefresh)
	doc["scope"] = d.scope
	s.write(w, Token, doc)
}

func (s *AuthServer) tokens(client string, refresh bool) map[string]any {
	access := s.issue("access")
	s.access[access] = true
	doc := map[string]any{"access_token": access, "token_type": "bearer", "expires_in": 3600}
	if refresh {
		token := s.issue("refresh")
		s.refresh[token] = true
		doc["refresh_token"] = token
	}
	if s.IDToken {
		now := time.Now().Add(s.Skew).Unix()
		doc["id_token"] = s.keep(JWT("JWT", map[string]any{
			"iss": s.Issuer, "sub": s.User, "aud": client, "iat": now, "exp": now + 3600,
			"tenant_id": s.Tenant, "tenants": s.Tenants,
		}))
	}
	return doc
}

// issue returns a new token, which looks like none that is real.
func (s *AuthServer) issue(kind string) string {
	return s.keep("fake-" + kind + "-" + rand.Text())
}

func (s *AuthServer) keep(token string) string {
	s.secrets = append(s.secrets, token)
	return token
}

// write gives a document, edited.
func (s *AuthServer) write(w http.ResponseWriter, e Endpoint, doc map[string]any) {
	if edit := s.edits[e]; edit != nil {
		edit(doc)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(doc)
}

// JWT returns a token of that type with those claims and without a signature.
func JWT(typ string, claims map[string]any) string {
	part := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	return part(map[string]any{"alg": "none", "typ": typ}) + "." + part(claims) + ".fake"
}

func mustParse(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return u
}
