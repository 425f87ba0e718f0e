package issuer_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/issuer"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

const audience = "https://akos.example.com"

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// ours are the keys of the test, made once.
var ours = sync.OnceValue(func() (k struct {
	rsa, stranger *rsa.PrivateKey
	ec            *ecdsa.PrivateKey
	ed            ed25519.PrivateKey
}) {
	var errs [4]error
	k.rsa, errs[0] = rsa.GenerateKey(rand.Reader, 2048)
	k.stranger, errs[1] = rsa.GenerateKey(rand.Reader, 2048)
	k.ec, errs[2] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, k.ed, errs[3] = ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(errs[:]...); err != nil {
		panic(err)
	}
	return k
})

// An idp is an identity provider with knobs.
type idp struct {
	url    string
	mu     sync.Mutex
	keys   []oidctest.PublicKey
	asked  map[string]int
	faults map[string]http.HandlerFunc // by path
}

const (
	discovery  = "/.well-known/openid-configuration"
	keys       = "/keys"
	introspect = "/introspect"
)

func newIDP(t *testing.T) *idp {
	p := &idp{asked: map[string]int{}, faults: map[string]http.HandlerFunc{}}
	k := ours()
	p.keys = []oidctest.PublicKey{{PublicKey: k.rsa.Public(), KeyID: "r", Algorithm: "RS256"}, {PublicKey: k.ec.Public(), KeyID: "e", Algorithm: "ES256"}, {PublicKey: k.ed.Public(), KeyID: "d", Algorithm: "EdDSA"}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked[r.URL.Path]++
		fault, inner := p.faults[r.URL.Path], &oidctest.Server{PublicKeys: slices.Clone(p.keys)}
		p.mu.Unlock()
		inner.SetIssuer(p.url)
		switch {
		case fault != nil:
			fault(w, r)
		case r.URL.Path == discovery:
			rec := httptest.NewRecorder()
			inner.ServeHTTP(rec, r)
			var doc map[string]any
			_ = json.Unmarshal(rec.Body.Bytes(), &doc)
			doc["introspection_endpoint"] = p.url + introspect
			_ = json.NewEncoder(w).Encode(doc)
		default:
			inner.ServeHTTP(w, r)
		}
	}))
	p.url = s.URL
	t.Cleanup(s.Close)
	return p
}

func (p *idp) fault(path string, h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[path] = h
}

func (p *idp) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

func (p *idp) verifier(t *testing.T, change ...func(*issuer.Options)) *issuer.Verifier {
	t.Helper()
	o := issuer.Options{Issuer: p.url, Audience: audience, Now: func() time.Time { return now }}
	for _, c := range change {
		c(&o)
	}
	v, err := issuer.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// claims returns those of a good token, changed; nil takes one away.
func (p *idp) claims(change map[string]any) string {
	c := map[string]any{"iss": p.url, "aud": audience, "sub": "ada", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "tenant_id": "acme", "scope": "read"}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	b, _ := json.Marshal(c)
	return string(b)
}

func (p *idp) token(change map[string]any) string {
	return oidctest.SignIDToken(ours().rsa, "r", "RS256", p.claims(change))
}

func answers(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func is(t *testing.T, name string, err error, want workspace.Kind) {
	t.Helper()
	if e := workspace.Explain(err); err == nil || e.Kind != want || strings.Contains(err.Error(), "hidden-fake") {
		t.Errorf("%s: %v, want %v (%v)", name, e.Kind, want, err)
	}
}

// TestSignatures: a token counts if the issuer signed it, with a key that it
// publishes.
func TestSignatures(t *testing.T) {
	p := newIDP(t)
	v := p.verifier(t)
	k := ours()
	good := p.claims(nil)
	sign := func(key crypto.PrivateKey, kid, alg string) string { return oidctest.SignIDToken(key, kid, alg, good) }
	for name, token := range map[string]string{
		"RS256": sign(k.rsa, "r", "RS256"), "ES256": sign(k.ec, "e", "ES256"), "EdDSA": sign(k.ed, "d", "EdDSA"), "no kid": sign(k.rsa, "", "RS256"),
	} {
		id, err := v.Verify(t.Context(), token)
		if err != nil || id.UserID != "ada" || id.TenantID != "acme" || !id.ExpiresAt.Equal(now.Add(time.Hour)) {
			t.Errorf("%s: %+v %v", name, id, err)
		}
	}
	if n := p.count(keys); n != 1 {
		t.Errorf("the keys were asked for %d times", n)
	}
	if n := p.count(discovery); n != 1 {
		t.Errorf("the metadata were asked for %d times", n)
	}
	der, err := x509.MarshalPKIXPublicKey(k.rsa.Public())
	if err != nil {
		t.Fatal(err)
	}
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	whole := sign(k.rsa, "r", "RS256")
	parts := strings.Split(whole, ".")
	ecParts := strings.Split(sign(k.ec, "e", "ES256"), ".")
	for name, token := range map[string]string{
		"none":                    part(`{"alg":"none"}`) + "." + part(good) + ".",
		"None":                    part(`{"alg":"None","kid":"r"}`) + "." + part(good) + ".",
		"none with a signature":   part(`{"alg":"none"}`) + "." + part(good) + "." + parts[2],
		"no signature":            parts[0] + "." + parts[1] + ".",
		"another payload":         parts[0] + "." + part(p.claims(map[string]any{"sub": "eve"})) + "." + parts[2],
		"another header":          part(`{"alg":"RS512","kid":"r"}`) + "." + parts[1] + "." + parts[2],
		"HS256 by the public PEM": sign(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "r", "HS256"),
		"HS256 by the public DER": sign(der, "r", "HS256"),
		"a stranger's key":        sign(k.stranger, "r", "RS256"),
		"a stranger's, no kid":    sign(k.stranger, "", "RS256"),
		"a kid of another key":    sign(k.rsa, "e", "RS256"),
		"an ES256 of zeros":       ecParts[0] + "." + ecParts[1] + "." + part(strings.Repeat("\x00", 64)),
		"its own key":             part(`{"alg":"RS256","jwk":{"kty":"RSA","n":"AQ","e":"AQAB"}}`) + "." + parts[1] + "." + parts[2],
		"critical":                part(`{"alg":"RS256","kid":"r","crit":["x"],"x":1}`) + "." + parts[1] + "." + parts[2],
		"nothing":                 "", "a word": "hidden-fake-token", "dots": "..", "three words": "a.b.c", "four parts": whole + ".x", "five parts": whole + ".x.y",
		"JSON": good, "of bytes": "\x00\xff.\x00.\x00", "huge": strings.Repeat("a", 1<<20), "huge parts": strings.Repeat("a", 500<<10) + "." + strings.Repeat("b", 500<<10) + ".c",
		"many dots": strings.Repeat(".", 1<<20), "deep": part(strings.Repeat("[", 100_000)) + "." + parts[1] + "." + parts[2],
	} {
		_, err := v.Verify(t.Context(), token)
		is(t, name, err, workspace.LoginNeeded)
	}
}

// TestClaims: for whom, by whom, when, and whose.
func TestClaims(t *testing.T) {
	p := newIDP(t)
	v := p.verifier(t)
	type m = map[string]any
	for name, tt := range map[string]struct {
		change m
		want   workspace.Kind
	}{
		"another issuer":         {m{"iss": "https://evil.example"}, workspace.LoginNeeded},
		"an issuer with a slash": {m{"iss": p.url + "/"}, workspace.LoginNeeded},
		"no issuer":              {m{"iss": nil}, workspace.LoginNeeded},
		"a list of issuers":      {m{"iss": []string{p.url}}, workspace.LoginNeeded},
		"another audience":       {m{"aud": "https://other.example.com"}, workspace.LoginNeeded},
		"an audience below":      {m{"aud": audience + "/"}, workspace.LoginNeeded},
		"two in one":             {m{"aud": audience + " https://other.example.com"}, workspace.LoginNeeded},
		"no audience":            {m{"aud": nil}, workspace.LoginNeeded},
		"an empty list":          {m{"aud": []string{}}, workspace.LoginNeeded},
		"an audience of numbers": {m{"aud": []int{1}}, workspace.LoginNeeded},
		"expired":                {m{"exp": now.Add(-time.Second).Unix()}, workspace.LoginNeeded},
		"no end":                 {m{"exp": nil}, workspace.LoginNeeded},
		"an end that is text":    {m{"exp": "tomorrow"}, workspace.LoginNeeded},
		"not yet":                {m{"nbf": now.Add(10 * time.Minute).Unix()}, workspace.LoginNeeded},
		"a start that is text":   {m{"nbf": "now"}, workspace.LoginNeeded},
		"no user":                {m{"sub": nil}, workspace.LoginNeeded},
		"an empty user":          {m{"sub": ""}, workspace.LoginNeeded},
		"a number for a user":    {m{"sub": 1}, workspace.LoginNeeded},
		"a user of two lines":    {m{"sub": "ada\nroot"}, workspace.LoginNeeded},
		"a user with an escape":  {m{"sub": "\x1b[2J"}, workspace.LoginNeeded},
		"a long user":            {m{"sub": strings.Repeat("a", 201)}, workspace.LoginNeeded},
		"a number for a tenant":  {m{"tenant_id": 1}, workspace.LoginNeeded},
		"a list for a tenant":    {m{"tenant_id": []string{"acme"}}, workspace.LoginNeeded},
		"a tenant of two lines":  {m{"tenant_id": "acme\nbeta"}, workspace.LoginNeeded},
		"a tenant with a NUL":    {m{"tenant_id": "acme\x00"}, workspace.LoginNeeded},
		"text for tenants":       {m{"tenants": "acme"}, workspace.LoginNeeded},
		"an empty tenant":        {m{"tenants": []string{""}}, workspace.LoginNeeded},
		"a number for scopes":    {m{"scope": 1}, workspace.LoginNeeded},
		"numbers for scopes":     {m{"scp": []int{1}}, workspace.LoginNeeded},
		// What is a name of our own, or a part of one, is nobody's tenant.
		"local":                 {m{"tenant_id": "local"}, workspace.Denied},
		"local by tid":          {m{"tenant_id": nil, "tid": "local"}, workspace.Denied},
		"a slash":               {m{"tenant_id": "acme/beta"}, workspace.Denied},
		"a slash by org":        {m{"tenant_id": nil, "org_id": "../acme"}, workspace.Denied},
		"only a slash":          {m{"tenant_id": "/"}, workspace.Denied},
		"of a server elsewhere": {m{"tenant_id": "acme@akos.example.com"}, workspace.Denied},
	} {
		_, err := v.Verify(t.Context(), p.token(tt.change))
		is(t, name, err, tt.want)
	}
	for name, tt := range map[string]struct {
		change  m
		tenant  string
		tenants []string
		scopes  []string
	}{
		"all":                    {nil, "acme", []string{"acme"}, []string{"read"}},
		"a list of audiences":    {m{"aud": []string{"https://other.example.com", audience}}, "acme", []string{"acme"}, []string{"read"}},
		"a start in a moment":    {m{"nbf": now.Add(time.Minute).Unix()}, "acme", []string{"acme"}, []string{"read"}},
		"an end of half seconds": {m{"exp": float64(now.Unix()) + 0.5 + 60}, "acme", []string{"acme"}, []string{"read"}},
		"no tenant":              {m{"tenant_id": nil}, "default", []string{"default"}, []string{"read"}},
		"an empty one":           {m{"tenant_id": "", "tid": "t"}, "t", []string{"t"}, []string{"read"}},
		"org_id":                 {m{"tenant_id": nil, "org_id": "o"}, "o", []string{"o"}, []string{"read"}},
		"organization_id":        {m{"tenant_id": nil, "organization_id": "o"}, "o", []string{"o"}, []string{"read"}},
		"the first counts":       {m{"tid": "t", "org_id": "o"}, "acme", []string{"acme"}, []string{"read"}},
		"more tenants":           {m{"tenants": []string{"zeta", "beta"}}, "acme", []string{"acme", "beta", "zeta"}, []string{"read"}},
		"it among them":          {m{"tenants": []string{"beta", "acme"}}, "acme", []string{"acme", "beta"}, []string{"read"}},
		"Local":                  {m{"tenant_id": "Local"}, "Local", []string{"Local"}, []string{"read"}},
		"dots":                   {m{"tenant_id": ".."}, "..", []string{".."}, []string{"read"}},
		"scopes":                 {m{"scope": "openid write  admin"}, "acme", []string{"acme"}, []string{"write", "admin"}},
		"scp":                    {m{"scope": nil, "scp": []string{"read", "email"}}, "acme", []string{"acme"}, []string{"read"}},
		"both":                   {m{"scope": "read", "scp": "write"}, "acme", []string{"acme"}, []string{"read", "write"}},
		"none of ours":           {m{"scope": "openid email READ"}, "acme", []string{"acme"}, []string{"cli"}},
		"of another case":        {m{"SUB": "eve", "Tenant_ID": "evil", "tenantS": []string{"evil"}, "SCOPE": "admin", "ſub": "eve"}, "acme", []string{"acme"}, []string{"read"}},
		"none":                   {m{"scope": nil}, "acme", []string{"acme"}, []string{"cli"}},
	} {
		id, err := v.Verify(t.Context(), p.token(tt.change))
		if err != nil || id.UserID != "ada" || id.TenantID != tt.tenant || !slices.Equal(id.Tenants, tt.tenants) || !slices.Equal(id.Scopes, tt.scopes) {
			t.Errorf("%s: %+v %v", name, id, err)
		}
	}
}

// TestNamedClaims: a claim that the operator names counts instead of the usual
// one, and is asked the same things.
func TestNamedClaims(t *testing.T) {
	p := newIDP(t)
	names := func(o *issuer.Options) {
		o.Claims = workspace.Claims{User: []string{"email"}, Tenant: []string{"team"}, Tenants: []string{"teams"}}
	}
	type m = map[string]any
	all := m{"email": "ada@example.com", "team": "shop", "teams": []string{"web", "shop"}, "tid": "t", "SUB": "eve", "Tenant_ID": "evil"}
	with := func(change m) m {
		c := maps.Clone(all)
		maps.Copy(c, change)
		return c
	}
	opaque := func(o *issuer.Options) {
		names(o)
		o.Client, o.Secret = "akos", func() (string, error) { return "fake", nil }
	}
	for name, tt := range map[string]struct {
		change                m
		user, tenant, tenants string
		want                  workspace.Kind // unless it is good
	}{
		"all":                      {nil, "ada@example.com", "shop", "shop web", 0},
		"no tenant":                {m{"team": nil}, "ada@example.com", "default", "default shop web", 0},
		"no tenants":               {m{"teams": nil, "tenants": []string{"acme"}}, "ada@example.com", "shop", "shop", 0},
		"no user":                  {m{"email": nil}, "", "", "", workspace.LoginNeeded},
		"local":                    {m{"team": "local"}, "", "", "", workspace.Denied},
		"a part of a name of ours": {m{"team": "a/b"}, "", "", "", workspace.Denied},
	} {
		claims := with(tt.change)
		p.fault(introspect, func(w http.ResponseWriter, r *http.Request) {
			answer := m{"active": true, "sub": "ada", "aud": audience, "tenant_id": "acme", "scope": "read"}
			maps.Copy(answer, claims)
			maps.DeleteFunc(answer, func(_ string, v any) bool { return v == nil })
			b, _ := json.Marshal(answer)
			answers(200, "application/json", string(b))(w, r)
		})
		for kind, v := range map[string]*issuer.Verifier{"a JWT": p.verifier(t, names), "opaque": p.verifier(t, opaque)} {
			id, err := v.Verify(t.Context(), p.token(claims))
			if tt.want != 0 {
				is(t, name, err, tt.want)
			} else if err != nil || id.UserID != tt.user || id.TenantID != tt.tenant || strings.Join(id.Tenants, " ") != tt.tenants {
				t.Errorf("%s, %s: %+v %v", kind, name, id, err)
			}
		}
	}
}

// TestRotation: a key that is new is asked for, one that is gone opens nothing
// once a new one was seen. The library lets go of an answer a moment after it
// gave it, and gives it out again until then.
func TestRotation(t *testing.T) {
	p := newIDP(t)
	v := p.verifier(t)
	if _, err := v.Verify(t.Context(), p.token(nil)); err != nil {
		t.Fatal(err)
	}
	next := oidctest.SignIDToken(ours().stranger, "next", "RS256", p.claims(nil))
	_, err := v.Verify(t.Context(), next)
	is(t, "before", err, workspace.LoginNeeded)
	p.mu.Lock()
	p.keys = []oidctest.PublicKey{{PublicKey: ours().stranger.Public(), KeyID: "next", Algorithm: "RS256"}}
	p.mu.Unlock()
	until := time.Now().Add(20 * time.Second)
	for asked := p.count(keys); p.count(keys) == asked && time.Now().Before(until); {
		_, err = v.Verify(t.Context(), next)
	}
	if err != nil {
		t.Errorf("after: %v", err)
	}
	for err = nil; err == nil && time.Now().Before(until); {
		_, err = v.Verify(t.Context(), p.token(nil))
	}
	is(t, "the old key", err, workspace.LoginNeeded)
	if _, err := v.Verify(t.Context(), next); err != nil {
		t.Errorf("again: %v", err)
	}
}

func hanging(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// TestSilence: a provider that does not answer, or not as it should, makes no
// token bad and none good; and once it does answer, all is well.
func TestSilence(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"500":     answers(500, "application/json", "{}"),
		"404":     answers(404, "text/html", "<h1>hidden-fake</h1>"),
		"HTML":    answers(200, "text/html", "<h1>hidden-fake</h1>"),
		"nothing": answers(200, "application/json", ""),
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"keys":[`)
		},
		"reset":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"oversized": answers(200, "application/json", `{"x":"`+strings.Repeat("x", 1<<20)+`"}`),
		"hanging":   hanging,
		"elsewhere": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	} {
		for _, path := range []string{discovery, keys} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				p := newIDP(t)
				patience := 10 * time.Second
				if name == "hanging" {
					patience = 200 * time.Millisecond
				}
				v := p.verifier(t, func(o *issuer.Options) { o.HTTP = &http.Client{Timeout: patience} })
				p.fault(path, h)
				for range 2 {
					_, err := v.Verify(t.Context(), p.token(nil))
					is(t, name, err, workspace.Unavailable)
					if (name == "500" || name == "404") && !strings.Contains(err.Error(), name) {
						t.Errorf("the log does not say why: %v", err)
					}
				}
				if n := p.count("/elsewhere"); n != 0 {
					t.Error("a redirect was followed")
				}
				p.fault(path, nil)
				id, err := v.Verify(t.Context(), p.token(nil))
				// The library hands out what became of a question before it lets
				// go of it: who asks in that moment gets the same once more.
				for until := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(until); {
					time.Sleep(10 * time.Millisecond)
					id, err = v.Verify(t.Context(), p.token(nil))
				}
				if err != nil || id.UserID != "ada" {
					t.Errorf("once it answers: %v", err)
				}
				// What is known stays known.
				p.fault(path, h)
				if _, err := v.Verify(t.Context(), p.token(nil)); err != nil {
					t.Errorf("once it has answered: %v", err)
				}
			})
		}
	}
}

// TestMetadata: a document of another issuer, or with addresses that are not
// safe, is not used.
func TestMetadata(t *testing.T) {
	p := newIDP(t)
	for name, doc := range map[string]string{
		"another issuer": `{"issuer":"https://evil.example","jwks_uri":"` + p.url + `/keys"}`,
		"no issuer":      `{"jwks_uri":"` + p.url + `/keys"}`,
		"no keys":        `{"issuer":"` + p.url + `"}`,
		"keys in clear":  `{"issuer":"` + p.url + `","jwks_uri":"http://akos.invalid/keys"}`,
		"keys in a file": `{"issuer":"` + p.url + `","jwks_uri":"file:///etc/passwd"}`,
		"wrong types":    `{"issuer":"` + p.url + `","jwks_uri":1}`,
	} {
		p.fault(discovery, answers(200, "application/json", doc))
		_, err := p.verifier(t, p.alone(t)).Verify(t.Context(), p.token(nil))
		is(t, name, err, workspace.Unavailable)
	}
	for _, bad := range []string{"", "login.example.com", "http://login.example.com", "ftp://login.example.com", "https://", "https://u:p@login.example.com", "https://login.example.com?a=b", "https://login.example.com#a", "https://\x00"} {
		_, err := issuer.New(issuer.Options{Issuer: bad})
		is(t, bad, err, workspace.Invalid)
	}
	s := httptest.NewServer(p.verifier(t).Metadata(audience))
	defer s.Close()
	res, err := http.Get(s.URL + "/.well-known/oauth-protected-resource")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var doc struct {
		Resource string
		Servers  []string `json:"authorization_servers"`
	}
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil || doc.Resource != audience || !slices.Equal(doc.Servers, []string{p.url}) || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%+v %v", doc, err)
	}
}

// TestWaiting: nobody waits for a provider in turn, nor longer than they want.
func TestWaiting(t *testing.T) {
	p := newIDP(t)
	p.fault(discovery, hanging)
	const patience = 2 * time.Second
	v := p.verifier(t, func(o *issuer.Options) { o.HTTP = &http.Client{Timeout: patience} })
	token := p.token(nil)
	start := time.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := v.Verify(t.Context(), token)
			is(t, "all at once", err, workspace.Unavailable)
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := v.Verify(ctx, token)
	is(t, "in a hurry", err, workspace.Unavailable)
	if took := time.Since(start); took >= patience {
		t.Errorf("in a hurry: %v", took)
	}
	all.Wait()
	if took := time.Since(start); took > 10*patience {
		t.Errorf("all: %v", took)
	}
}

// TestIntrospection: what the provider says of an opaque token (RFC 7662).
func TestIntrospection(t *testing.T) {
	p := newIDP(t)
	client, password := "a client: of+ours/é%", "hidden-fake: p+s/s&w=ö%rd "
	with := func(o *issuer.Options) {
		o.Client, o.Secret = client, func() (string, error) { return password, nil }
	}
	type m = map[string]any
	good := func(change m) string {
		a := m{"active": true, "sub": "ada", "aud": audience, "exp": now.Add(time.Hour).Unix(), "tenant_id": "acme", "scope": "read write"}
		maps.Copy(a, change)
		maps.DeleteFunc(a, func(_ string, v any) bool { return v == nil })
		b, _ := json.Marshal(a)
		return string(b)
	}
	for name, tt := range map[string]struct {
		status int
		kind   string
		body   string
		want   workspace.Kind // Internal: it is good
	}{
		"active":                   {200, "application/json", good(nil), 0},
		"a charset":                {200, "application/json; charset=utf-8", good(nil), 0},
		"a list of audiences":      {200, "application/json", good(m{"aud": []string{"other", audience}}), 0},
		"no end":                   {200, "application/json", good(m{"exp": nil}), 0},
		"its issuer":               {200, "application/json", good(m{"iss": p.url}), 0},
		"not active":               {200, "application/json", `{"active":false}`, workspace.LoginNeeded},
		"not active, and all else": {200, "application/json", good(m{"active": false}), workspace.LoginNeeded},
		"nothing said":             {200, "application/json", good(m{"active": nil}), workspace.LoginNeeded},
		"an empty object":          {200, "application/json", "{}", workspace.LoginNeeded},
		"another audience":         {200, "application/json", good(m{"aud": "other"}), workspace.LoginNeeded},
		"other audiences":          {200, "application/json", good(m{"aud": []string{"other", audience + "/"}}), workspace.LoginNeeded},
		"no audience":              {200, "application/json", good(m{"aud": nil}), workspace.LoginNeeded},
		"another issuer":           {200, "application/json", good(m{"iss": "https://evil.example"}), workspace.LoginNeeded},
		"expired":                  {200, "application/json", good(m{"exp": now.Unix()}), workspace.LoginNeeded},
		"no user":                  {200, "application/json", good(m{"sub": nil}), workspace.LoginNeeded},
		"local":                    {200, "application/json", good(m{"tenant_id": "local"}), workspace.Denied},
		"active as text":           {200, "application/json", good(m{"active": "true"}), workspace.Unavailable},
		"a number for a user":      {200, "application/json", good(m{"sub": 1}), workspace.Unavailable},
		"an end that is text":      {200, "application/json", good(m{"exp": "soon"}), workspace.Unavailable},
		"a list":                   {200, "application/json", "[]", workspace.Unavailable},
		"two documents":            {200, "application/json", good(nil) + "{}", workspace.Unavailable},
		"HTML":                     {200, "text/html", "<h1>hidden-fake</h1>", workspace.Unavailable},
		"400":                      {400, "application/json", good(nil), workspace.Unavailable},
		"a bad request":            {400, "application/json", `{"error":"invalid_request"}`, workspace.Unavailable},
		"a JWT":                    {400, "application/json", `{"error":"unsupported_token_type"}`, workspace.LoginNeeded},
		"a JWT that is 401":        {401, "application/json", `{"error":"unsupported_token_type"}`, workspace.Unavailable},
		"401":                      {401, "application/json", good(nil), workspace.Unavailable},
		"403":                      {403, "application/json", good(nil), workspace.Unavailable},
		"500":                      {500, "application/json", good(nil), workspace.Unavailable},
		"huge":                     {200, "application/json", good(m{"x": strings.Repeat("x", 1<<20)}), workspace.Unavailable},
	} {
		p.fault(introspect, func(w http.ResponseWriter, r *http.Request) {
			// RFC 6749 section 2.3.1: "The client identifier is encoded using the
			// 'application/x-www-form-urlencoded' encoding algorithm [...] and the
			// encoded value is used as the username".
			user, pass, _ := r.BasicAuth()
			u, err1 := url.QueryUnescape(user)
			s, err2 := url.QueryUnescape(pass)
			if err1 != nil || err2 != nil || u != client || s != password || strings.ContainsAny(user, ": é") || strings.ContainsAny(pass, " ö") {
				t.Errorf("basic %q %q", user, pass)
			}
			_ = r.ParseForm()
			if r.Method != "POST" || r.PostForm.Get("token") != "hidden-fake-token" || len(r.URL.RawQuery) > 0 || r.Header.Get("Accept") != "application/json" {
				t.Errorf("%s %s %v", r.Method, r.URL, r.PostForm)
			}
			answers(tt.status, tt.kind, tt.body)(w, r)
		})
		id, err := p.verifier(t, with).Verify(t.Context(), "hidden-fake-token")
		if tt.want != 0 {
			is(t, name, err, tt.want)
		} else if err != nil || id.UserID != "ada" || id.TenantID != "acme" || !slices.Equal(id.Scopes, []string{"read", "write"}) {
			t.Errorf("%s: %+v %v", name, id, err)
		}
	}
	if p.count(keys) != 0 {
		t.Error("the keys were asked for")
	}
	p.fault(introspect, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	_, err := p.verifier(t, with).Verify(t.Context(), "hidden-fake-token")
	is(t, "a redirect", err, workspace.Unavailable)
	if p.count("/elsewhere") != 0 {
		t.Error("a token was sent on")
	}
	unreadable := workspace.Errorf(workspace.Unavailable, "the file can't be read")
	v := p.verifier(t, func(o *issuer.Options) { o.Client, o.Secret = client, func() (string, error) { return "", unreadable } })
	_, err = v.Verify(t.Context(), "hidden-fake-token")
	is(t, "no secret", err, workspace.Unavailable)
	for name, at := range map[string]string{"nowhere": "", "in clear": "http://akos.invalid/introspect", "a number": "1"} {
		p.fault(discovery, answers(200, "application/json", fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q,"introspection_endpoint":%q}`, p.url, p.url+keys, at)))
		_, err := p.verifier(t, with, p.alone(t)).Verify(t.Context(), "hidden-fake-token")
		is(t, name, err, workspace.Unavailable)
	}
}

// alone fails the test if anybody else is asked.
func (p *idp) alone(t *testing.T) func(*issuer.Options) {
	return func(o *issuer.Options) {
		o.HTTP = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			if "http://"+r.URL.Host != p.url {
				t.Errorf("%s is asked", r.URL)
			}
			return http.DefaultTransport.RoundTrip(r)
		})}
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
