package authserver

import (
	"net/http"
	"slices"
	"strings"

	"example.com/akos/workspace"
)

// revoke is the revocation endpoint, RFC 7009 section 2. It ends the whole
// login that a token comes from: whoever logs out is logged out.
func (s *Server) revoke(r *http.Request, p params) (any, error) {
	c, err := s.identify(r.Context(), r.Header.Get("Authorization"), p)
	if err != nil {
		return nil, err
	}
	if p["token"] == "" {
		return nil, refuse("invalid_request", "token is missing")
	}
	// token_type_hint says where to look first; here all are in one place.
	return nil, s.Store.Write(r.Context(), func(tx workspace.Tx) error {
		t, ok, err := tx.Token(hash(p["token"]))
		// RFC 7009 section 2.2: "The authorization server responds with HTTP
		// status code 200 if the token has been revoked successfully or if the
		// client submitted an invalid token."
		if err != nil || !ok {
			return err
		}
		// Section 2.1: it "verifies whether the token was issued to the client
		// making the revocation request. If this validation fails, the request
		// is refused and the client is informed of the error".
		if t.Client != c.ID || t.Kind == workspace.TokenPersonal {
			return errGrant
		}
		return s.endFamily(tx, "auth.revoke", t.Family, t.Client, t.User)
	})
}

// introspect is the introspection endpoint, RFC 7662 section 2, for resource
// servers that have a token with the scope introspect.
//
// Section 2.1: "To prevent token scanning attacks, the endpoint MUST also
// require some form of authorization to access this endpoint". Section 2.3: if
// the token does not suffice, it "responds with an HTTP 401 code as described
// in Section 3 of OAuth 2.0 Bearer Token Usage [RFC6750]".
func (s *Server) introspect(r *http.Request, p params) (any, error) {
	denied := &fault{status: http.StatusUnauthorized, code: "invalid_token", text: "a token with the scope introspect is needed", how: `Bearer realm="akos"`}
	scheme, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || bearer == "" {
		return nil, denied
	}
	denied.how += `, error="invalid_token"`
	var own, t workspace.Token
	var may, live bool
	err := s.Store.Read(r.Context(), func(tx workspace.Tx) (err error) {
		own, may, err = s.live(tx, bearer)
		if may = may && slices.Contains(own.Scopes, scopeIntrospect); !may || err != nil {
			return err
		}
		vouch(r.Context())
		t, live, err = s.live(tx, p["token"])
		return err
	})
	if err != nil {
		return nil, err
	}
	if !may {
		return nil, denied
	}
	if p["token"] == "" {
		return nil, refuse("invalid_request", "token is missing")
	}
	// Section 4: "If the token can be used only at certain resource servers,
	// the authorization server MUST determine whether or not the token can be
	// used at the resource server making the introspection call." One that asks
	// with a token for itself sees its own; ours sees all.
	if a := s.audienceOf(own); !s.isFor(own, s.Issuer) && !s.isFor(t, a) {
		live = false
	}
	// Section 2.2: "If the introspection call is properly authorized but the
	// token is not active, does not exist on this server, or the protected
	// resource is not allowed to introspect this particular token, then the
	// authorization server MUST return an introspection response with the
	// 'active' field set to 'false'. Note that … the authorization server
	// SHOULD NOT include any additional information about an inactive token".
	if !live {
		return map[string]any{"active": false}, nil
	}
	// Section 2.2: aud is a string "or list of string identifiers".
	var audience any = s.audienceOf(t)
	if t.Audience == "" {
		audience = s.resources()
	}
	return map[string]any{
		"active": true, "scope": strings.Join(t.Scopes, " "), "client_id": t.Client, "username": t.User,
		"token_type": "Bearer", "exp": t.Expires.Unix(), "iat": t.Created.Unix(), "sub": t.User,
		"aud": audience, "iss": s.Issuer, "tenant_id": t.Tenant,
	}, nil
}
