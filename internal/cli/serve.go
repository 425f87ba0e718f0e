package cli

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"example.com/akos/workspace"
	"github.com/spf13/cobra"
)

// serve is a command of this face alone: it is the process that others log in
// to, and no operation on a workspace.
func (a *app) serve() *cobra.Command {
	var o workspace.ServeOptions
	var user, tenant, tenants string
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the workspace sidecar", Args: arguments(0, 0),
		Long: "Run the workspace sidecar: the server that people log in to, the pages where they approve a device, and the API behind\n" +
			"akos secrets and akos auth whoami. It serves this AKOS_HOME, on loopback unless it is told otherwise. SIGTERM and Ctrl-C end\n" +
			"it once running requests are answered, with exit 0 and 130; a second one ends it at once. With no account yet it prints a link with which to make the first.",
		Example: indent("akos serve\n\n# off loopback, with TLS\nakos serve --listen 0.0.0.0:7717 --public-url https://akos.example.com --tls-cert cert.pem --tls-key key.pem\n\n" +
			"# as a resource server of another identity provider\nakos serve --issuer https://login.example.com --audience akos"),
	}
	f := cmd.Flags()
	f.StringVar(&o.Listen, "listen", "127.0.0.1:7717", "`ADDRESS` to listen on")
	f.StringVar(&o.PublicURL, "public-url", "", "`URL` that others reach it by (default: from --listen)")
	f.StringVar(&o.TLSCert, "tls-cert", "", "certificate chain, a PEM `FILE`")
	f.StringVar(&o.TLSKey, "tls-key", "", "its key, a PEM `FILE`")
	f.BoolVar(&o.BehindProxy, "behind-proxy", false, "a proxy in front ends TLS and sets X-Forwarded-For")
	f.StringSliceVar(&o.Resources, "resource", nil, "`URL` that tokens may also be for, such as that of akos-mcp (http://127.0.0.1:7718/mcp always)")
	f.StringVar(&o.Issuer, "issuer", "", "external identity provider whose tokens are taken; there are no accounts here then (`URL`)")
	f.StringVar(&o.Audience, "audience", "", "what the tokens of --issuer must be for (default: the public URL)")
	f.StringVar(&o.IntrospectionClient, "introspection-client", "", "`CLIENT_ID` for opaque tokens of --issuer (RFC 7662)")
	f.StringVar(&o.IntrospectionSecretFile, "introspection-secret-file", "", "`FILE` with that client's secret")
	f.StringVar(&user, "user-claim", "", "claim of --issuer's tokens that names the user (default: sub)")
	f.StringVar(&tenant, "tenant-claim", "", "claim that names the tenant (default: tenant_id, tid, org_id)")
	f.StringVar(&tenants, "tenants-claim", "", "claim that lists the user's tenants (default: tenants)")
	f.StringVar(&a.logFormat, "log-format", "text", "text or json, on the standard error")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := workspace.Refuse(strings.Join([]string{o.Listen, o.TLSCert, o.TLSKey, o.IntrospectionSecretFile, user, tenant, tenants}, " "), "an address or a name"); err != nil {
			return err
		}
		if a.logFormat != "text" && a.logFormat != "json" {
			return usage("--log-format is text or json", cmd)
		}
		level := slog.LevelInfo
		if a.verbose {
			level = slog.LevelDebug
		}
		o.Claims = workspace.Claims{User: one(user), Tenant: one(tenant), Tenants: one(tenants)}
		o.Workspace, o.Out, o.JSON, o.Drain = a.workspace, a.Out, a.asJSON, 10*time.Second
		a.grace.Store(int64(o.Drain + time.Second))
		err := a.Serve(cmd.Context(), o, a.logger(level))
		if err == nil && a.interrupted() {
			err = context.Canceled
		}
		return err
	}
	return cmd
}

// one returns a list of s, or none.
func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
