package entry

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/akos/workspace"
)

// A safe takes what is entered, as a vault would.
type safe struct {
	mu     sync.Mutex
	stores int
	values []workspace.Secret
	err    error  // what the next store says
	before func() // it is called while a value is being stored

	declined atomic.Int32
}

func (s *safe) decline(context.Context) { s.declined.Add(1) }

func (s *safe) store(_ context.Context, values []workspace.Secret) ([]workspace.Stored, error) {
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil {
		before()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		err := s.err
		s.err = nil
		return nil, err
	}
	s.stores++
	s.values = values
	var all []workspace.Stored
	for range values {
		all = append(all, workspace.Stored{Status: workspace.EntryStored, Key: "KEY", Notice: "look at it"})
	}
	return all, nil
}

// has fails the test unless exactly these values were stored last.
func (s *safe) has(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.values) != len(want) {
		t.Fatalf("%d values, want %d", len(s.values), len(want))
	}
	for i, v := range want {
		if !workspace.SameSecret(s.values[i], workspace.NewSecret([]byte(v))) {
			t.Errorf("value %d is another one than was entered", i)
		}
	}
}

// next says what the next stores do.
func (s *safe) next(before func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.err = before, err
}

func (s *safe) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stores
}

// newDesk returns a desk that listens on loopback.
func newDesk(t *testing.T) *Desk {
	d := New(Options{Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// ask opens the page called name for keys.
func ask(t *testing.T, d *Desk, s *safe, name string, keys ...string) workspace.EntryState {
	t.Helper()
	state, err := try(d, s, name, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func try(d *Desk, s *safe, name string, keys ...string) (workspace.EntryState, error) {
	return d.Open(context.Background(), name, "", func() (workspace.Entry, error) {
		e := workspace.Entry{Workspace: "app", Client: "Code Assistant", Reason: "to post", Store: s.store, Declined: s.decline}
		for _, k := range keys {
			e.Keys = append(e.Keys, workspace.EntryKey{Ref: workspace.Ref{Scope: workspace.ScopeWorkspace, Owner: "app", Key: k}})
		}
		return e, nil
	})
}

// A field of a form, with a file name if it is a file.
type field struct{ name, value, file string }

// encode returns a form as a browser sends it.
func encode(t testing.TB, fields ...field) (body []byte, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		var part io.Writer
		var err error
		if strings.HasPrefix(f.name, "file-") {
			part, err = w.CreateFormFile(f.name, f.file)
		} else {
			part, err = w.CreateFormField(f.name)
		}
		if err == nil {
			_, err = io.WriteString(part, f.value)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

// An answer is what came back, with its body.
type answer struct {
	code   int
	header http.Header
	body   string
}

// send sends r and follows nothing.
func send(t testing.TB, r *http.Request) answer {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

func get(t testing.TB, url string) answer {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return send(t, r)
}

// post returns the request of the page's own form.
func post(t testing.TB, url string, fields ...field) *http.Request {
	t.Helper()
	body, kind := encode(t, fields...)
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Origin", origin(url))
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func origin(url string) string { o, _, _ := strings.Cut(url, "/enter/"); return o }

// blank is what a browser sends besides for the n-th key.
func blank(n string) []field {
	return []field{{"line-" + n, "", ""}, {"text-" + n, "", ""}, {"file-" + n, "", ""}}
}

// whole returns the form for one key as a browser sends it, with f filled in.
func whole(f field) []field {
	all := blank("0")
	for i := range all {
		if all[i].name == f.name {
			all[i] = f
		}
	}
	return all
}
