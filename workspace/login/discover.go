package login

import (
	"context"
	"slices"
	"strings"

	"example.com/akos/workspace"
)

// metadata is what discovery learnt of a workspace server and of the
// authorization server that logs in for it.
type metadata struct {
	server   string // as parseServer gives it
	resource string // what tokens are to be good for (RFC 8707); "" if the server does not say
	issuer   string // exactly as the authorization server writes it

	device, token    string // endpoints; these two are there
	revoke, userinfo string // endpoints; "" where not offered
	pkce             bool   // code challenges of method S256 are taken
	tenants          bool   // it is an akos: a refresh may choose the tenant
}

// discover asks a workspace server who logs in for it, and that one how.
func (c *Client) discover(ctx context.Context, address string) (metadata, error) {
	server, err := parseServer(address)
	if err != nil {
		return metadata{}, err
	}
	m := metadata{server: server}
	page, err := c.askResource(ctx, &m)
	if err != nil {
		return m, err
	}
	issuers := []string{m.issuer}
	if m.issuer == "" {
		// Nobody names an issuer: the server itself may be one. Its two
		// spellings lead to the same documents.
		issuers = []string{server, server + "/"}
	}
	return m, c.askIssuer(ctx, &m, issuers, page)
}

// askResource reads the metadata of the protected resource (RFC 9728). Where
// there is none m stays as it is; page says whether there was a web page.
func (c *Client) askResource(ctx context.Context, m *metadata) (page bool, err error) {
	a, err := c.document(ctx, wellKnown(m.server, "oauth-protected-resource"))
	if err != nil || a.doc == nil {
		return a.flaw == errPage, err
	}
	// "The resource value returned MUST be identical to the protected
	// resource's resource identifier value into which the well-known URI path
	// suffix was inserted to create the URL used to retrieve the metadata. If
	// these values are not identical, the data contained in the response MUST
	// NOT be used." (RFC 9728 section 3.3) A person types no last slash.
	m.resource = a.doc.text("resource")
	if said, err := parseServer(m.resource); err != nil || said != m.server {
		return false, workspace.Errorf(workspace.Denied, "%s gives the metadata of another server: it is not to be trusted", m.server)
	}
	listed := a.doc.texts("authorization_servers")
	if a.doc["authorization_servers"] == nil {
		return false, nil
	}
	for _, issuer := range listed {
		if m.mayUse(issuer) && !strings.Contains(issuer, "?") {
			m.issuer = issuer
			return false, nil
		}
	}
	return false, workspace.Errorf(workspace.Denied, "%s names no authorization server that akos may use: it must be https, or http on this machine", m.server)
}

// askIssuer reads the metadata of the authorization server: as RFC 8414 has
// it, then as OpenID Connect has it, appended and inserted.
func (c *Client) askIssuer(ctx context.Context, m *metadata, issuers []string, page bool) error {
	const openid = "openid-configuration"
	base := issuers[0]
	places := []string{
		wellKnown(base, "oauth-authorization-server"),
		strings.TrimSuffix(base, "/") + "/.well-known/" + openid,
		wellKnown(base, openid),
	}
	for _, place := range slices.Compact(places) {
		a, err := c.document(ctx, place)
		if err != nil {
			return err
		}
		if a.doc != nil {
			return m.take(a, issuers)
		}
		page = page || a.flaw == errPage
	}
	if page {
		return answer{from: base, flaw: errPage}.misread()
	}
	return workspace.Errorf(workspace.Invalid, "%s is no authorization server and names none: is this the right address?", base)
}

// document gets a document that may be missing: then the answer has no doc.
func (c *Client) document(ctx context.Context, address string) (answer, error) {
	a, err := c.get(ctx, address, nil)
	switch {
	case err != nil:
	case !a.ok():
		a.doc = nil
	case a.doc == nil && a.flaw != errPage: // a site for people has a page for every address
		err = a.misread()
	}
	return a, err
}

// take checks the metadata of an authorization server and keeps what is
// needed of it.
func (m *metadata) take(a answer, issuers []string) error {
	// "The "issuer" value returned MUST be identical to the authorization
	// server's issuer identifier value into which the well-known URI string
	// was inserted to create the URL used to retrieve the metadata. If these
	// values are not identical, the data contained in the response MUST NOT be
	// used." (RFC 8414 section 3.3)
	m.issuer = a.doc.text("issuer")
	if !slices.Contains(issuers, m.issuer) {
		return workspace.Errorf(workspace.Denied, "%s gives the metadata of another authorization server: it is not to be trusted", a.from)
	}
	for _, e := range []struct {
		name string
		to   *string
	}{
		{"device_authorization_endpoint", &m.device},
		{"token_endpoint", &m.token},
		{"revocation_endpoint", &m.revoke},
		{"userinfo_endpoint", &m.userinfo},
	} {
		*e.to = a.doc.text(e.name)
		if *e.to != "" && !m.mayUse(*e.to) {
			return workspace.Errorf(workspace.Denied, "the %s of %s is not to be trusted: it must be https, or http on this machine", e.name, m.issuer)
		}
	}
	if m.device == "" || m.token == "" {
		return workspace.Errorf(workspace.Invalid, "%s offers no device login (RFC 8628)", m.issuer)
	}
	// "If omitted, the authorization server does not support PKCE." (RFC 8414
	// section 2)
	m.tenants = string(a.doc["akos_tenant_id_supported"]) == "true"
	m.pkce = slices.Contains(a.doc.texts("code_challenge_methods_supported"), "S256")
	return nil
}

// mayUse reports whether an address that was read from a server is one to
// speak to: only a server on this machine may lead to http on this machine.
func (m *metadata) mayUse(address string) bool {
	return usable(address, local(m.server)) == ""
}

// rediscover asks again for a session, in which no plan is kept. The refresh
// token goes to the one who gave it and to nobody else, whatever the server
// says by now.
func (c *Client) rediscover(ctx context.Context, s workspace.Session) (metadata, error) {
	m, err := c.discover(ctx, s.Server)
	if err == nil && m.issuer != s.Issuer {
		err = workspace.Errorf(workspace.Denied, "%s names another authorization server than the one you logged in at", m.server).WithHint(hint)
	}
	return m, err
}
