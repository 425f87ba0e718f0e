//go:build idp

package akostest

import (
	"bufio"
	_ "embed"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
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
	out, log := idpProcess(t, "node", program, format, client, secret)
	line := make(chan string, 1)
	go func() {
		s, _ := bufio.NewReader(out).ReadString('\n')
		line <- strings.TrimSpace(s)
	}()
	select {
	case issuer := <-line:
		if issuer == "" {
			t.Fatalf("oidc-provider does not start\n%s", log())
		}
		return &IdP{Issuer: issuer, user: "ada", password: "fake-" + "password-of-ada", t: t}
	case <-time.After(2 * patience):
		t.Fatalf("oidc-provider does not listen\n%s", log())
	}
	return nil
}
