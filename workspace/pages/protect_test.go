package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHeaders(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, style := body(t, c.page)
			sum := sha256.Sum256(style)
			forms := "'self'"
			if a, ok := c.page.(Approve); ok && a.Redirect != "" {
				forms += " " + a.Redirect
			}
			h := write(t, c.page).Header
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
					"'; form-action " + forms + "; frame-ancestors 'none'; base-uri 'none'",
				"Content-Type":                 "text/html; charset=utf-8",
				"X-Content-Type-Options":       "nosniff",
				"X-Frame-Options":              "DENY",
				"Cache-Control":                "no-store",
				"Cross-Origin-Opener-Policy":   "same-origin",
				"Cross-Origin-Resource-Policy": "same-origin",
				"Referrer-Policy":              "same-origin",
				"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
			} {
				if got := h.Values(name); len(got) != 1 || got[0] != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestFormAction says which answers to a form may leave this server.
func TestFormAction(t *testing.T) {
	for redirect, want := range map[string]string{
		"":                         "",
		"http://127.0.0.1:33418":   "http://127.0.0.1:33418",
		"http://localhost:1":       "http://localhost:1",
		"https://app.example":      "https://app.example",
		"https://app.example/path": "https://app.example",
		"http://[::1]:33418":       "http://*:33418",
		"http://[::1]":             "",
		"https://*":                "",
		"https://*.example":        "",
		"https:":                   "",
		"https://":                 "",
		"javascript:alert(1)":      "",
		"data:text/html,x":         "",
		"app.example":              "",
		"https://a; script-src *":  "",
		"https://a;script-src":     "",
		"https://a 'unsafe'":       "",
		"https://a,b":              "",
		"https://a\r\nX: y":        "",
		"https://пример.example":   "",
		"https://user@app.example": "https://app.example",
	} {
		w := httptest.NewRecorder()
		Write(w, 200, Approve{Redirect: redirect})
		_, forms, _ := strings.Cut(w.Header().Get("Content-Security-Policy"), "form-action 'self'")
		forms, _, _ = strings.Cut(forms, ";")
		if got := strings.TrimSpace(forms); got != want {
			t.Errorf("%q lets forms lead to %q, want %q", redirect, got, want)
		}
	}
}

// TestRefresh says where a page may go on to by itself.
func TestRefresh(t *testing.T) {
	for next, want := range map[string]string{
		"":                              "",
		"/device":                       "0; url=/device",
		"/authorize?a=b&redirect=x;y,z": "0; url=/authorize?a=b&redirect=x;y,z",
		"//evil.example":                "",
		`/\evil.example`:                "",
		"https://evil.example":          "",
		"javascript:alert(1)":           "",
		"/a\r\nX: y":                    "",
		"/ä":                            "",
	} {
		if got := write(t, SignedIn{Next: next}).Header.Get("Refresh"); got != want {
			t.Errorf("%q goes on with %q, want %q", next, got, want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for origin, want := range map[string]bool{
		"http://127.0.0.1:1": true, "http://[::1]:1": true, "http://localhost:1": true, "http://127.9.9.9": true,
		"https://app.example": false, "http://127.0.0.1.evil.example": false, "http://localhost.evil.example": false, "": false, "::": false,
	} {
		if got := loopback(origin); got != want {
			t.Errorf("loopback(%q) = %v", origin, got)
		}
	}
}
