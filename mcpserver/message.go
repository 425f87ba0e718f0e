package mcpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"
)

// An envelope is what decides how a message is answered.
type envelope struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
		Task      json.RawMessage `json:"task"`
		URI       json.RawMessage `json:"uri"`
		Progress  progressToken   `json:"_meta"`
	} `json:"params"`
	// An answer to a request of ours has one of them.
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

// validID returns id if it is a string or a number, and nil otherwise.
func validID(id json.RawMessage) json.RawMessage {
	if len(id) > 0 && (id[0] == '"' || id[0] == '-' || id[0] >= '0' && id[0] <= '9') {
		return id
	}
	return nil
}

// maxValues bounds the values of one message: decoded, each takes some 50
// bytes, and a message of ours has a few dozen.
const maxValues = 100_000

// maxID bounds an id, in bytes: it is kept while its request runs.
const maxID = 1 << 10

// maxArguments bounds the arguments of a call, in bytes: no tool takes as much,
// and checking them takes ten times as much memory.
const maxArguments = 1 << 20

// maxInitialize bounds what a client says of itself, in bytes, of which a part
// is kept with its session. On stdio it is a message like any other: there is
// one client, which started this process, and what it says anew takes the place
// of the old.
const maxInitialize = 16 << 10

// most returns how many bytes a message over HTTP may have, and what it is. One
// whose answer can wait has no large body: it would be kept meanwhile, or keep
// the place of who has a large one.
func (s *Server) most(m *envelope) (bytes int, what string) {
	what = m.Method
	switch mcp.MCPMethod(m.Method) {
	case mcp.MethodInitialize:
		return maxInitialize, what
	case mcp.MethodSubscriptionsListen:
		return smallBody, what
	case mcp.MethodToolsCall:
		if t := s.tools[m.Params.Name]; t != nil && mayWait(t) {
			return smallBody, what + " of " + t.ID()
		}
	}
	return maxLine, what
}

// readMessage reads a message, or returns the code and the text of what is
// wrong with it.
func readMessage(body []byte) (m envelope, code int, text string) {
	if !utf8.Valid(body) {
		return m, mcp.PARSE_ERROR, "a message is UTF-8"
	}
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	if len(trimmed) > 0 && trimmed[0] == '[' {
		return m, mcp.INVALID_REQUEST, "a message is one object: batches are not supported"
	}
	if len(body) > smallBody && bytes.Count(body, []byte(","))+bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > maxValues {
		return m, mcp.INVALID_REQUEST, fmt.Sprintf("a message may have %d values", maxValues)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		if wrongType := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrongType) {
			return m, mcp.INVALID_REQUEST, "not a JSON-RPC request"
		}
		return envelope{}, mcp.PARSE_ERROR, "not JSON"
	}
	if !oneReading(body) {
		return envelope{}, mcp.INVALID_REQUEST, fmt.Sprintf("a member is there twice, or is not written as the protocol writes it, or there are more than %d", maxMembers)
	}
	if m.ID != nil && validID(m.ID) == nil {
		return envelope{}, mcp.INVALID_REQUEST, "an id is a string or a number"
	}
	if len(m.ID) > maxID {
		return envelope{}, mcp.INVALID_REQUEST, fmt.Sprintf("an id may have %d bytes", maxID)
	}
	if len(m.Params.Arguments) > maxArguments {
		return m, mcp.INVALID_PARAMS, "the arguments of a tool may have 1 MiB"
	}
	if m.JSONRPC != mcp.JSONRPC_VERSION || m.Method == "" && (m.ID == nil || m.Result == nil && m.Error == nil) {
		return m, mcp.INVALID_REQUEST, "not a JSON-RPC request"
	}
	return m, 0, ""
}

// isModern reports whether a message itself says that it is of the newest
// revision.
func isModern(body []byte) bool {
	if !bytes.Contains(body, []byte("protocolVersion")) {
		return false
	}
	var m struct {
		Params struct {
			Meta *mcp.Meta `json:"_meta"`
		} `json:"params"`
	}
	return json.Unmarshal(body, &m) == nil && mcp.IsModernProtocol(m.Params.Meta.ProtocolVersion())
}
