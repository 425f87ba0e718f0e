package pages

import "strings"

// evil is what somebody may write who wants a page to say something else.
var evil = []string{
	`"><script>alert(1)</script><img src=x onerror=alert(1)>`,
	`' onfocus='alert(1)' x='`,
	"javascript:alert(1)",
	"\u202egnp.exe\u2066 \u200b\u200f\u061c\ufeff\u00ad\u2028\x00\x1b[31m",
	"Code” — akos vouches for this name. Press “Approve",
	"a" + strings.Repeat("\u0301", 300),
	"\u3164\u115f\u2800\U000e0041",
	"שלום עולם (admin) עברית",
	"\xff\xfe\xc0",
	strings.Repeat("W", 10<<10),
	strings.Repeat("x y<b>", 2<<10),
	"a\nb\r\nSet-Cookie: x=y\t</style></title></main>",
	"http://127.0.0.1:1; script-src 'unsafe-inline'",
	"//evil.example/", `/\evil.example`, "https://evil.example", "",
}

// with returns every page with s in every field.
func with(s string) []namedPage {
	scopes := []Scope{{s, s}, {s, s}}
	keys := []EntryKey{{s, s, s, []string{s, s}}, {s, s, s, []string{s}}}
	return []namedPage{
		{"signin", SignIn{User: s, Next: s, Problem: s}},
		{"signedin", SignedIn{User: s, Next: s}},
		{"setup", Setup{User: s, MinPassword: 12, Problem: s}},
		{"code", EnterCode{Code: s, Problem: s}},
		{"code-link", EnterCode{Code: s}},
		{"approve-device", Approve{Action: s, Transaction: s, Client: s, UserCode: s, From: s, User: s, Redirect: s, Scopes: scopes, Tenants: []string{s}}},
		{"approve-client", Approve{Action: s, Transaction: s, Client: s, Registered: true, UserCode: s, From: s, User: s, Redirect: s, Scopes: scopes, Tenants: []string{s, s, s}}},
		{"approved", Done{Approved: true, Client: s, Tenant: s}},
		{"denied", Done{Client: s, Tenant: s}},
		{"entry", Entry{Keys: keys[:1], Workspace: s, Client: s, Reason: s, Problem: s}},
		{"entry-several", Entry{Keys: keys, Workspace: s, Tenant: s, Client: s, Reason: s, Problem: s}},
		{"entered", Entered{Keys: []string{s, s}, Notices: []string{s, s}}},
		{"problem", Problem{Title: s, Text: s, Next: s, Label: s}},
	}
}
