package login

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"example.com/akos/workspace"
)

// maxBody is the longest answer that is read, in bytes.
const maxBody = 1 << 20

// errSlow is why a request ended that took longer than its Timeout.
var errSlow = errors.New("no answer in time")

// errNoAnswer is the cause of the errors that the network, or a server in
// trouble, gives: the same request may work in a moment.
var errNoAnswer = errors.New("no answer")

// An answer is what a server said with a status below 500.
type answer struct {
	from   string // address without its query
	status int
	doc    object // nil if the answer was not one JSON object
	flaw   error  // then: why not
}

func (a answer) ok() bool { return a.status/100 == 2 }

// misread is the error for an answer that was to be JSON and is not.
func (a answer) misread() error {
	if a.flaw == errPage {
		return workspace.Errorf(workspace.Unavailable, "%s answered with a web page, not with JSON: is this the right address?", a.from)
	}
	if a.ok() && a.flaw != nil {
		return workspace.Errorf(workspace.Unavailable, "%s gave an answer that akos can't use: %v", a.from, a.flaw)
	}
	return workspace.Errorf(workspace.Unavailable, "%s answered with HTTP status %d", a.from, a.status)
}

// get asks for a document, with a token unless that is the zero Secret.
func (c *Client) get(ctx context.Context, address string, token *workspace.Secret) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, unsendable(address)
	}
	if token != nil {
		bearer(req, *token)
	}
	return c.do(req)
}

// post sends a form, once: a refresh token that is sent twice ends the session
// (RFC 9700 section 4.14.2).
func (c *Client) post(ctx context.Context, address string, f form) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(f.encode()))
	if err != nil {
		return answer{}, unsendable(address)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(req)
}

// unsendable can't happen to an address that was checked.
func unsendable(address string) error {
	return workspace.Errorf(workspace.Invalid, "no request can be made to %s", shown(address))
}

// do sends a request and reads the whole answer. Its error is that of the
// context, or an [workspace.Error] that repeats nothing of either.
func (c *Client) do(req *http.Request) (answer, error) {
	caller := req.Context()
	ctx, cancel := context.WithTimeoutCause(caller, c.timeout, errSlow)
	defer cancel()
	req = req.WithContext(ctx)
	// net/http prints what comes on an idle connection to the standard error:
	// the end of a token, where a server miscounts its answer. A connection
	// that is new each time is never idle, and no request on it is made again.
	req.Close = true
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)

	a := answer{from: shown(req.URL.String())}
	log := c.log.With("method", req.Method, "url", a.from)
	start := time.Now()
	res, body, err := c.send(req)
	if err != nil {
		if caller.Err() != nil {
			return a, caller.Err()
		}
		why := c.reason(ctx, err)
		log.DebugContext(caller, "no answer", "why", why, "took", time.Since(start))
		origin := req.URL.Scheme + "://" + req.URL.Host
		e := workspace.Errorf(workspace.Unavailable, "%s can't be reached: %s", origin, why).Because(errNoAnswer)
		if errors.Is(err, errTooLong) {
			e = workspace.Errorf(workspace.Unavailable, "%s answered with more than 1 MiB", a.from)
		} else if local(a.from) {
			e.Hint = "akos serve"
		}
		return a, e
	}
	a.status = res.StatusCode
	log.DebugContext(caller, "answered", "status", a.status, "took", time.Since(start))
	switch {
	case a.status >= 500 || a.status == http.StatusTooManyRequests:
		return a, workspace.Errorf(workspace.Unavailable, "%s is in trouble: HTTP status %d", a.from, a.status).Because(errNoAnswer)
	case a.status/100 == 3:
		return a, workspace.Errorf(workspace.Unavailable, "%s redirects to another place, where akos does not follow: is this the right address?", a.from)
	}
	a.doc, a.flaw = readObject(res.Header.Get("Content-Type"), body)
	return a, nil
}

var (
	errTooLong = errors.New("the answer is too long")
	errPage    = errors.New("it is a web page")
	errType    = errors.New("its content type is not JSON")
)

func (c *Client) send(req *http.Request) (*http.Response, []byte, error) {
	res, err := c.http().Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if len(body) > maxBody {
		err = errTooLong
	}
	return res, body, err
}

// readObject reads the body of an answer. The type is asked for first: what a
// server means as a page or as text is not to be taken for its word.
func readObject(contentType string, body []byte) (object, error) {
	media, _, _ := mime.ParseMediaType(contentType)
	switch {
	case media == "text/html" || media == "application/xhtml+xml":
		return nil, errPage
	case media != "application/json" && !strings.HasSuffix(media, "+json"):
		return nil, errType
	}
	return parseObject(body)
}

// stayAtHome follows a GET within its origin. A POST carries secrets, and
// nobody vouches for the place to which it would be sent again.
func stayAtHome(req *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet || len(via) > 5 ||
		req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host {
		return http.ErrUseLastResponse
	}
	return nil
}
