package pages

import (
	"bytes"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the pages are now into testdata")

// A namedPage is a page with a name for its test.
type namedPage struct {
	name string
	page Page
}

// cases holds every page in the states that a person can meet.
var cases = []namedPage{
	{"signin", SignIn{Next: "/authorize?client_id=c1&state=a%20b"}},
	{"signin-problem", SignIn{User: "ada", Next: "/device", Problem: "That user name and that password don't belong together."}},
	{"signedin", SignedIn{User: "ada"}},
	{"signedin-next", SignedIn{User: "ada", Next: "/authorize?client_id=c1&state=a%20b"}},
	{"setup", Setup{MinPassword: 12}},
	{"setup-problem", Setup{User: "ada", MinPassword: 12, Problem: "The two passwords differ."}},
	{"code", EnterCode{}},
	{"code-link", EnterCode{Code: "WDJB-MJHT"}},
	{"code-problem", EnterCode{Code: "WDJB-MJHX", Problem: "No device waits for this code. Compare it with your device, or start again there."}},
	{"approve-device", Approve{
		Action: "/device/approve", Transaction: "t1", Client: "akos", UserCode: "WDJB-MJHT",
		From: "203.0.113.7", User: "ada", Tenants: []string{"acme"},
		Scopes: []Scope{{"secrets:use", "Use the secrets of the tenant without seeing them"}},
	}},
	{"approve-client", Approve{
		Action: "/authorize", Transaction: "t2", Client: "Code Assistant", Registered: true,
		From: "127.0.0.1", User: "ada", Redirect: "http://127.0.0.1:33418", Tenants: []string{"acme", "globex", "home"},
		Scopes: []Scope{
			{"secrets:use", "Use the secrets of the tenant without seeing them"},
			{"secrets:write", "Add, replace and remove secrets"},
		},
	}},
	{"approve-nameless", Approve{Action: "/authorize", Transaction: "t3", Registered: true, User: "ada", Redirect: "https://app.example"}},
	{"approved", Done{Approved: true, Client: "Code Assistant", Tenant: "acme"}},
	{"denied", Done{Client: "Code Assistant"}},
	{"entry", Entry{
		Keys: []EntryKey{{"SLACK_BOT_TOKEN", "Slack", "https://api.slack.com/apps", []string{"chat:write", "channels:read"}}}, Workspace: "app",
		Client: "Code Assistant", Reason: "to post the release notes",
	}},
	{"entry-several", Entry{
		Keys:      []EntryKey{{"TWILIO_ACCOUNT_SID", "Twilio", "https://console.twilio.com", nil}, {"TWILIO_AUTH_TOKEN", "Twilio", "https://console.twilio.com", nil}},
		Workspace: "app", Tenant: "acme", Client: "Code Assistant",
	}},
	{"entry-nameless", Entry{Keys: []EntryKey{{Name: "MY_KEY"}}, Workspace: "app", Problem: "No value was entered for MY_KEY, so nothing was stored."}},
	{"entered", Entered{Keys: []string{"SLACK_BOT_TOKEN"}}},
	{"entered-notice", Entered{Keys: []string{"SLACK_BOT_TOKEN"}, Notices: []string{"it does not look like the SLACK_BOT_TOKEN of Slack; see https://api.slack.com/apps"}}},
	{"entry-declined", Entered{Declined: true}},
	{"problem", Problem{Title: "This link was used", Text: "A set-up link works once. Sign in with the account that it made.", Next: "/signin", Label: "Sign in"}},
}

// write returns the answer with a page.
func write(t *testing.T, p Page) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	Write(w, http.StatusTeapot, p)
	if w.Code != http.StatusTeapot {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Result()
}

// body returns what a page is made of, with its style apart.
func body(t *testing.T, p Page) (page, style []byte) {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(write(t, p).Body); err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(b.Bytes(), []byte("<style>"))
	style, after, ok2 := bytes.Cut(rest, []byte("</style>"))
	if !ok || !ok2 {
		t.Fatalf("no style element: %s", &b)
	}
	return bytes.Join([][]byte{before, []byte("<style>"), []byte("</style>"), after}, nil), style
}

func TestPages(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, _ := body(t, c.page)
			file := filepath.Join("testdata", c.name+".html")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v (-update writes it)", err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("-want +got (-update rewrites %s):\n%s", file, diff)
			}
		})
	}
}

// TestGoldens finds goldens that no case writes any more.
func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.html")
	if err != nil || len(files) != len(cases) {
		t.Errorf("%d goldens for %d cases: %v", len(files), len(cases), err)
	}
}
