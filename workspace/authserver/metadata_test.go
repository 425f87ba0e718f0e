package authserver

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	serverMetadata   = "/.well-known/oauth-authorization-server"
	resourceMetadata = "/.well-known/oauth-protected-resource"
)

func TestRFC8414(t *testing.T) {
	hold(t, "8414", []must{
		{"2", "issuer REQUIRED … response_types_supported REQUIRED … authorization_endpoint … token_endpoint", func(t *testing.T, b *bench) {
			m := b.browser(t).get(t, serverMetadata)
			for name, want := range map[string]string{
				"issuer": b.url, "authorization_endpoint": b.url + "/oauth/authorize", "token_endpoint": b.url + "/oauth/token",
				"registration_endpoint": b.url + "/oauth/register", "revocation_endpoint": b.url + "/oauth/revoke",
				"introspection_endpoint": b.url + "/oauth/introspect", "device_authorization_endpoint": b.url + "/oauth/device_authorization",
				"scopes_supported": "[cli read write admin]", "response_types_supported": "[code]", "response_modes_supported": "[query]",
				"grant_types_supported":                          "[authorization_code refresh_token urn:ietf:params:oauth:grant-type:device_code]",
				"token_endpoint_auth_methods_supported":          "[none]",
				"revocation_endpoint_auth_methods_supported":     "[none]",
				"introspection_endpoint_auth_methods_supported":  "[Bearer]",
				"code_challenge_methods_supported":               "[S256]",
				"authorization_response_iss_parameter_supported": "true",
				"protected_resources":                            fmt.Sprintf("[%s %s]", b.url, mcp),
				"akos_tenant_id_supported":                       "true", // ours: refresh takes tenant_id
			} {
				if got := fmt.Sprint(m.json[name]); got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
				delete(m.json, name)
			}
			if len(m.json) > 0 {
				t.Errorf("not expected: %v", m.json)
			}
		}},
		{"3", "Authorization servers supporting metadata MUST make a JSON document containing metadata … available at a path formed by inserting a well-known URI string into the authorization server's issuer identifier", func(t *testing.T, b *bench) {
			// What it names is there.
			m := b.browser(t).get(t, serverMetadata)
			for name, v := range m.json {
				if !strings.HasSuffix(name, "_endpoint") {
					continue
				}
				u, err := url.Parse(fmt.Sprint(v))
				if err != nil {
					t.Fatal(err)
				}
				if r := b.call(t, u.Path, nil); r.status == http.StatusNotFound {
					t.Errorf("%s is not there", v)
				}
			}
		}},
		{"3.1", `An authorization server metadata document MUST be queried using an HTTP "GET" request`, func(t *testing.T, b *bench) {
			if r := b.call(t, serverMetadata, nil); r.status != http.StatusMethodNotAllowed {
				t.Error(r.status)
			}
		}},
		{"3.2", `A successful response MUST use the 200 OK HTTP status code and return a JSON object using the "application/json" content type`, func(t *testing.T, b *bench) {
			m := b.browser(t).get(t, serverMetadata)
			if m.status != 200 || m.header.Get("Content-Type") != "application/json" || m.json == nil {
				t.Error(m.status, m.header)
			}
		}},
		{"3.2", "Claims that return multiple values are represented as JSON arrays. Claims with zero elements MUST be omitted from the response.", func(t *testing.T, b *bench) {
			for name, v := range b.browser(t).get(t, serverMetadata).json {
				if list, ok := v.([]any); ok && len(list) == 0 {
					t.Errorf("%s is empty", name)
				}
			}
		}},
		{"3.3", `The "issuer" value returned MUST be identical to the authorization server's issuer identifier value into which the well-known URI string was inserted`, func(t *testing.T, b *bench) {
			alias := strings.Replace(strings.TrimPrefix(b.url, "http://"), "127.0.0.1", "localhost", 1)
			for _, headers := range [][]string{nil, {"Host", alias}, {"X-Forwarded-Host", "evil.example"}, {"Forwarded", "host=evil.example"}} {
				if got := b.browser(t).get(t, serverMetadata, headers...).text("issuer"); got != b.url {
					t.Errorf("%q: %s", headers, got)
				}
			}
		}},
	})
}

func TestRFC9728(t *testing.T) {
	hold(t, "9728", []must{
		{"2", "resource REQUIRED … authorization_servers … scopes_supported", func(t *testing.T, b *bench) {
			m := b.browser(t).get(t, resourceMetadata)
			if m.text("resource") != b.url || fmt.Sprint(m.json["authorization_servers"]) != "["+b.url+"]" ||
				fmt.Sprint(m.json["scopes_supported"]) != "[cli read write admin]" || fmt.Sprint(m.json["bearer_methods_supported"]) != "[header]" {
				t.Error(m.body)
			}
		}},
		{"3.1", `A protected resource metadata document MUST be queried using an HTTP "GET" request`, func(t *testing.T, b *bench) {
			if r := b.call(t, resourceMetadata, nil); r.status != http.StatusMethodNotAllowed {
				t.Error(r.status)
			}
		}},
		{"3.2", `A successful response MUST use the 200 OK HTTP status code and return a JSON object using the "application/json" content type`, func(t *testing.T, b *bench) {
			m := b.browser(t).get(t, resourceMetadata)
			if m.status != 200 || m.header.Get("Content-Type") != "application/json" || m.json == nil {
				t.Error(m.status, m.header)
			}
		}},
		{"3.2", "Parameters with zero values MUST be omitted from the response.", func(t *testing.T, b *bench) {
			for name, v := range b.browser(t).get(t, resourceMetadata).json {
				if list, ok := v.([]any); v == "" || ok && len(list) == 0 {
					t.Errorf("%s is empty", name)
				}
			}
		}},
		{"3.3", `The "resource" value returned MUST be identical to the protected resource's resource identifier value into which the well-known URI path suffix was inserted to create the URL used to retrieve the metadata.`, func(t *testing.T, b *bench) {
			alias := strings.Replace(strings.TrimPrefix(b.url, "http://"), "127.0.0.1", "localhost", 1)
			m := b.browser(t).get(t, resourceMetadata, "Host", alias)
			if m.text("resource") != "http://"+alias || fmt.Sprint(m.json["authorization_servers"]) != "["+b.url+"]" {
				t.Error(m.body)
			}
			// And a token for the resource by that name can be had.
			r := b.login(t, "bob", "", "resource", m.text("resource"))
			if !b.live(r, b.url) {
				t.Error("not good for the API")
			}
			if r := b.browser(t).get(t, resourceMetadata, "Host", "evil.example"); r.status != http.StatusMisdirectedRequest || strings.Contains(r.body, "evil") {
				t.Errorf("%d %s", r.status, r.body)
			}
		}},
	})
}

func TestRFC9207(t *testing.T) {
	hold(t, "9207", []must{
		{"2", "In authorization responses to the client, including error responses, an authorization server supporting this specification MUST indicate its identity by including the iss parameter in the response.", func(t *testing.T, b *bench) {
			c, br := b.register(t, callback), b.signedIn(t, "bob")
			for what, v := range map[string]url.Values{
				"code":  br.allow(t, asking(c), "approve", ""),
				"no":    br.allow(t, asking(c), "deny", ""),
				"wrong": br.get(t, "/oauth/authorize?"+asking(c, "scope", "x").Encode()).redirected(t),
			} {
				if got := v["iss"]; len(got) != 1 || got[0] != b.url {
					t.Errorf("%s: %q", what, got)
				}
			}
		}},
		{"2.4", "the metadata says so, and its issuer is the same", func(t *testing.T, b *bench) {
			m := b.browser(t).get(t, serverMetadata)
			c := b.register(t, callback)
			v := b.signedIn(t, "bob").allow(t, asking(c), "approve", "")
			if v.Get("iss") != m.text("issuer") || m.json["authorization_response_iss_parameter_supported"] != true {
				t.Error(v, m.body)
			}
		}},
	})
}
