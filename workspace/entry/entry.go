// Package entry serves the pages on which a person enters values for an agent:
// over HTTP, on the loopback interface, from this very process.
//
// It knows no vault and no protocol of agents. Its invariants: a page is found
// by 256 random bits alone, works once and for ten minutes, and shows nothing
// that is stored; what is entered goes to the Store of its Entry and stays
// nowhere else; only a form of the page itself is taken.
package entry

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"example.com/akos/internal/crowd"
	"example.com/akos/workspace"
)

const (
	maxWaiting = 16               // pages of one asker that wait for a person at one time
	maxPages   = 256              // and of all
	maxEnded   = 64               // pages whose end is remembered
	maxConns   = 64               // connections at one time
	maxForms   = 4                // forms that are read at one time: each may take a few MiB
	formTime   = 10 * time.Second // for one of them: a browser on this machine needs far less
	linger     = time.Minute      // how long the last page is answered after its end
	closing    = 2 * time.Second  // for a value that is being stored while the process ends
)

// Options are what a Desk may use.
type Options struct {
	Log *slog.Logger
	// Listen opens the listener; nil for a free port of 127.0.0.1. It is
	// called when the first page is opened, and again after none has waited
	// for a while.
	Listen func() (net.Listener, error)
}

// A Desk is a workspace.Desk. It listens only while a page waits, and shortly
// after.
type Desk struct {
	log    *slog.Logger
	listen func() (net.Listener, error)
	forms  chan struct{} // a place for each form that is read

	mu     sync.Mutex
	pages  []*page // in the order in which they were opened
	closed bool
	server *http.Server // nil while nothing is served
	origin string       // of server
	idle   *time.Timer  // stops server
}

// A page is one Entry and what became of it. The lock of its desk guards it.
type page struct {
	workspace.Entry
	name   string
	id     string // tells pages apart and leads to none
	token  string // of its path
	after  string // of the path that shows its outcome
	until  time.Time
	life   *time.Timer
	turn   chan struct{} // has a place for the one form of its asker that is read
	taken  bool          // what was entered is being stored
	status string        // workspace.EntryPending and so on
	ended  chan struct{} // closed at its end
	told   bool
	stored []workspace.Stored
}

// New returns a Desk. It does not listen yet.
func New(opts Options) *Desk {
	d := &Desk{log: opts.Log, listen: opts.Listen, forms: make(chan struct{}, maxForms)}
	if d.listen == nil {
		d.listen = func() (net.Listener, error) { return net.Listen("tcp4", "127.0.0.1:0") }
	}
	return d
}

// Open implements workspace.Desk. A page that is one too many, or that can't
// be served here, is HumanNeeded: a terminal is left.
func (d *Desk) Open(_ context.Context, name, id string, prepare func() (workspace.Entry, error)) (workspace.EntryState, error) {
	if s, ok := d.find(name, id); ok {
		return s, nil
	}
	e, err := prepare()
	if err != nil {
		return workspace.EntryState{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, ok := d.findLocked(name, ""); ok {
		return s, nil // another call was first
	}
	waiting, all, turn := 0, 0, make(chan struct{}, 1)
	for _, p := range d.pages {
		if p.Asker == e.Asker {
			turn = p.turn
		}
		if p.status == workspace.EntryPending {
			all++
			if p.Asker == e.Asker {
				waiting++
			}
		}
	}
	hint := "akos vault put " + e.Keys[0].Key
	if e.Keys[0].Scope == workspace.ScopeTenant {
		hint += " --scope tenant"
	}
	if waiting >= maxWaiting || all >= maxPages {
		if all >= maxPages {
			waiting = all
		}
		return workspace.EntryState{}, workspace.Errorf(workspace.HumanNeeded, "%d pages wait for a person already, who has to fill them in or decline them first", waiting).WithHint("%s", hint)
	}
	if err := d.start(); err != nil {
		return workspace.EntryState{}, workspace.Errorf(workspace.HumanNeeded, "a person must enter the value of %s in a terminal: no page can be served here", e.Keys[0].Key).
			WithHint("%s", hint).Because(err)
	}
	p := &page{Entry: e, name: name, id: hex.EncodeToString(random(8)), token: token(), after: token(),
		until: time.Now().Add(workspace.EntryLife), status: workspace.EntryPending, turn: turn, ended: make(chan struct{})}
	p.life = time.AfterFunc(workspace.EntryLife, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if p.taken {
			return // its outcome is on the way
		}
		d.end(p, workspace.EntryExpired)
	})
	d.pages = append(d.pages, p)
	s := d.state(p)
	s.New = true
	return s, nil
}

// random returns n random bytes.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return b
}

// token returns 256 random bits for a path.
func token() string { return base64.RawURLEncoding.EncodeToString(random(32)) }

func (d *Desk) find(name, id string) (workspace.EntryState, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.findLocked(name, id)
}

func (d *Desk) findLocked(name, id string) (workspace.EntryState, bool) {
	p := d.byID(id)
	if p == nil || p.name != name {
		i := slices.IndexFunc(d.pages, func(p *page) bool { return p.name == name && !p.told })
		if i < 0 {
			return workspace.EntryState{}, false
		}
		p = d.pages[i]
	}
	p.told = p.status != workspace.EntryPending
	return d.state(p), true
}

func (d *Desk) state(p *page) workspace.EntryState {
	s := workspace.EntryState{ID: p.id, Status: p.status, Keys: p.Keys, Stored: p.stored}
	if p.status == workspace.EntryPending {
		s.URL = d.origin + "/enter/" + p.token
	}
	return s
}

// Decline implements workspace.Desk.
func (d *Desk) Decline(ctx context.Context, id string) {
	d.mu.Lock()
	p := d.byID(id)
	ends := p != nil && !p.taken && p.status == workspace.EntryPending
	if ends {
		d.end(p, workspace.EntryDeclined)
	}
	d.mu.Unlock()
	if ends {
		p.Declined(ctx)
	}
}

// Wait implements workspace.Desk.
func (d *Desk) Wait(ctx context.Context, id string) (status string) {
	d.mu.Lock()
	p := d.byID(id)
	d.mu.Unlock()
	if p == nil {
		return ""
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return p.status
}

func (d *Desk) byID(id string) *page {
	for _, p := range d.pages {
		if p.id == id {
			return p
		}
	}
	return nil
}

// end ends a page that waits. Its end is remembered for as long as the page
// itself would have been, unless too many are.
func (d *Desk) end(p *page, status string) {
	if p.status != workspace.EntryPending {
		return
	}
	p.status = status
	p.Store = nil
	p.life.Stop()
	close(p.ended)
	time.AfterFunc(workspace.EntryLife, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.drop(p)
	})
	ended, waiting := 0, 0
	for _, p := range slices.Backward(slices.Clone(d.pages)) {
		switch {
		case p.status == workspace.EntryPending:
			waiting++
		case ended == maxEnded:
			d.drop(p)
		default:
			ended++
		}
	}
	if waiting == 0 {
		d.idle = time.AfterFunc(linger, d.rest)
	}
}

func (d *Desk) drop(p *page) {
	d.pages = slices.DeleteFunc(d.pages, func(q *page) bool { return q == p })
}

// start listens, unless it does already.
func (d *Desk) start() error {
	if d.closed {
		return net.ErrClosed
	}
	if d.idle != nil {
		d.idle.Stop()
		d.idle = nil
	}
	if d.server != nil {
		return nil
	}
	l, err := d.listen()
	if err != nil {
		return err
	}
	host := l.Addr().String()
	d.origin = "http://" + host
	all := crowd.New(l, maxConns)
	d.server = &http.Server{
		ConnState: all.State, ConnContext: all.Context,
		Handler:           d.handler(host),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: time.Minute,
		WriteTimeout: 3 * time.Minute, // from the header on; a keychain may ask its person
		IdleTimeout:  30 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	go func(s *http.Server) { _ = s.Serve(all) }(d.server) // it ends with Shutdown or Close
	return nil
}

// rest stops listening if nothing waits.
func (d *Desk) rest() {
	d.mu.Lock()
	s := d.server
	if d.idle == nil || s == nil {
		d.mu.Unlock()
		return
	}
	d.server, d.idle = nil, nil
	d.mu.Unlock()
	stop(s)
}

// stop lets what is being stored end.
func stop(s *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	if s.Shutdown(ctx) != nil {
		_ = s.Close()
	}
}

// Close ends every page and stops listening. A value that is being stored has
// two seconds for that.
func (d *Desk) Close() error {
	d.mu.Lock()
	d.closed = true
	s := d.server
	d.server = nil
	for _, p := range slices.Clone(d.pages) {
		if !p.taken {
			d.end(p, workspace.EntryExpired)
		}
	}
	if d.idle != nil {
		d.idle.Stop()
	}
	d.mu.Unlock()
	if s != nil {
		stop(s)
	}
	return nil
}
