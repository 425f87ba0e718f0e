//go:build browser

package pages

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"example.com/akos/internal/akostest"
)

// A visit is a page that the browser opens; with keys, what a person without
// a mouse types there: <Key>, or a text.
type visit struct {
	Name  string   `json:"name"`
	URL   string   `json:"url"`
	Keys  []string `json:"keys,omitempty"`
	Lands string   `json:"lands,omitempty"` // where it must lead
	Says  string   `json:"says,omitempty"`  // what the browser must complain of
	Shots []string `json:"shots"`           // the sizes to keep a picture of
}

// A post is a form that reached the server.
type post struct{ path, form string }

// A desk serves pages under /show/NAME and takes their forms, protected from
// other sites as the real server is.
type desk struct {
	mu    sync.Mutex
	pages map[string]Page
	posts []post
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Method == http.MethodPost {
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		d.posts = append(d.posts, post{r.URL.Path, r.PostForm.Encode()})
		next := r.PostForm.Get("next")
		switch {
		case strings.HasPrefix(next, "/hop?"):
			Write(w, http.StatusOK, SignedIn{User: "ada", Next: next})
			return
		case strings.HasPrefix(next, "/straight?"):
			http.Redirect(w, r, next, http.StatusSeeOther)
			return
		}
	}
	if to := r.URL.Query().Get("to"); to != "" {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	if r.Method == http.MethodPost {
		http.Redirect(w, r, "/show/approved", http.StatusSeeOther)
		return
	}
	if p, ok := d.pages[strings.TrimPrefix(r.URL.Path, "/show/")]; ok {
		Write(w, http.StatusOK, p)
		return
	}
	http.NotFound(w, r)
}

// take returns the forms that came since the last call.
func (d *desk) take() []post {
	d.mu.Lock()
	defer d.mu.Unlock()
	got := d.posts
	d.posts = nil
	return got
}

// drive runs the browser and fails the test with what it finds.
func drive(t *testing.T, job map[string]any) {
	t.Helper()
	job["args"] = []string{
		"--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP akos.test 127.0.0.1",
	}
	akostest.Browse(t, "pages.cjs", job)
}

// listen6 listens on the loopback address of IPv6.
func listen6(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
