package drive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// HTTP is one client of a server over streamable HTTP.
type HTTP struct {
	url, token string
	web        *http.Transport
	ctx        context.Context // of all requests; done when the client gives up
	cancel     context.CancelFunc
	answers    chan Message
	running    sync.WaitGroup // bodies that are read

	mu       sync.Mutex
	session  string
	revision string // of the protocol, with each message after the handshake
}

// Dial returns a client of the server at url that shows a bearer token. It
// connects to nobody yet.
func Dial(url, token string) *HTTP {
	h := &HTTP{url: url, token: token, answers: make(chan Message, 1000),
		// What came is kept as it came.
		web: &http.Transport{DisableCompression: true, ResponseHeaderTimeout: patience}}
	h.ctx, h.cancel = context.WithTimeout(context.Background(), life)
	return h
}

// Session returns the id of the session, "" before there is one.
func (h *HTTP) Session() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.session
}

// Send posts a message and returns once an answer begins. It has the headers
// that the newest revision asks for, taken from the message itself.
func (h *HTTP) Send(message []byte) error {
	var m struct {
		ID     json.RawMessage
		Method string
		Params struct {
			Name, URI string
			Meta      map[string]any `json:"_meta"`
		}
	}
	_ = json.Unmarshal(message, &m) // it need not be a message
	header := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}}
	if version, _ := m.Params.Meta["io.modelcontextprotocol/protocolVersion"].(string); version != "" {
		header.Set("Mcp-Protocol-Version", version)
		header.Set("Mcp-Method", m.Method)
		if name := m.Params.Name + m.Params.URI; name != "" {
			header.Set("Mcp-Name", name)
		}
		return h.exchange(http.MethodPost, header, message, m.ID)
	}
	return h.exchange(http.MethodPost, h.inSession(header), message, m.ID)
}

// inSession adds the headers of the session, if there is one.
func (h *HTTP) inSession(header http.Header) http.Header {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.session != "" {
		header.Set("Mcp-Session-Id", h.session)
		header.Set("Mcp-Protocol-Version", h.revision)
	}
	return header
}

// exchange sends a request, and has the body of its answer read. The id is that
// of the message.
func (h *HTTP) exchange(method string, header http.Header, body, id []byte) error {
	req, err := http.NewRequestWithContext(h.ctx, method, h.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = header
	req.Header.Set("Authorization", "Bearer "+h.token)
	res, err := h.web.RoundTrip(req)
	if err != nil {
		return err
	}
	if session := res.Header.Get("Mcp-Session-Id"); session != "" && h.Session() == "" { // one more changes nothing
		var hello struct {
			Params struct{ ProtocolVersion string }
		}
		_ = json.Unmarshal(body, &hello) // a server that opens a session was asked to
		h.mu.Lock()
		h.session, h.revision = session, hello.Params.ProtocolVersion
		h.mu.Unlock()
	}
	h.running.Go(func() { h.read(res, id) })
	return nil
}

// read hands on what an answer has: its head, and then each message.
func (h *HTTP) read(res *http.Response, id []byte) {
	defer res.Body.Close()
	head := Head(res)
	pass := func(data []byte) {
		h.answers <- Message{head, data, id}
		head = nil
	}
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		body, _ := io.ReadAll(res.Body) // one that is cut off is no answer
		pass(body)
		return
	}
	pass(nil)
	r := bufio.NewReader(res.Body)
	for {
		line, err := r.ReadBytes('\n')
		line = bytes.TrimSpace(line)
		switch data, ok := bytes.CutPrefix(line, []byte("data:")); {
		case ok:
			pass(data)
		case len(line) > 0 && !bytes.Equal(line, []byte("event: message")):
			h.answers <- Message{Head: line} // seen, and no message
		}
		if err != nil {
			return
		}
	}
}

// Head returns what an answer has before its body, as JSON.
func Head(res *http.Response) []byte {
	b, _ := json.Marshal(map[string]any{"status": res.Status, "header": res.Header}) // of strings
	return b
}

// Recv returns the next message of any answer.
func (h *HTTP) Recv() (Message, error) {
	m, ok := <-h.answers
	if !ok {
		return m, io.EOF
	}
	return m, nil
}

// Close ends the session. The server is not ended by that.
func (h *HTTP) Close() error {
	var err error
	if h.Session() != "" {
		err = h.exchange(http.MethodDelete, h.inSession(http.Header{}), nil, nil)
	}
	h.running.Wait()
	h.cancel()
	h.web.CloseIdleConnections()
	close(h.answers)
	return err
}
