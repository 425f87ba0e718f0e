package login_test

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
	"example.com/akos/workspace/login"
)

// TestConnecting runs over real sockets: what can be wrong before HTTP begins.
func TestConnecting(t *testing.T) {
	nobody := akostest.FreeAddr(t)
	quiet := log.New(io.Discard, "", 0)
	clear, tls := httptest.NewUnstartedServer(nil), httptest.NewUnstartedServer(nil)
	clear.Config.ErrorLog, tls.Config.ErrorLog = quiet, quiet
	clear.Start()
	tls.StartTLS()
	defer clear.Close()
	defer tls.Close()
	mute, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()

	for _, tt := range []struct {
		name, address string
		limits        login.Options
		text, hint    string
	}{
		{"nobody listens", "http://" + nobody, login.Options{}, "http://" + nobody + " can't be reached: nothing listens there", "akos serve"},
		{"no such host", "https://nobody.invalid", login.Options{}, "https://nobody.invalid can't be reached: ", ""},
		{"a certificate of nobody", tls.URL, login.Options{}, "its certificate is not one that this machine trusts", "akos serve"},
		{"no TLS", strings.Replace(clear.URL, "http:", "https:", 1), login.Options{}, "does not speak TLS", "akos serve"},
		{"TLS where none is asked for", strings.Replace(tls.URL, "https:", "http:", 1), login.Options{}, "is no authorization server", ""},
		{"no answer", "http://" + mute.Addr().String(), login.Options{Timeout: 2 * time.Second}, "no answer within 2s", "akos serve"},
		{"no TLS handshake", "https://" + mute.Addr().String(), login.Options{Connect: 2 * time.Second}, "can't be reached: no connection in time", "akos serve"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := login.New(tt.limits).Begin(t.Context(), workspace.LoginRequest{Server: tt.address})
			e := workspace.Explain(err)
			if !strings.Contains(e.Msg, tt.text) || e.Hint != tt.hint {
				t.Errorf("%q, hint %q", e.Msg, e.Hint)
			}
		})
	}
}

// TestOverSockets is a login by the transport that akos has, no fake.
func TestOverSockets(t *testing.T) {
	s := akostest.NewAuthServer(t)
	s.Interval = 1
	s.Listen()
	c := login.New(login.Options{})
	d, err := c.Begin(t.Context(), workspace.LoginRequest{Server: s.Server})
	if err != nil {
		t.Fatal(err)
	}
	s.Approve(d.UserCode)
	g, err := c.Wait(t.Context(), d)
	if err != nil || g.UserID != "ada" {
		t.Fatalf("%q, %v", g.UserID, err)
	}
	if err := c.Revoke(t.Context(), g); err != nil {
		t.Error(err)
	}
}

// What stays on this machine is no proxy's business.
func TestNoProxyForThisMachine(t *testing.T) {
	asked := false
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	s := akostest.NewAuthServer(t)
	s.Listen()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		s.Server = strings.Replace(s.Server, "127.0.0.1", host, 1)
		s.Issuer = s.Server
		if _, err := login.New(login.Options{}).Begin(t.Context(), workspace.LoginRequest{Server: s.Server}); err != nil || asked {
			t.Errorf("%s: the proxy was asked: %v, %v", host, asked, err)
		}
	}
}

// endless is a body that never ends and costs no time.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read += len(p); e.read > 4<<20 {
		panic("more than 4 MiB were read")
	}
	return copy(p, bytes.Repeat([]byte(" "), len(p))), nil
}

func (e *endless) Close() error { return nil }

func (e *endless) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: e, Request: req}, nil
}

func TestAnEndlessAnswerIsNotRead(t *testing.T) {
	_, err := login.New(login.Options{Transport: &endless{}}).Begin(t.Context(), workspace.LoginRequest{Server: "https://vault.test"})
	if e := workspace.Explain(err); !strings.Contains(e.Msg, "more than 1 MiB") {
		t.Error(err)
	}
}
