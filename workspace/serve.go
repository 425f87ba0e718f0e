package workspace

import (
	"io"
	"time"
)

// ServeOptions say how the sidecar runs.
type ServeOptions struct {
	Workspace string // as --workspace, for this user's own requests
	Listen    string // host:port
	PublicURL string // origin that others reach it by; from Listen unless given
	TLSCert   string // PEM files
	TLSKey    string
	// BehindProxy says that a proxy in front ends TLS.
	BehindProxy bool
	// Issuer is an external identity provider; the sidecar is then a resource
	// server of it and has no accounts of its own.
	Issuer                  string
	Audience                string
	IntrospectionClient     string
	IntrospectionSecretFile string
	Out                     io.Writer     // where it says that it is ready
	Drain                   time.Duration // for running requests, once it is to end
}
