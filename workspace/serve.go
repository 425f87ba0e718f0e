package workspace

import (
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
)

// ServeOptions say how a server runs: the sidecar, or akos-mcp over HTTP.
type ServeOptions struct {
	Workspace string // as --workspace, for this user's own requests
	Listen    string // host:port
	PublicURL string // origin that others reach it by; from Listen unless given
	TLSCert   string // PEM files
	TLSKey    string
	// BehindProxy says that a proxy in front ends TLS.
	BehindProxy bool
	// Resources are what else tokens may be for (RFC 8707), such as an
	// akos-mcp at an address of its own.
	Resources []string
	// Issuer is an external identity provider; the sidecar is then a resource
	// server of it and has no accounts of its own.
	Issuer                  string
	Audience                string
	IntrospectionClient     string
	IntrospectionSecretFile string
	Claims                  Claims        // of the issuer's tokens
	Out                     io.Writer     // where it says that it is ready
	JSON                    bool          // it says so as JSON
	Drain                   time.Duration // for running requests, once it is to end
}

// host returns the host and the port that are listened on; ok is false if
// Listen is not HOST:PORT.
func (o *ServeOptions) host() (host, port string, ok bool) {
	u, err := url.Parse("tcp://" + o.Listen)
	if err != nil || u.Host != o.Listen || u.Port() == "" {
		return "", "", false
	}
	return u.Hostname(), u.Port(), true
}

// OnLoopback reports whether only this machine reaches what listens.
func (o *ServeOptions) OnLoopback() bool {
	host, _, ok := o.host()
	return ok && Loopback(host) && !o.BehindProxy
}

// Check refuses what would send a token in clear over a network. command
// starts the server, listen is the flag that says where to listen, and usual
// what it most often says.
func (o *ServeOptions) Check(command, listen, usual string) error {
	hint := command + " --help"
	host, _, ok := o.host()
	switch {
	case !ok:
		return Errorf(Invalid, "%s needs HOST:PORT", listen).WithHint("%s %s %s", command, listen, usual)
	case (o.TLSCert == "") != (o.TLSKey == ""):
		return Errorf(Invalid, "--tls-cert and --tls-key go together")
	case !Loopback(host) && o.TLSCert == "" && !o.BehindProxy:
		return Errorf(Denied, "off loopback a token would travel in clear: --tls-cert and --tls-key, or --behind-proxy").WithHint("%s", hint)
	case o.PublicURL == "" && (o.BehindProxy || !Loopback(host)):
		return Errorf(Invalid, "--public-url is needed: the address that others reach this server by").WithHint("%s", hint)
	}
	if c := o.Claims; o.Issuer == "" && (c.User != nil || c.Tenant != nil || c.Tenants != nil || o.Audience+o.IntrospectionClient+o.IntrospectionSecretFile != "") {
		return Errorf(Invalid, "--audience, --introspection-* and --*-claim are of --issuer, which is missing").WithHint("%s", hint)
	}
	if o.PublicURL != "" {
		origin, err := Origin(o.PublicURL)
		if err != nil {
			return err
		}
		o.PublicURL = origin
	}
	for _, r := range o.Resources {
		if err := Refuse(r, "a resource"); err != nil {
			return err
		}
		u, err := url.Parse(r)
		if err != nil || u.Host == "" || u.User != nil || strings.Contains(r, "#") || u.Scheme != "https" && (u.Scheme != "http" || !Loopback(u.Hostname())) {
			return Errorf(Invalid, "a resource is the https address of a server, or on this machine the http one").WithHint("%s", hint)
		}
	}
	return nil
}

// Public returns the origin of what listens on port, and the values of the
// Host header that it answers.
func (o *ServeOptions) Public(port string) (origin string, hosts []string) {
	scheme := "http"
	if o.TLSCert != "" {
		scheme = "https"
	}
	origin = o.PublicURL
	if origin == "" {
		host, _, _ := o.host()
		if host == "" {
			host = "127.0.0.1"
		}
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		origin = scheme + "://" + host + ":" + port
		for _, alias := range []string{"127.0.0.1", "localhost", "[::1]"} {
			hosts = append(hosts, alias+":"+port)
		}
	}
	_, host, _ := strings.Cut(origin, "://")
	if !slices.Contains(hosts, host) {
		hosts = append(hosts, host)
	}
	return origin, hosts
}
