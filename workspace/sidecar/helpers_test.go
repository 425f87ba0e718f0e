package sidecar_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/internal/cli"
	"example.com/akos/internal/serve"
	"example.com/akos/internal/wire"
	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"example.com/akos/workspace/sidecar"
	"example.com/akos/workspace/state"
	"example.com/akos/workspace/vault"
)

// asAkos makes this test program akos.
const asAkos = "SIDECAR_TEST_AKOS"

func TestMain(m *testing.M) {
	if os.Getenv(asAkos) != "" {
		os.Exit(cli.Run(cli.System{
			In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Args: os.Args[1:],
			Open: wire.Open, Serve: serve.Run, LookupEnv: os.LookupEnv, Executable: os.Executable,
		}))
	}
	os.Exit(m.Run())
}

// A rig is a sidecar in this process, on a real state and vault. The Verifier
// is the one part that is not real: it knows the tokens of the test.
type rig struct {
	t      testing.TB
	home   string
	url    string
	socket string
	store  *spy
	keys   *vault.Holders
	log    *akostest.Buffer
	env    map[string]string
	http   *http.Transport

	mu     sync.Mutex
	tokens map[string]workspace.Identity
	refuse error // of the Verifier
}

// spy is a store that notes the transactions, and fails on demand.
type spy struct {
	workspace.Store
	mu    sync.Mutex
	trace []string
	fail  error
}

func (s *spy) note(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, what)
	return s.fail
}

func (s *spy) Read(ctx context.Context, fn func(workspace.Tx) error) error {
	if err := s.note("read"); err != nil {
		return err
	}
	return s.Store.Read(ctx, fn)
}

func (s *spy) Write(ctx context.Context, fn func(workspace.Tx) error) error {
	if err := s.note("write"); err != nil {
		return err
	}
	return s.Store.Write(ctx, fn)
}

// during returns the transactions that fn made.
func (s *spy) during(fn func()) []string {
	s.mu.Lock()
	s.trace = nil
	s.mu.Unlock()
	fn()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.trace)
}

func (s *spy) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (r *rig) Verify(_ context.Context, token string) (workspace.Identity, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuse != nil {
		return workspace.Identity{}, r.refuse
	}
	id, ok := r.tokens[token]
	if !ok {
		return workspace.Identity{}, workspace.Errorf(workspace.LoginNeeded, "the token is not valid here")
	}
	return id, nil
}

// newRig starts a sidecar in a home; "" is a new one.
func newRig(t testing.TB, home string) *rig {
	t.Helper()
	if home == "" {
		home = filepath.Join(t.TempDir(), "home")
	}
	r := &rig{t: t, home: home, log: &akostest.Buffer{}, tokens: map[string]workspace.Identity{}, env: map[string]string{"AKOS_VAULT": "file"},
		http: &http.Transport{ExpectContinueTimeout: time.Minute}}
	lookup := func(name string) (string, bool) { v, ok := r.env[name]; return v, ok }
	db := state.New(home)
	r.store, r.keys = &spy{Store: db}, vault.New(vault.Options{Home: home, LookupEnv: lookup})
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ready := make(chan string, 1)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- sidecar.Serve(ctx, sidecar.Options{
			ServeOptions: workspace.ServeOptions{Listen: "127.0.0.1:0", Out: io.Discard, Drain: time.Second},
			Home:         home,
			Parts: workspace.Options{
				Store: r.store, Keys: r.keys, LookupEnv: lookup, Now: time.Now, Log: log, Actor: "test", Version: "1", Home: home,
			},
			Login: func(string, []string) (http.Handler, sidecar.Verifier, error) { return http.NotFoundHandler(), r, nil },
			Setup: func(public string) (string, error) {
				ready <- public
				return "", nil
			},
			Log: log,
		})
	}()
	t.Cleanup(func() {
		r.http.CloseIdleConnections()
		stop()
		if t.Failed() && testing.Verbose() {
			t.Log(r.log.String())
		}
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		_ = db.Close()
	})
	select {
	case r.url = <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatalf("serve: %v", err)
	}
	place := map[string]any{}
	data, err := os.ReadFile(filepath.Join(home, "sidecar.json"))
	if err != nil || json.Unmarshal(data, &place) != nil {
		t.Fatalf("sidecar.json: %v", err)
	}
	r.socket, _ = place["socket"].(string)
	return r
}

// token makes a token of a user of a tenant.
func (r *rig) token(tenant string, scopes ...string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	token := fmt.Sprintf("fake-token-%d-%s", len(r.tokens), strings.Join(scopes, "-"))
	r.tokens[token] = workspace.Identity{UserID: "ada", TenantID: tenant, Tenants: []string{tenant}, Scopes: scopes}
	return token
}

func (r *rig) verifierFails(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuse = err
}

// An answer is what the sidecar said.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) kind() string {
	var e struct{ Error struct{ Kind string } }
	_ = json.Unmarshal([]byte(a.body), &e)
	return e.Error.Kind
}

func (a answer) keys() []string {
	var l struct{ Keys []workspace.StoredKey }
	_ = json.Unmarshal([]byte(a.body), &l)
	names := []string{}
	for _, k := range l.Keys {
		names = append(names, string(k.Scope)+" "+k.Key)
	}
	return names
}

// own, given as a token, asks over the socket without any.
const own = "own"

// ask sends a request; body is of a value.
func (r *rig) ask(method, path, token string, body io.Reader, change ...func(*http.Request)) answer {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	client := &http.Client{Timeout: time.Minute, Transport: r.http,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	switch token {
	case "":
	case own:
		client.Transport = overSocket(r.socket)
	default:
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	for _, c := range change {
		c(req)
	}
	res, err := client.Do(req)
	if err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(data)}
}

func overSocket(path string) *http.Transport {
	return &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
}

func (r *rig) put(token, key, query, value string) answer {
	r.t.Helper()
	a := r.ask("PUT", "/api/v1/secrets/"+key+query, token, strings.NewReader(value))
	if a.status != 200 {
		r.t.Fatalf("put %s%s: %d %s", key, query, a.status, a.body)
	}
	return a
}

// value opens what is stored, by the vault of the home.
func (r *rig) value(scope workspace.Scope, owner, key string) (string, bool) {
	r.t.Helper()
	var s workspace.Sealed
	var k workspace.DataKey
	found := false
	err := r.store.Store.Read(context.Background(), func(tx workspace.Tx) error {
		var err error
		if s, found, err = tx.Secret(workspace.Ref{Scope: scope, Owner: owner, Key: key}, 0); err != nil || !found {
			return err
		}
		all, err := tx.DataKeys()
		for _, each := range all {
			if each.ID == s.DataKey {
				k = each
			}
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if !found {
		return "", false
	}
	sealer, err := r.keys.Open(context.Background(), k)
	if err != nil {
		r.t.Fatal(err)
	}
	binding := strings.Join([]string{"akos value", string(s.Ref.Scope), s.Ref.Owner, strings.ToLower(s.Ref.Key), fmt.Sprint(s.Version), s.DataKey}, "\x00")
	v, err := sealer.Unseal(s.Box, []byte(binding))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(secret.Reveal(v)), true
}

// raw sends bytes and returns all that comes back.
func (r *rig) raw(text string) string {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		r.t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	data, _ := io.ReadAll(conn) // a reset ends it too
	return string(data)
}

// equal compares headers without the date.
func equal(a, b http.Header) bool {
	a, b = a.Clone(), b.Clone()
	a.Del("Date")
	b.Del("Date")
	return maps.EqualFunc(a, b, slices.Equal[[]string])
}
