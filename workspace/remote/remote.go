// Package remote is the client of a workspace server: it asks whose a token
// is, and stores and lists secrets there.
//
// It does not know how anybody logs in. Its invariants: a token and a value
// travel over https, over loopback, or over the socket of this user's own
// sidecar, and over nothing else; nothing of a request or an answer is logged;
// what a server says is shown only if it is one line of text that does not hold
// what it was sent, and what it says to do next only if it is a command that
// changes nothing; of what a server says that was sent a value, and is not this
// home's own, nothing is shown that it could have put the value into.
package remote

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/rendezvous"
	"example.com/akos/workspace/internal/secret"
)

// maxAnswer bounds what is read of an answer: a list of 10,000 keys has about
// 2 MiB.
const maxAnswer = 16 << 20

// A Client implements [workspace.Remote]. It is safe for concurrent use.
type Client struct {
	home    string
	version string
	http    *http.Client
	met     sync.Map // addresses at which this process has spoken to the sidecar of its home
}

// New returns the client of a home. It touches nothing.
func New(home, version string) *Client {
	c := &Client{home: home, version: version}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, // never for this machine
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if path, ok := ctx.Value(socketKey{}).(string); ok {
				return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", path)
			}
			return c.Dial(ctx, network, addr)
		},
		TLSHandshakeTimeout: 5 * time.Second, ExpectContinueTimeout: time.Second,
		ResponseHeaderTimeout: 20 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives: true, // one request a command; and a socket must never serve another's
		ForceAttemptHTTP2: true,
	}
	c.http = &http.Client{
		Transport: transport, Timeout: 30 * time.Second,
		// A redirect would send the token on to wherever it says.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

type socketKey struct{}

// Dial connects to addr. Where that is the sidecar of this home, it connects to
// the socket that only this user's sidecar can listen on: at the address
// itself, anybody could once the sidecar has ended. A process that has spoken
// to it speaks to nobody else there.
func (c *Client) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if p, ok := rendezvous.Find(c.home); ok && p.Socket != "" && p.URL == "http://"+addr {
		c.met.Store(addr, true)
		return dialer.DialContext(ctx, "unix", p.Socket)
	}
	if _, met := c.met.Load(addr); met {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("the sidecar of this home has ended")}
	}
	return dialer.DialContext(ctx, network, addr)
}

// Local returns the origin of this home's sidecar.
func (c *Client) Local(context.Context) (string, bool) {
	p, ok := rendezvous.Find(c.home)
	return p.URL, ok
}

// Ready returns nil if server answers and can do its work.
func (c *Client) Ready(ctx context.Context, server string) error {
	return c.do(ctx, request{server: server, method: http.MethodGet, path: readyPath}, nil)
}

// Whoami asks server whose token it is.
func (c *Client) Whoami(ctx context.Context, server string, token workspace.Secret) (workspace.Identity, error) {
	var id workspace.Identity
	r := request{server: server, token: token, method: http.MethodGet, path: "/api/v1/whoami"}
	if err := c.do(ctx, r, &id); err != nil {
		return workspace.Identity{}, err
	}
	if id.UserID == "" || id.TenantID == "" || !r.mayShow(append(append([]string{id.UserID, id.TenantID}, id.Tenants...), id.Scopes...)...) {
		return workspace.Identity{}, strange(server, errors.New("the identity is no text"))
	}
	id.Tenants, id.Scopes = list(id.Tenants), list(id.Scopes)
	return id, nil
}

// Secrets returns the secrets of one workspace at one server.
func (c *Client) Secrets(server string, token workspace.Secret, ws string) workspace.RemoteSecrets {
	return secrets{c, server, token, ws}
}

type secrets struct {
	*Client
	server    string
	token     workspace.Secret
	workspace string
}

func (s secrets) request(method, key string, scope workspace.Scope) request {
	q := url.Values{"workspace": {s.workspace}}
	if scope != "" {
		q.Set("scope", string(scope))
	}
	path := "/api/v1/secrets"
	if key != "" {
		path += "/" + url.PathEscape(key)
	}
	return request{server: s.server, token: s.token, method: method, path: path, query: q.Encode()}
}

func (s secrets) List(ctx context.Context, scope workspace.Scope) ([]workspace.StoredKey, error) {
	var answer struct{ Keys []workspace.StoredKey }
	r := s.request(http.MethodGet, "", scope)
	if err := s.do(ctx, r, &answer); err != nil {
		return nil, err
	}
	if answer.Keys == nil {
		return nil, strange(s.server, errors.New("there is no list of keys"))
	}
	for i, k := range answer.Keys {
		if workspace.CheckKey(k.Key) != nil || k.Scope == "" || k.UpdatedAt != "" && k.UpdatedAt.Time().IsZero() ||
			!r.mayShow(append([]string{k.Key, string(k.Scope), string(k.Source)}, k.UsedBy...)...) {
			return nil, strange(s.server, errors.New("a key is none"))
		}
		answer.Keys[i].UsedBy = list(k.UsedBy)
	}
	return answer.Keys, nil
}

func (s secrets) Put(ctx context.Context, key string, scope workspace.Scope, value workspace.Secret) (workspace.Stored, error) {
	r := s.request(http.MethodPut, key, scope)
	r.body = secret.Reveal(value)
	var stored workspace.Stored
	if err := s.do(ctx, r, &stored); err != nil {
		return workspace.Stored{}, err
	}
	if scope == "" {
		scope = workspace.ScopeWorkspace
	}
	if stored.Status != workspace.EntryStored || workspace.Fold(stored.Key) != workspace.Fold(key) || stored.Scope != scope ||
		!slices.Contains(words, string(stored.Source)) || !r.mayShow(stored.Owner, stored.Notice) {
		return workspace.Stored{}, strange(s.server, errors.New("it does not say that the value is stored"))
	}
	if r.foreign() {
		// It has the value, and could give it back in another form: in the
		// owner, the notice, even in the version or the spelling of the key.
		stored = workspace.Stored{Status: workspace.EntryStored, Key: key, Scope: scope, Source: stored.Source}
	}
	return stored, nil
}

func (s secrets) Remove(ctx context.Context, key string, scope workspace.Scope) (workspace.Removed, error) {
	r := s.request(http.MethodDelete, key, scope)
	var removed workspace.Removed
	if err := s.do(ctx, r, &removed); err != nil {
		return workspace.Removed{}, err
	}
	if workspace.Fold(removed.Key) != workspace.Fold(key) || !r.mayShow(append(removed.UsedBy, string(removed.Scope))...) {
		return workspace.Removed{}, strange(s.server, errors.New("it does not say that the key is gone"))
	}
	removed.UsedBy = list(removed.UsedBy)
	return removed, nil
}

// list returns l, which JSON shows as a list even if it is empty.
func list(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

// A request is one of the API.
type request struct {
	server, method, path, query string
	token                       workspace.Secret // empty: over the socket of this home's sidecar
	body                        []byte
}

// foreign reports whether r goes elsewhere than to the sidecar of this home.
func (r request) foreign() bool { return !secret.Empty(r.token) }

// readyPath is asked for without a token, at the address itself.
const readyPath = "/readyz"

// words are what answers say whatever was sent.
var words = []string{"", string(workspace.ScopeWorkspace), string(workspace.ScopeTenant),
	string(workspace.BackendKeychain), string(workspace.BackendFile), string(workspace.BackendEnv)}

// mayShow reports whether all of what a server says may be shown: each is one
// line of printable text that looks like no credential and does not hold what
// the server was sent. What is shorter than 8 bytes would be found in any text.
func (r request) mayShow(said ...string) bool {
	for _, s := range said {
		if slices.Contains(words, s) {
			continue
		}
		if workspace.CheckText(s, 1000) != nil {
			return false
		}
		unescaped, _ := url.QueryUnescape(s)
		for _, sent := range [][]byte{secret.Reveal(r.token), r.body} {
			if len(sent) >= 8 && (strings.Contains(s, string(sent)) || strings.Contains(unescaped, string(sent))) {
				return false
			}
		}
	}
	return true
}

// do sends r and decodes the answer into result, unless that is nil.
func (c *Client) do(ctx context.Context, r request, result any) error {
	u := r.server + r.path
	if !r.foreign() && r.path != readyPath {
		p, ok := rendezvous.Find(c.home)
		if !ok || p.Socket == "" {
			return absent(r.server, nil)
		}
		ctx = context.WithValue(ctx, socketKey{}, p.Socket)
		u = "http://localhost" + r.path // the socket speaks no TLS, and no proxy is before it
	}
	token := string(secret.Reveal(r.token))
	if strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return workspace.Errorf(workspace.LoginNeeded, "the token has a space, a line end or another character that no token has").WithHint("akos auth status")
	}
	if r.query != "" {
		u += "?" + r.query
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u, bytes.NewReader(r.body))
	if err != nil {
		return workspace.Errorf(workspace.Invalid, "the server has no address that can be asked")
	}
	// Of a connection that is kept, net/http prints to the standard error what
	// comes unasked: the end of an answer, from a server that counts wrong.
	req.Close = true
	req.Header.Set("User-Agent", "akos/"+c.version)
	if r.body != nil {
		req.Header.Set("Content-Type", "application/octet-stream")
		req.Header.Set("Expect", "100-continue") // who does not take the token does not get the value
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if cert := (*tls.CertificateVerificationError)(nil); errors.As(err, &cert) {
			return workspace.Errorf(workspace.Unavailable, "the certificate of %s is not one that this machine trusts", r.server)
		}
		return absent(r.server, withoutText(err))
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil || len(data) > maxAnswer {
		return strange(r.server, errors.Join(errors.New("the answer breaks off or is too long"), err))
	}
	if res.StatusCode != http.StatusOK {
		return r.refusal(res, data)
	}
	if r.path == readyPath {
		if strings.TrimSpace(string(data)) != "ready" {
			return strange(r.server, errors.New("it does not say that it is ready"))
		}
		return nil
	}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind != "application/json" || json.Unmarshal(data, result) != nil {
		return strange(r.server, errors.New("the answer is not the JSON that was asked for"))
	}
	return nil
}

// withoutText returns what the system says went wrong. The text of net/http is
// not repeated: it quotes what a server sent.
func withoutText(err error) error {
	if e := (*net.OpError)(nil); errors.As(err, &e) {
		return e
	}
	return errors.New("the connection gave no answer of HTTP")
}

func absent(server string, err error) error {
	hint := "akos serve"
	if u, e := url.Parse(server); e == nil && !workspace.Loopback(u.Hostname()) {
		hint = "akos auth status"
	}
	return workspace.Errorf(workspace.Unavailable, "no workspace server answers at %s", server).WithHint("%s", hint).Because(err)
}

func strange(server string, err error) error {
	return workspace.Errorf(workspace.Unavailable, "what answers at %s is no workspace server of akos", server).WithHint("akos auth status").Because(err)
}

// hints are what a server may say to do next: commands that change nothing.
// Any other could be a trap, akos's own among them: one that sends a file to
// the server, say.
var hints = []string{"akos vault list", "akos secrets list", "akos connections list", "akos creds list", "akos doctor"}

// refusal returns the error that a server answered r with.
func (r request) refusal(res *http.Response, data []byte) error {
	var answer struct {
		Error struct{ Kind, Message, Hint string }
	}
	_ = json.Unmarshal(data, &answer) // what is no such answer has no kind
	e := answer.Error
	login := workspace.Errorf(workspace.LoginNeeded, "the server does not take the token: it has ended, or is for another server").
		WithHint("akos auth login --server %s", workspace.ShellQuote(r.server))
	for _, k := range workspace.Kinds() {
		switch {
		// Whoever gave up, it was nobody here.
		case k.String() != e.Kind || k == workspace.Canceled || e.Message == "" || !r.mayShow(e.Message):
			continue
		case k == workspace.LoginNeeded:
			return login
		}
		if r.body != nil && r.foreign() {
			return workspace.Errorf(k, "the server refused to store it, and says no more than: %s", k) // its own words could have the value in them
		}
		err := workspace.Errorf(k, "%s", e.Message)
		if slices.Contains(hints, e.Hint) {
			err.Hint = e.Hint
		}
		return err
	}
	switch res.StatusCode {
	case http.StatusUnauthorized:
		return login
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return absent(r.server, fmt.Errorf("HTTP status %d", res.StatusCode))
	}
	return strange(r.server, fmt.Errorf("HTTP status %d", res.StatusCode))
}
