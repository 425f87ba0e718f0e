package login

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/secret"
	"golang.org/x/oauth2"
)

// This file is the only one of the package that opens a secret: to send it, or
// to see whether a text holds it.

// A form is the body of a request. Its secrets stay closed until it is sent.
type form struct {
	plain  url.Values
	sealed map[string]workspace.Secret
}

// newForm returns a form of a client that has no secret of its own, with a
// resource indicator (RFC 8707) unless that is "".
func newForm(clientID, resource string) form {
	f := form{url.Values{"client_id": {clientID}}, map[string]workspace.Secret{}}
	if resource != "" {
		f.plain.Set("resource", resource)
	}
	return f
}

func (f form) encode() string {
	v := maps.Clone(f.plain)
	for name, s := range f.sealed {
		v.Set(name, string(secret.Reveal(s)))
	}
	return v.Encode()
}

func bearer(req *http.Request, token workspace.Secret) {
	req.Header.Set("Authorization", "Bearer "+string(secret.Reveal(token)))
}

// newVerifier returns a code verifier of 256 random bits (RFC 7636).
func newVerifier() workspace.Secret {
	return secret.New([]byte(oauth2.GenerateVerifier()))
}

func challenge(verifier workspace.Secret) string {
	return oauth2.S256ChallengeFromVerifier(string(secret.Reveal(verifier)))
}

// openJWT returns header and claims of a signed token, or ok false if it is
// something else: an opaque token, an encrypted one. It checks no signature.
func openJWT(token workspace.Secret) (header, claims object, ok bool) {
	parts := strings.Split(string(secret.Reveal(token)), ".")
	if len(parts) != 3 {
		return nil, nil, false
	}
	var objects [2]object
	for i := range objects {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil, nil, false
		}
		if objects[i], err = parseObject(raw); err != nil {
			return nil, nil, false
		}
	}
	return objects[0], objects[1], true
}

// holds reports whether a text that is to be shown holds a secret: a server
// may answer with what it was sent. What is shorter than 8 bytes is nobody's
// secret and would be found in any text.
func holds(text string, secrets ...workspace.Secret) bool {
	unescaped, _ := url.QueryUnescape(text)
	for _, s := range secrets {
		b := string(secret.Reveal(s))
		if len(b) >= 8 && (strings.Contains(text, b) || strings.Contains(unescaped, b)) {
			return true
		}
	}
	return false
}
