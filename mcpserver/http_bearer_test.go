package mcpserver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/akos/internal/wire"
	"example.com/akos/mcpserver"
	"example.com/akos/workspace"
)

// TestHTTPScopes: a token does what its scopes allow, and sees no more.
func TestHTTPScopes(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "")
	w := overHTTP(t, h, mcpserver.Options{})
	const read, write, admin = "vault_list", "connection_create", "vault_remove"
	for _, tt := range []struct{ scopes, sees string }{
		{"read", read}, {"write", write}, {"admin", admin}, {"read write", read + " " + write}, {"cli", read + " " + write + " " + admin},
	} {
		token := h.token(t, "ada", "", strings.Fields(tt.scopes)...)
		a := w.connect(token)
		listed := " " + strings.Join(a.names(), " ") + " "
		for tool, scope := range map[string]string{read: "read", write: "write", admin: "admin"} {
			may := strings.Contains(tt.sees, tool)
			if strings.Contains(listed, " "+tool+" ") != may {
				t.Errorf("%s lists %s", tt.scopes, listed)
			}
			for era, res := range map[string]answer{
				"older":  a.post(request(1, tool, `{}`)),
				"newest": w.modern(token, "tools/call", tool, fmt.Sprintf(`"name":%q,"arguments":{}`, tool)),
			} {
				if may {
					res.is(200, 0)
					continue
				}
				res.is(403, -32600)
				challenge := res.header.Get("WWW-Authenticate")
				if !strings.Contains(challenge, `error="insufficient_scope"`) || !strings.HasSuffix(challenge, `, scope="`+tt.scopes+" "+scope+`"`) {
					t.Errorf("%s, %s: %s", era, tt.scopes, challenge)
				}
			}
		}
	}
	res := w.send("POST", "/mcp", initialize, "Authorization", "Bearer "+h.token(t, "ada", "", "introspect")).is(403, -32600)
	if !strings.Contains(res.header.Get("WWW-Authenticate"), `error="insufficient_scope"`) {
		t.Errorf("%q", res.header)
	}
}

// TestHTTPTokens: without a token that is good here and now there is a
// challenge and nothing else.
func TestHTTPTokens(t *testing.T) {
	h := newHome(t)
	h.account(t, "ada", "")
	token := h.token(t, "ada", "", "read")
	w := overHTTP(t, h, mcpserver.Options{})
	a := w.connect(token)
	for _, headers := range [][]string{
		{}, {"Authorization", "Bearer"}, {"Authorization", "Basic " + token}, {"Authorization", token},
		{"Authorization", "Bearer " + token + "x"}, {"Authorization", "Bearer " + strings.ToUpper(token)},
		{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token},
		{"Authorization", "Bearer " + strings.Repeat("x", 9<<10)},
	} {
		for _, method := range []string{"POST", "GET", "DELETE"} {
			res := w.send(method, "/mcp?access_token="+token, initialize, headers...)
			challenge := res.header.Get("WWW-Authenticate")
			metadata := `Bearer resource_metadata="` + strings.TrimSuffix(w.url, "/mcp") + `/.well-known/oauth-protected-resource/mcp"`
			if res.status != 401 || !strings.HasPrefix(challenge, metadata) || strings.Contains(challenge, "invalid_token") != (len(headers) > 0) ||
				!strings.HasSuffix(challenge, `scope="read write"`) {
				t.Errorf("%s %.80q: %d %s", method, headers, res.status, challenge)
			}
			if strings.Contains(res.body+challenge, token) {
				t.Errorf("the token is repeated: %s", res.body)
			}
		}
	}
	// One that has ended is worth nothing.
	h.with = func(o *workspace.Options) {
		now := o.Now
		o.Now = func() time.Time { return now().Add(time.Hour) }
	}
	overHTTP(t, h, mcpserver.Options{}).send("POST", "/mcp", initialize, "Authorization", "Bearer "+token).is(401, -32600)
	h.with = nil
	// One that is revoked is worth nothing at once, session or not.
	open, closeAll, err := h.open("cli", "", h.log)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	a.post(ping).is(200, 0)
	if _, err := open.RevokeToken(t.Context(), "read ada "); err != nil {
		list, _ := open.PersonalTokens(t.Context(), "")
		t.Fatal(err, list)
	}
	a.post(ping).is(401, -32600)
	w.modern(token, "tools/list", "", "").is(401, -32600)
}

// TestHTTPProvider: the tokens of an identity provider are JWTs, whose tenant
// and scopes count, for the audience that this server has.
func TestHTTPProvider(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	mux := http.NewServeMux()
	idp := httptest.NewServer(mux)
	defer idp.Close()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"authorization_endpoint":"%[2]s/a","token_endpoint":"%[2]s/t","jwks_uri":"%[2]s/keys","id_token_signing_alg_values_supported":["ES256"]}`, idp.URL, idp.URL)
	})
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":"k","x":%q,"y":%q}]}`, b64(point[1:33]), b64(point[33:]))
	})
	token := func(audience, tenant, scope string, ends time.Time) string {
		signed := b64([]byte(`{"alg":"ES256","kid":"k"}`)) + "." + b64(fmt.Appendf(nil, `{"iss":%q,"aud":%q,"sub":"ada","tenant_id":%q,"scope":%q,"exp":%d}`, idp.URL, audience, tenant, scope, ends.Unix()))
		sum := sha256.Sum256([]byte(signed))
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signed + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
	}
	w := overHTTP(t, newHome(t), mcpserver.Options{}, func(o *mcpserver.HTTPOptions) {
		o.Issuer = idp.URL
		o.Verifier = func(o workspace.ServeOptions, audience string) (mcpserver.Verifier, error) {
			return wire.Verifier(o, audience)
		}
	})
	later := time.Now().Add(time.Hour)
	a := w.connect(token(w.url, "acme", "openid read", later))
	if text := a.call("auth_status", `{}`).text(); !strings.Contains(text, `"userId":"ada","tenantId":"acme"`) || !strings.Contains(text, `"scopes":["read"]`) {
		t.Error(text)
	}
	a.post(request(1, "connection_create", `{}`)).is(403, -32600)
	good := token(w.url, "acme", "read", later)
	for name, bad := range map[string]string{
		"another audience": token("https://other.example", "acme", "read", later),
		"it has ended":     token(w.url, "acme", "read", time.Now().Add(-time.Hour)),
		"changed":          good[:len(good)-8] + "AAAAAAAA",
		"not signed":       good[:strings.LastIndex(good, ".")+1],
	} {
		if res := w.send("POST", "/mcp", initialize, "Authorization", "Bearer "+bad); res.status != 401 {
			t.Errorf("%s: %+v", name, res)
		}
	}
	w.send("POST", "/mcp", initialize, "Authorization", "Bearer "+token(w.url, "local", "read", later)).is(403, -32600) // it is this home's own
	var doc map[string]any
	if err := json.Unmarshal([]byte(w.send("GET", "/.well-known/oauth-protected-resource/mcp", "").body), &doc); err != nil || fmt.Sprint(doc["authorization_servers"]) != "["+idp.URL+"]" {
		t.Errorf("%v %v", doc, err)
	}
}
