package workspace_test

import (
	"slices"
	"strings"
	"testing"

	"example.com/akos/workspace"
	"example.com/akos/workspace/catalog"
)

// TestConnectable makes every connection that is named, of all kinds, and none
// is named again.
func TestConnectable(t *testing.T) {
	h := newHome(t)
	if got := must(h.Connectable(t.Context())); len(got) > 0 {
		t.Errorf("nothing is stored, and there is %q", got)
	}
	h.put(t, "MYK", "fake")
	if _, err := h.Create(t.Context(), workspace.CreateRequest{Kind: "webhook", Name: "GitHub", VaultKeys: map[string]string{"": "MYK"}, Config: map[string]any{"url": "https://example.com"}}); err != nil {
		t.Fatal(err)
	}
	h.put(t, "TWILIO_ACCOUNT_SID", "fake") // alone, it connects nothing
	if got := must(h.Connectable(t.Context())); len(got) > 0 {
		t.Errorf("half a credential is stored, and there is %q", got)
	}
	for _, k := range catalog.Kinds() {
		for _, c := range k.Credentials {
			h.put(t, strings.ToLower(c.Keys[0]), "fake")
		}
	}
	var explained []string
	for _, command := range must(h.Connectable(t.Context())) {
		words := strings.Fields(command)
		if words[2] == "kinds" {
			explained = append(explained, words[3])
			continue
		}
		req := workspace.CreateRequest{Kind: words[3], Name: words[5], VaultKeys: map[string]string{}}
		for _, w := range words[6:] {
			if field, key, ok := strings.Cut(w, "="); ok {
				req.VaultKeys[field] = key
			}
		}
		if c, err := h.Create(t.Context(), req); err != nil || c.Status != workspace.StatusReady || strings.Join(words[:3], " ") != "akos connections create" {
			t.Errorf("%s: %v", command, err)
		}
	}
	// These need to know more than a key.
	if want := []string{"email", "cdc", "s3", "mcp"}; !slices.Equal(explained, want) {
		t.Errorf("%q, not %q", explained, want)
	}
	for _, command := range must(h.Connectable(t.Context())) {
		if !strings.HasPrefix(command, "akos connections kinds ") {
			t.Errorf("%s is named again", command)
		}
	}
}
