package login

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

// newTransport returns the transport that a Client uses unless it is given
// another one.
func newTransport(connect time.Duration, dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Transport {
	if dial == nil {
		dial = (&net.Dialer{Timeout: connect}).DialContext
	}
	return &http.Transport{
		Proxy: proxy,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err == nil && !stays(address, conn.RemoteAddr()) {
				_ = conn.Close()
				return nil, errElsewhere
			}
			return conn, err
		},
		TLSHandshakeTimeout:    connect,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives:      true, // see do
	}
}

// proxy is what the environment says, but for this machine: nobody else needs
// to see what stays on it.
func proxy(req *http.Request) (*url.URL, error) {
	if loopback(req.URL.Hostname()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(req)
}

var errElsewhere = errors.New("localhost is another machine")

// stays reports whether a connection to localhost ended here: a resolver may
// say otherwise, and http is allowed only because it does not leave.
func stays(address string, remote net.Addr) bool {
	host, _, _ := net.SplitHostPort(address)
	tcp, ok := remote.(*net.TCPAddr)
	return host != "localhost" || ok && tcp.IP.IsLoopback()
}

// reason says in fixed words why a request failed. The text of an error of
// net/http is never repeated: it quotes what a server sent.
func (c *Client) reason(ctx context.Context, err error) string {
	var (
		timeout net.Error
		name    *net.DNSError
		number  syscall.Errno
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
	)
	switch {
	case errors.Is(context.Cause(ctx), errSlow):
		return fmt.Sprintf("no answer within %v", c.timeout)
	case errors.As(err, &name) && name.IsNotFound:
		return "there is no host of that name"
	case errors.As(err, &name):
		return "the name of the host can't be looked up"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no connection in time"
	case errors.As(err, &cert):
		return "its certificate is not one that this machine trusts"
	case errors.As(err, &record), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		return "it does not speak TLS as it should"
	case errors.Is(err, errElsewhere):
		return errElsewhere.Error()
	case errors.As(err, &number):
		return ofNumber(number)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return "the connection broke off"
	}
	return "the connection gave no answer of HTTP"
}

// ofNumber knows the numbers of Windows by hand: the names in syscall stand
// for other ones there.
func ofNumber(n syscall.Errno) string {
	const wsaConnReset, wsaConnRefused, wsaConnAborted = 10054, 10061, 10053
	switch n {
	case syscall.ECONNREFUSED, wsaConnRefused:
		return "nothing listens there"
	case syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, wsaConnReset, wsaConnAborted:
		return "the connection broke off"
	}
	return fmt.Sprintf("the network gives error %d", int(n))
}
