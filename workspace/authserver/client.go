package authserver

import (
	"context"

	"example.com/akos/workspace"
)

// A client is who asks for tokens. All are public: none has a secret to prove
// itself by.
type client struct {
	workspace.Client
	registered bool   // by itself: nobody vouches for its name
	scope      string // that it gets if it asks for none
}

// client returns the client called id. ok is false if there is none.
func (s *Server) client(ctx context.Context, id string) (c client, ok bool, err error) {
	if id == workspace.DefaultClientID {
		own := workspace.Client{ID: id, Name: "the akos command line"}
		return client{own, false, workspace.DefaultScope}, true, nil
	}
	if id == "" {
		return client{}, false, nil
	}
	if c.Client, ok = s.newcomers.get(id); !ok {
		err = s.Store.Read(ctx, func(tx workspace.Tx) (err error) {
			c.Client, ok, err = tx.Client(id)
			return err
		})
	}
	c.registered, c.scope = true, "read"
	return c, ok, err
}

// identify returns the client that sent a request to the token endpoint or
// one like it.
//
// RFC 6749 section 3.2.1: "A client MAY use the 'client_id' request parameter
// to identify itself when sending requests to the token endpoint." and section
// 5.2: "If the client attempted to authenticate via the 'Authorization'
// request header field, the authorization server MUST respond with an HTTP 401
// (Unauthorized) status code and include the 'WWW-Authenticate' response
// header field matching the authentication scheme used by the client."
func (s *Server) identify(ctx context.Context, authorization string, p params) (client, error) {
	if authorization != "" {
		return client{}, &fault{status: 401, code: "invalid_client", text: "clients are public: send client_id in the body and no secret", how: `Basic realm="akos"`}
	}
	if p["client_secret"] != "" || p["client_assertion"] != "" {
		return client{}, refuse("invalid_client", "clients are public: send client_id in the body and no secret")
	}
	if p["client_id"] == "" {
		return client{}, refuse("invalid_request", "client_id is missing")
	}
	c, ok, err := s.client(ctx, p["client_id"])
	if err == nil && !ok {
		err = refuse("invalid_client", "no such client is registered")
	}
	return c, err
}
