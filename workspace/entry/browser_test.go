//go:build browser

package entry

import (
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/akos/internal/akostest"
	"example.com/akos/workspace"
)

// TestBrowser puts a real Chromium in front of the page.
func TestBrowser(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := html.EscapeString(r.URL.Query().Get("to"))
		form := `<form method="post" enctype="multipart/form-data" action="` + to + `"><input name="line-0" value="foreign"><button>Go</button></form>`
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/sandbox" {
			w.Header().Set("Content-Security-Policy", "sandbox allow-forms allow-scripts")
		}
		_, _ = io.WriteString(w, `<!DOCTYPE html><link rel="icon" href="data:,">`+map[string]string{
			"/form": form, "/sandbox": form, "/frame": `<iframe src="` + to + `"></iframe>`,
			"/fetch": `<button onclick="const f = new FormData(); f.set('line-0', 'foreign'); fetch('` + to + `', { method: 'POST', mode: 'no-cors', body: f })">Go</button>`,
		}[r.URL.Path])
	}))
	defer elsewhere.Close()

	d := newDesk(t)
	mib := strings.Repeat(strings.Repeat("x", 4095)+"\n", workspace.MaxValue/4096)
	binary := "\x00\xff\xfe\x80\r\n--\n"
	type scene struct {
		Play      string `json:"play"`
		URL       string `json:"url"`
		Value     string `json:"value"`
		Elsewhere string `json:"elsewhere"`
	}
	var scenes []scene
	var safes []*safe
	want := []string{"fake-value\t'\"<é🔑", "a\n b\n\n", mib, binary, mib, "small", "first", "", "", "", "", ""}
	for i, s := range []scene{
		{Play: "typed", Value: want[0]}, {Play: "lines", Value: want[1]}, {Play: "lines", Value: mib},
		{Play: "file", Value: base64.StdEncoding.EncodeToString([]byte(binary))}, {Play: "file", Value: base64.StdEncoding.EncodeToString([]byte(mib))},
		{Play: "tooLarge", Value: mib + "a"}, {Play: "tabs", Value: "first"}, {Play: "decline", Value: "fake-value-declined"},
		{Play: "nothing"}, {Play: "foreign"}, {Play: "framed"}, {Play: "rebound"},
	} {
		safes = append(safes, &safe{})
		s.URL, s.Elsewhere = ask(t, d, safes[i], strings.Repeat("k", i), "KEY").URL, elsewhere.URL
		scenes = append(scenes, s)
	}
	want[0] = strings.ReplaceAll(want[0], "\t", "") // Tab leaves the field
	scenes[0].Value = want[0]

	akostest.Browse(t, "entry.cjs", map[string]any{"scenes": scenes})
	for i, s := range safes {
		if want[i] == "" {
			if s.count() != 0 {
				t.Errorf("%s: it was stored", scenes[i].Play)
			}
			continue
		}
		if s.count() != 1 {
			t.Errorf("%s: %d stores", scenes[i].Play, s.count())
			continue
		}
		s.has(t, want[i])
	}
}
