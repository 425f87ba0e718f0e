package drive

import (
	"encoding/json"
	"strings"
)

// An Answer is what a server answered to a request.
type Answer struct {
	Head   []byte // what the transport had beside it
	Line   []byte // as it came
	Result json.RawMessage
	Code   int    // of a JSON-RPC error; 0 for none
	Failed bool   // a JSON-RPC error, or a result that says it is one
	Kind   string // of an error of akos, or ""
	Text   string // what a model reads: texts, error messages
}

// Parse returns the answer in a line.
func Parse(line []byte) (Answer, error) {
	var m struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
			Data    json.RawMessage
		}
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return Answer{}, err
	}
	a := Answer{Line: line, Result: m.Result}
	if m.Error != nil {
		a.Code, a.Failed, a.Text = m.Error.Code, true, m.Error.Message
		a.Kind = kindOf(m.Error.Data)
		return a, nil
	}
	var r struct {
		IsError  bool
		Meta     json.RawMessage `json:"_meta"`
		Content  json.RawMessage
		Contents []struct{ Text string }
		Messages []struct{ Content struct{ Text string } }
	}
	if json.Unmarshal(m.Result, &r) != nil {
		return a, nil // a result of another shape has no text
	}
	a.Failed, a.Kind = r.IsError, kindOf(r.Meta)
	var texts []string
	var content []struct{ Text string }
	if json.Unmarshal(r.Content, &content) == nil {
		for _, c := range content {
			texts = append(texts, c.Text)
		}
	}
	for _, c := range r.Contents {
		texts = append(texts, c.Text)
	}
	for _, m := range r.Messages {
		texts = append(texts, m.Content.Text)
	}
	a.Text = strings.Join(texts, "\n")
	return a, nil
}

// kindOf returns the kind of error that is told beside the text.
func kindOf(data json.RawMessage) string {
	var m map[string]json.RawMessage
	var kind string
	if json.Unmarshal(data, &m) != nil || json.Unmarshal(m["akos/kind"], &kind) != nil {
		return ""
	}
	return kind
}
