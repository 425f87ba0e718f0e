package authserver

import (
	"net/http"
	"slices"
)

// The grant types of the token endpoint.
const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
)

// metadata answers with RFC 8414 section 2.
//
// RFC 8414 section 3.3: "The 'issuer' value returned MUST be identical to the
// authorization server's issuer identifier value into which the well-known URI
// string was inserted". So it is the Issuer under whatever name it is asked,
// and a client that came by another finds its way by RFC 9728.
func (s *Server) metadata() http.Handler {
	doc := map[string]any{
		"issuer":                                         s.Issuer,
		"authorization_endpoint":                         s.Issuer + "/oauth/authorize",
		"token_endpoint":                                 s.Issuer + "/oauth/token",
		"device_authorization_endpoint":                  s.Issuer + "/oauth/device_authorization",
		"registration_endpoint":                          s.Issuer + "/oauth/register",
		"revocation_endpoint":                            s.Issuer + "/oauth/revoke",
		"introspection_endpoint":                         s.Issuer + "/oauth/introspect",
		"scopes_supported":                               scopeNames(),
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          []string{grantCode, grantRefresh, grantDevice},
		"token_endpoint_auth_methods_supported":          []string{"none"},
		"revocation_endpoint_auth_methods_supported":     []string{"none"},
		"introspection_endpoint_auth_methods_supported":  []string{"Bearer"},
		"code_challenge_methods_supported":               []string{"S256"},
		"authorization_response_iss_parameter_supported": true,
		"akos_tenant_id_supported":                       true, // of a refresh; our own, see the package comment
		"protected_resources":                            s.resources(),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { s.answer(w, http.StatusOK, doc) })
}

// resources returns the audiences that tokens may be for, each once.
func (s *Server) resources() []string {
	list := []string{s.Issuer}
	for _, r := range s.Resources {
		if a, _ := s.audience(r); !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

// protectedResource answers with RFC 9728 section 2, for the API that is
// served beside this server.
//
// RFC 9728 section 3.3: "The 'resource' value returned MUST be identical to
// the protected resource's resource identifier value into which the well-known
// URI path suffix was inserted". So it is the name that was asked for; guard
// has made sure that it is one of ours.
func (s *Server) protectedResource(w http.ResponseWriter, r *http.Request) {
	s.answer(w, http.StatusOK, map[string]any{
		"resource":                 s.origin(s.host(r.Host)),
		"authorization_servers":    []string{s.Issuer},
		"scopes_supported":         scopeNames(),
		"bearer_methods_supported": []string{"header"},
		"resource_name":            "akos",
	})
}
