package mcpserver

import (
	"encoding/json"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"
)

// encode appends the response to id to b. The result of an operation is JSON
// already, and goes out as it is: the library's encoder would read a long list
// through four more times.
func encode(b []byte, id json.RawMessage, a answerMessage, last *quoted) ([]byte, error) {
	a.JSONRPC, a.ID = mcp.JSONRPC_VERSION, id
	if list, ok := a.Result.(mcp.ListToolsResult); ok && a.Error == nil {
		return encodeTools(b, id, list)
	}
	structured, text, ok := finished(a.Result)
	if !ok {
		all, err := json.Marshal(a)
		return append(b, all...), err
	}
	b = append(b, `{"jsonrpc":"2.0","id":`...)
	b = append(b, id...)
	b = append(b, `,"result":{"content":[{"type":"text","text":`...)
	b = append(b, last.quote(text)...)
	b = append(b, `}],"structuredContent":`...)
	b = append(b, structured...)
	return append(b, `}}`...), nil
}

// A quoted is a text and the JSON of it. Agents ask for the same list again and
// again, and to see that it is the same takes a hundredth of quoting it.
type quoted struct {
	text string
	json []byte
}

// quote returns the JSON of text.
func (q *quoted) quote(text string) []byte {
	if q != nil && q.json != nil && q.text == text {
		return q.json
	}
	b, _ := json.Marshal(text) // texts always encode
	if q != nil {
		if *q = (quoted{}); len(text) <= smallBody {
			*q = quoted{text, b}
		}
	}
	return b
}

// encodeTools does it for the longest answer of all, which every client asks
// for first: tool by tool. The library's encoder would hold four copies of it.
func encodeTools(b []byte, id json.RawMessage, list mcp.ListToolsResult) ([]byte, error) {
	head := []byte(`{}`)
	if list.PaginatedResult != (mcp.PaginatedResult{}) { // what its encoder sets up takes more than the tools
		var err error
		if head, err = json.Marshal(list.PaginatedResult); err != nil {
			return b, err
		}
	}
	b = slices.Grow(b, 1400*len(list.Tools)) // what a tool of ours takes
	b = append(b, `{"jsonrpc":"2.0","id":`...)
	b = append(b, id...)
	b = append(b, `,"result":`...)
	b = append(b, head[:len(head)-1]...)
	if len(head) > len(`{}`) {
		b = append(b, ',')
	}
	b = append(b, `"tools":[`...)
	for i, t := range list.Tools {
		one, err := t.MarshalJSON()
		if err != nil {
			return b, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, one...)
	}
	return append(b, `]}}`...), nil
}

// finished returns the two parts of a call's result that has no other.
func finished(result any) (structured json.RawMessage, text string, ok bool) {
	r, ok := result.(*mcp.CallToolResult)
	if !ok || r.Meta != nil || r.ResultType != "" || r.IsError || len(r.Content) != 1 || len(r.InputRequests) > 0 || r.RequestState != "" {
		return nil, "", false
	}
	structured, isRaw := r.StructuredContent.(json.RawMessage)
	content, isText := r.Content[0].(mcp.TextContent)
	return structured, content.Text, isRaw && isText && content.Meta == nil && content.Annotations == nil
}
