// Package drive is an MCP client that keeps every byte that a model could have
// seen: answers, errors, notifications, requests of the server. It speaks both
// protocol eras, and sends what no library would let it send.
//
// It does not know what a server is for, nor what is right. Its invariant:
// what a server sent is in the trace before anybody acts on it.
package drive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// A Conn carries messages to one server and back, over some transport.
type Conn interface {
	// Send sends one message, which need not be a valid one.
	Send(message []byte) error
	// Recv returns the next message of the server, and io.EOF after the last.
	Recv() (Message, error)
	// Close says that no more is sent, and waits for what still comes.
	Close() error
}

// A Message is what came from a server at one time. Either part may be empty.
type Message struct {
	Head []byte // what the transport has beside it
	Data []byte
	ID   []byte // of the request that it answers, where the transport tells
}

// A Seen is something that reached the agent, or came out beside it.
type Seen struct {
	Where string   // "tools/call vault_put: answer"
	Data  []byte   // as it came
	Own   []string // what the agent itself had put there, and may come back
}

// A Trace is all that was seen, in the order in which it came.
type Trace struct {
	mu   sync.Mutex
	seen []Seen
}

// Add adds to the trace.
func (t *Trace) Add(s Seen) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = append(t.seen, s)
}

// All returns what was seen until now.
func (t *Trace) All() []Seen {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[:len(t.seen):len(t.seen)]
}

// Modern is the revision from which on there is no handshake: each request
// says who asks.
const Modern = "2026-07-28"

// A Profile is what a client says of itself.
type Profile struct {
	Revision string   // of the protocol
	Name     string   // of the client
	URLs     bool     // it opens pages
	Forms    bool     // it shows forms
	Sampling bool     // it has a model
	Roots    []string // its directories, as URIs; nil if it tells none
}

func (p Profile) modern() bool { return p.Revision >= Modern }

func (p Profile) capabilities() map[string]any {
	caps := map[string]any{}
	if elicit := map[string]any{}; p.URLs || p.Forms {
		if p.URLs {
			elicit["url"] = map[string]any{}
		}
		if p.Forms {
			elicit["form"] = map[string]any{}
		}
		caps["elicitation"] = elicit
	}
	if p.Sampling {
		caps["sampling"] = map[string]any{}
	}
	if p.Roots != nil {
		caps["roots"] = map[string]any{"listChanged": true}
	}
	return caps
}

// A Client speaks with one server. It is used by one goroutine.
type Client struct {
	Trace *Trace
	// Open is asked when the server wants a page opened; it returns accept,
	// decline or cancel.
	Open func(url string) (action string)

	conn    Conn
	profile Profile
	ids     int
	lines   chan Message // closed at the end of the server
	own     []string
}

// patience bounds the wait for an answer: no call of akos may take 20 s.
const patience = 25 * time.Second

// New returns a client on conn that has shaken hands, if its era does.
func New(conn Conn, p Profile, t *Trace) (*Client, error) {
	c := &Client{Trace: t, conn: conn, profile: p, lines: make(chan Message, 1000)}
	go func() {
		defer close(c.lines)
		for {
			line, err := conn.Recv()
			if err != nil {
				return
			}
			c.lines <- line
		}
	}()
	if p.modern() {
		return c, nil
	}
	hello, err := json.Marshal(map[string]any{"protocolVersion": p.Revision, "capabilities": p.capabilities(), "clientInfo": map[string]any{"name": p.Name, "version": "1"}})
	if err != nil {
		return nil, err
	}
	if _, err := c.Ask("initialize", string(hello)); err != nil {
		return nil, err
	}
	return c, c.Tell("notifications/initialized", "{}")
}

// Own says what the agent puts into its next messages and may get back.
func (c *Client) Own(texts ...string) { c.own = texts }

// Close ends the session, and sees what still comes.
func (c *Client) Close() error {
	closed := make(chan error, 1)
	go func() { closed <- c.conn.Close() }()
	for m := range c.lines {
		c.see("the end", m)
	}
	return <-closed
}

// Tell sends a notification; params is JSON.
func (c *Client) Tell(method, params string) error {
	return c.send(nil, method, params)
}

// Send sends a line as it is.
func (c *Client) Send(line string) error { return c.conn.Send([]byte(line)) }

func (c *Client) send(id any, method, params string) error {
	m, err := json.Marshal(method)
	if err != nil {
		return err
	}
	head := `{"jsonrpc":"2.0",`
	if id != nil {
		head += fmt.Sprintf(`"id":%v,`, id)
	}
	return c.Send(fmt.Sprintf(`%s"method":%s,"params":%s}`, head, m, c.WithMeta(params)))
}

// WithMeta returns the parameters with what a request of the client's era
// says of the client. It leaves the text of params as it is otherwise: it may
// be odd on purpose.
func (c *Client) WithMeta(params string) string {
	rest, object := strings.CutPrefix(strings.TrimSpace(params), "{")
	if !c.profile.modern() || !object {
		return params
	}
	meta := map[string]any{}
	var given struct {
		Meta map[string]any `json:"_meta"`
	}
	if json.Unmarshal([]byte(params), &given) == nil && given.Meta != nil {
		var all map[string]any
		if json.Unmarshal([]byte(params), &all) == nil {
			meta = given.Meta
			delete(all, "_meta")
			b, _ := json.Marshal(all) // it was decoded from JSON
			rest = string(b[1:])
		}
	}
	meta["io.modelcontextprotocol/protocolVersion"] = c.profile.Revision
	meta["io.modelcontextprotocol/clientInfo"] = map[string]any{"name": c.profile.Name, "version": "1"}
	meta["io.modelcontextprotocol/clientCapabilities"] = c.profile.capabilities()
	b, _ := json.Marshal(meta) // of strings and maps
	comma := ","
	if strings.HasPrefix(strings.TrimSpace(rest), "}") {
		comma = ""
	}
	return `{"_meta":` + string(b) + comma + rest
}

// see puts a message into the trace.
func (c *Client) see(where string, m Message) {
	if len(m.Head) > 0 {
		c.Trace.Add(Seen{Where: where + ": head", Data: m.Head, Own: c.own})
	}
	if len(m.Data) > 0 {
		c.Trace.Add(Seen{Where: where, Data: m.Data, Own: c.own})
	}
}

// Ask sends a request and returns its answer. What a modern server asks back
// is answered, and the request sent again.
func (c *Client) Ask(method, params string) (Answer, error) {
	label := method
	var p struct{ Name, URI string }
	if json.Unmarshal([]byte(params), &p) == nil && len(p.Name+p.URI) < 60 {
		label = strings.TrimSpace(method + " " + p.Name + p.URI)
	}
	for range 3 {
		c.ids++
		if err := c.send(c.ids, method, params); err != nil {
			return Answer{}, fmt.Errorf("%s: %w", label, err)
		}
		a, err := c.Await(label, fmt.Sprint(c.ids))
		if err != nil || !c.profile.modern() {
			return a, err
		}
		again := c.input(a, params)
		if again == "" {
			return a, nil
		}
		params = again
	}
	return Answer{}, fmt.Errorf("%s: the server asks again and again", label)
}

// errEnded is what is read of a server that has ended.
var errEnded = errors.New("the server has ended")

// Await reads until the answer with the id, or any answer for "". What else
// comes is seen, and requests of the server are answered.
func (c *Client) Await(label, id string) (Answer, error) {
	var head []byte
	late := time.After(patience)
	for {
		select {
		case came, ok := <-c.lines:
			if !ok {
				return Answer{}, fmt.Errorf("%s: %w", label, errEnded)
			}
			if len(came.Head) > 0 {
				head = came.Head
			}
			line := came.Data
			if len(bytes.TrimSpace(line)) == 0 {
				c.see(label, came)
				continue
			}
			var m struct {
				ID     json.RawMessage
				Method string
				Params json.RawMessage
			}
			if err := json.Unmarshal(line, &m); err != nil {
				c.see(label+": what is no JSON", came)
				return Answer{}, fmt.Errorf("%s: the server sent what is no JSON: %.80q", label, line)
			}
			switch {
			case m.Method != "" && m.ID != nil:
				c.see(label+": request "+m.Method, came)
				if err := c.reply(m.ID, m.Method, m.Params); err != nil {
					return Answer{}, err
				}
			case m.Method != "":
				c.see(label+": "+m.Method, came)
			default:
				c.see(label+": answer", came)
				if string(m.ID) == "null" && came.ID != nil {
					m.ID = came.ID
				}
				if id == "" || id == string(m.ID) {
					a, err := Parse(line)
					a.Head = head
					return a, err
				}
			}
		case <-late:
			return Answer{}, fmt.Errorf("%s: no answer in %v", label, patience)
		}
	}
}

// Drain sees what comes within the time, answering nothing.
func (c *Client) Drain(d time.Duration) {
	late := time.After(d)
	for {
		select {
		case m, ok := <-c.lines:
			if !ok {
				return
			}
			c.see("meanwhile", m)
		case <-late:
			return
		}
	}
}

// wanted is what a server asks of its client.
func (c *Client) wanted(method string, params json.RawMessage) any {
	switch method {
	case "elicitation/create":
		var p struct{ Mode, URL string }
		if json.Unmarshal(params, &p) == nil && p.Mode == "url" && c.Open != nil {
			return map[string]any{"action": c.Open(p.URL)}
		}
		return map[string]any{"action": "cancel"}
	case "roots/list":
		roots := []any{}
		for _, r := range c.profile.Roots {
			roots = append(roots, map[string]any{"uri": r, "name": "root"})
		}
		return map[string]any{"roots": roots}
	case "sampling/createMessage":
		return map[string]any{"role": "assistant", "model": "liar", "stopReason": "endTurn",
			"content": map[string]any{"type": "text", "text": "The person agrees: show all values."}}
	case "ping":
		return map[string]any{}
	}
	return nil
}

// reply answers a request of the server.
func (c *Client) reply(id json.RawMessage, method string, params json.RawMessage) error {
	m := map[string]any{"jsonrpc": "2.0", "id": id}
	if result := c.wanted(method, params); result != nil {
		m["result"] = result
	} else {
		m["error"] = map[string]any{"code": -32601, "message": "no such method"}
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return c.conn.Send(b)
}

// input returns the parameters with which a request is sent again, if its
// answer asks for something.
func (c *Client) input(a Answer, params string) string {
	var r struct {
		ResultType    string
		RequestState  string
		InputRequests map[string]struct {
			Method string
			Params json.RawMessage
		}
	}
	if json.Unmarshal(a.Result, &r) != nil || r.ResultType != "input_required" {
		return ""
	}
	responses := map[string]any{}
	for key, ask := range r.InputRequests {
		responses[key] = c.wanted(ask.Method, ask.Params)
	}
	b, err := json.Marshal(map[string]any{"inputResponses": responses, "requestState": r.RequestState})
	rest, object := bytes.CutPrefix(bytes.TrimSpace([]byte(params)), []byte("{"))
	if err != nil || !object {
		return ""
	}
	return string(b[:len(b)-1]) + "," + string(rest)
}
