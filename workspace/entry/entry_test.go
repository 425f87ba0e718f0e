package entry

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/akos/workspace"
)

const value = "fake-value-0123456789"

// TestValues: what is entered arrives as it was, by each of the three ways,
// or not at all.
func TestValues(t *testing.T) {
	mib := strings.Repeat("a", workspace.MaxValue)
	lines := strings.Repeat("\r\n", workspace.MaxValue)
	for _, c := range []struct {
		what   string
		fields []field
		code   int
		want   string
	}{
		{"a line", whole(field{"line-0", value, ""}), 303, value},
		{"a line with blanks", whole(field{"line-0", "  a b\t", ""}), 303, "  a b\t"},
		{"a line of another alphabet", whole(field{"line-0", "пароль 🔑", ""}), 303, "пароль 🔑"},
		{"several lines", whole(field{"text-0", "a\r\nb\r\n", ""}), 303, "a\nb\n"},
		{"a lone CR", whole(field{"text-0", "a\rb", ""}), 303, "a\rb"},
		{"a file with CR LF", whole(field{"file-0", "a\r\nb\r\n", "key.pem"}), 303, "a\r\nb\r\n"},
		{"a file that is no text", whole(field{"file-0", "\x00\xff\xfe\x80--\r\n", "key"}), 303, "\x00\xff\xfe\x80--\r\n"},
		{"a line of 1 MiB", whole(field{"line-0", mib, ""}), 303, mib},
		{"a text of 1 MiB", whole(field{"text-0", mib, ""}), 303, mib},
		{"1 MiB of line ends", whole(field{"text-0", lines, ""}), 303, strings.Repeat("\n", workspace.MaxValue)},
		{"a file of 1 MiB", whole(field{"file-0", mib, "key"}), 303, mib},
		{"only a line", []field{{"line-0", value, ""}}, 303, value},

		{"a line over 1 MiB", whole(field{"line-0", mib + "a", ""}), 413, ""},
		{"a text over 1 MiB", whole(field{"text-0", mib + "a", ""}), 413, ""},
		{"line ends over 1 MiB", whole(field{"text-0", lines + "\r\n", ""}), 413, ""},
		{"a file over 1 MiB", whole(field{"file-0", mib + "a", "key"}), 413, ""},
		{"far too much", whole(field{"file-0", strings.Repeat(mib, 5), "key"}), 413, ""},
		{"nothing", blank("0"), 422, ""},
		{"no field at all", nil, 422, ""},
		{"an empty file", whole(field{"file-0", "", "key"}), 422, ""},
		{"two values", []field{{"line-0", "another", ""}, {"text-0", value, ""}}, 422, ""},
		{"a line twice", []field{{"line-0", "another", ""}, {"line-0", value, ""}}, 422, ""},
		{"a key that was not asked for", []field{{"line-1", value, ""}}, 400, ""},
		{"a field that is not there", []field{{"value", value, ""}}, 400, ""},
		{"a way that is not there", []field{{"data-0", value, ""}}, 400, ""},
		{"more fields than there are", append(append(blank("0"), blank("0")...), blank("0")...), 400, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			d, s := newDesk(t), &safe{}
			state := ask(t, d, s, "k", "KEY")
			a := send(t, post(t, state.URL, c.fields...))
			if a.code != c.code {
				t.Fatalf("status %d, want %d: %s", a.code, c.code, a.body)
			}
			if c.code != 303 {
				if s.count() != 0 {
					t.Error("it was stored")
				}
				if strings.Contains(a.body, value) || !strings.Contains(a.body, `role="alert"`) {
					t.Errorf("the page repeats what was entered, or says no problem: %s", a.body)
				}
				// The page is not used up.
				a = send(t, post(t, state.URL, field{"line-0", "right", ""}))
				c.want = "right"
			}
			s.has(t, c.want)
			done := get(t, origin(state.URL)+a.header.Get("Location"))
			if done.code != 200 || !strings.Contains(done.body, "<h1>Stored</h1>") || strings.Contains(done.body, value) || !strings.Contains(done.body, "look at it") {
				t.Errorf("%d %s", done.code, done.body)
			}
		})
	}
}

// TestSeveral: all the values of a page are stored, or none.
func TestSeveral(t *testing.T) {
	d, s := newDesk(t), &safe{}
	state := ask(t, d, s, "k", "A", "B")
	if page := get(t, state.URL); !strings.Contains(page.body, "Enter 2 values") || strings.Count(page.body, `type="password"`) != 2 {
		t.Error(page.body)
	}
	for _, half := range [][]field{{{"line-0", value, ""}}, {{"line-1", value, ""}}, {{"line-0", value, ""}, {"line-0", "x", ""}, {"line-1", "y", ""}}} {
		if a := send(t, post(t, state.URL, half...)); a.code != 422 || s.count() != 0 {
			t.Errorf("half of it: %d, %d stores", a.code, s.count())
		}
	}
	if a := send(t, post(t, state.URL, field{"file-1", "two", "f"}, field{"line-0", "one", ""})); a.code != 303 {
		t.Fatal(a)
	}
	s.has(t, "one", "two")
}

// TestOnce: a page works once, and its end is told once.
func TestOnce(t *testing.T) {
	d, s := newDesk(t), &safe{}
	first := ask(t, d, s, "k", "KEY")
	if again := ask(t, d, s, "k", "KEY"); !first.New || again.New || again.URL != first.URL || again.Status != workspace.EntryPending {
		t.Errorf("asked again: %+v, first %+v", again, first)
	}
	if other := ask(t, d, s, "other", "KEY"); other.URL == first.URL || other.ID == first.ID {
		t.Error("two pages are one")
	}
	for range 3 { // an agent looks, and a second tab does
		if a := get(t, first.URL); a.code != 200 || !strings.Contains(a.body, "KEY") {
			t.Fatal(a)
		}
	}
	// Twenty forms at once: one of them counts, however long it takes.
	s.next(func() { time.Sleep(100 * time.Millisecond) }, nil)
	var wg sync.WaitGroup
	codes := make(chan int, 20)
	for range cap(codes) {
		r := post(t, first.URL, field{"line-0", value, ""})
		wg.Go(func() {
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			codes <- resp.StatusCode
		})
	}
	wg.Wait()
	close(codes)
	count := map[int]int{}
	for c := range codes {
		count[c]++
	}
	if count[303] != 1 || count[410] != 19 || s.count() != 1 {
		t.Errorf("answers %v, %d stores", count, s.count())
	}
	// The second tab, the back button, the reload.
	for _, a := range []answer{get(t, first.URL), send(t, post(t, first.URL, field{"line-0", "late", ""})), send(t, post(t, first.URL, field{"decision", "decline", ""}))} {
		if a.code != http.StatusGone || !strings.Contains(a.body, "This page was used") || strings.Contains(a.body, "<form") {
			t.Errorf("%d %s", a.code, a.body)
		}
	}
	s.has(t, value)
	if end := ask(t, d, s, "k", "KEY"); end.Status != workspace.EntryStored || end.URL != "" || end.New || end.Stored[0].Key != "KEY" {
		t.Errorf("%+v", end)
	}
	if next := ask(t, d, s, "k", "KEY"); !next.New || next.URL == first.URL {
		t.Errorf("an end is told once: %+v", next)
	}
	// Whoever knows the page is told again.
	if end, err := d.Open(t.Context(), "k", first.ID, nil); err != nil || end.Status != workspace.EntryStored {
		t.Errorf("%+v %v", end, err)
	}
}

// TestDecline: the person says no, by the page or by their client.
func TestDecline(t *testing.T) {
	for name, decline := range map[string]func(*testing.T, *Desk, workspace.EntryState){
		"on the page": func(t *testing.T, _ *Desk, s workspace.EntryState) {
			a := send(t, post(t, s.URL, field{"decision", "decline", ""}))
			if a.code != 303 {
				t.Fatal(a)
			}
			if done := get(t, origin(s.URL)+a.header.Get("Location")); done.code != 200 || !strings.Contains(done.body, "Declined") {
				t.Error(done)
			}
		},
		"with a value typed": func(t *testing.T, _ *Desk, s workspace.EntryState) {
			if a := send(t, post(t, s.URL, field{"decision", "decline", ""}, field{"line-0", value, ""})); a.code != 303 {
				t.Fatal(a)
			}
		},
		"by the client": func(_ *testing.T, d *Desk, s workspace.EntryState) { d.Decline(context.Background(), s.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			d, s := newDesk(t), &safe{}
			first := ask(t, d, s, "k", "KEY")
			waited := make(chan string)
			go func() { waited <- d.Wait(context.Background(), first.ID) }()
			decline(t, d, first)
			if status := <-waited; status != workspace.EntryDeclined {
				t.Errorf("Wait says %q", status)
			}
			d.Decline(context.Background(), first.ID) // again: nothing
			d.Decline(context.Background(), "no such page")
			for _, a := range []answer{get(t, first.URL), send(t, post(t, first.URL, field{"line-0", value, ""}))} {
				if a.code != http.StatusGone || !strings.Contains(a.body, "declined") {
					t.Errorf("%d %s", a.code, a.body)
				}
			}
			if end := ask(t, d, s, "k", "KEY"); end.Status != workspace.EntryDeclined || s.count() != 0 || s.declined.Load() != 1 {
				t.Errorf("%+v, %d stores, %d declines noted", end, s.count(), s.declined.Load())
			}
		})
	}
}

// TestFailed: a value that can't be stored leaves the page as it was.
func TestFailed(t *testing.T) {
	d, s := newDesk(t), &safe{}
	state := ask(t, d, s, "k", "KEY")
	s.next(nil, workspace.Errorf(workspace.Unavailable, "the keychain is locked"))
	if a := send(t, post(t, state.URL, field{"line-0", value, ""})); a.code != 503 || !strings.Contains(a.body, "Not stored: the keychain is locked.") || strings.Contains(a.body, value) {
		t.Errorf("%d %s", a.code, a.body)
	}
	s.next(func() { panic("it holds " + value) }, nil)
	if _, err := http.DefaultTransport.RoundTrip(post(t, state.URL, field{"line-0", value, ""})); err == nil {
		t.Error("a panic is answered")
	}
	s.next(nil, nil)
	if again := ask(t, d, s, "k", "KEY"); again.Status != workspace.EntryPending || again.URL != state.URL {
		t.Errorf("%+v", again)
	}
	if a := send(t, post(t, state.URL, field{"line-0", value, ""})); a.code != 303 {
		t.Error(a)
	}
	s.has(t, value)
}

// TestLimit: only so many pages wait at one time; a hundred calls open no
// hundred.
func TestLimit(t *testing.T) {
	d, s := newDesk(t), &safe{}
	var open []workspace.EntryState
	refused := 0
	for i := range 100 {
		state, err := try(d, s, strings.Repeat("k", i), "KEY")
		if err == nil {
			open = append(open, state)
		} else if e := workspace.Explain(err); e.Kind == workspace.HumanNeeded && e.Hint == "akos vault put KEY" {
			refused++
		}
	}
	if len(open) != maxWaiting || refused != 100-maxWaiting {
		t.Errorf("%d open, %d refused", len(open), refused)
	}
	d.Decline(context.Background(), open[0].ID)
	if _, err := try(d, s, "next", "KEY"); err != nil {
		t.Error(err)
	}
	// An agent that ends pages as it opens them fills no memory.
	d.Decline(context.Background(), open[1].ID)
	for range 3 * maxEnded {
		d.Decline(context.Background(), ask(t, d, s, "again", "KEY").ID)
		ask(t, d, s, "again", "KEY") // it is told
	}
	if n := len(d.pages); n > maxWaiting+maxEnded {
		t.Errorf("%d pages are remembered", n)
	}
}

// TestAskers: each has places of their own, as long as there are any.
func TestAskers(t *testing.T) {
	d := newDesk(t)
	open := func(asker, i int) error {
		_, err := d.Open(t.Context(), fmt.Sprint(asker, " ", i), "", func() (workspace.Entry, error) {
			return workspace.Entry{Asker: fmt.Sprint(asker), Keys: []workspace.EntryKey{{Ref: workspace.Ref{Key: "KEY"}}}}, nil
		})
		return err
	}
	opened := 0
	for asker := range maxPages/maxWaiting + 3 {
		for i := range maxWaiting + 1 {
			switch err := open(asker, i); {
			case err == nil:
				opened++
			case workspace.Explain(err).Kind != workspace.HumanNeeded:
				t.Fatal(err)
			}
		}
		if want := min((asker+1)*maxWaiting, maxPages); opened != want {
			t.Errorf("after asker %d: %d pages, want %d", asker, opened, want)
		}
	}
}

// TestNoListener: where nothing can listen, a terminal is what is left.
func TestNoListener(t *testing.T) {
	d, s := newDesk(t), &safe{}
	d.listen = func() (net.Listener, error) { return nil, net.ErrClosed }
	_, err := try(d, s, "k", "KEY")
	if e := workspace.Explain(err); e.Kind != workspace.HumanNeeded || e.Hint != "akos vault put KEY" {
		t.Errorf("%+v", e)
	}
	failed := workspace.Errorf(workspace.Denied, "not trusted")
	if _, err := d.Open(t.Context(), "k", "", func() (workspace.Entry, error) { return workspace.Entry{}, failed }); err != failed {
		t.Error(err)
	}
}

// TestTime: a page expires, its end is told for ten minutes more, and what
// listens stops once nobody waits.
func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s, l := pipeDesk(t)
		first := ask(t, d, s, "k", "KEY")
		time.Sleep(workspace.EntryLife - time.Second)
		if a := l.do(t, get1(first.URL)); a.code != 200 {
			t.Error(a)
		}
		time.Sleep(2 * time.Second)
		for _, r := range []*http.Request{get1(first.URL), post(t, first.URL, field{"line-0", value, ""})} {
			if a := l.do(t, r); a.code != http.StatusGone || !strings.Contains(a.body, "This page has expired") {
				t.Errorf("%d %s", a.code, a.body)
			}
		}
		if end := ask(t, d, s, "k", "KEY"); end.Status != workspace.EntryExpired || s.count() != 0 {
			t.Errorf("%+v", end)
		}
		time.Sleep(linger + closing)
		if !l.isClosed() || d.server != nil {
			t.Error("it listens although nothing waits")
		}
		// An end that nobody asks for is forgotten.
		ask(t, d, s, "old", "KEY")
		if l.isClosed() {
			t.Error("it does not listen again")
		}
		time.Sleep(2*workspace.EntryLife + time.Second)
		if next := ask(t, d, s, "old", "KEY"); !next.New {
			t.Errorf("%+v", next)
		}
		// Storing may take longer than the page has left.
		late := ask(t, d, s, "late", "KEY")
		time.Sleep(workspace.EntryLife - time.Second)
		s.next(func() { time.Sleep(10 * time.Second) }, nil)
		if a := l.do(t, post(t, late.URL, field{"line-0", value, ""})); a.code != 303 || s.count() != 1 {
			t.Errorf("%+v, %d stores", a, s.count())
		}
		late = ask(t, d, s, "late", "KEY")
		late = ask(t, d, s, "late", "KEY")
		time.Sleep(workspace.EntryLife - time.Second)
		s.next(func() { time.Sleep(10 * time.Second) }, workspace.Errorf(workspace.Unavailable, "locked"))
		l.do(t, post(t, late.URL, field{"line-0", value, ""}))
		if end := ask(t, d, s, "late", "KEY"); end.Status != workspace.EntryExpired {
			t.Errorf("%+v", end)
		}
		// Wait ends with its context.
		next := ask(t, d, s, "next", "KEY")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if status := d.Wait(ctx, next.ID); status != workspace.EntryPending {
			t.Errorf("Wait says %q", status)
		}
		if status := d.Wait(t.Context(), "no such page"); status != "" {
			t.Errorf("Wait says %q", status)
		}
		_ = d.Close()
		if status := d.Wait(t.Context(), next.ID); status != workspace.EntryExpired {
			t.Errorf("Wait says %q", status)
		}
		synctest.Wait()
	})
}

// TestSlow: who sends slowly is cut off, and keeps nobody else waiting for
// long.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s, l := pipeDesk(t)
		state := ask(t, d, s, "k", "KEY")
		began := time.Now()
		var ends []<-chan time.Duration
		for range 20 {
			ends = append(ends, l.dribble("GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n"))
		}
		for range 2 * maxForms {
			ends = append(ends, l.dribbleForm(state.URL))
		}
		synctest.Wait()
		if a := l.do(t, get1(state.URL)); a.code != 200 || time.Since(began) > time.Second {
			t.Errorf("%d after %v", a.code, time.Since(began))
		}
		for i, end := range ends {
			if took := <-end; took > 3*time.Minute || i < 20 && took > 10*time.Second {
				t.Errorf("connection %d lived %v", i, took)
			}
		}
		if a := l.do(t, post(t, state.URL, field{"line-0", value, ""})); a.code != 303 {
			t.Error(a)
		}
		_ = d.Close()
		synctest.Wait()
	})
}

// TestClose: a value that is being stored when the process ends is stored.
func TestClose(t *testing.T) {
	d, s := newDesk(t), &safe{}
	state := ask(t, d, s, "k", "KEY")
	other := ask(t, d, s, "other", "KEY")
	storing := make(chan struct{})
	s.next(func() { close(storing); time.Sleep(100 * time.Millisecond) }, nil)
	code := make(chan int, 1)
	r := post(t, state.URL, field{"line-0", value, ""})
	go func() {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			code <- 0
			return
		}
		resp.Body.Close()
		code <- resp.StatusCode
	}()
	<-storing
	_ = d.Close()
	if c := <-code; c != 303 || s.count() != 1 {
		t.Errorf("status %d, %d stores", c, s.count())
	}
	if _, err := http.Get(other.URL); err == nil {
		t.Error("it still listens")
	}
	if _, err := try(d, s, "next", "KEY"); workspace.Explain(err).Kind != workspace.HumanNeeded {
		t.Error(err)
	}
}
