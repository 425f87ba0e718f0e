package authserver

import (
	"net"
	"net/url"
	"strings"

	"example.com/akos/workspace"
)

// host returns a Host value in its normal form: in lower case, without the
// port that the scheme implies.
func (s *Server) host(host string) string {
	host = strings.ToLower(host)
	port := ":80"
	if s.secure {
		port = ":443"
	}
	return strings.TrimSuffix(host, port)
}

// origin returns the origin of a host of ours.
func (s *Server) origin(host string) string {
	if s.secure {
		return "https://" + host
	}
	return "http://" + host
}

// audience returns the audience that a resource parameter names; the default
// for none. ok is false if tokens are not for it.
//
// RFC 8707 section 2: "Its value MUST be an absolute URI … The URI MUST NOT
// include a fragment component." What is neither is not in the list.
func (s *Server) audience(text string) (audience string, ok bool) {
	if text == "" {
		text = append(s.Resources, s.Issuer)[0]
	}
	audience, ok = s.audiences[workspace.Audience(text)]
	return audience, ok
}

// isFor reports whether t is for an audience, under whatever name of ours.
func (s *Server) isFor(t workspace.Token, audience string) bool {
	if t.Audience != "" {
		t.Audience = s.audienceOf(t)
	}
	return t.For(audience)
}

// audienceOf returns the audience of t by the name that it has here.
func (s *Server) audienceOf(t workspace.Token) string {
	if a, ok := s.audiences[workspace.Audience(t.Audience)]; ok {
		return a
	}
	return t.Audience
}

// loopback reports whether u is http on this machine.
//
// RFC 8252 section 7.3: "the authorization server MUST allow any port to be
// specified at the time of the request for loopback IP redirect URIs". The
// section after it advises against localhost, which many clients use all the
// same: a browser that follows it stays on this machine.
func loopback(u *url.URL) bool {
	if u.Scheme != "http" {
		return false
	}
	host := u.Hostname()
	return host == "localhost" || net.ParseIP(host).Equal(net.IPv4(127, 0, 0, 1)) || net.ParseIP(host).Equal(net.IPv6loopback)
}
