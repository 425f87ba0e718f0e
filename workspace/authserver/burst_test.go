package authserver

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"example.com/akos/workspace"
)

// TestDeviceFlood: a login waits for its person for as long as it lives,
// however many a stranger of the same machine asks for meanwhile.
func TestDeviceFlood(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	mine := b.device(t)
	flood := func() (n int) {
		for range maxDevicesEach + 40 {
			r := b.call(t, "/oauth/device_authorization", form("client_id", "akos-cli"))
			if r.status == http.StatusOK {
				n++
				continue
			}
			r.is(t, http.StatusTooManyRequests, "temporarily_unavailable")
			if r.header.Get("Retry-After") != "60" {
				t.Errorf("again after %q", r.header.Get("Retry-After"))
			}
			break
		}
		return n
	}
	if n := flood(); n != maxDevicesFree-1+maxCrowding {
		t.Fatalf("%d in a burst", n)
	}
	for range 9 {
		b.pass(time.Minute)
		if n := flood(); n != maxCrowding {
			t.Fatalf("%d in a minute", n)
		}
	}
	b.pass(59 * time.Second)
	flood()
	b.signedIn(t, "bob").decide(t, mine, "approve", "")
	b.poll(t, mine).is(t, 200, "")
	// It is over a minute after the stranger has gone, and leaves nothing.
	b.pass(time.Minute)
	b.login(t, "bob", "")
	b.pass(codesKept)
	if n := flood(); n < maxDevicesFree {
		t.Errorf("%d after all have expired", n)
	}
}

// TestKept: of the logins that one person has looked at or decided few don't
// give way, so they can't take all places.
func TestKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for i := range maxDevicesEach {
		key := fmt.Sprint("key ", i)
		b.s.devices.put(key, "this machine", device{userCode: key, until: b.clock().Add(deviceLife), decided: i%2 == 0})
		b.s.keep(key, "bob")
	}
	b.s.keep("key 0", "bob") // once more: it is the last
	for range maxDevicesEach {
		code := random()
		if !b.s.devices.put(code, "this machine", device{userCode: code, until: b.clock().Add(deviceLife)}) {
			t.Fatal("no place for others")
		}
	}
	kept := 0
	for i := range maxDevicesEach {
		if _, ok := b.s.devices.get(fmt.Sprint("key ", i)); ok {
			kept++
		}
	}
	if _, ok := b.s.devices.get("key 0"); !ok || kept != maxKeptEach {
		t.Errorf("%d are kept for one person", kept)
	}
	mine := b.device(t)
	b.signedIn(t, "alice").decide(t, mine, "approve", "acme")
	b.poll(t, mine).is(t, 200, "")
}

// TestSettled: one person who approves one client after the other keeps nobody
// else from it.
func TestSettled(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	var clients []string
	for i := range maxSettled + 3 {
		id := fmt.Sprint("client ", i)
		b.s.newcomers.put(id, "", workspace.Client{ID: id, Name: "A client", RedirectURIs: []string{callback}})
		clients = append(clients, id)
	}
	bob, alice := b.signedIn(t, "bob"), b.signedIn(t, "alice")
	approve := func(br *browser, client string) reply {
		q := br.get(t, "/oauth/authorize?"+asking(client).Encode())
		return br.post(t, "/oauth/authorize/approve", form("transaction", q.transaction(t), "decision", "approve", "tenant", "local"))
	}
	for _, c := range clients[:maxSettled] {
		approve(bob, c).redirected(t)
	}
	if r := approve(bob, clients[maxSettled]); r.status != http.StatusTooManyRequests || b.clients() != maxSettled {
		t.Errorf("one too many: %d, %d are kept", r.status, b.clients())
	}
	approve(bob, clients[0]).redirected(t) // it is kept already
	approve(alice, clients[maxSettled]).redirected(t)
	b.pass(settleWindow)
	id := clients[maxSettled+1]
	b.s.newcomers.put(id, "", workspace.Client{ID: id, Name: "A client", RedirectURIs: []string{callback}})
	approve(b.signedIn(t, "bob"), id).redirected(t)
}
