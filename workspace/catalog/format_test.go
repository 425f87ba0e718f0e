package catalog

import (
	"strings"
	"testing"
)

// formatRows has, for each format, what it allows and what it refuses, one a
// line.
var formatRows = map[string]struct{ good, bad string }{
	"cron": {
		"* * * * *\n*/5 * * * *\n0 9 * * 1-5\n0 9 * * MON-FRI\n0 0 1 JAN *\n0,30 8-18/2 1,15 * ?\n0 0 L * *\n0 0 15W * *\n0 0 * * 5L\n0 0 * * 1#2\n0 0 29 2 *\n@daily\n@hourly\n0 0 * * sun\n5 4 * * 7",
		"* * * *\n* * * * * *\n0 9 * * 1 extra\n0 9 * * 1 5\n0 9 * * 1 2030\n60 * * * *\n* 24 * * *\n* * 0 * *\n* * 32 * *\n* * * 13 *\n* * * * 8\n" +
			"*,garbage * * * *\n0,99 * * * *\n1-5-9 * * * *\n*/0 * * * *\n*/5x * * * *\n* * * * SUNMON\nMON * * * *\n9-5 * * * *\n0 0 31 2 *\n0 0 30 FEB *\n" +
			"@reboot\n@DAILY\n@daily x\n@5minutes\n* * * *  *\n * * * * *\nhello\n+5 * * * *\n-5 * * * *\n0 0 99W * *\n? * * * *"},
	"date-version":             {"2024-06-20\n2025-03-31.basil", "2024-6-20\n2024-13-01\n2024-02-30\nlatest\n2024-06-20.\n2024-06-20 x"},
	"email":                    {"ops@example.com\na.b+c@sub.example.org\no'brien@example.com", "ops\nops@\n@example.com\nOps <ops@example.com>\nops@example.com,x@example.com\n\"a b\"@example.com\nops@exa mple.com\nops@-example.com\nops@[10.0.0.1]\nops@example.com "},
	"event":                    {"*\ninvoice.paid\npush\norder:created\nissue.*\nv1.a.b-c", "a b\n.a\na.\n**\na..b"},
	"github-owner":             {"octocat\nmy-org\nmona_acme\nA1", "-a\na-\na--b\na b\na/b\n" + strings.Repeat("a", 40)},
	"github-repo":              {"octocat/hello-world\na/.github\nmona_acme/x.y_z", "octocat\nocto cat/x\n-a/b\na--b/c\na/b/c\na/..\na/.\na/b.git\na/\n/b\nhttps://github.com/a/b\n" + strings.Repeat("a", 40) + "/b\na/" + strings.Repeat("b", 101)},
	"glob":                     {"*.md\n**/x\n[a-z]?", "[a\nx\\"},
	"hostname":                 {"localhost\nsmtp.example.com\n10.0.0.1\n::1\nxn--bcher-kva.example\n9live.example", "a..b\n-a.example\na-.example\na b\nhttps://x\nx:25\n256.1.1.1\n1.2.3\nfe80::1%eth0\n" + strings.Repeat("a", 64) + "\n" + strings.Repeat("a.", 127) + "com\nex_ample.com\nexample.com."},
	"linear-team":              {"ENG\nE2\n9cfb482a-81e3-4154-b5b9-2c805e70a02d", "eng team\neng\nTOOLONGAKEY\n9cfb482a"},
	"llm-provider":             {"openai\nollama", "slack\nOpenAI\nnone"},
	"pagerduty-id":             {"PIJ90N7\nQ0R3XYZABCDEFG", "pij90n7\nP1\nPIJ90N7 "},
	"path":                     {"./inbox\n/var/lib/x y\nC:\\data\n~/x", "a\x00b"},
	"phone":                    {"+14155550123\n+4930123456\n+6834000\n+390612345678\n+882161234567", "14155550123\n+1 415 555 0123\n+0123456789\n+999123456789\n+2101234567\n+1234567890123456\n+123456\n+1415555012a\n+"},
	"postgres-slot":            {"akos_slot\ns1", "Akos\na-b\n" + strings.Repeat("a", 64)},
	"s3-bucket":                {"acme-data\na.b.c\nabc\n123", "ab\nAcme\na_b\n-abc\nabc-\na..b\n192.168.5.4\nxn--abc\nsthree-abc\namzn-s3-demo-abc\nabc-s3alias\nabc--ol-s3\nabc.mrap\nabc--x-s3\nabc--table-s3\n" + strings.Repeat("a", 64)},
	"slack-channel":            {"C0123456789\nG01234567\nD0123456789\n#general\n#dev_ops-2\n#日本", "general\nC012\nc0123456789\n#Big\n#a b\n#\n#" + strings.Repeat("a", 81)},
	"slack-team":               {"T0123456789\nE0123456789", "C0123456789\nT1\nacme"},
	"slug":                     {"acme\nmy-org_2", "Acme\n-a\na b\na/b"},
	"snowflake":                {"197038439483310086\n18446744073709551615", "1970384394833100\n18446744073709551616\n0197038439483310086\n19703843948331008a\n#general"},
	"stripe-account":           {"acct_1234567890ABCDEF", "acct_\n1234567890ABCDEF\nacct_12 34567890"},
	"timezone":                 {"UTC\nEurope/Berlin\nAmerica/Argentina/Buenos_Aires\nEtc/GMT+1", "Local\nMars\nEurope\nEurope/Berlin \n../UTC\n/etc/localtime\nposix/UTC\nCEST+1x"},
	"twilio-messaging-service": {"MG" + strings.Repeat("0f", 16), "MG123\nAC" + strings.Repeat("0f", 16)},
	"url": {"https://example.com\nhttp://localhost:8080/a?b=c\nhttps://[::1]:9000/\nhttps://10.0.0.1/x%20y",
		"ftp://example.com\nexample.com\n//example.com\nhttps://\nhttps://u@example.com\nhttps://u:p@example.com\nhttps://a b.example\nhttps://example.com/a b\nhttps://example.com:0\nhttps://example.com:65536\nhttps://example.com:\nhttps://example.com\\@evil.example\nhttps://example.com#x\nhttps://exa_mple.com\njavascript:alert(1)\nhttps:example.com\nhttps://%65xample.com/\x7f"},
}

func TestFormats(t *testing.T) {
	for _, f := range formats {
		rows, ok := formatRows[f.name]
		if !ok {
			t.Errorf("format %s has no rows", f.name)
		}
		for s := range strings.SplitSeq(rows.good, "\n") {
			if err := checkFormat(f.name, s); err != nil {
				t.Errorf("%s refuses %q", f.name, s)
			}
		}
		for s := range strings.SplitSeq(rows.bad, "\n") {
			if err := checkFormat(f.name, s); err == nil {
				t.Errorf("%s allows %q", f.name, s)
			} else if !strings.HasPrefix(err.Error(), "must be ") {
				t.Errorf("%s: %v", f.name, err)
			}
		}
	}
	if checkFormat("no such format", "x") == nil {
		t.Error("an unknown format allows all")
	}
}
