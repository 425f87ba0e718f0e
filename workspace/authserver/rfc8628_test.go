package authserver

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestRFC8628(t *testing.T) {
	hold(t, "8628", []must{
		{"3.1", "The client initiates the authorization flow by requesting a set of verification codes from the authorization server by making an HTTP POST request to the device authorization endpoint.", func(t *testing.T, b *bench) {
			if r := b.browser(t).get(t, "/oauth/device_authorization?client_id=akos-cli"); r.status != http.StatusMethodNotAllowed {
				t.Errorf("GET: %d", r.status)
			}
			b.device(t)
		}},
		{"3.1", "client_id REQUIRED if the client is not authenticating with the authorization server", func(t *testing.T, b *bench) {
			b.call(t, "/oauth/device_authorization", form("scope", "cli")).is(t, 400, "invalid_request")
			b.call(t, "/oauth/device_authorization", form("client_id", "nobody")).is(t, 400, "invalid_client")
		}},
		{"3.1", "Parameters sent without a value MUST be treated as if they were omitted from the request.", func(t *testing.T, b *bench) {
			r := b.call(t, "/oauth/device_authorization", url.Values{"client_id": {"akos-cli"}, "scope": {""}, "resource": {""}})
			r.is(t, 200, "")
			b.call(t, "/oauth/device_authorization", url.Values{"client_id": {""}}).is(t, 400, "invalid_request")
		}},
		{"3.1", "The authorization server MUST ignore unrecognized request parameters.", func(t *testing.T, b *bench) {
			b.device(t, "colour", "green")
		}},
		{"3.1", "Request and response parameters MUST NOT be included more than once.", func(t *testing.T, b *bench) {
			for _, name := range []string{"client_id", "scope", "colour"} {
				f := form("client_id", "akos-cli", "scope", "cli", "colour", "green")
				f.Add(name, f.Get(name))
				b.call(t, "/oauth/device_authorization", f).is(t, 400, "invalid_request")
			}
		}},
		{"3.2", `includes them in the HTTP response body using the "application/json" format [RFC8259] with a 200 (OK) status code`, func(t *testing.T, b *bench) {
			r := b.device(t)
			if got := r.header.Get("Content-Type"); got != "application/json" {
				t.Error(got)
			}
			if len(r.text("device_code")) != 43 || r.json["expires_in"] != 600.0 || r.json["interval"] != 5.0 || r.text("verification_uri") != b.url+"/device" {
				t.Error(r.body)
			}
			if want := b.url + "/device?user_code=" + r.text("user_code"); r.text("verification_uri_complete") != want {
				t.Error(r.body)
			}
			if r.header.Get("Cache-Control") != "no-store" {
				t.Error("a device code may be cached")
			}
		}},
		{"3.3", `the authorization server prompts the end user to identify the device authorization session by entering the "user_code" provided by the client`, func(t *testing.T, b *bench) {
			d := b.device(t)
			if r := b.browser(t).get(t, "/device"); r.status != 303 || r.header.Get("Location") != "/signin?next=%2Fdevice" {
				t.Errorf("not sent to sign in first: %d %q", r.status, r.header.Get("Location"))
			}
			// Who has not signed in can't find out whether a code is one.
			right := b.browser(t).post(t, "/device", form("user_code", d.text("user_code")))
			wrong := b.browser(t).post(t, "/device", form("user_code", "BBBB-BBBB"))
			if right.status != 303 || right.header.Get("Location") != "/signin?next=%2Fdevice" || right.body != wrong.body || right.status != wrong.status {
				t.Errorf("a stranger's code was looked up: %d %s", right.status, right.body)
			}
			q := b.signedIn(t, "bob").post(t, "/device", form("user_code", d.text("user_code")))
			if q.transaction(t) == "" || !strings.Contains(q.body, d.text("user_code")) || !strings.Contains(q.body, "bob") {
				t.Error(q.body)
			}
		}},
		{"3.3", "the authorization server … prompts the end user to approve or deny: ours takes a yes to one of the person's own tenants, or a no", func(t *testing.T, b *bench) {
			d := b.device(t)
			br := b.signedIn(t, "bob")
			br.post(t, "/device", form("user_code", d.text("user_code")))
			b.poll(t, d).is(t, 400, "authorization_pending")
			if r := br.decide(t, d, "maybe", ""); r.status != http.StatusUnprocessableEntity {
				t.Errorf("a decision that is none: %d", r.status)
			}
			if r := b.signedIn(t, "alice").decide(t, d, "approve", "other"); r.status != http.StatusUnprocessableEntity {
				t.Errorf("a tenant that is not hers: %d", r.status)
			}
			if r := b.signedIn(t, "alice").decide(t, d, "approve", ""); r.status != http.StatusUnprocessableEntity {
				t.Errorf("no tenant of two: %d", r.status)
			}
			b.pass(5 * time.Second)
			b.poll(t, d).is(t, 400, "authorization_pending")
		}},
		{"3.3.1", `the authorization server will require the user to confirm it to disambiguate devices or as remote phishing mitigation`, func(t *testing.T, b *bench) {
			d := b.device(t)
			link, _ := url.Parse(d.text("verification_uri_complete"))
			r := b.browser(t).get(t, link.RequestURI())
			next, _ := url.Parse(r.header.Get("Location"))
			if got := next.Query().Get("next"); got != link.RequestURI() {
				t.Errorf("goes on to %q", got)
			}
			r = b.signedIn(t, "bob").get(t, link.RequestURI())
			if r.status != 200 || !strings.Contains(r.body, d.text("user_code")) || transactionField.MatchString(r.body) {
				t.Error("the link alone asks, or does not fill the code in")
			}
			// Filling in is not looking up: a code that is none looks the same.
			if r := b.signedIn(t, "bob").get(t, "/device?user_code=BBBB-BBBB"); r.status != 200 || !strings.Contains(r.body, "BBBB-BBBB") {
				t.Error(r.status)
			}
		}},
		{"3.4", "grant_type REQUIRED … device_code REQUIRED … client_id REQUIRED if the client is not authenticating", func(t *testing.T, b *bench) {
			d := b.device(t)
			for _, name := range []string{"grant_type", "device_code", "client_id"} {
				b.poll(t, d, name, "").is(t, 400, "invalid_request")
			}
		}},
		{"3.4", "Parameters … MUST NOT be included more than once", func(t *testing.T, b *bench) {
			d := b.device(t)
			f := form("grant_type", grantDevice, "client_id", "akos-cli", "device_code", d.text("device_code"), "device_code", d.text("device_code"))
			b.call(t, "/oauth/token", f).is(t, 400, "invalid_request")
		}},
		{"3.5", "invalid_grant (RFC 6749 section 5.2): the code was issued to another client", func(t *testing.T, b *bench) {
			other := b.register(t, callback)
			d := b.device(t)
			b.signedIn(t, "bob").decide(t, d, "approve", "")
			b.poll(t, d, "client_id", other).is(t, 400, "invalid_grant")
			b.poll(t, d, "device_code", "of my own").is(t, 400, "invalid_grant")
			b.poll(t, d).is(t, 200, "")
		}},
		{"3.5", "authorization_pending: The authorization request is still pending as the end user hasn't yet completed the user-interaction steps", func(t *testing.T, b *bench) {
			d := b.device(t)
			for range 3 {
				b.poll(t, d).is(t, 400, "authorization_pending")
				b.pass(5 * time.Second)
			}
			b.signedIn(t, "bob").decide(t, d, "approve", "")
			if r := b.poll(t, d); r.text("user_id") != "bob" || r.text("tenant_id") != "local" || r.text("scope") != "cli" {
				t.Error(r.body)
			}
		}},
		{"3.5", "slow_down: … the interval MUST be increased by 5 seconds for this and all subsequent requests", func(t *testing.T, b *bench) {
			d := b.device(t)
			b.poll(t, d).is(t, 400, "authorization_pending")
			b.poll(t, d).is(t, 400, "slow_down") // 10 s from here on
			b.pass(6 * time.Second)
			b.poll(t, d).is(t, 400, "slow_down") // 15 s
			b.pass(15 * time.Second)
			b.poll(t, d).is(t, 400, "authorization_pending")
			b.signedIn(t, "bob").decide(t, d, "approve", "")
			b.pass(10 * time.Second)
			b.poll(t, d).is(t, 400, "slow_down") // 20 s, approved or not
			b.pass(20 * time.Second)
			b.poll(t, d).is(t, 200, "")
		}},
		{"3.5", "access_denied: The authorization request was denied.", func(t *testing.T, b *bench) {
			d := b.device(t)
			if r := b.signedIn(t, "bob").decide(t, d, "deny", ""); r.status != 200 || !strings.Contains(r.body, "Denied") {
				t.Error(r.body)
			}
			b.poll(t, d).is(t, 400, "access_denied")
			if n := len(b.store.AllTokens()); n != 0 {
				t.Errorf("%d tokens", n)
			}
		}},
		{"3.5", `expired_token: The "device_code" has expired, and the device authorization session has concluded.`, func(t *testing.T, b *bench) {
			d, e := b.device(t), b.device(t)
			br := b.signedIn(t, "bob")
			q := br.post(t, "/device", form("user_code", d.text("user_code"))).transaction(t)
			br.decide(t, e, "approve", "")
			b.pass(10 * time.Minute)
			b.poll(t, d).is(t, 400, "expired_token")
			b.poll(t, e).is(t, 400, "expired_token")
			if r := br.post(t, "/device/approve", form("transaction", q, "decision", "approve")); r.status != http.StatusConflict {
				t.Errorf("it was decided too late: %d", r.status)
			}
			if r := br.post(t, "/device", form("user_code", d.text("user_code"))); r.status != http.StatusUnprocessableEntity {
				t.Errorf("its code is still one: %d", r.status)
			}
			// Also when the question is younger than the login.
			d = b.device(t)
			b.pass(9 * time.Minute)
			q = br.post(t, "/device", form("user_code", d.text("user_code"))).transaction(t)
			b.pass(time.Minute)
			if r := br.post(t, "/device/approve", form("transaction", q, "decision", "approve")); r.status != http.StatusConflict {
				t.Errorf("it was decided too late: %d", r.status)
			}
		}},
		{"5.1", "the rate-limiting interval and validity period would need to only allow 5 attempts", func(t *testing.T, b *bench) {
			d := b.device(t)
			br := b.signedIn(t, "bob")
			tries := 0
			for br.post(t, "/device", form("user_code", "BBBB-BBB"+userCodeLetters[tries:tries+1])).status == http.StatusUnprocessableEntity {
				if tries++; tries > 20 {
					t.Fatal("no limit")
				}
			}
			t.Logf("stopped after %d wrong codes of one user", tries)
			if tries != maxGuessesUser {
				t.Errorf("%d tries", tries)
			}
			// The right one is refused too, or trying on would help.
			if r := br.post(t, "/device", form("user_code", d.text("user_code"))); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
				t.Errorf("the right code after that: %d", r.status)
			}
			// Another session of the same user is no other user.
			if r := b.signedIn(t, "bob").post(t, "/device", form("user_code", "BBBB-BBBB")); r.status != http.StatusTooManyRequests {
				t.Errorf("another session: %d", r.status)
			}
			// Another user at the same address has the rest of that address.
			alice := b.signedIn(t, "alice")
			more := 0
			for alice.post(t, "/device", form("user_code", "BBBB-BBBB")).status == http.StatusUnprocessableEntity {
				if more++; more > 20 {
					t.Fatal("no limit")
				}
			}
			if tries+more != maxGuessesAddress {
				t.Errorf("%d tries from one address", tries+more)
			}
			b.pass(10 * time.Minute)
			d = b.device(t)
			if r := br.decide(t, d, "approve", ""); r.status != 200 {
				t.Errorf("after ten minutes: %d", r.status)
			}
		}},
		{"5.1", "it is recommended that the server rate-limit user code attempts", func(t *testing.T, b *bench) {
			// Those that are right don't count, nor those that can't be codes.
			br := b.signedIn(t, "bob")
			for range 3 * maxGuessesUser {
				if r := br.post(t, "/device", form("user_code", "not a code")); r.status != http.StatusUnprocessableEntity {
					t.Fatal(r.status)
				}
				br.decide(t, b.device(t), "deny", "")
			}
		}},
		{"5.2", "a very high entropy code SHOULD be used", func(t *testing.T, b *bench) {
			seen := map[string]bool{}
			for range 100 {
				seen[b.device(t).text("device_code")] = true
			}
			if len(seen) != 100 {
				t.Error("codes come twice")
			}
		}},
		{"5.4", `the authorization server SHOULD … display the "user_code" to the user and ask them to verify that it matches the "user_code" being displayed on the device`, func(t *testing.T, b *bench) {
			d := b.device(t, "client_id", b.register(t, callback), "scope", "read write")
			q := b.signedIn(t, "bob").post(t, "/device", form("user_code", d.text("user_code")))
			for _, want := range []string{"127.0.0.1", "A client", "vouch", d.text("user_code"), "write"} {
				if !strings.Contains(q.body, want) {
					t.Errorf("%q is not shown", want)
				}
			}
		}},
		{"6.1", "the server should strip dashes and other punctuation that it added for readability … the user's input should be upper-cased before a comparison", func(t *testing.T, b *bench) {
			br := b.signedIn(t, "bob")
			for _, write := range []func(string) string{
				strings.ToLower,
				func(s string) string { return strings.ReplaceAll(s, "-", "") },
				func(s string) string { return "  " + strings.ReplaceAll(s, "-", " - ") + " " },
			} {
				d := b.device(t)
				br.post(t, "/device", form("user_code", write(d.text("user_code")))).transaction(t)
			}
		}},
		{"6.1", `BCDFGHJKLMNPQRSTVWXZ`, func(t *testing.T, b *bench) {
			counts := map[rune]int{}
			for range 25_000 {
				for _, r := range newUserCode() {
					counts[r]++
				}
			}
			for _, r := range "BCDFGHJKLMNPQRSTVWXZ" {
				if counts[r] < 9_550 || counts[r] > 10_450 { // 10,000 on average, and 97 more or less
					t.Errorf("%c: %d of 200000", r, counts[r])
				}
				delete(counts, r)
			}
			if len(counts) > 0 {
				t.Errorf("other letters: %v", counts)
			}
		}},
	})
}
