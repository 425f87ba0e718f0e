package catalog

import (
	"strings"
	"testing"
)

// inConfig are the ways in which a value gets into a config, and what is next
// to them and has to be allowed. V is a value.
var inConfig = []struct {
	kind, field string
	bad, good   string // one a line
}{
	{"webhook", "url",
		`https://example.com/h?api_key=V
https://example.com/h?x=1&apikey=V
https://example.com/h?key=V
https://example.com/h?token=V&x=1
https://example.com/h?access_token=V
https://example.com/h?X-Amz-Signature=V
https://example.com/h?sig=V
https://example.com/h?code=V
https://example.com/h?pwd=V
https://example.com/h?api%5Fkey=V
https://example.com/h?q[password]=V
https://example.com/h?t=OPAQUE
https://example.com/hooks/OPAQUE/send`,
		`https://example.com/h?api_key=${vault:HOOK_KEY}
https://example.com/hooks/${vault:HOOK}
https://example.com/h?key=
https://example.com/h?sort_key=name&partition-key=eu&public_key=x
https://example.com/h?country_code=US&max_tokens=100&auth=none
https://example.com/h?project=9cfb482a-81e3-4154-b5b9-2c805e70a02d
https://example.com/hooks/catch/123456/abcdef
https://OPAQUE.example.com/token/auth/secret
https://prod-12.westeurope.logic.azure.com:443/workflows/9cfb482a81e34154b5b92c805e70a02d/triggers/manual/paths/invoke?api-version=2016-10-01`},
	{"llm", "baseUrl",
		`https://example.com/v1?subscription-key=V`,
		`https://gateway.ai.cloudflare.com/v1/9cfb482a81e34154b5b92c805e70a02d/gate/openai
https://acme.openai.azure.com/openai/deployments/gpt-4o?api-version=2024-10-21
http://127.0.0.1:11434/v1`},
	{"mcp", "args",
		`["--api-key=V"]
["--token","V"]
["-y","server","--access-token","V"]
["--apiKey","V"]
["-e","GITHUB_PERSONAL_ACCESS_TOKEN=V"]
["run","--env=SLACK_BOT_TOKEN=V"]
["-H","Authorization: Bearer V"]
["--header","X-API-Key: V"]
["--header=X-Api-Key:V"]
["--header","Authorization:V"]
["--config","{\"apiKey\":\"V\"}"]
["--config","{\"db\": {\"password\" : \"V\"}}"]
["DB_PASS=V"]
["PGPASSWORD=V"]
["host=db password=V"]
["postgres://app@db/shop?sslpassword=V"]
["--password","hunter2"]
["--pwd=hunter2"]
["--basic-auth","user:V"]
["https://example.com/sse?token=V"]
["OPAQUE"]
["--project","x","OPAQUE"]
["--key","/OPAQUE"]`,
		`["--api-key=${vault:ACME_KEY}"]
["--token","${vault:ACME_TOKEN}"]
["-H","Authorization: Bearer ${vault:ACME_TOKEN}"]
["--header","Authorization:${AUTH_HEADER}"]
["--config","{\"apiKey\":\"${vault:K}\",\"n\":{\"key\":{\"x\":1}}}"]
["-y","@modelcontextprotocol/server-filesystem","/srv/data","--verbose"]
["-y","@modelcontextprotocol/server-github@2025.4.8"]
["run","-i","--rm","-e","GITHUB_PERSONAL_ACCESS_TOKEN","ghcr.io/github/github-mcp-server:v1.2.3"]
["run","ghcr.io/acme/auth@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]
["node@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]
["auth:latest","token:1.2","key:8080/x"]
["--token-file","/run/secrets/token","--key","./server.key","--key","server.pem","--key","C:\\keys\\a"]
["--token-url","https://example.com/token","--key-id","abc","--secret-arn","arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod"]
["--secret","arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf"]
["--no-auth","start","--auth","none","--auth=oauth2","--token","--verbose"]
["--max-tokens","4096","--max-token=4096","--sort-key","name","--project-key","ENG","--public-key","abc"]
["--account-id","9cfb482a81e34154b5b92c805e70a02d"]
["--account=9cfb482a81e34154b5b92c805e70a02d","--commit","da39a3ee5e6b4b0d3255bfef95601890afd80709"]
["--project","9cfb482a-81e3-4154-b5b9-2c805e70a02d"]
["/nix/store/9rkmjcdzlijrb1n0rpy1bxnpqp9c0k8v-nodejs-22.11.0/bin/node"]
["--role","arn:aws:iam::123456789012:role/service-role/MyRole"]
["postgres://app@db.example.com/shop?sslmode=require&sslkey=/etc/ssl/db.key"]
["postgres://app:${vault:DB}@db.example.com/shop"]
["--tools","get_issue,create_issue","--read-only","--region=eu-central-1","--log-level","debug"]
["mcp-remote","https://mcp.example.com/sse","--transport","http-only"]
["--filter","code>=3","--exit-code=1","--author","monkey","--keyboard","de"]`},
	{"mcp", "command", "OPAQUE\ntoken=V", "npx\n/usr/local/bin/my-server\nC:\\Program Files\\nodejs\\npx.cmd\n/nix/store/9rkmjcdzlijrb1n0rpy1bxnpqp9c0k8v-nodejs-22.11.0/bin/node"},
	{"cdc", "slot", "OPAQUELOWER", "akos_slot\ndebezium_orders_2024\npg_16389_sync_16384_7123456789012345678\nfivetran_pgoutput_slot_prod_eu"},
	{"cdc", "database", "OPAQUE\nshop password=V", "shop\nshop_prod_2024\nAdventureWorks2022"},
	{"cdc", "user", "OPAQUE", "akos\ncloudsqlsuperuser\nrdsadmin"},
	{"email", "username", "OPAQUE\nHEX", "agent\nagent@example.com\npostmaster@mg.example.com\napikey\n${vault:SMTP_USER}\n9cfb482a-81e3-4154-b5b9-2c805e70a02d"},
	{"email", "from", "", "ops@example.com\nbounce+token=abc@example.com"},
	{"s3", "prefix", "OPAQUE", "reports/\nyear=2024/month=11/country_code=US/\nkey=orders/\nAWSLogs/123456789012/CloudTrail/eu-west-1/\ntenants/9cfb482a81e34154b5b92c805e70a02d/"},
	{"s3", "bucket", "", "acme-data\ncdk-hnb659fds-assets-123456789012-eu-central-1\nacme-20240102030405678900000001\nstack-databucket-1k8f7h2j9d0sl"},
	{"s3", "endpoint", "https://minio.example.com/OPAQUE", "https://9cfb482a81e34154b5b92c805e70a02d.r2.cloudflarestorage.com\nhttps://minio.example.com:9000"},
	{"file", "path", "OPAQUE", "./inbox\n/var/lib/docker/overlay2/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/diff\nC:\\data\\in\ndata/key=2024/token=a.txt"},
	{"llm", "model", "OPAQUE", "gpt-4o-mini-2024-07-18\nmeta-llama/Llama-3.3-70B-Instruct-Turbo\nus.anthropic.claude-3-5-haiku-20241022-v1:0\nft:gpt-4o-mini-2024-07-18:acme:support:9AbCdEfG\nunsloth/DeepSeek-R1-Distill-Qwen-32B-GGUF:Q4_K_M\narn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6\naccounts/fireworks/models/llama-v3p1-405b-instruct\nqwen2.5-coder:32b-instruct-q8_0"},
	{"twilio", "messagingServiceSid", "", "MG9cfb482a81e34154b5b92c805e70a02d"},
	{"linear", "teamId", "", "9cfb482a-81e3-4154-b5b9-2c805e70a02d\nENG"},
	{"stripe", "account", "", "acct_1AbCdEfGhIjKlMnO\nacct_1PqRsT2uVwXyZ3aB4cD5"},
	{"stripe", "events", "OPAQUE", "invoice.paid,customer.subscription.trial_will_end"},
	{"github", "repo", "octocat/OPAQUE", "octocat/hello-world\nkubernetes-sigs/aws-load-balancer-controller"},
	{"sentry", "projects", "OPAQUELOWER", "web-and-mobile_apps-2"},
}

func TestValuesDoNotGetIntoConfig(t *testing.T) {
	fill := strings.NewReplacer("OPAQUELOWER", opaque(32, strings.ToLower(upperLetters)), "OPAQUE", opaque(36, wordLetters),
		"HEX", opaque(32, hexLetters), "V", "9f8a"+opaque(12, hexLetters))
	n := 0
	check := func(k Kind, field, s string) string {
		f, _ := find(k.Config, func(f Field) bool { return f.Name == field })
		if _, err := f.check(s); err != nil {
			return err.Error()
		}
		return ""
	}
	for _, row := range inConfig {
		k := kind(t, row.kind)
		for s := range strings.SplitSeq(row.bad, "\n") {
			if s == "" {
				continue
			}
			n++
			full := fill.Replace(s)
			msg := check(k, row.field, full)
			if !strings.Contains(msg, "looks like a credential") && !strings.Contains(msg, "is named as a credential") {
				t.Errorf("%s.%s takes %s: %q", row.kind, row.field, s, msg)
			}
			if strings.Contains(msg, "9f8a") || strings.Contains(msg, fill.Replace("OPAQUE")) {
				t.Errorf("%s.%s: the error for %s contains the value", row.kind, row.field, s)
			}
		}
		for s := range strings.SplitSeq(row.good, "\n") {
			if strings.Contains(s, "OPAQUE") {
				s = fill.Replace(s)
			}
			if msg := check(k, row.field, s); msg != "" {
				t.Errorf("%s.%s refuses %s: %s", row.kind, row.field, s, msg)
			}
		}
	}
	if n < 40 {
		t.Errorf("%d rows", n)
	}
}

func TestNamesOfCredentials(t *testing.T) {
	for names, want := range map[string]bool{
		"key api_key apikey apiKey API-KEY X-Api-Key x-functions-key token access_token accessToken --token secret client_secret password passwd pwd pass auth sig signature code auth_code authorization DB_PASS PGPASSWORD sslpassword --no2-token Authorization cookie ?token": true,
		"": false, "- tokens max_tokens token-url key_id keyboard monkey public-key sortKey no-auth --no-token country_code exit-code author bypass token_type password-file _ é": false,
	} {
		for name := range strings.FieldsSeq(names) {
			if namesCredential(name) != want {
				t.Errorf("%s names a credential: %v", name, !want)
			}
		}
	}
}
