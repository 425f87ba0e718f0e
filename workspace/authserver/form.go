package authserver

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"example.com/akos/workspace"
)

// params are the parameters of a request, each with a value.
type params map[string]string

// readForm reads the parameters from the body of r, and from nowhere else.
//
// RFC 6749 section 4.1.3 and others: "using the
// 'application/x-www-form-urlencoded' format … with a character encoding of
// UTF-8 in the HTTP request entity-body".
func readForm(r *http.Request) (params, error) {
	body, err := readBody(r, "application/x-www-form-urlencoded")
	if err != nil {
		return nil, err
	}
	return readParams(string(body))
}

// readBody returns the body of r, which must be of the media type.
func readBody(r *http.Request, mediaType string) ([]byte, error) {
	got, args, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset, ok := args["charset"]
	if err != nil || got != mediaType || ok && !strings.EqualFold(charset, "utf-8") || r.Header.Get("Content-Encoding") != "" {
		return nil, refuse("invalid_request", "the body must be "+mediaType+" in UTF-8")
	}
	body, err := io.ReadAll(r.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &fault{status: http.StatusRequestEntityTooLarge, code: "invalid_request", text: "the body is larger than 64 KiB"}
	}
	if err != nil {
		return nil, refuse("invalid_request", "the body can not be read")
	}
	return body, nil
}

// readParams reads parameters. With an error it returns those that are right.
//
// RFC 6749 sections 3.1 and 3.2: "Parameters sent without a value MUST be
// treated as if they were omitted from the request. The authorization server
// MUST ignore unrecognized request parameters. Request and response parameters
// MUST NOT be included more than once." RFC 8707 section 2 allows several
// resource parameters; a token of ours is for one.
func readParams(query string) (params, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, refuse("invalid_request", "the parameters can not be read")
	}
	p := params{}
	var target, request error
	for name, vs := range values {
		switch {
		case len(vs) > 1 && name == "resource":
			target = refuse("invalid_target", "a token is for one resource")
		case len(vs) > 1:
			request = refuse("invalid_request", "a parameter is there more than once")
		case !utf8.ValidString(vs[0]):
			request = refuse("invalid_request", "a parameter is not UTF-8")
		case vs[0] != "":
			p[name] = vs[0]
		}
	}
	if request != nil {
		return p, request
	}
	return p, target
}

// scopeIntrospect lets a resource server ask about tokens. Only personal
// tokens have it; no client may ask for it.
const scopeIntrospect = "introspect"

// scopeNames returns the scopes that a client may ask for.
func scopeNames() (names []string) {
	for _, sc := range workspace.TokenScopes {
		if sc.Name != scopeIntrospect {
			names = append(names, sc.Name)
		}
	}
	return names
}

// readScope returns the scopes that a scope parameter lists, each once, in our
// order; standard for none.
//
// RFC 6749 section 3.3: "If the client omits the scope parameter when
// requesting authorization, the authorization server MUST either process the
// request using a pre-defined default value or fail the request indicating an
// invalid scope."
func readScope(text, standard string) ([]string, error) {
	if text == "" {
		text = standard
	}
	asked := map[string]bool{}
	for name := range strings.SplitSeq(text, " ") {
		asked[name] = true
	}
	var list []string
	for _, name := range scopeNames() {
		if asked[name] {
			list = append(list, name)
		}
	}
	if len(list) != len(asked) {
		return nil, refuse("invalid_scope", "the scopes are "+strings.Join(scopeNames(), ", "))
	}
	return list, nil
}

// covers reports whether granted allows every scope of asked; cli allows all
// that one may ask for.
func covers(granted, asked []string) bool {
	has := map[string]bool{}
	for _, name := range granted {
		has[name] = true
	}
	for _, name := range asked {
		if !has[name] && !has["cli"] {
			return false
		}
	}
	return true
}
