//go:build browser

package pages

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBrowser shows every page to a real Chromium: how it looks and sounds,
// what the keyboard does, and what the policy of each page lets through.
func TestBrowser(t *testing.T) {
	d := &desk{pages: map[string]Page{}}
	server := httptest.NewServer(http.NewCrossOriginProtection().Handler(d))
	defer server.Close()

	var arrived []string // at the client, with the Referer
	client := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/frame" {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, `<!DOCTYPE html><link rel="icon" href="data:,"><iframe src="`+server.URL+`/show/approve-device"></iframe>`)
			return
		}
		d.mu.Lock()
		arrived = append(arrived, r.Method+" "+r.URL.String()+r.Referer())
		d.mu.Unlock()
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!DOCTYPE html><link rel="icon" href="data:,"><title>client</title>`)
	})
	four := httptest.NewServer(client)
	defer four.Close()
	six := httptest.NewUnstartedServer(client)
	six.Listener = listen6(t)
	six.Start()
	defer six.Close()
	named := strings.Replace(four.URL, "127.0.0.1", "localhost", 1)
	// Plain HTTP off loopback: there browsers send no Sec-Fetch-Site.
	plain := strings.Replace(server.URL, "127.0.0.1", "akos.test", 1)

	var look, walk, blocked []visit
	show := func(name string, p Page) string {
		d.pages[name] = p
		return server.URL + "/show/" + name
	}
	for _, c := range cases {
		if p, ok := c.page.(SignedIn); ok && p.Next != "" {
			continue // it leaves at once
		}
		look = append(look, visit{Name: c.name, URL: show(c.name, c.page), Shots: []string{"desktop", "phone"}})
	}
	for _, i := range []int{3, 4, 9} {
		for _, c := range with(evil[i]) {
			name := fmt.Sprintf("evil-%d-%s", i, c.name)
			look = append(look, visit{Name: name, URL: show(name, c.page), Shots: []string{"narrow"}})
		}
	}
	var want []post
	expect := func(path, form string) { want = append(want, post{path, form}) }
	done := server.URL + "/show/approved"

	walk = append(walk,
		visit{Name: "sign in", URL: server.URL + "/show/signin", Keys: []string{"ada", "<Tab>", "correct horse", "<Enter>"}, Lands: done},
		visit{Name: "sign in by the button", URL: server.URL + "/show/signin-problem", Keys: []string{"again", "<Tab>", "<Enter>"}, Lands: done},
		visit{Name: "set up", URL: server.URL + "/show/setup", Keys: []string{"ada", "<Tab>", "correct horse", "<Tab>", "correct horse", "<Enter>"}, Lands: done},
		visit{Name: "type a code", URL: server.URL + "/show/code", Keys: []string{"wdjb-mjht", "<Enter>"}, Lands: done},
		visit{Name: "approve a device", URL: server.URL + "/show/approve-device", Keys: []string{"<Tab>", "<Enter>"}, Lands: done},
		visit{Name: "deny a device", URL: server.URL + "/show/approve-device", Keys: []string{"<Tab>", "<Tab>", "<Space>"}, Lands: done},
		visit{Name: "deny without a tenant", URL: server.URL + "/show/approve-client", Keys: []string{"<Tab>", "<Tab>", "<Tab>", "<Enter>"}, Lands: done},
		visit{Name: "choose a tenant", URL: server.URL + "/show/approve-client", Keys: []string{"<Tab>", "<ArrowDown>", "<Tab>", "<Enter>"}, Lands: done},
		visit{Name: "sign in off loopback", URL: plain + "/show/signin", Keys: []string{"ada", "<Tab>", "correct horse", "<Enter>"}, Lands: plain + "/show/approved"},
	)
	expect("/signin", "next=%2Fauthorize%3Fclient_id%3Dc1%26state%3Da%2520b&password=correct+horse&user=ada")
	expect("/signin", "next=%2Fdevice&password=again&user=ada")
	expect("/show/setup", "again=correct+horse&password=correct+horse&user=ada")
	expect("/device", "user_code=wdjb-mjht")
	expect("/device/approve", "decision=approve&tenant=acme&transaction=t1")
	expect("/device/approve", "decision=deny&tenant=acme&transaction=t1")
	expect("/authorize", "decision=deny&transaction=t2")
	expect("/authorize", "decision=approve&tenant=globex&transaction=t2")
	expect("/signin", "next=%2Fauthorize%3Fclient_id%3Dc1%26state%3Da%2520b&password=correct+horse&user=ada")

	var wantArrived []string
	for i, client := range []string{four.URL, named, six.URL} {
		name := "redirect-" + string(rune('a'+i))
		page := Approve{
			Action: "/authorize?to=" + url.QueryEscape(client+"/callback?code=c"), Transaction: "t", Client: "x",
			User: "ada", Redirect: client, Registered: true,
		}
		walk = append(walk, visit{Name: name, URL: show(name, page), Keys: []string{"<Tab>", "<Enter>"}, Lands: client + "/callback"})
		expect("/authorize", "decision=approve&transaction=t")
		wantArrived = append(wantArrived, "GET /callback?code=c")
		// What was not announced must not get the answer: this also shows
		// that the browser does hold redirects to form-action.
		page.Redirect = "http://127.0.0.1:1"
		blocked = append(blocked, visit{Name: "un" + name, URL: show("un"+name, page), Keys: []string{"<Tab>", "<Enter>"}, Says: "form-action"})
	}
	hop := url.Values{"to": {four.URL + "/callback?error=e"}}.Encode()
	walk = append(walk, visit{Name: "signed in", URL: show("hop", SignIn{User: "ada", Next: "/hop?" + hop}), Keys: []string{"pw", "<Enter>"}, Lands: four.URL + "/callback"})
	blocked = append(blocked, visit{Name: "not signed in", URL: show("straight", SignIn{User: "ada", Next: "/straight?" + hop}), Keys: []string{"pw", "<Enter>"}, Says: "form-action"})
	wantArrived = append(wantArrived, "GET /callback?error=e")
	expect("/signin", url.Values{"next": {"/hop?" + hop}, "password": {"pw"}, "user": {"ada"}}.Encode())
	for range 3 {
		expect("/authorize", "decision=approve&transaction=t")
	}
	expect("/signin", url.Values{"next": {"/straight?" + hop}, "password": {"pw"}, "user": {"ada"}}.Encode())
	blocked = append(blocked,
		visit{Name: "in a frame", URL: four.URL + "/frame", Says: "frame-ancestors"},
		visit{Name: "approve without a tenant", URL: server.URL + "/show/approve-client", Keys: []string{"<Tab>", "<Tab>", "<Enter>"}},
		visit{Name: "a short password", URL: server.URL + "/show/setup", Keys: []string{"ada", "<Tab>", "short", "<Tab>", "short", "<Enter>"}},
		visit{Name: "Enter on nothing", URL: server.URL + "/show/approve-device", Keys: []string{"<Enter>"}},
	)

	drive(t, map[string]any{"look": look, "walk": walk, "blocked": blocked})
	if diff := cmp.Diff(want, d.take(), cmp.AllowUnexported(post{})); diff != "" {
		t.Errorf("forms -want +got:\n%s", diff)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(arrived, wantArrived) {
		t.Errorf("at the client arrived %q, want %q", arrived, wantArrived)
	}
}
