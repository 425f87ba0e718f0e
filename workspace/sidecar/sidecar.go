// Package sidecar is the process behind `akos serve`: it listens, serves the
// pages and the API, and ends in good order.
//
// It does not know how anybody logs in: it is given a handler that does, and
// a [Verifier]. Its invariants: one sidecar a home; off loopback there is TLS;
// over its socket it answers this user alone; no answer and no log line holds
// a value or a token.
package sidecar

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"example.com/akos/internal/crowd"
	"example.com/akos/internal/turns"
	"example.com/akos/workspace"
	"example.com/akos/workspace/internal/rendezvous"
)

// Options are what a sidecar stands on.
type Options struct {
	workspace.ServeOptions
	Home  string
	Parts workspace.Options // of the workspaces that it serves
	// Login returns what serves the pages and the endpoints of a login below
	// the public URL, and what checks tokens. It is called once it is known
	// where the sidecar listens.
	Login func(public string, hosts []string) (http.Handler, Verifier, error)
	// Setup returns the address at which the first account is made, or "" if
	// there is one. It is called once the sidecar is ready.
	Setup func(public string) (string, error)
	Log   *slog.Logger
}

// Serve runs the sidecar until ctx ends.
func Serve(ctx context.Context, o Options) error {
	if err := o.Check("akos serve", "--listen", "127.0.0.1:7717"); err != nil {
		return err
	}
	var secure *tls.Config
	if o.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
		if err != nil {
			return workspace.Errorf(workspace.Invalid, "the certificate and its key can't be read").Because(err)
		}
		secure = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	if err := os.MkdirAll(o.Home, 0o700); err != nil {
		return workspace.Errorf(workspace.Unavailable, "%s can't be made", o.Home).Because(err)
	}
	claim, err := rendezvous.Take(ctx, o.Home)
	if errors.Is(err, rendezvous.ErrTaken) {
		if p, ok := rendezvous.Find(o.Home); ok {
			return workspace.Errorf(workspace.Conflict, "a sidecar of this home runs already, at %s (process %d)", p.URL, p.PID).WithHint("akos status")
		}
		return workspace.Errorf(workspace.Conflict, "a sidecar of this home is just starting").WithHint("akos status")
	}
	if err != nil {
		return workspace.Errorf(workspace.Unavailable, "%s can't be written", o.Home).Because(err)
	}
	defer claim.Release()

	tcp, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return workspace.Errorf(workspace.Unavailable, "%s can't be listened on", o.Listen).WithHint("akos serve --listen 127.0.0.1:0").Because(err)
	}
	all := crowd.New(tcp, maxConns)
	tcp = all
	defer tcp.Close()
	_, port, _ := net.SplitHostPort(tcp.Addr().String())
	public, hosts := o.Public(port)
	login, verifier, err := o.Login(public, hosts)
	if err != nil {
		return err
	}
	socket, path, err := listenLocal(o.Home)
	if err != nil {
		return workspace.Errorf(workspace.Unavailable, "the socket of the sidecar can't be made").Because(err)
	}
	if socket != nil {
		defer func() {
			_ = socket.Close()
			_ = os.RemoveAll(path)
			_ = os.Remove(filepath.Dir(path)) // unless that is the home, which is not empty
		}()
	}
	api := &API{parts: o.Parts, verifier: verifier, resource: public, large: turns.New(maxLarge)}
	remote := o.server(o.mux(api, login))
	remote.TLSConfig, remote.ConnState, remote.ConnContext = secure, all.State, all.Context
	local := o.server(o.mux(api, login))
	local.ConnContext = localOnly

	failed := make(chan error, 2)
	go func() {
		if secure != nil {
			failed <- remote.ServeTLS(tcp, "", "")
			return
		}
		failed <- remote.Serve(tcp)
	}()
	if socket != nil {
		go func() { failed <- local.Serve(socket) }()
	}
	// Said only once both are listened on.
	if err := claim.Announce(rendezvous.Place{URL: public, Socket: path, PID: os.Getpid(), Version: o.Parts.Version, Started: o.Parts.Now()}); err != nil {
		return workspace.Errorf(workspace.Unavailable, "%s can't be written", o.Home).Because(err)
	}
	if err := o.greet(public); err != nil {
		return err
	}
	select {
	case err = <-failed:
	case <-ctx.Done():
		err = nil
	}
	o.Log.Info("ending", "drain", o.Drain)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Drain)
	defer cancel()
	if e := errors.Join(remote.Shutdown(drain), local.Shutdown(drain)); e != nil {
		o.Log.Warn("requests were cut off", "err", e)
		_, _ = remote.Close(), local.Close()
	}
	return err
}

// greet says that the sidecar is ready, and what is to be done first.
func (o *Options) greet(public string) error {
	said := struct {
		URL    string `json:"url"`
		Setup  string `json:"setupUrl,omitempty"`
		Issuer string `json:"issuer,omitempty"`
	}{URL: public, Issuer: o.Issuer}
	var err error
	if said.Setup, err = o.Setup(public); err != nil {
		return err
	}
	o.Log.Info("ready", "url", public)
	text := "akos serves " + public + "\n"
	switch {
	case o.JSON:
		b, _ := json.Marshal(said) // texts always encode
		text = string(b) + "\n"
	case said.Setup != "":
		text += "There is no account yet. Make the first one here, once:\n  " + said.Setup + "\n"
	case said.Issuer != "":
		text += "Logins are those of " + said.Issuer + "\n"
	}
	if _, err := io.WriteString(o.Out, text); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		o.Log.Warn("nobody reads the standard output", "err", err)
	}
	return nil
}

func (o *Options) mux(api *API, login http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/v1/", http.MaxBytesHandler(api, workspace.MaxValue+1))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	var seen atomic.Bool // a state: from then on there is one to miss
	if made, err := o.Parts.Store.Made(context.Background()); made || err != nil {
		seen.Store(true)
	}
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		err := o.Parts.Store.Read(r.Context(), func(tx workspace.Tx) error { _, err := tx.Users("-"); return err })
		if err == nil {
			var made bool
			if made, err = o.Parts.Store.Made(r.Context()); made {
				seen.Store(true)
			} else if err == nil && seen.Load() {
				err = errors.New("the state is gone")
			}
		}
		if err != nil {
			o.Log.WarnContext(r.Context(), "not ready", "err", err)
			http.Error(w, "the state can't be read", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	if login != nil {
		mux.Handle("/", login)
	}
	return o.recovering(endingAfterChunks(mux))
}

// endingAfterChunks closes the connection after a request whose body comes in
// chunks. net/http does not tell whether there was a length too, of which RFC
// 9112 section 6.1 says: "the server MUST close the connection after responding
// to such a request to avoid the potential attacks".
func endingAfterChunks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// recovering answers a panic without its text, which could hold anything.
func (o *Options) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				o.Log.ErrorContext(r.Context(), "panic", "type", fmt.Sprintf("%T", p))
				http.Error(w, "internal error", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (o *Options) server(h http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // alone: over TLS it would offer the HTTP/2 that a release is built without
	return &http.Server{
		Protocols: protocols,
		Handler:   h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		WriteTimeout: 70 * time.Second, // it counts from the header on, and a body that came too late is answered
		IdleTimeout:  2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
}

// maxConns is how many TCP connections are open at once: below the 1,024
// files that a process may usually have, and each costs some 20 kB. The socket
// has no limit, since this user alone can open it.
const maxConns = 512

// socketName is the name of the socket under AKOS_HOME.
const socketName = "sidecar.sock"

// maxSocket is the length of the longest path that every system binds.
const maxSocket = 100

func socketPath(home string) (string, error) {
	path := filepath.Join(home, socketName)
	if len(path) <= maxSocket {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "akos-") // 0700
	return filepath.Join(dir, socketName), err
}
