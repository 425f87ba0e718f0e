package authserver

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// How often one may try, in a window that starts with the first try.
const (
	// RFC 8628 section 5.1 reckons that an 8-character code of 20 letters, 34.5
	// bits, allows 5 attempts at the odds of 2^-32. The window is the life of a
	// code.
	maxGuessesUser    = 5
	maxGuessesAddress = 10
	maxGuesses        = 100

	// Failures count by name and address together. All that come from this
	// machine come from one address, so by address alone anybody here could
	// have everybody refused, the right password included, with names that are
	// nobody's. What a stranger gains is guesses at many names, as somebody
	// with many addresses always had; those at one account are bounded by the
	// account itself, wherever they come from, which closes after ten, and
	// what they cost by the passwords that are checked at once. A name that is
	// nobody's is counted like any other.
	maxFailures   = 20
	failureWindow = 10 * time.Minute

	// RFC 7591 section 3 has registrations "rate-limited or otherwise limited":
	// both, here. The window is short: all that come from this machine come
	// from one address, and a burst of a stranger's keeps a client of somebody
	// else away for a minute. A stranger who goes on with it does so for as
	// long as they go on.
	maxArrivals   = 100
	arrivalWindow = time.Minute

	// An address with many device logins gets few more in such a window: what
	// it can bring within the life of a login is less than what pushes the
	// oldest out. So a login of this machine stays for the minutes that its
	// person needs. As above, those that come while a stranger goes on with it
	// are refused.
	maxDevicesFree, maxCrowding = 1_000, 90

	// Clients that one member may approve in a day: of those that are kept
	// there are few enough places that one person could take them all.
	maxSettled   = 64
	settleWindow = 24 * time.Hour

	maxChecking = 4

	// Sign-ins that are checked or wait for it: a minority of the connections
	// that there may be, and those of one address leave room for others.
	maxQueue, maxQueueEach = 192, 128

	maxCounted = 4_096 // keys that one limiter counts by itself
)

// A queue bounds how many are in it at one time: in all, and of one owner.
type queue struct {
	mu    sync.Mutex
	all   int
	owned map[string]int
}

// enter returns false if there is no place for one more.
func (q *queue) enter(owner string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.all >= maxQueue || q.owned[owner] >= maxQueueEach {
		return false
	}
	q.all++
	q.owned[owner]++
	return true
}

func (q *queue) leave(owner string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all--
	if q.owned[owner]--; q.owned[owner] == 0 {
		delete(q.owned, owner)
	}
}

// everybody is the key of a limiter that counts all together.
const everybody = ""

// A limiter counts tries by key. A try is counted before it is made, so that
// those who try at once all count.
type limiter struct {
	now    func() time.Time
	window time.Duration
	max    int
	yields bool // the count that ends first gives way to one too many

	mu     sync.Mutex
	counts map[string]*count
}

type count struct {
	n     int
	until time.Time
}

func newLimiter(now func() time.Time, window time.Duration, max int) *limiter {
	return &limiter{now: now, window: window, max: max, counts: map[string]*count{}}
}

// take counts a try, or returns false if key has had all of its tries.
func (l *limiter) take(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.of(key)
	if c.n >= l.max {
		return false
	}
	c.n++
	return true
}

// give takes a counted try back.
func (l *limiter) give(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c := l.of(key); c.n > 0 {
		c.n--
	}
}

func (l *limiter) of(key string) *count {
	now := l.now()
	c := l.counts[key]
	if c == nil && len(l.counts) >= maxCounted {
		for k, old := range l.counts {
			if !now.Before(old.until) {
				delete(l.counts, k)
			}
		}
		// Who comes from too many addresses shares one count with all the
		// others that are one too many.
		if len(l.counts) >= maxCounted && l.yields {
			l.forgetFirst()
		} else if len(l.counts) >= maxCounted {
			key = "the rest"
			c = l.counts[key]
		}
	}
	if c == nil || !now.Before(c.until) {
		c = &count{until: now.Add(l.window)}
		l.counts[key] = c
	}
	return c
}

func (l *limiter) forgetFirst() {
	first := ""
	for k, c := range l.counts {
		if first == "" || c.until.Before(l.counts[first].until) {
			first = k
		}
	}
	delete(l.counts, first)
}

// takeAll counts a try with every limiter, or with none and returns false.
func takeAll(ls []*limiter, keys []string) bool {
	for i, l := range ls {
		if !l.take(keys[i]) {
			giveAll(ls[:i], keys)
			return false
		}
	}
	return true
}

func giveAll(ls []*limiter, keys []string) {
	for i, l := range ls {
		l.give(keys[i])
	}
}

// address returns where r comes from, for people; "" on a Unix socket.
func (s *Server) address(r *http.Request) string {
	if s.TrustProxy {
		// What stands before the last hop is what the client says.
		if all := r.Header.Values("X-Forwarded-For"); len(all) > 0 {
			hops := strings.Split(all[len(all)-1], ",")
			if a, err := netip.ParseAddr(strings.TrimSpace(hops[len(hops)-1])); err == nil {
				return a.WithZone("").Unmap().String()
			}
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

// from returns where r comes from as one to count by: whoever has an IPv6
// address has 2^64 of them.
func (s *Server) from(r *http.Request) string {
	a, err := netip.ParseAddr(s.address(r))
	if err == nil && a.IsLoopback() && !s.TrustProxy {
		return "this machine" // which has 2^24 addresses
	}
	if err != nil || a.Is4() {
		return s.address(r)
	}
	net64, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a.String()
	}
	return net64.String()
}
