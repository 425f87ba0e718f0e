package login_test

import (
	"strings"
	"testing"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
)

func TestTheAddressOfAServer(t *testing.T) {
	const pasted = "fake-pass" + "word-1"
	for _, tt := range []struct{ typed, is, problem string }{
		{"https://vault.test", "https://vault.test", ""},
		{"HTTPS://Vault.TEST:443/", "https://vault.test", ""},
		{"https://vault.test:8443/team/a/", "https://vault.test:8443/team/a", ""},
		{"http://127.0.0.1:7717/", "http://127.0.0.1:7717", ""},
		{"http://127.9.9.9", "http://127.9.9.9", ""},
		{"http://localhost:80", "http://localhost", ""},
		{"http://LOCALHOST:7717", "http://localhost:7717", ""},
		{"http://[::1]:7717", "http://[::1]:7717", ""},
		{"https://[2001:DB8::1]", "https://[2001:db8::1]", ""},
		{"https://xn--bcher-kva.test", "https://xn--bcher-kva.test", ""},

		{"", "", "https://"},
		{"vault.test", "", "https://"},
		{"127.0.0.1:7717", "", "https://"},
		{"localhost:7717", "", "https://"},
		{"ftp://vault.test", "", "https://"},
		{"javascript:alert(1)", "", "https://"},
		{"https:vault.test", "", "https://"},
		{"https://", "", "no host"},
		{"https:///path", "", "no host"},
		{"http://vault.test", "", "is not https"},
		{"http://10.0.0.1", "", "is not https"},
		{"http://0.0.0.0", "", "is not https"},
		{"http://localhost.vault.test", "", "is not https"},
		{"http://127.0.0.1.vault.test", "", "is not https"},
		{"http://127.1", "", "is not https"},
		{"http://2130706433", "", "is not https"},
		{"http://[::ffff:127.0.0.1]", "", "is not https"},
		{"http://[::1%25lo]", "", "no host"},
		{"http://128.0.0.1", "", "is not https"},
		{"https://ada:" + pasted + "@vault.test", "", "leave it out"},
		{"https://" + pasted + "@vault.test", "", "leave it out"},
		{"https://vault.test/#" + pasted, "", "fragment"},
		{"https://vault.test#", "", "fragment"},
		{"https://vault.test/?token=" + pasted, "", "query"},
		{"https://vault.test?", "", "query"},
		{"https://vault.test:0", "", "no port"},
		{"https://vault.test:", "", "no port"},
		{"https://vault.test:65536", "", "no port"},
		{"https://vault.test:x", "", "https://"},
		{"https://vault.test/a/../b", "", "not plain"},
		{"https://vault.test/..", "", "not plain"},
		{"https://vault.test//a", "", "not plain"},
		{"https://vault.test/%2e%2e", "", "not plain"},
		{"https://vault.test/a%2Fb", "", "not plain"},
		{"https://vault.test\\@evil.test", "", "characters"},
		{"https://vault.test\r\nX: y", "", "characters"},
		{" https://vault.test", "", "characters"},
		{"https://bücher.test", "", "characters"},
		{"https://vault.test/\u202eetis", "", "characters"},
		{"https://-vault.test", "", "no host"},
		{"https://vault,test", "", "no host"},
		{"https://vault.test/" + strings.Repeat("a", 2048), "", "2048"},
	} {
		t.Run(tt.typed[:min(len(tt.typed), 40)], func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newRig(t, func(s *akostest.AuthServer) {
					if tt.is != "" {
						s.Server, s.Issuer = tt.is, tt.is
					}
				})
				d, err := r.Begin(t.Context(), workspace.LoginRequest{Server: tt.typed})
				if tt.problem == "" {
					if err != nil || d.Server != tt.is {
						t.Fatalf("%q, %v", d.Server, err)
					}
					return
				}
				r.check(err, workspace.Invalid, tt.problem)
				if err != nil && strings.Contains(err.Error(), pasted) {
					t.Error("the error repeats what was pasted")
				}
			})
		})
	}
}
