package pages

import (
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// Protect sets the headers of every answer of a server that shows pages, also
// of those that are none. Write gives a page a policy of its own.
func Protect(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
	// Not no-referrer: that makes browsers send "Origin: null" with our own
	// forms, and http.CrossOriginProtection needs the origin where a browser
	// sends no Sec-Fetch-Site (plain HTTP off loopback, behind a proxy).
	h.Set("Referrer-Policy", "same-origin")
}

// protect sets the headers of a page. style is the source that its style
// element is allowed by.
func protect(h http.Header, style string, p Page) {
	Protect(h)
	forms := "'self'"
	switch p := p.(type) {
	case Approve:
		// Browsers hold the redirect that answers a form to form-action too.
		if src := source(p.Redirect); src != "" {
			forms += " " + src
		}
	case SignedIn:
		if next := local(p.Next); next != "" && !strings.ContainsFunc(next, notASCII) {
			h.Set("Refresh", "0; url="+next)
		}
	}
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+style+
		"; form-action "+forms+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
}

func notASCII(r rune) bool { return r > unicode.MaxASCII }

// hostSource matches a host that CSP can name, with its port (CSP Level 3
// §2.3.1): a semicolon would end the directive.
var hostSource = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?$`)
})

// source returns origin as a CSP source, or "" if it is none.
func source(origin string) string {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	host := u.Host
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.Is6() && u.Port() != "" {
		// CSP can't name an IPv6 address; the port alone is as close as it
		// gets.
		host = "*:" + u.Port()
	} else if !hostSource().MatchString(host) {
		return ""
	}
	return u.Scheme + "://" + host
}

// loopback reports whether origin is on the computer that the browser runs
// on (RFC 8252 §7.3).
func loopback(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}
