package authserver

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"example.com/akos/workspace/pages"
)

// RFC 8628 section 3.2: how long a client waits between two polls, and section
// 3.5: how much longer after each slow_down.
const (
	pollInterval = 5 * time.Second
	pollSlower   = 5 * time.Second
	// A client that polls by a ticker is early now and then, by the time that
	// a request takes.
	pollEarly = time.Second
)

// A device is a login that began on one and waits for a person.
type device struct {
	client   client
	scopes   []string
	audience string
	from     string // the address that it was asked from
	userCode string
	until    time.Time
	interval time.Duration
	polled   time.Time
	kept     bool // for a person who has signed in and entered its code
	decided  bool
	grant    *grant // nil if it was denied
	use      use
}

// authorizeDevice is the device authorization endpoint, RFC 8628 section 3.1.
func (s *Server) authorizeDevice(r *http.Request, p params) (any, error) {
	c, err := s.identify(r.Context(), r.Header.Get("Authorization"), p)
	if err != nil {
		return nil, err
	}
	asked, err := readScope(p["scope"], c.scope)
	if err != nil {
		return nil, err
	}
	audience, ok := s.audience(p["resource"])
	if !ok {
		return nil, refuse("invalid_target", "tokens are not given out for this resource")
	}
	if s.devices.of(s.from(r)) >= maxDevicesFree {
		if !s.crowding.take(s.from(r)) {
			return nil, busy(int(arrivalWindow / time.Second))
		}
		s.devices.tidy() // what has expired counts no more
	}
	code, d := random(), device{
		client: c, scopes: asked, audience: audience, from: s.address(r),
		until: s.Now().Add(deviceLife), interval: pollInterval,
	}
	for range 3 {
		d.userCode = newUserCode()
		if s.userCodes.put(d.userCode, "", hash(code)) {
			if !s.devices.put(hash(code), s.from(r), d) {
				s.userCodes.remove(d.userCode)
				break
			}
			return map[string]any{
				"device_code":               code,
				"user_code":                 showUserCode(d.userCode),
				"verification_uri":          s.Issuer + "/device",
				"verification_uri_complete": s.Issuer + "/device?user_code=" + showUserCode(d.userCode),
				"expires_in":                int(deviceLife / time.Second),
				"interval":                  int(pollInterval / time.Second),
			}, nil
		}
	}
	return nil, busy(60)
}

// redeemDevice answers a poll, RFC 8628 sections 3.4 and 3.5.
func (s *Server) redeemDevice(ctx context.Context, c client, p params) (any, error) {
	if p["device_code"] == "" {
		return nil, refuse("invalid_request", "device_code is missing")
	}
	key := hash(p["device_code"])
	var d device
	var mine bool
	var err error
	found := s.devices.edit(key, func(it *device) {
		now := s.Now()
		switch early := !it.polled.IsZero() && now.Before(it.polled.Add(it.interval-pollEarly)); {
		case it.client.ID != c.ID:
			err = errGrant
			return
		case it.use.ended != nil: // it was exchanged
		case it.decided && it.grant == nil:
			err = refuse("access_denied", "the person said no")
		case !now.Before(it.until):
			err = refuse("expired_token", "the device code has expired: start again")
		// "the interval MUST be increased by 5 seconds for this and all
		// subsequent requests"
		case early:
			it.interval += pollSlower
			err = refuse("slow_down", "wait longer between two polls")
		case !it.decided:
			err = refuse("authorization_pending", "the person has not decided yet")
		}
		it.polled = now
		if err == nil {
			_, mine = it.use.begin()
			d = *it
		}
	})
	if !found {
		return nil, errGrant
	}
	if err != nil {
		return nil, err
	}
	if !mine {
		return nil, s.again(ctx, d.use, *d.grant)
	}
	vouch(ctx)
	a, err := s.login(ctx, *d.grant)
	if err != nil {
		// Nothing was issued, so nothing was used: the client may poll again.
		s.devices.edit(key, func(it *device) { it.use = use{} })
	}
	close(d.use.ended)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// The alphabet of user codes is that of RFC 8628 section 6.1: no vowels to make
// words of, and no letters that look like others.
const (
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength  = 8
)

func newUserCode() string {
	code := make([]byte, 0, userCodeLength)
	b := make([]byte, 1)
	for len(code) < userCodeLength {
		rand.Read(b) // never fails
		// 240 is the largest multiple of 20: the rest would favour some letters.
		if b[0] < 240 {
			code = append(code, userCodeLetters[int(b[0])%len(userCodeLetters)])
		}
	}
	return string(code)
}

func showUserCode(code string) string { return code[:4] + "-" + code[4:] }

// readUserCode returns what a person typed as a user code; ok is false if it
// can't be one.
//
// RFC 8628 section 6.1: "the server should strip dashes and other punctuation
// that it added for readability", and "the user's input should be upper-cased
// before a comparison".
func readUserCode(typed string) (code string, ok bool) {
	if len(typed) > 64 {
		return "", false
	}
	code = strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-' || r == '\t' || r == '\u00a0' || r == '\u2010' || r == '\u2011' || r == '\u2013':
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, typed)
	if len(code) != userCodeLength || strings.Trim(code, userCodeLetters) != "" {
		return "", false
	}
	return code, true
}

// enterCode shows the page for the user code. A code that came with the link
// is filled in, and neither looked up nor taken for an answer.
//
// RFC 8628 section 3.3.1: "the authorization server will require the user to
// confirm it to disambiguate devices or as remote phishing mitigation".
func (s *Server) enterCode(w http.ResponseWriter, r *http.Request) {
	p, err := readParams(r.URL.RawQuery)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	code, ok := readUserCode(p["user_code"])
	if ok {
		code = showUserCode(code)
	}
	if _, ok := s.visitor(w, r, devicePath(code)); ok {
		pages.Write(w, http.StatusOK, pages.EnterCode{Code: code})
	}
}

func devicePath(code string) string {
	if code == "" {
		return "/device"
	}
	return "/device?user_code=" + code
}

// lookUpCode asks the person about the login that has the user code.
func (s *Server) lookUpCode(w http.ResponseWriter, r *http.Request) {
	p, err := readForm(r)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	code, ok := readUserCode(p["user_code"])
	v, in := s.visitor(w, r, "/device")
	if !in {
		return
	}
	if !ok {
		// What can't be a code is no guess.
		pages.Write(w, http.StatusUnprocessableEntity, pages.EnterCode{Problem: "A code has eight letters, such as WDJB-MJHT. Look at your device again."})
		return
	}
	key, d, found, allowed := s.find(code, v.user, s.from(r))
	switch {
	case !allowed:
		s.Log.WarnContext(r.Context(), "user codes are being guessed", "user", quoted(v.user), "from", quoted(s.address(r)))
		tooMany(w, "Too many codes were wrong. Wait ten minutes, then start again on your device.")
		return
	case !found:
		pages.Write(w, http.StatusUnprocessableEntity, pages.EnterCode{
			Code: showUserCode(code), Problem: "No login is waiting with this code. It may have expired: look at your device again.",
		})
		return
	}
	s.keep(key, v.user)
	s.ask(w, r, v, question{
		client: d.client, scopes: d.scopes, audience: d.audience, device: key,
	}, pages.Approve{Action: "/device/approve", UserCode: showUserCode(code), From: d.from})
}

// keep has a login not give way to others that come, in the place of the one
// that is kept for that person for longest if there are as many as may be.
func (s *Server) keep(key, user string) {
	s.devices.edit(key, func(d *device) { d.kept = true })
	s.kept.remove(key) // whoever looked last
	s.kept.put(key, user, key)
}

// find returns the login that waits with the user code.
//
// RFC 8628 section 5.1: "it is recommended that the server rate-limit user code
// attempts". Codes that find nothing count; after too many, those that would
// find something are refused too.
func (s *Server) find(code, user, from string) (key string, d device, found, allowed bool) {
	// One at a time, so that those that find something don't count meanwhile.
	s.guessing.Lock()
	defer s.guessing.Unlock()
	keys := []string{user, from, everybody}
	if !takeAll(s.guesses[:], keys) {
		return "", device{}, false, false
	}
	key, _ = s.userCodes.get(code)
	d, found = s.devices.get(key)
	if found = found && !d.decided && s.Now().Before(d.until); found {
		giveAll(s.guesses[:], keys)
	}
	return key, d, found, true
}

// decideDevice takes the person's decision.
func (s *Server) decideDevice(w http.ResponseWriter, r *http.Request) {
	q, g, ok := s.decision(w, r, func(q question) bool { return q.device != "" })
	if !ok {
		return
	}
	decided := false
	code := ""
	s.devices.edit(q.device, func(d *device) {
		if !d.decided && s.Now().Before(d.until) {
			d.decided, d.grant = true, g
			decided, code = true, d.userCode
		}
	})
	if !decided {
		pages.Write(w, http.StatusConflict, pages.Problem{
			Title: "That login is not waiting any more",
			Text:  "It has expired or was decided already. Start again on your device.",
			Next:  "/device", Label: "Enter a code",
		})
		return
	}
	s.userCodes.remove(code)
	done := pages.Done{Client: q.client.Name}
	if g != nil {
		done.Approved, done.Tenant = true, g.tenant
	}
	pages.Write(w, http.StatusOK, done)
}

// tooMany answers a person who tried too often.
func tooMany(w http.ResponseWriter, text string) {
	w.Header().Set("Retry-After", "600")
	pages.Write(w, http.StatusTooManyRequests, pages.Problem{Title: "Too many tries", Text: text, Next: "/", Label: "Back"})
}
