package login_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"example.com/akos/workspace"
	"example.com/akos/workspace/login"
)

// scripted answers by path, in memory and without HTTP: what is fuzzed is what
// is said. CODE, VERIFIER and REFRESH in a body stand for what was sent.
type scripted struct {
	bodies map[string][]byte
	types  map[string]string
	sent   map[string]string
}

func (s *scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.ParseForm()
		for name, stands := range map[string]string{"device_code": "CODE", "code_verifier": "VERIFIER", "refresh_token": "REFRESH"} {
			if v := req.PostForm.Get(name); v != "" {
				s.sent[stands] = v
			}
		}
	}
	body, ok := s.bodies[req.URL.Path]
	status, media := http.StatusOK, "application/json"
	if !ok {
		status = http.StatusNotFound
	}
	if t := s.types[req.URL.Path]; t != "" {
		media = t
	}
	for stands, v := range s.sent {
		body = bytes.ReplaceAll(body, []byte(stands), []byte(v))
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {media}}, Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

const (
	fuzzServer   = "https://vault.test"
	fuzzResource = `{"resource":"https://vault.test","authorization_servers":["https://vault.test"]}`
	fuzzMetadata = `{"issuer":"https://vault.test","device_authorization_endpoint":"https://vault.test/d","token_endpoint":"https://vault.test/t","userinfo_endpoint":"https://vault.test/u","code_challenge_methods_supported":["S256"]}`
)

func fuzzClient(s *scripted) (*login.Client, *buffer) {
	log := &buffer{}
	s.sent = map[string]string{}
	return login.New(login.Options{Transport: s, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}), log
}

// FuzzDiscovery: whatever the documents are, Begin gives a login with
// addresses that may be opened, or an error of ours of one line.
func FuzzDiscovery(f *testing.F) {
	f.Add("application/json", []byte(fuzzResource), []byte(fuzzMetadata), []byte(`{"device_code":"fake-code-1","user_code":"AB-CD","verification_uri":"https://vault.test/v","expires_in":600}`))
	f.Add("text/html", []byte("<html>"), []byte("{"), []byte(`{"device_code":"fake-code-1","user_code":"fake-code-1"`))
	f.Add("application/json", []byte(`{"resource":1e999}`), []byte(`{"issuer":"\ud800"}`), []byte(`{"expires_in":-1e400,"interval":{}}`))
	f.Add("application/x+json;;", []byte(`{"a":{"a":1,"a":1}}`), []byte(fuzzMetadata), []byte(`{"device_code":"fake-code-1","user_code":"\u001b","verification_uri":"javascript:1","expires_in":600}`))
	f.Fuzz(func(t *testing.T, media string, resource, metadata, device []byte) {
		c, log := fuzzClient(&scripted{
			bodies: map[string][]byte{
				"/.well-known/oauth-protected-resource": resource, "/.well-known/oauth-authorization-server": metadata, "/d": device,
			},
			types: map[string]string{"/.well-known/oauth-protected-resource": media},
		})
		d, err := c.Begin(t.Context(), workspace.LoginRequest{Server: fuzzServer})
		oneLine(t, err)
		if strings.Contains(log.String(), "fake-code-1") {
			t.Error("a device code is in the log")
		}
		if err != nil {
			return
		}
		for _, text := range []string{d.UserCode, d.VerificationURI, d.VerificationURIComplete} {
			if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q is shown", text)
			}
		}
		if !strings.HasPrefix(strings.ToLower(d.VerificationURI), "https://") || d.Interval <= 0 {
			t.Errorf("%q every %v", d.VerificationURI, d.Interval)
		}
	})
}

// FuzzTokenAnswer: whatever the token and userinfo endpoints say, nothing that
// was sent to them is in an error, in the log or in the session.
func FuzzTokenAnswer(f *testing.F) {
	const good = `{"access_token":"fake-access-1","token_type":"Bearer","expires_in":60,"refresh_token":"fake-refresh-1","scope":"cli"}`
	f.Add([]byte(good), []byte(`{"sub":"ada","tenant_id":"acme","tenants":["acme"]}`))
	f.Add([]byte(`{"error":"CODE","error_description":"VERIFIER"}`), []byte(`{"sub":"VERIFIER"}`))
	f.Add([]byte(strings.Replace(good, "cli", "CODE", 1)), []byte(`{"sub":"ada"}`))
	f.Add([]byte(good), []byte(`{"sub":"ada","tenants":["xCODE"]}`))
	f.Add([]byte(good), []byte(`{"sub":"ada","tenants":["REFRESH"]}`))
	f.Add([]byte(strings.Replace(good, `"scope"`, `"id_token":"e30.eyJpc3MiOiJodHRwczovL3ZhdWx0LnRlc3QifQ.x","a"`, 1)), []byte(`{"sub":"\u202e"}`))
	f.Add([]byte(`{"access_token":"fake-access-1","token_type":"CODE","expires_in":1e999}`), []byte(``))
	f.Fuzz(func(t *testing.T, token, userinfo []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := &scripted{bodies: map[string][]byte{
				"/.well-known/oauth-protected-resource": []byte(fuzzResource), "/.well-known/oauth-authorization-server": []byte(fuzzMetadata),
				"/d": []byte(`{"device_code":"fake-device-1","user_code":"AB-CD","verification_uri":"https://vault.test/v","expires_in":60}`),
				"/t": token, "/u": userinfo,
			}}
			c, log := fuzzClient(s)
			d, err := c.Begin(t.Context(), workspace.LoginRequest{Server: fuzzServer})
			if err != nil {
				t.Fatal(err)
			}
			g, err := c.Wait(t.Context(), d)
			oneLine(t, err)
			seen := fmt.Sprintf("%v %+v %v", err, g.Session, g)
			if err == nil {
				g, err = c.Refresh(t.Context(), g)
				oneLine(t, err)
				seen += fmt.Sprintf("%v %+v", err, g.Session)
			}
			for stands, v := range s.sent {
				if len(v) >= 8 && strings.Contains(log.String()+seen, v) {
					t.Errorf("%s is seen", stands)
				}
			}
			for _, text := range append(append(g.Tenants, g.Scopes...), g.UserID) {
				if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e }) {
					t.Errorf("%q is shown", text)
				}
			}
		})
	})
}

func oneLine(t *testing.T, err error) {
	if err == nil {
		return
	}
	if e := workspace.Explain(err); e.Kind == workspace.Internal || len(e.Msg) > 5000 || strings.ContainsFunc(e.Msg, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("%v %q", e.Kind, e.Msg)
	}
}
