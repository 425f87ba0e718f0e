package wire

import (
	"os"
	"strings"
	"time"

	"example.com/akos/workspace"
	"example.com/akos/workspace/issuer"
)

// Verifier returns what checks the tokens of the issuer that o names; they
// have to be for o.Audience, or without one for audience. It connects to
// nothing.
func Verifier(o workspace.ServeOptions, audience string) (*issuer.Verifier, error) {
	if o.Audience != "" {
		audience = o.Audience
	}
	opts := issuer.Options{Issuer: o.Issuer, Audience: audience, Client: o.IntrospectionClient, Claims: o.Claims, Now: time.Now}
	if o.IntrospectionSecretFile != "" {
		opts.Secret = func() (string, error) {
			b, err := os.ReadFile(o.IntrospectionSecretFile)
			if err != nil {
				return "", workspace.Errorf(workspace.Unavailable, "the file of --introspection-secret-file can't be read").Because(err)
			}
			return strings.TrimRight(string(b), "\r\n"), nil
		}
		if _, err := opts.Secret(); err != nil {
			return nil, workspace.Errorf(workspace.Invalid, "%s", workspace.Explain(err).Msg).Because(err)
		}
	} else if o.IntrospectionClient != "" {
		return nil, workspace.Errorf(workspace.Invalid, "--introspection-client and --introspection-secret-file go together")
	}
	return issuer.New(opts)
}
