package mcpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"example.com/akos/internal/crowd"
	"example.com/akos/internal/turns"
	"example.com/akos/workspace"
	"github.com/mark3labs/mcp-go/server"
	"github.com/spf13/pflag"
)

// HTTPOptions say how a Server is served over HTTP. Resources and Workspace
// are of the sidecar alone.
type HTTPOptions struct {
	workspace.ServeOptions
	// NoAuth takes requests of anybody, on loopback alone: for tests.
	NoAuth bool
	// Verifier returns what checks the tokens of Issuer, which are for
	// audience unless the options say otherwise.
	Verifier func(o workspace.ServeOptions, audience string) (Verifier, error)
}

// httpFlags adds the flags of HTTP.
func httpFlags(flags *pflag.FlagSet, o *HTTPOptions) {
	flags.StringVar(&o.Listen, "http", "", "serve streamable HTTP at `HOST:PORT`, path /mcp, in the place of stdio")
	flags.StringVar(&o.PublicURL, "public-url", "", "`URL` that others reach it by, without /mcp (default: from --http)")
	flags.StringVar(&o.TLSCert, "tls-cert", "", "certificate chain, a PEM `FILE`")
	flags.StringVar(&o.TLSKey, "tls-key", "", "its key, a PEM `FILE`")
	flags.BoolVar(&o.BehindProxy, "behind-proxy", false, "a proxy in front ends TLS")
	flags.StringVar(&o.Issuer, "issuer", "", "whose tokens are taken: another sidecar or an identity provider (default: the sidecar of this home; `URL`)")
	flags.StringVar(&o.Audience, "audience", "", "what the tokens of --issuer must be for (default: the address with /mcp)")
	flags.StringVar(&o.IntrospectionClient, "introspection-client", "", "`CLIENT_ID` for opaque tokens of --issuer (RFC 7662)")
	flags.StringVar(&o.IntrospectionSecretFile, "introspection-secret-file", "", "`FILE` with that client's secret, or for another sidecar a token with the scope introspect")
	claim := func(name string, of *[]string, usage string) {
		flags.Func(name, usage, func(name string) error { *of = []string{name}; return nil })
	}
	claim("user-claim", &o.Claims.User, "`NAME` of the claim of --issuer's tokens that names the user (default: sub)")
	claim("tenant-claim", &o.Claims.Tenant, "`NAME` of the claim that names the tenant (default: tenant_id, tid, org_id)")
	claim("tenants-claim", &o.Claims.Tenants, "`NAME` of the claim that lists the user's tenants (default: tenants)")
	flags.BoolVar(&o.NoAuth, "no-auth", false, "take requests of anybody on this machine: for tests")
}

// notOverHTTP are the tools that make no sense there: the session is the
// token, and an agent that is elsewhere has no files here.
var notOverHTTP = []string{"auth_login", "auth_logout", "tenant_use", "vault_import"}

// check refuses options that do not go together.
func (o *HTTPOptions) check(choice string) error {
	const hint = "akos-mcp --help"
	if err := workspace.Refuse(o.Listen+" "+o.TLSCert+" "+o.TLSKey+" "+o.IntrospectionSecretFile, "an address or the name of a file"); err != nil {
		return err
	}
	if o.NoAuth && (!o.OnLoopback() || o.PublicURL != "") {
		return workspace.Errorf(workspace.Denied, "--no-auth is for tests on loopback, and this is not only there").WithHint(hint)
	}
	if err := o.Check("akos-mcp", "--http", "127.0.0.1:7718"); err != nil {
		return err
	}
	switch {
	case o.NoAuth && o.Issuer != "":
		return workspace.Errorf(workspace.Invalid, "--no-auth and --issuer exclude each other").WithHint(hint)
	case !o.NoAuth && choice != "" && workspace.CheckID(choice) != nil:
		return workspace.Errorf(workspace.Invalid, "over HTTP --workspace is an id: there are no directories").WithHint(hint)
	}
	return nil
}

const (
	endpointPath  = "/mcp"
	metadataPath  = "/.well-known/oauth-protected-resource"
	sessionHeader = "Mcp-Session-Id"

	maxConns   = 1024             // connections at one time
	maxRunning = 2 * maxConns     // requests of known callers: some outlast their connection, and keep no other's away
	smallBody  = 64 << 10         // bytes; of larger bodies one is answered at a time
	bodyTime   = 30 * time.Second // for a body to arrive
	largeTime  = 5 * time.Second  // for the rest of a large one, for which others wait
	drainTime  = 10 * time.Second // for running calls, once the server is to end
)

// ServeHTTP serves s until ctx ends, and then lets running calls end. ready is
// called with the address of the endpoint once it is listened on.
func (s *Server) ServeHTTP(ctx context.Context, o HTTPOptions, choice string, ready func(url string)) error {
	if err := o.check(choice); err != nil {
		return err
	}
	tcp, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return workspace.Errorf(workspace.Unavailable, "%s can't be listened on", o.Listen).WithHint("akos-mcp --http 127.0.0.1:0").Because(err)
	}
	all := crowd.New(tcp, maxConns)
	tcp = all
	defer tcp.Close()
	_, port, _ := net.SplitHostPort(tcp.Addr().String())
	public, hosts := o.Public(port)
	h, err := s.endpoint(ctx, o, choice, public, hosts)
	if err != nil {
		return err
	}
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler: h, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		// They hold for every request, also one that is refused before its body
		// is read. A call has other ones once its body is there.
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: bodyTime, WriteTimeout: writeTime,
		Protocols:   &http.Protocols{}, // whose streams would end at a deadline when nothing is written
		BaseContext: func(net.Listener) context.Context { return calls },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ConnState:   all.State,
		ConnContext: all.Context,
	}
	srv.Protocols.SetHTTP1(true)
	if o.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
		if err != nil {
			return workspace.Errorf(workspace.Invalid, "the certificate and its key can't be read").Because(err)
		}
		srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	if o.NoAuth {
		s.log.WarnContext(ctx, "--no-auth: every program on this machine may use this workspace; it is for tests")
	}
	go h.sessions.sweep(calls)
	failed := make(chan error, 1)
	go func() {
		if srv.TLSConfig != nil {
			failed <- srv.ServeTLS(tcp, "", "")
			return
		}
		failed <- srv.Serve(tcp)
	}()
	ready(public + endpointPath)
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = nil
	}
	drain, stop := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer stop()
	if e := srv.Shutdown(drain); e != nil {
		s.log.WarnContext(ctx, "calls were cut off", "err", e)
		cancel() // what still runs learns that nobody waits for it
		_ = srv.Close()
	}
	return err
}

// endpoint returns the handler of s at the origin public.
func (s *Server) endpoint(ctx context.Context, o HTTPOptions, choice, public string, hosts []string) (*endpoint, error) {
	h := &endpoint{
		Server: s, HTTPOptions: o, choice: choice, public: public, hosts: map[string]bool{},
		sessions: newSessions(time.Now), stopping: ctx, asking: map[string]question{},
		running: make(chan struct{}, maxRunning), large: turns.New(1),
	}
	for _, host := range hosts {
		h.hosts[host] = true
	}
	switch {
	case o.NoAuth:
		parts := s.workspace.Options
		parts.Project = elsewhere{parts.Project}
		h.nobody = workspace.New(parts)
	case o.Issuer != "":
		v, err := o.Verifier(o.ServeOptions, public+endpointPath)
		if err != nil {
			return nil, err
		}
		h.verifier = v
	default:
		h.verifier = &own{Workspace: s.workspace, audience: public + endpointPath}
	}
	h.library = server.NewStreamableHTTPServer(s.mcp,
		server.WithSessionIdManager(h.sessions),
		server.WithDisableStreaming(true),
		server.WithStreamableHTTPLogger(slog.New(slog.DiscardHandler)), // it would write what clients sent
		server.WithHTTPContextFunc(h.context),
	)
	h.sessions.end = h.endSession
	return h, nil
}

// serveHTTP runs the command line that has --http.
func serveHTTP(ctx context.Context, sys System, s *Server, o HTTPOptions, choice string) error {
	o.Verifier = sys.Verifier
	return s.ServeHTTP(ctx, o, choice, func(url string) {
		more := ""
		switch local, ok := s.workspace.Remote.Local(ctx); {
		case o.NoAuth:
			more = "Anybody on this machine may use it\n"
		case o.Issuer != "":
			more = "Logins are those of " + o.Issuer + "\n"
		case ok:
			more = "Logins are those of " + local + "\n"
		default:
			more = "Nobody can log in before akos serve runs\n"
		}
		if _, err := fmt.Fprintf(sys.Out, "akos-mcp serves %s\n%s", url, more); err != nil && !errors.Is(err, net.ErrClosed) {
			s.log.WarnContext(ctx, "nobody reads the standard output")
		}
	})
}
