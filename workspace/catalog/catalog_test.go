package catalog

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var wantProviders = strings.Fields(`openai anthropic gemini mistral groq openrouter cohere deepseek xai
	azure-openai bedrock github slack linear discord teams email twilio sentry pagerduty stripe s3
	marketplace ollama lmstudio vllm`)

// lacking are the entries that can't have all that an entry has, and why.
var lacking = map[string]map[string]string{
	"docsUrl": {"marketplace": "no public page tells where its token is to be had"},
	"scopes": {
		"marketplace": "it documents no permissions of a token",
		"ollama":      "it has no key", "lmstudio": "it has no key",
		"vllm": "its key, if any, is one that who serves the models makes up",
	},
	"connections": {
		"teams":       "no kind is a bot of two keys: a webhook has its address alone, and none of them",
		"marketplace": "no kind reaches a marketplace",
	},
}

func TestProvidersKeepTheRules(t *testing.T) {
	ps, err := ParseProviders(providersJSON)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range ps {
		ids = append(ids, p.ID)
		u, err := url.Parse(p.DocsURL)
		if p.DocsURL != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
			t.Errorf("%s: docsUrl must be an https URL", p.ID)
		}
		for field, there := range map[string]bool{"docsUrl": p.DocsURL != "", "scopes": len(p.Scopes) > 0, "connections": len(p.Connections) > 0} {
			if reason := lacking[field][p.ID]; there == (reason != "") {
				t.Errorf("%s: %s is there: %v; the reason why not: %q", p.ID, field, there, reason)
			}
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
	for field, of := range lacking {
		for id := range of {
			if !slices.Contains(ids, id) {
				t.Errorf("%s: no provider %s lacks it", field, id)
			}
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
			if f.Default != "" {
				if clean, err := f.check(f.Default); err != nil || fmt.Sprint(clean) != f.Default || f.Required {
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

// TestProviderTexts: what people and agents are shown is a short line that
// hides nothing, and no error repeats it.
func TestProviderTexts(t *testing.T) {
	parse := func(field string, value any) error {
		p := object{"id": "acme", "name": "Acme", "kind": "llm", "cloud": true, "requiredKeys": []string{"ACME_KEY"}}
		p[field] = value
		data, err := json.Marshal(object{"providers": []object{p}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = ParseProviders(data)
		return err
	}
	guises := map[string]func(string) any{
		"name": func(s string) any { return s }, "unlocks": func(s string) any { return s },
		"scopes": func(s string) any { return []string{"read", s} }, "docsUrl": func(s string) any { return "https://acme.example/" + s },
	}
	limits := map[string]int{"name": 60, "unlocks": 200, "scopes": 120, "docsUrl": 300 - len("https://acme.example/")}
	for field, as := range guises {
		for _, good := range []string{"Kéy-漢字", strings.Repeat("ab", limits[field])[:limits[field]]} {
			if err := parse(field, as(good)); err != nil {
				t.Errorf("%s %q: %v", field, good, err)
			}
		}
		for what, bad := range map[string]string{
			"long": strings.Repeat("ab", limits[field])[:limits[field]+1], "long in bytes": strings.Repeat("é", limits[field]/2+1),
			"line feed": "abc\ndef", "carriage return": "abc\rdef", "tab": "abc\tdef", "escape": "abc\x1b[2Jdef", "delete": "abc\x7fdef", "C1": "abc\u009bdef",
			"line separator": "abc\u2028def", "right to left": "abc\u202edef", "isolate": "abc\u2066def", "mark": "abc\u200fdef", "Arabic mark": "abc\u061cdef",
			"zero width": "abc\u200bdef", "filler": "abc\u3164def", "variation": "abc\ufe0fdef", "hidden data": "abc\U000e0121def", "tag": "abc\U000e0041def",
			"Braille blank": "abc\u2800def", "no UTF-8": "abc\xffdef", "credential": "sk-ant-" + "api03-" + fake(40),
		} {
			err := parse(field, as(bad))
			if err == nil || !strings.Contains(err.Error(), field+" must ") || strings.Contains(err.Error(), "abc") || strings.Contains(err.Error(), "sk-ant") {
				t.Errorf("%s, %s: %v", field, what, err)
			}
		}
	}
	for u, ok := range map[string]bool{
		"": true, "https://acme.example": true, "http://localhost:8080/x": true, "http://127.0.0.1/x": true, "http://[::1]:80/": true,
		"http://acme.example": false, "http://localhost.acme.example": false, "http://10.0.0.1/": false, "ftp://acme.example": false, "javascript:alert(1)": false,
	} {
		if err := parse("docsUrl", u); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "docsUrl must") {
			t.Errorf("docsUrl %s: %v", u, err)
		}
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
