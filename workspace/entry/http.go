package entry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"example.com/akos/internal/crowd"
	"example.com/akos/workspace"
	"example.com/akos/workspace/pages"
)

// storeTime bounds how long a person waits for a keychain.
const storeTime = 90 * time.Second

// handler answers what was meant for host alone: a page of another site whose
// name leads here (DNS rebinding) asks for another one.
func (d *Desk) handler(host string) http.Handler {
	var protection http.CrossOriginProtection
	protection.SetDenyHandler(http.HandlerFunc(foreign))
	inner := protection.Handler(http.HandlerFunc(d.serve))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v != nil {
				// Not what it says, which might be what was entered.
				d.log.ErrorContext(r.Context(), "panic", "type", fmt.Sprintf("%T", v))
				panic(http.ErrAbortHandler)
			}
		}()
		pages.Protect(w.Header())
		if r.Host != host {
			http.Error(w, "this host is not served here", http.StatusMisdirectedRequest)
			return
		}
		inner.ServeHTTP(w, r)
	})
}

// foreign answers a form that the page itself did not send.
func foreign(w http.ResponseWriter, _ *http.Request) {
	pages.Write(w, http.StatusForbidden, pages.Problem{
		Title: "This did not come from the page", Text: "Nothing was stored. If you meant to enter a value, open the page again and enter it there.",
	})
}

func (d *Desk) serve(w http.ResponseWriter, r *http.Request) {
	p, after := d.lookup(r.URL.Path)
	switch {
	case p == nil:
		pages.Write(w, http.StatusNotFound, pages.Problem{
			Title: "There is no such page", Text: "A page to enter a value works once, for ten minutes, and only while the agent's program runs. Ask the agent for a new one.",
		})
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		d.show(w, p, after)
	case r.Method == http.MethodPost && !after:
		// A browser says where every form comes from. What does not is no
		// browser, or one that keeps it from us.
		if r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
			foreign(w, r)
			return
		}
		d.take(w, r, p)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "only GET and POST are served here", http.StatusMethodNotAllowed)
	}
}

// lookup returns the page at path, and whether path is that of its outcome.
func (d *Desk) lookup(path string) (p *page, after bool) {
	token, entering := strings.CutPrefix(path, "/enter/")
	outcome, after := strings.CutPrefix(path, "/entered/")
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.pages {
		// The time that a comparison takes says nothing of use about 256 bits.
		if entering && p.token == token || after && p.after == outcome && p.status != workspace.EntryPending {
			return p, after
		}
	}
	return nil, false
}

// show answers with the form, or with what came of it. Looking uses nothing
// up: not even an agent's look.
func (d *Desk) show(w http.ResponseWriter, p *page, after bool) {
	d.mu.Lock()
	status, taken, stored := p.status, p.taken, p.stored
	d.mu.Unlock()
	switch {
	case after && status == workspace.EntryStored:
		done := pages.Entered{}
		for _, s := range stored {
			done.Keys = append(done.Keys, s.Key)
			done.Notices = append(done.Notices, s.Notice)
		}
		pages.Write(w, http.StatusOK, done)
	case after && status == workspace.EntryDeclined:
		pages.Write(w, http.StatusOK, pages.Entered{Declined: true})
	case status == workspace.EntryPending && !taken:
		pages.Write(w, http.StatusOK, form(p, ""))
	default:
		used(w, status)
	}
}

// used answers for a page that works no more.
func used(w http.ResponseWriter, status string) {
	answer := pages.Problem{Title: "This page was used", Text: "It works once. If another value is needed, ask the agent for a new page."}
	switch status {
	case workspace.EntryDeclined:
		answer.Text = "It was declined, and nothing was stored. If that was wrong, ask the agent for a new page."
	case workspace.EntryExpired:
		answer = pages.Problem{Title: "This page has expired", Text: "Nothing was stored. It works for ten minutes: ask the agent for a new one."}
	}
	pages.Write(w, http.StatusGone, answer)
}

// form returns the form of p.
func form(p *page, problem string) pages.Entry {
	f := pages.Entry{Workspace: p.Workspace, Client: p.Client, Reason: p.Reason, Problem: problem}
	for _, k := range p.Keys {
		if k.Scope == workspace.ScopeTenant {
			f.Tenant = k.Owner
		}
		f.Keys = append(f.Keys, pages.EntryKey{Name: k.Key, Provider: k.Provider, DocsURL: k.DocsURL, Scopes: k.Scopes})
	}
	return f
}

// take reads a form and stores what is in it. The page is used up by a store
// that went well, and by a refusal, and by nothing else.
func (d *Desk) take(w http.ResponseWriter, r *http.Request, p *page) {
	// The forms of one asker take turns before they compete with those of
	// others: whoever sends slowly keeps one place, and nobody else waiting.
	if !enter(r.Context(), p.turn) {
		return
	}
	next := sync.OnceFunc(func() { <-p.turn })
	defer next()
	if !enter(r.Context(), d.forms) {
		return
	}
	defer func() { <-d.forms }()
	defer crowd.Hold(r.Context())() // few at once, and what is being stored is not cut off
	// A connection of net/http has deadlines. What is left of the body once it
	// is answered is under this one too.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(formTime))
	in, err := read(w, r, p.Keys)
	next()
	if err != nil {
		var problem problem
		if !errors.As(err, &problem) {
			problem.status, problem.text = http.StatusBadRequest, "What the browser sent can't be read, so nothing was stored."
		}
		if status, usable := d.usable(p); !usable {
			used(w, status)
			return
		}
		pages.Write(w, problem.status, form(p, problem.text))
		return
	}
	store, status, ok := d.claim(p, in.declined)
	if !ok {
		used(w, status)
		return
	}
	if in.declined {
		p.Declined(r.Context())
	} else {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeTime)
		defer cancel()
		stored, err := d.store(ctx, p, store, in.values)
		if err != nil {
			e := workspace.Explain(err)
			level := slog.LevelDebug
			if e.Kind == workspace.Internal {
				level = slog.LevelError
			}
			d.log.Log(ctx, level, "an entry was not stored", "kind", e.Kind.String(), "err", err)
			status := http.StatusConflict
			if e.Kind == workspace.Internal || e.Kind == workspace.Unavailable {
				status = http.StatusServiceUnavailable
			}
			pages.Write(w, status, form(p, "Not stored: "+e.Msg+"."))
			return
		}
		for _, s := range stored {
			d.log.DebugContext(ctx, "entered", "key", s.Key, "scope", string(s.Scope))
		}
	}
	// Elsewhere, so that the browser keeps no form that it could send again.
	http.Redirect(w, r, "/entered/"+p.after, http.StatusSeeOther)
}

// enter takes a place, unless ctx ends before there is one.
func enter(ctx context.Context, places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// usable reports whether p still waits for a form.
func (d *Desk) usable(p *page) (status string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return p.status, p.status == workspace.EntryPending && !p.taken
}

type storeFunc = func(context.Context, []workspace.Secret) ([]workspace.Stored, error)

// claim takes p for one form: of two that come at once, one is too late.
func (d *Desk) claim(p *page, declined bool) (store storeFunc, status string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.status != workspace.EntryPending || p.taken {
		return nil, p.status, false
	}
	if declined {
		d.end(p, workspace.EntryDeclined)
		return nil, p.status, true
	}
	p.taken = true
	return p.Store, p.status, true
}

// store stores what was entered on p, which is ended by that, or waits again.
func (d *Desk) store(ctx context.Context, p *page, store storeFunc, values []workspace.Secret) (stored []workspace.Stored, err error) {
	ok := false // also if it panics
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		p.taken = false
		switch {
		case ok:
			p.stored = stored
			d.end(p, workspace.EntryStored)
		case d.closed || !time.Now().Before(p.until): // its time ran out meanwhile
			d.end(p, workspace.EntryExpired)
		}
	}()
	stored, err = store(ctx, values)
	ok = err == nil
	return stored, err
}
