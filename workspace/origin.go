package workspace

import (
	"net/netip"
	"net/url"
	"strings"
)

// Origin returns the origin of a server's address in its normal form: scheme,
// host in lower case, port unless it is the scheme's own. What is not https,
// or http on loopback, is Invalid: a token must not travel in clear. So is an
// address with a user, a path, a query or a fragment.
func Origin(address string) (string, error) {
	if err := Refuse(address, "a server"); err != nil {
		return "", err
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", Errorf(Invalid, "a server is an address such as https://akos.example.com or %s", DefaultServer)
	}
	host := strings.ToLower(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || !Loopback(host)) {
		return "", Errorf(Invalid, "a server is reached by https, or on this machine by http")
	}
	port := u.Port()
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		port = ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" {
		host += ":" + port
	}
	return u.Scheme + "://" + host, nil
}

// Loopback reports whether host, without a port, is this machine.
func Loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
