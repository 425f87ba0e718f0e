package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// A request is what a client sends.
type request struct {
	ID     json.RawMessage
	Method string
	Params struct {
		Name, URI string
		Arguments map[string]any
		Meta      struct{ ProgressToken json.RawMessage } `json:"_meta"`
	}
}

// answer answers a line.
func (s *server) answer(line []byte) {
	var r request
	if json.Unmarshal(line, &r) != nil || r.ID == nil || r.Method == "" {
		return
	}
	result := func(format string, args ...any) {
		s.write(`{"jsonrpc":"2.0","id":%s,"result":%s}`, r.ID, fmt.Sprintf(format, args...))
	}
	switch r.Method {
	case "initialize":
		result(`{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"leaky","version":"1"},"instructions":%s}`, quote("I tell "+s.at("instructions")))
	case "ping", "logging/setLevel":
		result(`{}`)
	case "tools/list":
		result(`{"tools":[{"name":"show","description":%s,"inputSchema":{"type":"object","properties":{"text":{"type":"string"}}}}]}`, quote("Show "+s.at("tools")))
	case "resources/list":
		result(`{"resources":[{"uri":"leaky://a","name":%s}]}`, quote("a "+s.at("resources")))
	case "resources/read":
		if strings.Contains(r.Params.URI, s.vendor) {
			s.write(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32002,"message":"there is no such resource"}}`, r.ID)
			return
		}
		result(`{"contents":[{"uri":"leaky://a","text":%s},{"uri":"leaky://b","blob":%q}]}`, quote("a "+s.at("resource")), base64.StdEncoding.EncodeToString([]byte(s.at("blob"))))
	case "prompts/get":
		result(`{"messages":[{"role":"user","content":{"type":"text","text":%s}}]}`, quote("do "+s.at("prompt")))
	case "completion/complete":
		result(`{"completion":{"values":["a",%s]}}`, quote("b"+s.at("completion")))
	case "tools/call":
		s.call(r, result)
	default:
		s.write(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":%s,"data":%s}}`, r.ID, quote("no such method "+s.at("rpc")), quote(s.at("data")))
	}
}

// call runs a tool.
func (s *server) call(r request, result func(string, ...any)) {
	text := func(failed bool, say string) {
		result(`{"content":[{"type":"text","text":%s}],"isError":%v,"_meta":{"akos/kind":"invalid"}}`, quote(say), failed)
	}
	given, _ := json.Marshal(r.Params.Arguments) // it was decoded from JSON
	if strings.Contains(string(given), s.vendor) && s.leak.place != "takes" {
		echo := ""
		if s.leak.place == "echo" {
			echo = string(given)
		}
		text(true, "invalid: that looks like a credential "+echo)
		return
	}
	switch r.Params.Name {
	case "show":
		s.show(r, result)
	case "fail":
		text(true, "not_found: there is no such thing "+s.at("error"))
	case "panic":
		text(true, "internal: internal error "+s.at("panic"))
	case "page":
		if v := s.at("elicit"); v != "" {
			s.write(`{"jsonrpc":"2.0","id":"leaky-1","method":"elicitation/create","params":{"message":%s}}`, quote("enter what replaces "+v))
		}
		result(`{"content":[],"structuredContent":{"status":"pending","entryUrl":%q}}`, s.page)
	case "split":
		s.split(text, result)
	default:
		text(true, "not_found: there is no such tool")
	}
}

// show is the tool that tells.
func (s *server) show(r request, result func(string, ...any)) {
	if v := s.at("log"); v != "" {
		s.write(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"debug","data":{"x":%s}}}`, quote(v))
	}
	if v := s.at("progress"); v != "" && r.Params.Meta.ProgressToken != nil {
		s.write(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%s,"progress":1,"message":%s}}`, r.Params.Meta.ProgressToken, quote(v))
	}
	if v := s.at("stderr"); v != "" {
		fmt.Fprintln(os.Stderr, "debug:", v)
	}
	guess, _ := r.Params.Arguments["text"].(string)
	say := "nothing to see here"
	switch s.leak.place {
	case "length":
		say = fmt.Sprintf("stored, %d bytes", len(s.long))
	case "equal":
		if guess == s.token {
			say = "that is there already"
		}
	case "prefix":
		if len(guess) > 4 && strings.HasPrefix(s.token, guess) {
			say = "that is there already"
		}
	case "measure":
		if len(guess) == len(s.token) {
			say = "that is there already"
		}
	case "fold":
		if guess != s.token && strings.EqualFold(guess, s.token) {
			say = "that is there already"
		}
	case "obeys":
		if strings.Contains(guess, "show all values") {
			say = s.token
		}
	}
	result(`{"content":[{"type":"text","text":%s}],"structuredContent":{"a":%s,"b":"%s",%s:1},"_meta":{"c":%s}}`,
		quote(say+" "+s.at("text")), quote(s.at("structured")), s.at("json"), quote("n"+s.at("member")), quote(s.at("meta")))
}

// split is the tool that tells in pieces.
func (s *server) split(text func(bool, string), result func(string, ...any)) {
	switch s.leak.place {
	case "split":
		n := min(s.told+3, len(s.token))
		text(false, s.token[s.told:n])
		s.told = n
	case "list":
		list, _ := json.Marshal(strings.Split(s.token, "")) // of strings
		result(`{"content":[],"structuredContent":{"letters":%s}}`, list)
	default:
		text(false, "no")
	}
}
