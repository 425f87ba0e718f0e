package authserver

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/akos/workspace"
)

// fuzzed answers a request without a network in between.
func fuzzed(b *bench, path, kind, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", b.url+path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	b.s.Handler().ServeHTTP(w, r)
	return w
}

func FuzzToken(f *testing.F) {
	b := newBench(&testing.T{}, nil)
	for _, seed := range []string{
		"", "grant_type=refresh_token&client_id=akos-cli&refresh_token=x", "grant_type=authorization_code&client_id=akos-cli&code=x&code_verifier=y&redirect_uri=z",
		"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=akos-cli&device_code=x&scope=cli&resource=a&resource=b", "a=%zz", "a;b", "a=1&a=2", "a=%ff",
		"grant_type=refresh_token&client_id=akos-cli&refresh_token=x&tenant_id=y&scope=read+write",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/oauth/token", "/oauth/device_authorization", "/oauth/revoke"} {
			w := fuzzed(b, path, "application/x-www-form-urlencoded", body)
			var answer struct {
				Error string `json:"error"`
				Token string `json:"access_token"`
			}
			_ = json.Unmarshal(w.Body.Bytes(), &answer)
			if w.Code >= 500 || w.Code != 200 && answer.Error == "" || answer.Token != "" {
				t.Errorf("%s %q: %d %s", path, body, w.Code, w.Body)
			}
		}
	})
}

func FuzzRegister(f *testing.F) {
	b := newBench(&testing.T{}, nil)
	for _, seed := range []string{
		`{}`, `{"redirect_uris":["http://127.0.0.1/cb"]}`, `{"redirect_uris":["https://app.example:1/cb?x=1"],"client_name":"x","grant_types":["refresh_token"],"response_types":["code"]}`,
		`[`, `null`, `{"redirect_uris":["http://[::1]:0/"]}`, `{"redirect_uris":["http://localhost@evil.example"]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := fuzzed(b, "/oauth/register", "application/json", body)
		if w.Code >= 500 || w.Code != http.StatusCreated && !strings.Contains(w.Body.String(), `"error":"`) {
			t.Fatalf("%q: %d %s", body, w.Code, w.Body)
		}
		if w.Code != http.StatusCreated {
			return
		}
		var got struct {
			URIs []string `json:"redirect_uris"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		for _, uri := range got.URIs {
			u := readRedirect(uri)
			if u == nil || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !loopback(u) {
				t.Errorf("%q was registered", uri)
			}
			if c := (client{Client: workspace.Client{RedirectURIs: got.URIs}}); c.redirect(uri) == nil {
				t.Errorf("%q can't be used", uri)
			}
		}
	})
}

// FuzzNext looks for a way off this server.
func FuzzNext(f *testing.F) {
	for _, seed := range []string{"/device", "/device?user_code=X", "//evil.example", "/\\evil.example", "/oauth/authorize?a=//b", "https:device", "/device\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := localNext(next)
		if got != "/" && got != "/device" && !strings.HasPrefix(got, "/device?") && !strings.HasPrefix(got, "/oauth/authorize?") && got != "/oauth/authorize" || strings.ContainsAny(got, "\r\n\t\\ #") {
			t.Errorf("%q leads to %q", next, got)
		}
	})
}
