//go:build idp

package akostest

import (
	_ "embed"
	"os"
	"path/filepath"
	"testing"
)

//go:embed idpresource.mjs
var resourceProgram []byte

// StartResourceOIDC starts oidc-provider with access tokens for the resource
// that is asked for (RFC 8707), in the tenant acme. Their format is jwt or
// opaque; client may introspect them with that secret.
func StartResourceOIDC(t testing.TB, format, client, secret string) *IdP {
	t.Helper()
	// node looks for packages beside the program.
	program := filepath.Join(idpCache(t), "oidc", "idpresource.mjs")
	if err := os.WriteFile(program, resourceProgram, 0o600); err != nil {
		t.Fatalf("%v: run scripts/setup-idp.sh", err)
	}
	return startOIDC(t, program, format, client, secret)
}
