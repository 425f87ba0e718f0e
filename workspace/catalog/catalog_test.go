package catalog

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var wantProviders = strings.Fields(`openai anthropic gemini mistral groq openrouter cohere deepseek xai
	azure-openai bedrock github slack linear discord teams email twilio sentry pagerduty stripe s3
	marketplace ollama lmstudio vllm`)

func TestProvidersKeepTheRules(t *testing.T) {
	ps, err := ParseProviders(providersJSON)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range ps {
		ids = append(ids, p.ID)
		u, err := url.Parse(p.DocsURL)
		if p.Kind != "marketplace" && (err != nil || u.Scheme != "https" || u.Host == "") {
			t.Errorf("%s: docsUrl must be an https URL", p.ID)
		}
		if len(p.Unlocks) < 10 || len(p.Unlocks) > 100 || !strings.HasSuffix(p.Unlocks, ".") {
			t.Errorf("%s: unlocks must be one short sentence", p.ID)
		}
		if p.Cloud != (p.Kind != "local") {
			t.Errorf("%s: cloud = %v, kind = %s", p.ID, p.Cloud, p.Kind)
		}
		if (len(p.RequiredKeys) == 0) != (p.Kind == "local") {
			t.Errorf("%s: only local providers require no key", p.ID)
		}
		if p.Kind == "llm" && !slices.Equal(p.Connections, []string{"llm"}) {
			t.Errorf("%s: a provider of models serves llm", p.ID)
		}
	}
	for _, id := range wantProviders {
		if !slices.Contains(ids, id) {
			t.Errorf("provider %s is missing", id)
		}
	}
}

func TestProvidersAndKindsAgree(t *testing.T) {
	for _, p := range Providers() {
		for _, name := range p.Connections {
			k, _ := LookupKind(name)
			var usual []string
			for _, c := range k.Credentials {
				usual = append(usual, c.Keys...)
			}
			isUsual := func(key string) bool { return slices.Contains(usual, key) }
			if name == "llm" {
				// A model has one token, even where its provider takes two keys.
				if all := slices.Concat(p.RequiredKeys, p.OptionalKeys); p.Kind != "local" && !slices.ContainsFunc(all, isUsual) {
					t.Errorf("%s: no key of it is usual for %s", p.ID, name)
				}
				continue
			}
			for _, key := range p.RequiredKeys {
				if !isUsual(key) {
					t.Errorf("%s requires %s, which no credential of %s usually has", p.ID, key, name)
				}
			}
		}
	}
}

// TestKindsKeepTheContract spells the contract's kinds out: auth, then the
// credentials with * where one is required, then the required config.
func TestKindsKeepTheContract(t *testing.T) {
	contract := []string{
		"slack required token* signingSecret |", "github required token* |", "linear required token* |",
		"discord required token* |", "email required password* | host", "cron none | schedule", "file none | path",
		"webhook optional secret | url", "cdc required password* | host database", "twilio required accountSid* authToken* |",
		"sentry required token* |", "pagerduty required token* |", "stripe required token* |",
		"s3 required accessKeyId* secretAccessKey* sessionToken | bucket", "mcp optional token |", "llm optional token |",
	}
	var got []string
	for _, k := range Kinds() {
		line := []string{k.Kind, k.Auth}
		for _, c := range k.Credentials {
			star := map[bool]string{true: "*"}[c.Required]
			line = append(line, c.Field+star)
			if len(c.Keys) == 0 || c.Description == "" {
				t.Errorf("%s.%s: keys and description are required", k.Kind, c.Field)
			}
		}
		line = append(line, "|")
		for _, f := range k.Config {
			if f.Required {
				line = append(line, f.Name)
			}
		}
		got = append(got, strings.Join(line, " "))
	}
	if !slices.Equal(got, contract) {
		t.Errorf("kinds:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(contract, "\n"))
	}
}

func TestFieldsKeepTheRules(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][A-Za-z]{1,31}$`)
	used := map[string]bool{"": true}
	for _, k := range Kinds() {
		if k.Name == "" || k.Description == "" || k.DocsURL != "" && !isURL(k.DocsURL) {
			t.Errorf("%s: name, description and docsUrl", k.Kind)
		}
		var names []string
		for _, f := range k.Config {
			id := k.Kind + "." + f.Name
			if !name.MatchString(f.Name) || slices.Contains(names, f.Name) || f.Description == "" {
				t.Errorf("%s: name and description", id)
			}
			names = append(names, f.Name)
			used[f.Format] = true
			if !slices.Contains([]string{"string", "integer", "boolean", "array"}, f.Type) {
				t.Errorf("%s: type %s", id, f.Type)
			}
			if (f.Min != nil || f.Max != nil) && f.Type != "integer" {
				t.Errorf("%s: min and max are for integers", id)
			}
			if f.Default != nil {
				if clean, err := f.check(f.Default); err != nil || clean != f.Default || f.Required {
					t.Errorf("%s: default: %v", id, err)
				}
			}
			if f.Example != "" {
				if _, err := f.check(f.Example); err != nil {
					t.Errorf("%s: example: %v", id, err)
				}
			}
		}
		for _, names2 := range k.ExactlyOne {
			for _, n := range names2 {
				if !slices.Contains(names, n) {
					t.Errorf("%s: exactlyOne names no field", k.Kind)
				}
			}
		}
	}
	for _, f := range formats {
		if !used[f.name] {
			t.Errorf("format %s is not used", f.name)
		}
		delete(used, f.name)
	}
	if delete(used, ""); len(used) > 0 {
		t.Errorf("unknown formats: %v", used)
	}
}

func TestNothingEncodesAsNull(t *testing.T) {
	all, err := json.Marshal([]any{Providers(), Kinds()})
	if err != nil || strings.Contains(string(all), "null") {
		t.Errorf("null in the JSON, or %v", err)
	}
}

func TestParseProvidersRefuses(t *testing.T) {
	const ok = `{"id":"acme","name":"Acme","kind":"llm","requiredKeys":["ACME_KEY"],"cloud":true,"docsUrl":"https://acme.example/keys","connections":["llm"],"shapes":{"ACME_KEY":"^acme-[0-9]+$"}}`
	file := func(items ...string) []byte { return []byte(`{"providers":[` + strings.Join(items, ",") + `]}`) }
	if ps, err := ParseProviders(file(ok)); err != nil || ps[0].OptionalKeys == nil {
		t.Fatalf("the good one: %v", err)
	}
	if ps, err := ParseProviders([]byte(`{}`)); err != nil || ps == nil {
		t.Errorf("an empty file: %v", err)
	}
	for _, row := range [][3]string{
		{`"id":"acme"`, `"id":"Acme!"`, "id must"},
		{`"name":"Acme"`, `"name":" "`, "name is"},
		{`"kind":"llm"`, `"kind":"model"`, "kind must"},
		{`"kind":"llm"`, `"kind":"local"`, "cloud must"},
		{`"kind":"llm"`, `"kind":"llm","color":"red"`, "a field is unknown"},
		{`"cloud":true`, `"cloud":"yes"`, "wrong type"},
		{`"https://acme.example/keys"`, `"ftp://acme.example"`, "docsUrl must"},
		{`["ACME_KEY"]`, `["ACME-KEY"]`, "must be names"},
		{`["ACME_KEY"]`, `["ACME_KEY","ACME_KEY"]`, "repeat"},
		{`["ACME_KEY"]`, `["OTHER_KEY"]`, "shapes must name"},
		{`["llm"]`, `["fax"]`, "connections must"},
		{`^acme-[0-9]+$`, `acme-[0-9]+`, "between ^ and $"},
		{`^acme-[0-9]+$`, `^acme-[0-9+$`, "between ^ and $"},
	} {
		bad := strings.Replace(ok, row[0], row[1], 1)
		if _, err := ParseProviders(file(bad)); err == nil || !strings.Contains(err.Error(), row[2]) {
			t.Errorf("%s: %v, want %q", row[1], err, row[2])
		}
	}
	if _, err := ParseProviders(file(ok, ok)); err == nil || !strings.Contains(err.Error(), "unique") {
		t.Errorf("twice the same id: %v", err)
	}
	if _, err := ParseProviders(append(file(ok), "{}"...)); err == nil {
		t.Error("a second JSON value was not refused")
	}
}

func TestLookups(t *testing.T) {
	for key, want := range map[string]string{
		"SLACK_BOT_TOKEN": "slack", "slack_signing_secret": "slack", "AWS_SECRET_ACCESS_KEY": "bedrock",
		"CO_API_KEY": "cohere", "NO_SUCH_KEY": "", "": "",
	} {
		if p, ok := ProviderForKey(key); p.ID != want || ok != (want != "") {
			t.Errorf("ProviderForKey(%q) = %s, %v; want %q", key, p.ID, ok, want)
		}
	}
	if _, ok := LookupProvider("nope"); ok {
		t.Error("LookupProvider found nope")
	}
	if _, ok := LookupKind("fax"); ok {
		t.Error("LookupKind found fax")
	}
	Providers()[0].ID = "changed"
	if _, ok := LookupProvider("openai"); !ok {
		t.Error("a caller changed the catalog")
	}
}
