//go:build unix

package sidecar_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/akos/internal/akostest"
)

// TestTLS: a chain of one's own, over TCP with a token and over the socket
// without one.
func TestTLS(t *testing.T) {
	t.Parallel()
	b := newBox(t).account()
	dir := filepath.Dir(b.home)
	cert, key, root := chain(t, dir)
	p := b.serve("--tls-cert", cert, "--tls-key", key)
	if !strings.HasPrefix(p.url, "https://127.0.0.1:") {
		t.Fatalf("%s", p.url)
	}
	b.env = append(b.env, "HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1")
	b.akos(0, "a fake value", "secrets", "set", "KEY", "--stdin")
	if out, _ := b.akos(0, "", "secrets", "list"); !strings.Contains(out, "KEY") {
		t.Errorf("%s", out)
	}
	b.env = append(b.env, "AGENTSKIT_TOKEN="+b.tok, "AKOS_SERVER="+p.url)
	if _, errs := b.akos(8, "", "auth", "whoami"); !strings.Contains(errs, "is not one that this machine trusts") {
		t.Errorf("a chain that nobody knows: %s", errs)
	}
	b.env = append(b.env, "SSL_CERT_FILE="+root)
	if out, _ := b.akos(0, "", "auth", "whoami"); out != "Logged in as ada on tenant acme\n" {
		t.Errorf("%s", out)
	}
	b.akos(0, "a fake value", "secrets", "set", "OF_ACME", "--stdin")
	if out, _ := b.akos(0, "", "secrets", "list"); !strings.Contains(out, "OF_ACME") || strings.Contains(out, "\nKEY") {
		t.Errorf("%s", out)
	}
	// In clear on that port there is nothing, and no old TLS.
	if res, err := http.Get(strings.Replace(p.url, "https", "http", 1) + "/healthz"); err != nil || res.StatusCode != 400 {
		t.Errorf("in clear: %v %v", res, err)
	} else {
		_ = res.Body.Close()
	}
	// A browser is offered no protocol that a release does not speak.
	ours := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}
	if c, err := tls.Dial("tcp", strings.TrimPrefix(p.url, "https://"), ours); err != nil {
		t.Error(err)
	} else {
		if got := c.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
			t.Errorf("it speaks %q", got)
		}
		_ = c.Close()
	}
	old := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if c, err := tls.Dial("tcp", strings.TrimPrefix(p.url, "https://"), old); err == nil {
		_ = c.Close()
		t.Error("TLS 1.1 is spoken")
	}
	for _, bad := range [][]string{{"--tls-cert", cert, "--tls-key", cert}, {"--tls-cert", dir + "/none.pem", "--tls-key", key}} {
		other := newBox(t)
		if _, errs := other.akos(2, "", append([]string{"serve", "--listen", "127.0.0.1:0"}, bad...)...); !strings.Contains(errs, "the certificate and its key can't be read") {
			t.Errorf("%s", errs)
		}
	}
}

// chain makes a root, one below it, and a certificate of this machine.
func chain(t *testing.T, dir string) (cert, key, root string) {
	t.Helper()
	type signer struct {
		cert *x509.Certificate
		key  *ecdsa.PrivateKey
	}
	sign := func(name string, by *signer, ca bool) ([]byte, *signer) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: ca, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		}
		if !ca {
			c.DNSNames, c.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
		}
		if by == nil {
			by = &signer{c, k}
		}
		der, err := x509.CreateCertificate(rand.Reader, c, by.cert, &k.PublicKey, by.key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), &signer{c, k}
	}
	rootPEM, rootKey := sign("root", nil, true)
	midPEM, midKey := sign("below", rootKey, true)
	leafPEM, leaf := sign("akos", midKey, false)
	der, err := x509.MarshalPKCS8PrivateKey(leaf.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, key, root = dir+"/cert.pem", dir+"/key.pem", dir+"/root.pem"
	write(t, cert, string(leafPEM)+string(midPEM))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	write(t, root, string(rootPEM))
	return cert, key, root
}

// TestBehindProxy: behind a proxy that ends TLS, who comes is who the proxy
// says, and not who the client says.
func TestBehindProxy(t *testing.T) {
	t.Parallel()
	b := newBox(t).account()
	b.akosBin = filepath.Join(newRelease(t).bin, "akos") // under the race detector passwords take long
	var target *url.URL
	proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"] // as most do, it adds to what is there
		r.SetXForwarded()
	}})
	defer proxy.Close()
	// It listens on another port than its public URL says.
	addr := akostest.FreeAddr(t)
	p := b.serve("--listen", addr, "--behind-proxy", "--public-url", proxy.URL)
	if p.url != proxy.URL {
		t.Errorf("it says %s", p.url)
	}
	target = &url.URL{Scheme: "http", Host: addr}

	from := func(ip string) *http.Client {
		transport := proxy.Client().Transport.(*http.Transport).Clone()
		transport.DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}).DialContext
		transport.DisableKeepAlives = true
		return &http.Client{Transport: transport}
	}
	guess := func(c *http.Client, forwarded string) int {
		req, _ := http.NewRequest("POST", proxy.URL+"/signin", strings.NewReader("user=nobody&password=fake-wrong-password"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", proxy.URL)
		if forwarded != "" {
			req.Header.Set("X-Forwarded-For", forwarded)
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	one, two := from("127.0.0.2"), from("127.0.0.3")
	n := 0
	for guess(one, fmt.Sprintf("203.0.113.%d", n)) == 422 {
		if n++; n > 50 {
			t.Fatal("there is no limit for who gives another address each time")
		}
	}
	if got := guess(one, ""); got != 429 {
		t.Errorf("the same address: %d", got)
	}
	if got := guess(two, "127.0.0.2"); got != 422 {
		t.Errorf("another address: %d", got)
	}
	t.Logf("%d guesses of one address", n)

	req, _ := http.NewRequest("GET", proxy.URL+"/api/v1/whoami", nil)
	req.Header.Set("Authorization", "Bearer "+b.tok)
	res, err := one.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != 200 || !strings.Contains(string(body), `"ada"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, err := one.Get(proxy.URL + "/.well-known/oauth-protected-resource"); err != nil {
		t.Error(err)
	} else if body, _ := io.ReadAll(res.Body); !strings.Contains(string(body), proxy.URL) || strings.Contains(string(body), addr) {
		t.Errorf("%s", body)
	}
	// This user's own commands need no way through the proxy.
	b.akos(0, "", "secrets", "list")
}
