package mcpserver

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"example.com/akos/tools"
	"github.com/mark3labs/mcp-go/mcp"
)

// A progressToken is what a client wants to hear of a call under, in the bytes
// that it wrote; nil where it wants to hear nothing.
type progressToken json.RawMessage

// UnmarshalJSON takes the token out of the _meta of a call. What is none there
// is no reason to refuse the call.
func (p *progressToken) UnmarshalJSON(meta []byte) error {
	var members map[string]json.RawMessage
	if bytes.Contains(meta, []byte(`"progressToken"`)) && json.Unmarshal(meta, &members) == nil {
		*p = progressToken(members["progressToken"])
	}
	return nil
}

// text returns what the token says; ok is false for what is neither a string
// nor an integer, or longer than an id may be.
func (p progressToken) text() (text string, ok bool) {
	switch {
	case len(p) == 0 || len(p) > maxID:
		return "", false
	case p[0] == '"':
		return text, json.Unmarshal(p, &text) == nil
	}
	return string(p), len(bytes.Trim(p, "-0123456789")) == 0
}

// A progress is what a client hears of a call that waits.
type progress struct {
	token    progressToken
	text     string            // what the token says
	tell     func(message any) // writes a message before the answer
	admitted bool              // the token may go back
	told     int               // messages
}

type progressKey struct{}

// mayWait reports whether a call of t can take long: one that writes may wait
// for another process that does.
func mayWait(t *tools.Tool) bool { return t.Slow || t.Effect != tools.Reads }

// withProgress returns ctx for a call under token, if that is one.
func withProgress(ctx context.Context, token progressToken, tell func(any)) context.Context {
	text, ok := token.text()
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, progressKey{}, &progress{token: token, text: text, tell: tell})
}

// progressOf returns the progress of the call that ctx is of, or nil.
func progressOf(ctx context.Context) *progress {
	p, _ := ctx.Value(progressKey{}).(*progress)
	return p
}

// admit lets the client of a call hear of it, unless its token may be a
// credential: it goes back with each message.
func (s *Server) admit(ctx context.Context) {
	if p := progressOf(ctx); p != nil && p.tell != nil && !p.admitted {
		p.admitted = s.at(ctx).RefuseAny(ctx, "a progress token", p.text) == nil
	}
}

const (
	// quick is how long a call may take that tells nothing: whether what it
	// does will have to wait, nobody knows before.
	quick     = 100 * time.Millisecond
	tellEvery = time.Second
)

// What a client hears. The words are constant.
const (
	waitsForPerson = "waiting for the person"
	waitsForServer = "waiting for the server"
	atWork         = "still at work"
)

// whileCalled is what a client hears while t runs.
func whileCalled(t *tools.Tool) string {
	if t.OpenWorld {
		return waitsForServer
	}
	return atWork
}

// waits has the client of the call that ctx is of hear that it waits: once
// first has passed, which is at once for 0, and then each second, until the
// call is canceled or over is called. After over nothing more comes.
func waits(ctx context.Context, first time.Duration, text string) (over func()) {
	p := progressOf(ctx)
	if p == nil || !p.admitted {
		return func() {}
	}
	if first == 0 {
		p.say(text)
		first = tellEvery
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		next := time.NewTimer(first)
		defer next.Stop()
		for {
			select {
			case <-next.C:
				if ctx.Err() != nil {
					return
				}
				p.say(text)
				next.Reset(tellEvery)
			case <-end:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// say sends a message. How much there is to do is not known, so there is no
// total.
func (p *progress) say(text string) {
	p.told++
	type params struct {
		Token    json.RawMessage `json:"progressToken"`
		Progress int             `json:"progress"`
		Message  string          `json:"message"`
	}
	p.tell(struct {
		JSONRPC string `json:"jsonrpc"`
		Method  string `json:"method"`
		Params  params `json:"params"`
	}{mcp.JSONRPC_VERSION, "notifications/progress", params{json.RawMessage(p.token), p.told, text}})
}
