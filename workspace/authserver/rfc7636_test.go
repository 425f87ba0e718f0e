package authserver

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
)

func TestRFC7636(t *testing.T) {
	hold(t, "7636", []must{
		{"4.1", "code-verifier = 43*128unreserved", func(t *testing.T, b *bench) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			for _, bad := range []string{verifier[:42], strings.Repeat("a", 129), verifier[:42] + "+", verifier + "\x00", verifier + " "} {
				v := br.allow(t, asking(c), "approve", "")
				b.exchange(t, c, v.Get("code"), "code_verifier", bad).is(t, 400, "invalid_grant")
				sum := sha256.Sum256([]byte(bad))
				v = br.allow(t, asking(c, "code_challenge", base64.RawURLEncoding.EncodeToString(sum[:])), "approve", "")
				b.exchange(t, c, v.Get("code"), "code_verifier", bad).is(t, 400, "invalid_grant")
			}
		}},
		{"4.3", `code_challenge_method OPTIONAL, defaults to "plain" if not present in the request (which is not supported)`, func(t *testing.T, b *bench) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			for _, method := range []string{"", "plain", "s256", "S512"} {
				v := br.get(t, "/oauth/authorize?"+asking(c, "code_challenge_method", method).Encode()).redirected(t)
				if v.Get("error") != "invalid_request" || v.Get("state") != "the state" {
					t.Errorf("%q: %v", method, v)
				}
			}
		}},
		{"4.4.1", `If the server requires Proof Key for Code Exchange (PKCE) by OAuth public clients and the client does not send the "code_challenge" in the request, the authorization endpoint MUST return the authorization error response with the "error" value set to "invalid_request".`, func(t *testing.T, b *bench) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			for _, ch := range []string{"", "short", challenge() + "=", challenge() + "x"} {
				if v := br.get(t, "/oauth/authorize?"+asking(c, "code_challenge", ch).Encode()).redirected(t); v.Get("error") != "invalid_request" {
					t.Errorf("%q: %v", ch, v)
				}
			}
		}},
		{"4.6", `If the values are not equal, an error response indicating "invalid_grant" as described in Section 5.2 of [RFC6749] MUST be returned.`, func(t *testing.T, b *bench) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			v := br.allow(t, asking(c), "approve", "")
			b.exchange(t, c, v.Get("code"), "code_verifier", strings.Repeat("a", 43)).is(t, 400, "invalid_grant")
			v = br.allow(t, asking(c), "approve", "")
			b.exchange(t, c, v.Get("code"), "code_verifier", challenge()).is(t, 400, "invalid_grant")
			v = br.allow(t, asking(c), "approve", "")
			b.exchange(t, c, v.Get("code"), "code_verifier", "").is(t, 400, "invalid_request")
			b.exchange(t, c, v.Get("code")).is(t, 200, "")
		}},
	})
}
