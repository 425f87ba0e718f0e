package authserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/akos/workspace"
)

func TestRFC7591(t *testing.T) {
	hold(t, "7591", []must{
		{"2", "clients using flows with redirection MUST register their redirection URI values", func(t *testing.T, b *bench) {
			b.postJSON(t, `{}`).is(t, 400, "invalid_redirect_uri")
			b.postJSON(t, `{"redirect_uris":[]}`).is(t, 400, "invalid_redirect_uri")
			b.postJSON(t, `{"grant_types":["urn:ietf:params:oauth:grant-type:device_code"]}`).is(t, 201, "")
		}},
		{"2", "The authorization server MUST ignore any client metadata sent by the client that it does not understand", func(t *testing.T, b *bench) {
			r := b.postJSON(t, `{"redirect_uris":["http://localhost/cb"],"colour":"green","logo_uri":"http://evil.example/","software_statement":"x","jwks":{}}`)
			r.is(t, 201, "")
			if strings.Contains(r.body, "evil") || strings.Contains(r.body, "colour") {
				t.Error(r.body)
			}
		}},
		{"2", "token_endpoint_auth_method: String indicator of the requested authentication method for the token endpoint", func(t *testing.T, b *bench) {
			for method, want := range map[string]string{"none": "", "client_secret_basic": "invalid_client_metadata", "client_secret_post": "invalid_client_metadata", "private_key_jwt": "invalid_client_metadata", "": "invalid_client_metadata"} {
				r := b.postJSON(t, `{"redirect_uris":["http://localhost/cb"],"token_endpoint_auth_method":"`+method+`"}`)
				if r.text("error") != want {
					t.Errorf("%q: %s", method, r.body)
				}
			}
		}},
		{"2.1", "SHOULD take steps to ensure that a client cannot register itself into an inconsistent state", func(t *testing.T, b *bench) {
			b.postJSON(t, `{"redirect_uris":["http://localhost/cb"],"grant_types":["authorization_code"],"response_types":["token"]}`).is(t, 400, "invalid_client_metadata")
			b.postJSON(t, `{"redirect_uris":["http://localhost/cb"],"grant_types":["password"]}`).is(t, 400, "invalid_client_metadata")
			b.postJSON(t, `{"redirect_uris":["http://localhost/cb"],"grant_types":["refresh_token"]}`).is(t, 400, "invalid_client_metadata")
		}},
		{"3", "The client registration endpoint MUST accept HTTP POST messages with request parameters encoded in the entity body using the \"application/json\" format.", func(t *testing.T, b *bench) {
			body := `{"redirect_uris":["http://localhost/cb"]}`
			b.postJSON(t, body, "Content-Type", "application/json; charset=UTF-8").is(t, 201, "")
			for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=latin1", "application/jsonp"} {
				b.postJSON(t, body, "Content-Type", kind).is(t, 400, "invalid_request")
			}
			for _, body := range []string{"", "null", "[]", "1", `"x"`, `{"redirect_uris":"http://localhost/cb"}`, `{"redirect_uris":[1]}`, `{"redirect_uris":["http://localhost/cb"],"client_name":1}`, `{"redirect_uris":["http://localhost/cb"]} {}`, "{\"client_name\":\"\xff\",\"redirect_uris\":[\"http://localhost/cb\"]}"} {
				if r := b.postJSON(t, body); r.status != 400 {
					t.Errorf("%s: %d", body, r.status)
				}
			}
		}},
		{"3.2.1", `the authorization server MUST return all registered metadata about this client, including any fields provisioned by the authorization server itself`, func(t *testing.T, b *bench) {
			r := b.postJSON(t, `{"redirect_uris":["https://app.example/cb","http://127.0.0.1/cb"],"client_name":"Näme","grant_types":["authorization_code","password"]}`)
			r.is(t, 201, "")
			got, _ := json.Marshal(r.json["redirect_uris"])
			if string(got) != `["https://app.example/cb","http://127.0.0.1/cb"]` || r.text("client_name") != "Näme" || r.text("token_endpoint_auth_method") != "none" ||
				r.json["client_id_issued_at"] != float64(b.clock().Unix()) || r.json["client_secret"] != nil || fmt.Sprint(r.json["response_types"]) != "[code]" ||
				fmt.Sprint(r.json["grant_types"]) != "[authorization_code "+grantDevice+" refresh_token]" {
				t.Error(r.body)
			}
			if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Pragma") != "no-cache" {
				t.Error(r.header)
			}
			// What a stranger says is not written anywhere until a person approves.
			id := r.text("client_id")
			if b.audited("client.register", id, id) || b.clients() != 0 {
				t.Error("it is kept before anybody approved it")
			}
			b.signedIn(t, "bob").allow(t, asking(id, "redirect_uri", "http://127.0.0.1/cb"), "deny", "")
			if b.clients() != 0 {
				t.Error("it is kept though it was denied")
			}
			b.signedIn(t, "bob").allow(t, asking(id, "redirect_uri", "http://127.0.0.1/cb"), "approve", "")
			if !b.audited("client.register", id, id) || b.clients() != 1 {
				t.Error("it is not kept")
			}
		}},
		{"3.2.1", "client_id REQUIRED. OAuth 2.0 client identifier string. It SHOULD NOT be currently valid for any other registered client", func(t *testing.T, b *bench) {
			seen := map[string]bool{"akos-cli": true}
			for range 20 {
				id := b.register(t, callback)
				if seen[id] {
					t.Errorf("%s twice", id)
				}
				seen[id] = true
			}
		}},
		{"3.2.2", "invalid_redirect_uri: The value of one or more redirection URIs is invalid.", func(t *testing.T, b *bench) {
			for _, uri := range []string{
				"", "/cb", "cb", "//app.example/cb", "http://app.example/cb", "http://127.0.0.2/cb", "http://0.0.0.0/cb", "http://192.168.0.1/cb", "http://localhost.evil.example/cb", "http://127.0.0.1.evil.example/cb",
				"javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "myapp://cb", "https:///cb", "https://u:p@app.example/cb", "https://app.example/cb#f", "https://app.example/cb#", "https://app.example/c b",
				"https://app.example/\r\nX: y", "https://app.example\\@evil.example/", "HTTPS://app.example/cb", "https://app.example:99999/cb", "https://app.example:0/cb", "https://app.example/é", "https://app.example/" + strings.Repeat("x", 600),
			} {
				body, _ := json.Marshal(map[string]any{"redirect_uris": []string{callback, uri}})
				if r := b.postJSON(t, string(body)); r.status != 400 || r.text("error") != "invalid_redirect_uri" {
					t.Errorf("%q: %d %s", uri, r.status, r.body)
				}
			}
			many := `{"redirect_uris":["http://localhost/1"` + strings.Repeat(`,"http://localhost/1"`, 8) + `]}`
			b.postJSON(t, many).is(t, 400, "invalid_redirect_uri")
		}},
		{"5", "Unless used as a claim in a software statement, the authorization server MUST treat all client metadata as self-asserted.", func(t *testing.T, b *bench) {
			for _, name := range []string{"a\nb", "a\x00b", "a\u202eb", "a\u200bb", strings.Repeat("x", 65)} {
				body, _ := json.Marshal(map[string]any{"redirect_uris": []string{callback}, "client_name": name})
				b.postJSON(t, string(body)).is(t, 400, "invalid_client_metadata")
			}
			body, _ := json.Marshal(map[string]any{"redirect_uris": []string{callback}, "client_name": `</q><script>alert(1)</script> level=ERROR msg="x"`})
			r := b.postJSON(t, string(body))
			q := b.signedIn(t, "bob").get(t, "/oauth/authorize?"+asking(r.text("client_id")).Encode())
			if strings.Contains(q.body, "<script>") || !strings.Contains(q.body, "vouch") || !strings.Contains(q.body, "http://127.0.0.1") {
				t.Error(q.body)
			}
			if strings.Contains(b.log.String(), ` level=ERROR msg="x"`) {
				t.Error("a name wrote into the log")
			}
		}},
		{"3", "these requests MAY be rate-limited or otherwise limited: 100 a minute from one address, 250 of those kept until a person approves", func(t *testing.T, b *bench) {
			n := 0
			for b.postJSON(t, `{"redirect_uris":["http://localhost/cb"]}`).status == 201 {
				if n++; n > 1000 {
					t.Fatal("no limit")
				}
			}
			r := b.postJSON(t, `{"redirect_uris":["http://localhost/cb"]}`)
			r.is(t, http.StatusTooManyRequests, "temporarily_unavailable")
			if n != maxArrivals || r.header.Get("Retry-After") != "60" {
				t.Errorf("%d registered, again after %q", n, r.header.Get("Retry-After"))
			}
			b.pass(time.Minute)
			b.register(t, callback)
		}},
	})
}

// TestManyClients fills the place for clients: those that were never used give
// way, but not at once, and the others stay.
func TestManyClients(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	used := b.register(t, callback)
	v := b.signedIn(t, "bob").allow(t, asking(used), "approve", "")
	r := b.exchange(t, used, v.Get("code"))
	b.pass(time.Hour)
	err := b.store.Write(t.Context(), func(tx workspace.Tx) error {
		for i := range maxClients - 1 {
			if err := tx.AddClient(workspace.Client{ID: fmt.Sprint("c", i), Created: b.clock()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	next := asking(b.register(t, callback))
	br := b.signedIn(t, "bob")
	q := br.get(t, "/oauth/authorize?"+next.Encode())
	if r := br.post(t, "/oauth/authorize/approve", form("transaction", q.transaction(t), "decision", "approve")); r.status != http.StatusServiceUnavailable {
		t.Errorf("one too many is approved: %d", r.status)
	}
	b.pass(time.Hour + time.Second)
	br.allow(t, next, "approve", "")
	b.refresh(t, r, "client_id", used).is(t, 200, "")
	b.refresh(t, r, "client_id", "c0").is(t, 400, "invalid_client")
}
