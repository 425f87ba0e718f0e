package mcpserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/akos/internal/stack"
	"example.com/akos/tools"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

const (
	maxLine    = 4 << 20         // bytes of one message
	maxWaiting = 4096            // calls that wait for a keychain or a person at one time
	lastCalls  = 2 * time.Second // for running calls, once the client has gone
)

// ServeStdio answers the JSON-RPC messages on in, one a line, until in ends or
// ctx does; then it lets running calls end. It returns nil in both cases.
//
// A call that touches nothing, or only the state, is answered on the goroutine
// that reads: three fewer hand-offs between threads, which halves its time. A
// call that may wait for a keychain or a person gets a goroutine.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	c := &conn{
		Server: s, out: bufio.NewWriter(out), gone: make(chan struct{}),
		waiting: make(chan struct{}, maxWaiting), asking: map[string]chan json.RawMessage{},
	}
	c.session = server.NewInProcessSessionWithHandlers("stdio", nil, c, c)
	if err := s.mcp.RegisterSession(ctx, c.session); err != nil {
		return err
	}
	c.ctx = s.mcp.WithContext(calls, c.session)
	readErr := make(chan error, 1)
	go func() {
		stack.Grow()
		readErr <- c.read(ctx, in)
	}()

	var err error
	select {
	case err = <-readErr:
	case <-ctx.Done():
	case <-c.gone:
		return nil // nobody reads what a running call would answer
	}
	ended := make(chan struct{})
	go func() {
		c.turn.Lock() // and never again
		c.running.Wait()
		c.flush() // what was answered while more lines waited
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(lastCalls):
		cancel() // what still runs learns that nobody waits for it
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

// A conn is one client on stdio.
type conn struct {
	*Server
	session *server.InProcessSession
	ctx     context.Context
	waiting chan struct{}  // a place for each call that may wait
	turn    sync.Mutex     // held while a line is answered
	running sync.WaitGroup // calls that have a goroutine; added to by whoever holds turn

	mu   sync.Mutex
	out  *bufio.Writer
	buf  []byte        // for encoding
	last quoted        // the text of the last answer
	gone chan struct{} // closed once the client takes no more
	left bool          // gone is closed
	// Requests of ours that the client has not answered, by id.
	asking map[string]chan json.RawMessage
	asked  int
}

// read answers line after line. A line that is too long, or no UTF-8, gets an
// error, and the next one is read. Once ctx ends no further line is answered.
func (c *conn) read(ctx context.Context, in io.Reader) error {
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		line, err := readLine(r)
		c.turn.Lock()
		switch {
		case ctx.Err() != nil:
			c.turn.Unlock()
			return nil
		case errors.Is(err, errTooLong):
			c.reply(nil, failed(mcp.PARSE_ERROR, "a message may have 4 MiB"))
			err = nil
		case len(bytes.TrimSpace(line)) > 0: // also the last line without an end
			c.answer(line)
		}
		if len(line) > smallBody {
			runtime.GC() // what it leaves is collected before the next one comes
		}
		if err != nil || !hasLine(r) {
			c.flush()
		}
		c.turn.Unlock()
		if err != nil {
			return err
		}
	}
}

// hasLine reports whether the next line is there already. A part of one is
// not enough to let an answer wait for it.
func hasLine(r *bufio.Reader) bool {
	b, _ := r.Peek(r.Buffered())
	return bytes.IndexByte(b, '\n') >= 0
}

var errTooLong = errors.New("mcpserver: the line is too long")

// readLine returns the next line, which is good until the next call. It keeps
// at most maxLine bytes of it.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	long := bytes.Clone(line)
	tooLong := false
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = r.ReadSlice('\n')
		if tooLong = tooLong || len(long)+len(bytes.TrimRight(line, "\r\n")) > maxLine; !tooLong {
			if cap(long)-len(long) < len(line) {
				long = slices.Grow(long, len(long)) // append would leave five times as much behind
			}
			long = append(long, line...)
		}
	}
	if tooLong && (err == nil || errors.Is(err, io.EOF)) {
		return nil, errTooLong
	}
	return long, err
}

// answer answers one message, which is good until answer returns.
func (c *conn) answer(line []byte) {
	m, code, text := readMessage(line)
	if code != 0 {
		c.reply(validID(m.ID), failed(code, text))
		return
	}
	if m.Method == "" {
		c.answered(line)
		return
	}
	if m.Method != string(mcp.MethodToolsCall) {
		c.handle(withRefusal(c.ctx), m.ID, bytes.Clone(line)) // the library keeps parts of it
		return
	}
	t, ok := c.tools[m.Params.Name]
	if !ok && m.ID != nil {
		c.reply(m.ID, failed(mcp.INVALID_PARAMS, "there is no such tool: see tools/list"))
		return
	}
	ctx := context.WithValue(c.ctx, argumentsKey{}, m.Params.Arguments)
	// One of a file may wait for the client, whose answer this goroutine reads.
	waits := t != nil && (mayWait(t) || t.Files && hasRoots(c.ctx))
	if t != nil && !waits && c.isPlain(&m, line) {
		c.direct(ctx, m.ID, t)
		return
	}
	msg := bytes.Clone(line)
	if !waits {
		c.handle(ctx, m.ID, msg)
		return
	}
	select {
	case c.waiting <- struct{}{}:
	default:
		c.reply(m.ID, failed(mcp.INTERNAL_ERROR, "too many calls are waiting"))
		return
	}
	id := bytes.Clone(m.ID)
	ctx = withProgress(ctx, m.Params.Progress, c.tell)
	c.running.Go(func() {
		defer func() { <-c.waiting }()
		c.handle(ctx, id, msg)
		c.flush()
	})
}

// handle has the library answer msg.
func (c *conn) handle(ctx context.Context, id json.RawMessage, msg []byte) {
	defer c.recovered(ctx, id)
	switch res := c.mcp.HandleMessage(ctx, msg).(type) {
	case nil:
	case mcp.JSONRPCError:
		c.reply(id, answerMessage{Error: refused(ctx, res.Error)})
	case mcp.JSONRPCResponse:
		c.reply(id, answerMessage{Result: res.Result})
	default:
		c.log.ErrorContext(ctx, "an answer of an unknown type", "type", fmt.Sprintf("%T", res))
		c.reply(id, failed(mcp.INTERNAL_ERROR, "internal error"))
	}
}

// isPlain reports whether a call may be answered without the library, which
// decodes a message five times: one of a client that has said already of which
// revision it is, and that hears of errors alone.
func (c *conn) isPlain(m *envelope, line []byte) bool {
	return m.ID != nil && m.Params.Task == nil && c.session.Initialized() && hearsErrorsAlone(c.session) &&
		!bytes.Contains(line, []byte(`"_meta"`))
}

// hearsErrorsAlone reports whether the client of an older revision has asked
// for no more messages than it gets unasked.
func hearsErrorsAlone(ses server.SessionWithLogging) bool {
	return ses.GetLogLevel() == mcp.LoggingLevelError
}

// answerOf calls t for the request that ctx is of, and returns the answer.
func (s *Server) answerOf(ctx context.Context, t *tools.Tool) answerMessage {
	res, err := s.mcp.GetTool(t.ID()).Handler(ctx, mcp.CallToolRequest{})
	if err != nil || res == nil {
		return failed(mcp.INTERNAL_ERROR, "internal error")
	}
	return answerMessage{Result: res}
}

// direct answers a call of t, which waits for nothing.
func (c *conn) direct(ctx context.Context, id json.RawMessage, t *tools.Tool) {
	defer c.recovered(ctx, id)
	c.reply(id, c.answerOf(ctx, t))
}

// recovered answers a request whose answer panicked.
func (c *conn) recovered(ctx context.Context, id json.RawMessage) {
	if r := recover(); r != nil {
		c.log.ErrorContext(ctx, "panic", "type", fmt.Sprintf("%T", r), "stack", frames())
		if id != nil {
			c.reply(id, failed(mcp.INTERNAL_ERROR, "internal error"))
		}
	}
}

// An answerMessage is a JSON-RPC response with the id in the bytes that the
// client chose: the library's number would lose digits.
type answerMessage struct {
	JSONRPC string                   `json:"jsonrpc"`
	ID      json.RawMessage          `json:"id"`
	Result  any                      `json:"result,omitempty"`
	Error   *mcp.JSONRPCErrorDetails `json:"error,omitempty"`
}

func failed(code int, text string) answerMessage {
	return answerMessage{Error: &mcp.JSONRPCErrorDetails{Code: code, Message: text}}
}

// plainError returns e without what the library quotes of the message.
func plainError(e mcp.JSONRPCErrorDetails) *mcp.JSONRPCErrorDetails {
	switch e.Code {
	case mcp.PARSE_ERROR:
		e = mcp.JSONRPCErrorDetails{Code: e.Code, Message: "not JSON"}
	case mcp.INVALID_REQUEST:
		e = mcp.JSONRPCErrorDetails{Code: e.Code, Message: "not a valid request"}
	case mcp.METHOD_NOT_FOUND:
		e = mcp.JSONRPCErrorDetails{Code: e.Code, Message: "no such method"}
	case mcp.INVALID_PARAMS:
		e = mcp.JSONRPCErrorDetails{Code: e.Code, Message: "the params do not fit the method"}
	case mcp.RESOURCE_NOT_FOUND:
		e = mcp.JSONRPCErrorDetails{Code: e.Code, Message: "there is no such resource"}
	case mcp.INTERNAL_ERROR:
		e = mcp.JSONRPCErrorDetails{Code: e.Code, Message: "internal error"}
	case mcp.UNSUPPORTED_PROTOCOL_VERSION:
		e.Message = "the protocol revision is not supported"
		// The revision wants the client's own back, beside the list.
		d, _ := e.Data.(mcp.UnsupportedProtocolVersionData)
		if !isRevision(d.Requested) {
			d.Requested = ""
		}
		e.Data = d
	}
	return &e
}

// isRevision reports whether s has the form of a revision, a short date or
// number of a version. Anything else could be a value that is stored.
func isRevision(s string) bool {
	return len(s) < 16 && strings.Trim(strings.TrimPrefix(s, "v"), "0123456789.-") == ""
}

// reply writes the answer to id, after every notification that was sent
// before it. Nothing else takes notifications of the session: a goroutine that
// does would have one, and write it after the answer that it belongs before.
func (c *conn) reply(id json.RawMessage, a answerMessage) {
	if id == nil {
		id = json.RawMessage("null")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	b, err := encode(c.buf[:0], id, a, &c.last)
	if err != nil {
		c.log.Error("an answer does not encode", "type", fmt.Sprintf("%T", a.Result))
		b, _ = encode(c.buf[:0], id, failed(mcp.INTERNAL_ERROR, "internal error"), nil)
	}
	if c.buf = b; cap(b) > 1<<20 {
		c.buf = nil // one long answer is no reason to keep its memory
	}
	for {
		select {
		case n := <-c.session.ClientNotifications():
			c.write(n)
			continue
		default:
		}
		break
	}
	c.out.Write(append(b, '\n')) // an error sticks in the writer, and the client has gone
}

// write writes a message of ours. The caller holds the lock.
func (c *conn) write(v any) {
	if b, err := json.Marshal(v); err == nil {
		c.out.Write(b)
		c.out.WriteByte('\n')
	}
}

// tell writes a message of ours at once.
func (c *conn) tell(v any) {
	c.mu.Lock()
	c.write(v)
	c.mu.Unlock()
	c.flush()
}

func (c *conn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out.Flush() != nil && !c.left {
		c.left = true
		close(c.gone)
	}
}
