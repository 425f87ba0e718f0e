package login

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"example.com/akos/workspace"
)

// maxAddress is the longest address that is taken from a person or a server,
// in bytes.
const maxAddress = 2048

// What the host and the path of an address may be made of. Letters of other
// scripts come as xn--…, so that an address looks like what it is. They are
// compiled when they are first needed: most commands need none.
var (
	hostForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`) })
	pathForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`) })
)

// parseServer returns the address of a workspace server in the one form in
// which it is kept: scheme, host, port unless it is the default, path without
// its last slash. What it refuses it does not repeat: people paste passwords.
func parseServer(address string) (string, error) {
	u, err := parse(address, true)
	switch {
	case err != "":
		return "", workspace.Errorf(workspace.Invalid, "the address of the server %s", err)
	case u.RawQuery != "" || u.ForceQuery:
		return "", workspace.Errorf(workspace.Invalid, "the address of the server has a query: leave out what comes after the ?")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	if !pathForm().MatchString(u.Path) || u.RawPath != "" || strings.Contains(u.Path+"/", "/../") || strings.Contains(u.Path+"/", "/./") {
		return "", workspace.Errorf(workspace.Invalid, "the address of the server has a path that is not plain")
	}
	return u.String(), nil
}

// usable returns the reason why akos does not use an address that a server
// named, or "". plain says whether http is good enough, which it is if that
// server is on this machine itself: else a server somewhere could send
// requests to what listens here.
func usable(address string, plain bool) string {
	_, reason := parse(address, plain)
	return reason
}

// parse returns an address with scheme and host in lower case and without a
// default port, or the reason why it is none.
func parse(address string, plain bool) (*url.URL, string) {
	if len(address) > maxAddress {
		return nil, "is longer than 2048 bytes"
	}
	for _, r := range address {
		if r <= ' ' || r > '~' || r == '\\' {
			return nil, "holds characters that an address does not have"
		}
	}
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Opaque != "", u.Scheme != "https" && u.Scheme != "http":
		return nil, "does not start with https:// (or http:// on this machine)"
	case u.User != nil:
		return nil, "holds a user name or a password: leave it out"
	case u.Fragment != "" || strings.Contains(address, "#"):
		return nil, "has a fragment: leave out what comes after the #"
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if addr, err := netip.ParseAddr(host); err == nil && addr.Zone() != "" || err != nil && !hostForm().MatchString(host) {
		return nil, "has no host that can be reached"
	}
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) || strings.HasSuffix(u.Host, ":") {
		return nil, "has no port that can be reached"
	}
	if u.Scheme == "http" && !(plain && loopback(host)) {
		return nil, "is not https, and only what runs on this machine may do without"
	}
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		port = ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if u.Host = host; port != "" {
		u.Host += ":" + port
	}
	return u, ""
}

// loopback reports whether host is this machine by its form alone: nobody is
// asked what a name stands for.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (addr.Is4() || addr == netip.IPv6Loopback()) && addr.IsLoopback()
}

// local reports whether an address that was checked is on this machine.
func local(address string) bool {
	u, err := url.Parse(address)
	return err == nil && loopback(strings.ToLower(u.Hostname()))
}

// wellKnown returns the address of a document about base, which was checked.
//
// It is formed by "inserting a well-known URI string into the protected
// resource's resource identifier between the host component and the path
// and/or query components, if any" (RFC 9728 section 3), and "any terminating
// "/" MUST be removed before" (RFC 8414 section 3.1).
func wellKnown(base, name string) string {
	u, _ := url.Parse(base)
	u.Path, u.RawPath = "/.well-known/"+name+strings.TrimSuffix(u.Path, "/"), ""
	return u.String()
}

// shown returns an address without its query, for people and the log.
func shown(address string) string {
	before, _, _ := strings.Cut(address, "?")
	return before
}
