package catalog

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// Every credential here is fake: it is put together at run time from the word
// "fake" and digits, or from a generator with a fixed seed.

func fake(n int) string { return strings.Repeat("fake", n) }

// opaque returns n characters as random as a real secret's.
func opaque(n int, letters string) string {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

const (
	digitLetters = "0123456789"
	hexLetters   = digitLetters + "abcdef"
	upperLetters = digitLetters + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	wordLetters  = upperLetters + "abcdefghijklmnopqrstuvwxyz"
	urlLetters   = wordLetters + "-_"
)

func fakeCredentials() map[string]string {
	botID := base64.RawStdEncoding.EncodeToString([]byte("197038439483310086"))
	return map[string]string{
		"ours, access":       "akos_at_" + opaque(43, urlLetters),
		"ours, refresh":      "akos_rt_" + opaque(43, urlLetters),
		"ours, personal":     "akos_pt_" + opaque(43, urlLetters),
		"openai, old":        "sk-" + fake(12),
		"openai, project":    "sk-proj-" + opaque(74, urlLetters) + "T3" + opaque(74, urlLetters),
		"openai, service":    "sk-svcacct-" + opaque(74, urlLetters),
		"openai, admin":      "sk-admin-" + opaque(74, urlLetters),
		"anthropic":          "sk-ant-api03-" + opaque(93, urlLetters) + "AA",
		"anthropic, words":   "sk-ant-" + fake(20),
		"openrouter":         "sk-or-v1-" + opaque(64, hexLetters),
		"deepseek":           "sk-" + opaque(32, hexLetters),
		"gemini":             "AIza" + opaque(35, urlLetters),
		"gemini, new":        "AQ." + "Ab8" + opaque(50, urlLetters),
		"groq":               "gsk_" + opaque(52, wordLetters),
		"xai":                "xai-" + opaque(80, wordLetters),
		"perplexity":         "pplx-" + opaque(48, wordLetters),
		"hugging face":       "hf_" + opaque(34, wordLetters[10:]),
		"bedrock":            "ABSK" + opaque(100, wordLetters) + "=",
		"google oauth":       "ya29." + opaque(60, urlLetters),
		"github, classic":    "ghp_" + opaque(36, wordLetters),
		"github, words":      "ghp_" + fake(9),
		"github, oauth":      "gho_" + opaque(36, wordLetters),
		"github, user":       "ghu_" + opaque(36, wordLetters),
		"github, server":     "ghs_" + opaque(36, wordLetters),
		"github, refresh":    "ghr_" + opaque(76, wordLetters),
		"github, fine":       "github_pat_" + opaque(22, wordLetters) + "_" + opaque(59, wordLetters),
		"gitlab":             "glpat-" + opaque(20, wordLetters),
		"npm":                "npm_" + opaque(36, wordLetters),
		"pypi":               "pypi-AgE" + opaque(80, urlLetters),
		"docker":             "dckr_pat_" + opaque(27, wordLetters),
		"slack, bot":         "xoxb-" + "123456789012-1234567890123-" + opaque(24, wordLetters),
		"slack, short":       "xoxb-" + "1234567890-fake",
		"slack, user":        "xoxp-" + "123456789012-123456789012-123456789012-" + opaque(32, hexLetters),
		"slack, legacy":      "xoxs-" + "1234567890-1234567890-1234567890-" + opaque(10, hexLetters),
		"slack, config":      "xoxe-1-" + opaque(146, upperLetters),
		"slack, config 2":    "xoxe.xoxp-1-" + opaque(163, upperLetters),
		"slack, app":         "xapp-1-A0123456789-1234567890123-" + opaque(64, hexLetters),
		"slack, webhook":     "https://hooks.slack.com" + "/services/T00000000/B00000000/" + fake(6),
		"discord, webhook":   "https://discord.com" + "/api/webhooks/197038439483310086/" + opaque(68, urlLetters),
		"discord, webhook 2": "https://discordapp.com" + "/api/webhooks/197038439483310086/" + opaque(68, urlLetters),
		"discord, bot":       botID + "." + opaque(6, wordLetters) + "." + opaque(38, urlLetters),
		"teams, webhook":     "https://acme.webhook.office.com" + "/webhookb2/" + opaque(36, hexLetters) + "@" + opaque(36, hexLetters),
		"teams, password":    "abc8" + "Q~" + opaque(34, wordLetters),
		"twilio, account":    "AC" + opaque(32, hexLetters),
		"twilio, key":        "SK" + opaque(32, hexLetters),
		"sendgrid":           "SG." + opaque(22, urlLetters) + "." + opaque(43, urlLetters),
		"linear":             "lin_api_" + opaque(40, wordLetters),
		"linear, oauth":      "lin_oauth_" + opaque(64, hexLetters),
		"sentry, org":        "sntrys_" + "eyJ" + opaque(120, wordLetters) + "_" + opaque(43, wordLetters),
		"sentry, user":       "sntryu_" + opaque(64, hexLetters),
		"pagerduty":          "u+" + opaque(18, wordLetters),
		"pagerduty, scoped":  "pdus+" + "_0X_" + opaque(32, hexLetters),
		"stripe, live":       "sk_" + "live_" + opaque(24, wordLetters),
		"stripe, test":       "sk_" + "test_" + fake(6),
		"stripe, restricted": "rk_" + "live_" + opaque(99, wordLetters),
		"stripe, webhook":    "whsec_" + opaque(32, wordLetters),
		"shopify":            "shpat_" + opaque(32, hexLetters),
		"aws, id":            "AKIA" + strings.ToUpper(fake(4)),
		"aws, temporary id":  "ASIA" + opaque(16, upperLetters),
		"aws, secret":        opaque(40, wordLetters),
		"aws, labelled":      "aws_secret_access_key = " + strings.Repeat("Fake/Fak", 4) + "Fa1eFake",
		"azure storage":      "AccountKey=" + opaque(86, wordLetters) + "==",
		"vault":              "hvs." + opaque(90, urlLetters),
		"grafana":            "glsa_" + opaque(32, wordLetters) + "_" + opaque(8, hexLetters),
		"1password":          "ops_eyJ" + opaque(250, wordLetters),
		"digitalocean":       "dop_v1_" + opaque(64, hexLetters),
		"age":                "AGE-SECRET-KEY-1" + opaque(58, upperLetters),
		"age, post-quantum":  "AGE-SECRET-KEY-PQ-1" + opaque(58, upperLetters),
		"jwt":                "eyJ" + fake(8) + "." + "eyJ" + fake(8) + "." + fake(10),
		"pem":                "-----BEGIN " + "PRIVATE KEY-----\n" + fake(16) + "\n",
		"ssh":                "-----BEGIN " + "OPENSSH PRIVATE KEY-----\n" + fake(16) + "\n",
		"rsa, escaped":       "-----BEGIN " + `RSA PRIVATE KEY-----\n` + fake(16),
		"pgp":                "-----BEGIN " + "PGP PRIVATE KEY BLOCK-----\n",
		"putty":              "PuTTY-User-" + "Key-File-3: ssh-ed25519",
		"database":           "postgres://" + "app:" + fake(2) + "@db.example.com/shop",
		"redis":              "redis://" + ":" + fake(2) + "@10.0.0.1:6379",
		"basic, with at":     "https://" + "u:p@" + fake(1) + "@example.com/",
	}
}

func TestLooksLikeCredentialFindsThem(t *testing.T) {
	for name, c := range fakeCredentials() {
		for where, s := range map[string]string{
			"alone": c, "assigned": "KEY=" + c, "quoted": `{"token":"` + c + `"}`,
			"in prose": "use " + c + " for it", "after another word": "sk-x ghp_ eyJ " + c, "on a line": "a\n" + c + "\nb",
		} {
			if !LooksLikeCredential(s) {
				t.Errorf("%s, %s: not found", name, where)
			}
		}
	}
}

func TestLooksLikeCredentialSparesTheRest(t *testing.T) {
	words := strings.Split(`OPENAI_API_KEY|SLACK_BOT_TOKEN|slack-bot-token|slack.bot.token|AWS_SECRET_ACCESS_KEY|sk-short|sk-learn-pipeline-v2
sk-something-with-many-words-in-it|sk-internationalization-service-2|skeleton-key|task-list-of-a-very-long-project-name-here|disk-usage-monitoring-of-production
ghp_token|ghp_token_of_the_build_server|github_pat_for_the_release_pipeline|npm_config_registry_authentication|npm_token|xoxb-token|xoxb-slack-bot-token-v2
sk_live_key_of_production_shop|sk_test_|whsec_of_the_shop|hf_token|gsk_key|AIzaKey|AIza-key-for-the-maps-of-the-website|glpat-for-the-mirror-of-the-docs|lin_api_key
AKIA|AKIA_KEY|ASIAPACIFIC|ASIAPACIFICREGION|ASIA_PACIFIC_REGION_KEY|AGE-SECRET-KEY-1|age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
sk-ant-api03-key-for-production-environment|sk-proj-key-of-the-billing-team-in-berlin|SG.EMAIL.KEY|FAQ.md|AQ.notes.of.the.meeting.in.the.spring.txt
/home/user/.ssh/id_ed25519|/usr/share/zoneinfo/Europe/Berlin|C:\Users\me\secrets.txt|src/main/java/com/example/TestGetUserByIDReturns404WhenUserMissing.java
TestGetUserByIDReturns404WhenUserMissing|logs/2026/11/24/ServerOne/error12345.log.gz|Library/Caches2/MyApp/FooBar/BazQux/Thing|node_modules/@scope/npm_package
https://example.com/a?b=c&d=e|https://example.com:8080/@scope/name|http://localhost:7717|ssh://git@github.com:22/a/b.git|git@github.com:octocat/hello-world.git|mailto:ops@example.com
https://hooks.slack.com/services/|https://hooks.slack.com/services/T000/B000|https://discord.com/api/webhooks/197038439483310086|https://discord.com/channels/197038439483310086/155101607195836416
postgres://app@db.example.com/shop|postgres://app:${vault:db}@db.example.com/shop|postgres://app:$DB_PASSWORD@db/shop|https://user:@example.com
0 9 * * 1-5|*/5 * * * *|@daily|9cfb482a-81e3-4154-b5b9-2c805e70a02d|{9CFB482A-81E3-4154-B5B9-2C805E70A02D}
da39a3ee5e6b4b0d3255bfef95601890afd80709|e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855|sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855|d41d8cd98f00b204e9800998ecf8427e|DA39A3EE5E6B4B0D3255BFEF95601890AFD80709
sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=|v1.24.0-rc.1+build.20261124|arn:aws:s3:::acme-data/reports|arn:aws:iam::123456789012:role/service-role/MyRole
ops@example.com|first.last+tag@sub.example.org|C0123456789|#general|T0123456789|acct_1234567890ABCDEF|PIJ90N7|197038439483310086|+14155550123
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeFakeFakeFakeFakeFakeFakeFakeFakeFakeFake me@host|-----BEGIN CERTIFICATE-----|-----BEGIN PUBLIC KEY-----|-----BEGIN PGP MESSAGE-----
eyJ|eyJhbGciOiJub25lIn0|eyJhbGciOiJub25lIn0.eyJhIjoxfQ.|keyJson.value.of|U+1F600|u+1|a.b.c|www.example.co.uk|Q~|README.md
meta-llama/Llama-3.3-70B-Instruct-Turbo|anthropic/claude-sonnet-4.5|gpt-4o-mini-2024-07-18|us.anthropic.claude-3-5-haiku-20241022-v1:0|acme-prod-eu-central-1-backup-2026-11-24
Store the key in the vault, then name it: sk-... is what an OpenAI key starts with, ghp_ a GitHub one.|The tokens start with xoxb- or xapp- and must never be pasted here.`, "|")
	words = append(words, "", "x", "MG"+opaque(32, hexLetters), "task-"+opaque(32, hexLetters), "disk-"+opaque(40, hexLetters), "TASK"+opaque(32, hexLetters), "MAKIA"+opaque(16, upperLetters), "x"+opaque(40, hexLetters)+"xgsk_", opaque(32, hexLetters), opaque(64, hexLetters), strings.Repeat("a", 40), strings.Repeat("A1", 20))
	for _, line := range words {
		for s := range strings.SplitSeq(line, "\n") {
			if LooksLikeCredential(s) {
				t.Errorf("%q is no credential", s)
			}
		}
	}
	for _, p := range Providers() {
		for _, s := range append(append([]string{p.ID, p.Name, p.DocsURL, p.Unlocks}, p.RequiredKeys...), append(p.OptionalKeys, p.Scopes...)...) {
			if LooksLikeCredential(s) {
				t.Errorf("%s: %q is no credential", p.ID, s)
			}
		}
	}
}

// TestMostAWSSecretsAreFound measures the one form without a mark.
func TestMostAWSSecretsAreFound(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	found := 0
	for range 1000 {
		b := make([]byte, 30)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		if LooksLikeCredential(base64.StdEncoding.EncodeToString(b)) {
			found++
		}
	}
	if found < 800 {
		t.Errorf("found %d of 1000", found)
	}
}

func TestShapes(t *testing.T) {
	c := fakeCredentials()
	for key, rows := range map[string]struct{ good, bad string }{
		"OPENAI_API_KEY":        {c["openai, project"], c["github, classic"]},
		"ANTHROPIC_API_KEY":     {c["anthropic"], c["openai, old"]},
		"GEMINI_API_KEY":        {c["gemini"], c["openai, old"]},
		"GROQ_API_KEY":          {c["groq"], c["xai"]},
		"OPENROUTER_API_KEY":    {c["openrouter"], c["openai, old"]},
		"DEEPSEEK_API_KEY":      {c["deepseek"], c["groq"]},
		"XAI_API_KEY":           {c["xai"], c["groq"]},
		"AWS_ACCESS_KEY_ID":     {c["aws, id"], c["aws, secret"]},
		"AWS_SECRET_ACCESS_KEY": {c["aws, secret"], c["aws, id"]},
		"GITHUB_TOKEN":          {c["github, fine"], c["gitlab"]},
		"SLACK_BOT_TOKEN":       {c["slack, bot"], c["slack, app"]},
		"SLACK_SIGNING_SECRET":  {opaque(32, hexLetters), c["slack, bot"]},
		"LINEAR_API_KEY":        {c["linear"], c["linear, oauth"]},
		"DISCORD_BOT_TOKEN":     {c["discord, bot"], c["discord, webhook"]},
		"TEAMS_APP_ID":          {"9cfb482a-81e3-4154-b5b9-2c805e70a02d", c["teams, password"]},
		"TWILIO_ACCOUNT_SID":    {c["twilio, account"], c["twilio, key"]},
		"TWILIO_AUTH_TOKEN":     {opaque(32, hexLetters), c["twilio, account"]},
		"SENTRY_AUTH_TOKEN":     {c["sentry, user"], c["jwt"]},
		"PAGERDUTY_TOKEN":       {c["pagerduty"], c["jwt"]},
		"STRIPE_SECRET_KEY":     {c["stripe, restricted"], "pk_live_" + fake(6)},
		"STRIPE_WEBHOOK_SECRET": {c["stripe, webhook"], c["stripe, live"]},
	} {
		p, ok := ProviderForKey(key)
		if !ok {
			t.Errorf("no provider takes %s", key)
			continue
		}
		for value, want := range map[string]bool{rows.good: true, rows.bad: false, rows.good + "\n": false, " " + rows.good: false, "": false} {
			if fits, known := p.FitsShape(key, []byte(value)); !known || fits != want {
				t.Errorf("%s: fits %v, known %v; want fits %v", key, fits, known, want)
			}
		}
	}
	p, _ := LookupProvider("mistral")
	if fits, known := p.FitsShape("MISTRAL_API_KEY", []byte(fake(8))); fits || known {
		t.Error("a shape that nobody documents is known")
	}
	loose := Provider{Shapes: map[string]string{"K": "^a|b$"}}
	if fits, _ := loose.FitsShape("k", []byte("ax")); fits {
		t.Error("a shape matched a part of the value")
	}
}

// TestLooksLikeCredentialIsLinear feeds it 4 MiB of what would be quadratic if
// a tail were looked at once for each mark in it.
func TestLooksLikeCredentialIsLinear(t *testing.T) {
	const size = 4 << 20
	for _, unit := range []string{"sk-", "sk-ant-", "xoxb-", "-eyJ-", "eyJ.", "://", "://a:", "@", "Q~", "0Q~", "-----BEGIN ", "a.", "......", ".aaaaaa", "AKIA", "/", "a1", "aA/", "discord.com/api/webhooks/", "SG.", "eyJaaaaaaaaa.", "xAIza", "pdus+"} {
		s := strings.Repeat(unit, size/len(unit))
		done := make(chan bool, 1)
		go func() { done <- LooksLikeCredential(s) }()
		select {
		case <-done:
		case <-time.After(time.Minute): // usual: 0.1 s; quadratic: an hour
			t.Fatalf("%q is not linear", unit)
		}
	}
}

func BenchmarkLooksLikeCredential(b *testing.B) {
	for name, s := range map[string]string{
		"key name": "OPENAI_API_KEY_PROD1", "kebab": "sk-learn-pipeline-v2", "url": "https://example.com/a/b?c=d", "prose 4MiB": strings.Repeat("words and Words, 12 of them; ", 4<<20/29),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				LooksLikeCredential(s)
			}
		})
	}
}
