// Package authserver is the OAuth 2.0 authorization server of the workspace
// sidecar: device logins (RFC 8628), codes with PKCE for MCP clients (RFC
// 6749, 7636), registration, refresh, revocation, introspection, metadata, and
// the handlers of the pages where a person signs in and decides.
//
// It knows nothing of how a password is checked, nor of what a token opens.
// Accounts, tokens and clients are the Store's; what waits for a person or for
// an exchange is in memory, bounded, and ends with the process. Its
// invariants: a token is kept as its SHA-256 alone, and no token, code,
// password or cookie reaches a log; a code is exchanged once; a token is good
// for one audience and one tenant, and for as long as its user is a member
// there.
//
// Two things are our own, as RFC 6749 sections 5.1 and 8.2 allow. The token
// endpoint's answer has the members user_id, tenant_id and tenants, so that our
// client need not ask who logged in. And a refresh of our client may carry
// tenant_id, to go on in another tenant of the user; one that is not the user's
// is invalid_grant; the metadata says akos_tenant_id_supported. A client that
// registered itself stays where its person approved it, and is told of no other
// tenant.
package authserver

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/akos/workspace"
)

// Options are the parts that a Server stands on.
type Options struct {
	Store workspace.Store
	// Issuer is the origin that the metadata names, such as
	// http://127.0.0.1:7717, without a slash at the end.
	Issuer string
	// Hosts are further Host values that are answered, such as localhost:7717.
	// Any other gets 421: it came by DNS rebinding.
	Hosts []string
	// Resources are the audiences that tokens may be for (RFC 8707), the
	// default first. The API at Issuer is always one, and without any the
	// default; a host of Hosts is another name for it.
	Resources []string
	// CheckPassword returns nil if password is that of user, and Denied in
	// constant time if it is not, or if the account is locked.
	CheckPassword func(ctx context.Context, user string, password workspace.Secret) error
	// SetUp makes the first account, or returns Conflict if there is one and
	// Invalid if the name or the password will not do.
	SetUp func(ctx context.Context, user string, password workspace.Secret) error
	// TrustProxy is set behind a proxy that ends TLS: the address of a client
	// is then the last one of X-Forwarded-For.
	TrustProxy bool
	Now        func() time.Time
	Log        *slog.Logger
}

// A Server is an authorization server. It is safe for concurrent use.
type Server struct {
	Options
	secure    bool              // browsers reach it by https
	hosts     map[string]bool   // Host values that are answered
	audiences map[string]string // audience by each of its names

	devices   *shelf[device]   // by the hash of the device code
	kept      *shelf[string]   // the devices that don't give way, by user
	userCodes *shelf[string]   // hash of the device code by user code
	codes     *shelf[code]     // by the hash of the authorization code
	sessions  *shelf[session]  // by the hash of the cookie
	questions *shelf[question] // by the hash of the transaction
	guesses   [3]*limiter      // of user codes: by user, by address, in all
	guessing  sync.Mutex
	failures  *limiter                 // of signing in, by name and address
	arrivals  *limiter                 // of clients that register, by address
	crowding  *limiter                 // of device logins of an address that has many
	settled   *limiter                 // of clients that are approved, by user
	newcomers *shelf[workspace.Client] // that nobody has approved, by their id
	checking  chan struct{}            // bounds the passwords that are checked at once
	queue     queue                    // and those that wait for it
	setup     setup                    // the one-time path of the first account
	pruning   struct {                 // of the Store
		sync.Mutex
		last time.Time
	}
}

// New returns a Server on its parts. It touches none of them.
func New(opts Options) *Server {
	s := &Server{
		Options:   opts,
		secure:    opts.TrustProxy || strings.HasPrefix(opts.Issuer, "https://"),
		hosts:     map[string]bool{},
		audiences: map[string]string{},

		devices:   newShelf[device](opts.Now, codesKept, maxDevices, maxDevicesEach),
		kept:      newShelf[string](opts.Now, codesKept, maxDevices, maxKeptEach),
		userCodes: newShelf[string](opts.Now, deviceLife, 2*maxDevices, 2*maxDevices), // as many as there are devices
		codes:     newShelf[code](opts.Now, codesKept, maxCodes, maxCodesEach),
		sessions:  newShelf[session](opts.Now, sessionLife, maxSessions, maxSessionsEach),
		questions: newShelf[question](opts.Now, questionLife, maxQuestions, maxQuestionsEach),
		guesses: [...]*limiter{
			newLimiter(opts.Now, deviceLife, maxGuessesUser),
			newLimiter(opts.Now, deviceLife, maxGuessesAddress),
			newLimiter(opts.Now, deviceLife, maxGuesses),
		},
		failures:  newLimiter(opts.Now, failureWindow, maxFailures),
		arrivals:  newLimiter(opts.Now, arrivalWindow, maxArrivals),
		crowding:  newLimiter(opts.Now, arrivalWindow, maxCrowding),
		settled:   newLimiter(opts.Now, settleWindow, maxSettled),
		newcomers: newShelf[workspace.Client](opts.Now, newcomerLife, maxNewcomers, maxNewcomersEach),
		checking:  make(chan struct{}, maxChecking),
		queue:     queue{owned: map[string]int{}},
	}
	// A login that a person has looked at stays, and so does what tells that a
	// code is used again; but of one person no more than a few.
	s.devices.yields = func(d device) bool { return !d.kept || !d.decided && !s.Now().Before(d.until) }
	s.kept.gone = func(key string) { s.devices.edit(key, func(d *device) { d.kept = false }) }
	s.devices.gone = func(d device) { s.userCodes.remove(d.userCode) }
	s.newcomers.yields = func(workspace.Client) bool { return true }
	s.failures.yields = true // the lock of the account is firm
	issuer, err := url.Parse(opts.Issuer)
	if err != nil || issuer.Host == "" {
		panic("authserver: the issuer is no origin")
	}
	for _, host := range append(slices.Clone(opts.Hosts), issuer.Host) {
		host = s.host(host)
		s.hosts[host] = true
		s.audiences[workspace.Audience(s.origin(host))] = opts.Issuer
	}
	for _, r := range append(slices.Clone(opts.Resources), opts.Issuer) {
		if _, ok := s.audiences[workspace.Audience(r)]; !ok {
			s.audiences[workspace.Audience(r)] = r
		}
	}
	return s
}

// Handler answers all paths of the server; others get 404.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /.well-known/oauth-authorization-server", s.metadata())
	mux.Handle("GET /.well-known/oauth-protected-resource", http.HandlerFunc(s.protectedResource))

	mux.Handle("POST /oauth/device_authorization", s.api(s.authorizeDevice))
	mux.Handle("POST /oauth/token", s.api(s.token))
	mux.Handle("POST /oauth/revoke", s.api(s.revoke))
	mux.Handle("POST /oauth/introspect", s.api(s.introspect))
	mux.Handle("POST /oauth/register", http.HandlerFunc(s.register))

	mux.Handle("GET /oauth/authorize", s.page(s.authorize))
	mux.Handle("POST /oauth/authorize/approve", s.page(s.decideAuthorization))
	mux.Handle("GET /device", s.page(s.enterCode))
	mux.Handle("POST /device", s.page(s.lookUpCode))
	mux.Handle("POST /device/approve", s.page(s.decideDevice))
	mux.Handle("GET /signin", s.page(s.showSignIn))
	mux.Handle("POST /signin", s.page(s.signIn))
	mux.Handle("POST /signout", s.page(s.signOut))
	mux.Handle("GET /setup/{key}", s.page(s.showSetup))
	mux.Handle("POST /setup/{key}", s.page(s.setUp))
	mux.Handle("GET /{$}", s.page(s.home))
	return s.guard(mux)
}

// Check returns the access or personal token whose text is given, if it is
// live and for that audience. Otherwise the error is LoginNeeded.
func (s *Server) Check(ctx context.Context, text, audience string) (workspace.Token, error) {
	var t workspace.Token
	var live bool
	err := s.Store.Read(ctx, func(tx workspace.Tx) (err error) {
		t, live, err = s.live(tx, text)
		return err
	})
	if err != nil {
		return workspace.Token{}, err
	}
	if want, ok := s.audience(audience); !live || !ok || !s.isFor(t, want) {
		return workspace.Token{}, workspace.Errorf(workspace.LoginNeeded, "the token is not valid here, or not any more").
			WithHint("akos auth login")
	}
	return t, nil
}

// live returns the access or personal token whose text is given, unless it has
// expired or its user is not a member of its tenant any more.
func (s *Server) live(tx workspace.Tx, text string) (t workspace.Token, ok bool, err error) {
	t, _, ok, err = workspace.LiveToken(tx, hash(text), s.Now())
	return t, ok, err
}
