// Package issuer checks the bearer tokens of an external identity provider,
// for a workspace server that has no accounts of its own.
//
// It does not know what a token opens. Its invariants: a token counts only if
// the issuer signed it or vouches for it, it is for this server, and it has
// not expired; a provider that does not answer makes nothing valid; no token
// is logged or repeated.
package issuer

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/akos/workspace"
	"github.com/coreos/go-oidc/v3/oidc"
)

// Options say whose tokens are taken.
type Options struct {
	Issuer   string // as its metadata names it
	Audience string // what a token must be for
	// Client and Secret authenticate introspection (RFC 7662); Secret alone is
	// a token for it, as the sidecar of another home takes one. Without both
	// tokens are JWTs.
	Client string
	Secret func() (string, error)
	Claims workspace.Claims // where a token says who its user is, if not where most do
	HTTP   *http.Client     // nil: a client with deadlines
	Now    func() time.Time
}

// A Verifier checks tokens. It is safe for concurrent use, and asks for the
// metadata of the issuer when it first needs it, so that a provider that
// starts later does no harm.
type Verifier struct {
	Options
	mu       sync.Mutex
	tokens   *oidc.IDTokenVerifier // nil until the metadata is known
	endpoint string                // of introspection
	asking   *asking               // by introspection
}

// New returns a Verifier. It connects to nothing.
func New(opts Options) (*Verifier, error) {
	u, err := url.Parse(opts.Issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !safe(u) {
		return nil, workspace.Errorf(workspace.Invalid, "--issuer is the https URL of an identity provider, as its metadata names it")
	}
	if opts.HTTP == nil {
		opts.HTTP = &http.Client{Timeout: 10 * time.Second}
	}
	client := *opts.HTTP
	client.Transport = documents{cmp.Or(client.Transport, http.DefaultTransport)}
	opts.HTTP = &client
	return &Verifier{Options: opts, asking: newAsking()}, nil
}

// safe reports whether an address is https, or http on this machine.
func safe(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && workspace.Loopback(u.Hostname())
}

// documents is the transport for what a provider says: an answer that is no
// JSON document of a size to be read, such as a redirect, is as good as none.
type documents struct{ http.RoundTripper }

// maxDocument is the size of the largest document, in bytes.
const maxDocument = 1 << 20

// noDocument is the status of an answer that is none.
type noDocument int

func (n noDocument) Error() string {
	return fmt.Sprintf("the answer has the status %d and is no JSON document of at most %d bytes", int(n), maxDocument)
}

func (d documents) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := d.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	status := res.StatusCode == http.StatusOK || res.StatusCode == http.StatusBadRequest && r.Method == http.MethodPost
	if err == nil && (!status || len(data) > maxDocument || !json.Valid(data)) {
		err = noDocument(res.StatusCode)
	}
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(data))
	return res, nil
}

// Metadata serves the RFC 9728 document of resource, which names the issuer.
func (v *Verifier) Metadata(resource string) http.Handler {
	doc, _ := json.Marshal(map[string]any{ // texts always encode
		"resource": resource, "authorization_servers": []string{v.Issuer}, "bearer_methods_supported": []string{"header"},
		"scopes_supported": []string{"cli", "read", "write", "admin"}, "resource_name": "akos",
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-protected-resource", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=300")
		_, _ = w.Write(doc) // the client has gone
	})
	return mux
}

// Verify returns whose a token is.
func (v *Verifier) Verify(ctx context.Context, token string) (workspace.Identity, error) {
	if v.Secret != nil {
		id, err := v.asking.of(ctx, token, v.Now, func() (workspace.Identity, bool, error) { return v.introspect(ctx, token) })
		if err != nil && err == ctx.Err() {
			err = v.silent(err)
		}
		return id, err
	}
	tokens, _, err := v.discover(ctx)
	if err != nil {
		return workspace.Identity{}, err
	}
	var silence error
	checked, err := tokens.Verify(context.WithValue(ctx, silenceKey{}, &silence), token)
	if silence != nil {
		return workspace.Identity{}, v.silent(silence)
	}
	if err != nil {
		return workspace.Identity{}, refused()
	}
	var c claims
	var all json.RawMessage
	if err := checked.Claims(&all); err != nil || json.Unmarshal(v.usual(all), &c) != nil {
		return workspace.Identity{}, refused()
	}
	return c.identity(checked.Expiry.UTC())
}

type silenceKey struct{}

// keys are the published keys of a provider. The library keeps of an error no
// more than its text, so the caller is told in its context if it was not the
// token that was wrong: the keys could not be had.
type keys struct{ oidc.KeySet }

func (k keys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, token)
	if e := (*url.Error)(nil); errors.As(err, &e) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		if silence, ok := ctx.Value(silenceKey{}).(*error); ok {
			*silence = err
		}
	}
	return payload, err
}

// algorithms are those of signatures that are made with a key that is not
// published. What a provider's metadata says is of its ID tokens.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// discover returns what checks the tokens of the issuer, and the address of
// introspection. Once it knows it asks no more.
func (v *Verifier) discover(ctx context.Context) (*oidc.IDTokenVerifier, string, error) {
	v.mu.Lock()
	tokens, endpoint := v.tokens, v.endpoint
	v.mu.Unlock()
	if tokens != nil {
		return tokens, endpoint, nil
	}
	// Not under the lock: nobody waits for a provider in turn.
	if v.Secret != nil && v.Client == "" {
		endpoint, err := v.sidecar(ctx)
		if err != nil {
			return nil, "", err
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.tokens, v.endpoint = &oidc.IDTokenVerifier{}, endpoint // which nothing asks
		return v.tokens, endpoint, nil
	}
	ctx = oidc.ClientContext(ctx, v.HTTP)
	provider, err := oidc.NewProvider(ctx, v.Issuer)
	if err != nil {
		return nil, "", v.silent(err)
	}
	var more struct {
		Introspection string `json:"introspection_endpoint"`
		Keys          string `json:"jwks_uri"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, "", v.silent(err)
	}
	if v.Client != "" {
		if u, err := url.Parse(more.Introspection); err != nil || !safe(u) {
			return nil, "", workspace.Errorf(workspace.Unavailable, "the identity provider has no introspection endpoint: leave out --introspection-client")
		}
	} else if u, err := url.Parse(more.Keys); err != nil || !safe(u) {
		return nil, "", v.silent(errors.New("the address of its keys is neither https nor on this machine"))
	}
	tokens = oidc.NewVerifier(v.Issuer, keys{oidc.NewRemoteKeySet(ctx, more.Keys)},
		&oidc.Config{ClientID: v.Audience, SupportedSigningAlgs: algorithms, Now: v.Now})
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tokens == nil {
		v.tokens, v.endpoint = tokens, more.Introspection
	}
	return v.tokens, v.endpoint, nil
}

// sidecar returns the introspection endpoint of the sidecar of another home,
// which has the metadata of RFC 8414 and no OpenID.
func (v *Verifier) sidecar(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.Issuer+"/.well-known/oauth-authorization-server", nil)
	if err != nil {
		return "", v.silent(err)
	}
	res, err := v.HTTP.Do(req)
	if err != nil {
		return "", v.silent(err)
	}
	defer res.Body.Close()
	var doc struct {
		Issuer        string `json:"issuer"`
		Introspection string `json:"introspection_endpoint"`
	}
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		return "", v.silent(err)
	}
	// RFC 8414 section 3.3: what another issuer says MUST NOT be used.
	if u, err := url.Parse(doc.Introspection); doc.Issuer != v.Issuer || err != nil || !safe(u) {
		return "", v.silent(errors.New("its metadata is another issuer's, or names no introspection endpoint"))
	}
	return doc.Introspection, nil
}

// silent is the error for a provider that is of no help. The text of net/http
// is not kept: it quotes what the provider sent, which may be what it was sent.
func (v *Verifier) silent(err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		err = errors.New("it gave no answer of HTTP")
		if op := (*net.OpError)(nil); errors.As(e, &op) {
			err = op
		} else if n := noDocument(0); errors.As(e, &n) {
			err = n
		}
	}
	return workspace.Errorf(workspace.Unavailable, "the identity provider does not answer as it should").Because(err)
}

func refused() error {
	return workspace.Errorf(workspace.LoginNeeded, "the token is not valid here, or not any more").WithHint("akos auth login")
}

// claims are what is taken of a token, by the names that providers use.
type claims struct {
	Subject  string   `json:"sub"`
	TenantID string   `json:"tenant_id"`
	TID      string   `json:"tid"`
	OrgID    string   `json:"org_id"`
	OrgLong  string   `json:"organization_id"`
	Tenants  []string `json:"tenants"`
	Scope    texts    `json:"scope"`
	SCP      texts    `json:"scp"`
}

// texts is a list, or one text with spaces between.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*t = strings.Fields(one)
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// identity returns who c speaks of. A provider that knows none of our scopes
// can't narrow a token by them, so such a token may do all that its user may.
func (c claims) identity(expires time.Time) (workspace.Identity, error) {
	id := workspace.Identity{UserID: c.Subject, Tenants: slices.Clone(c.Tenants), Scopes: []string{}, ExpiresAt: expires}
	for _, t := range []string{c.TenantID, c.TID, c.OrgID, c.OrgLong, "default"} {
		if id.TenantID = t; t != "" {
			break
		}
	}
	if !slices.Contains(id.Tenants, id.TenantID) {
		id.Tenants = append(id.Tenants, id.TenantID)
	}
	slices.Sort(id.Tenants)
	for _, s := range append(c.Scope, c.SCP...) {
		if workspace.CheckScopes([]string{s}) == nil {
			id.Scopes = append(id.Scopes, s)
		}
	}
	if len(id.Scopes) == 0 {
		id.Scopes = []string{"cli"}
	}
	for _, s := range append([]string{id.UserID}, id.Tenants...) {
		if s == "" || workspace.CheckText(s, 200) != nil {
			return workspace.Identity{}, refused()
		}
	}
	// It is a part of the names under which values are kept: before a / those
	// of a workspace, before an @ those of a server that this home logs in at.
	if strings.ContainsAny(id.TenantID, "/@") || id.TenantID == workspace.LocalTenant {
		return workspace.Identity{}, workspace.Errorf(workspace.Denied, "the tenant of the token has a name that is taken here: local, or one with a / or an @ in it")
	}
	return id, nil
}

// introspect asks the issuer whether a token is good (RFC 7662), and reports
// whether the issuer said that it is not active.
func (v *Verifier) introspect(ctx context.Context, token string) (id workspace.Identity, inactive bool, err error) {
	_, endpoint, err := v.discover(ctx)
	if err != nil {
		return id, false, err
	}
	password, err := v.Secret()
	if err != nil {
		return id, false, err
	}
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form))
	if err != nil {
		return id, false, v.silent(err)
	}
	// What comes unasked on a connection that is kept, net/http prints.
	req.Close = true
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if v.Client == "" {
		req.Header.Set("Authorization", "Bearer "+password)
	} else {
		req.SetBasicAuth(url.QueryEscape(v.Client), url.QueryEscape(password)) // RFC 6749 section 2.3.1
	}
	res, err := v.HTTP.Do(req)
	if err != nil {
		return id, false, v.silent(err)
	}
	defer res.Body.Close()
	var answer struct {
		claims
		Active   bool   `json:"active"`
		Expires  int64  `json:"exp"`
		Issuer   string `json:"iss"`
		Audience texts  `json:"aud"`
		Error    string `json:"error"`
	}
	body, err := io.ReadAll(res.Body)
	if err == nil {
		err = json.Unmarshal(v.usual(body), &answer)
	}
	if err != nil {
		return id, false, v.silent(err)
	}
	switch {
	// RFC 7662 section 2.2 has a token that the provider does not know not
	// active; of a JWT oidc-provider says what RFC 7009 section 2.2.1 has for it.
	case res.StatusCode != http.StatusOK && answer.Error != "unsupported_token_type":
		return id, false, v.silent(errors.New("introspection was refused"))
	case res.StatusCode != http.StatusOK, !answer.Active:
		return id, true, refused()
	case answer.Issuer != "" && answer.Issuer != v.Issuer,
		answer.Expires != 0 && !v.Now().Before(time.Unix(answer.Expires, 0)),
		!slices.Contains(answer.Audience, v.Audience):
		return id, false, refused()
	}
	var expires time.Time
	if answer.Expires != 0 {
		expires = time.Unix(answer.Expires, 0).UTC()
	}
	id, err = answer.identity(expires)
	return id, false, err
}
