package mcpserver

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
)

// TestEncodeTools compares with the library's encoder.
func TestEncodeTools(t *testing.T) {
	tool := mcp.NewToolWithRawSchema("a", "<b> & \u2028", json.RawMessage(`{"type":"object"}`))
	ttl := int64(5)
	for _, list := range []mcp.ListToolsResult{
		{Tools: []mcp.Tool{}},
		{Tools: []mcp.Tool{tool}},
		{Tools: []mcp.Tool{tool, tool}, PaginatedResult: mcp.PaginatedResult{NextCursor: "next",
			CacheableResult: mcp.CacheableResult{TTLMs: &ttl, Result: mcp.Result{Meta: &mcp.Meta{AdditionalFields: map[string]any{"x": 1}}}}}},
	} {
		a := answerMessage{JSONRPC: "2.0", ID: json.RawMessage(`7`), Result: list}
		want, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		got, err := encode(nil, a.ID, a, nil)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s, %v\nwant %s", got, err, want)
		}
	}
	bad := mcp.NewToolWithRawSchema("a", "", json.RawMessage(`{`))
	if _, err := encode(nil, nil, answerMessage{Result: mcp.ListToolsResult{Tools: []mcp.Tool{bad}}}, nil); err == nil {
		t.Error("a schema that is no JSON encodes")
	}
}

// TestQuoted compares with the library's encoder, text after text.
func TestQuoted(t *testing.T) {
	var q quoted
	long := strings.Repeat("x", smallBody+1)
	for _, text := range []string{"", "", `{"a":"<b>"}`, `{"a":"<b>"}`, `{"a":"<c>"}`, long, `{"a":"<c>"}`, "\xff\u2028", ""} {
		want, err := json.Marshal(text)
		if got := q.quote(text); err != nil || string(got) != string(want) {
			t.Errorf("%.40s, not %.40s", got, want)
		}
		if len(q.text) > smallBody {
			t.Error("a long text is kept")
		}
	}
}
