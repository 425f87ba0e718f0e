package catalog

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

type object = map[string]any

func kind(t testing.TB, name string) Kind {
	k, ok := LookupKind(name)
	if !ok {
		t.Fatalf("no kind %s", name)
	}
	return k
}

// TestNoConfigIsEnough says for which kinds a credential alone makes a
// connection.
func TestNoConfigIsEnough(t *testing.T) {
	wants := map[string]string{
		"cron": "schedule is required", "file": "path is required", "webhook": "url is required",
		"s3": "bucket is required", "email": "host is required; username or from is required: the server has to know who logs in", "cdc": "host is required; database is required",
		"mcp": "exactly one of url, command is required",
		"llm": "provider or baseUrl is required, unless the key is named as the provider names it, such as OPENAI_API_KEY",
	}
	for _, k := range Kinds() {
		_, err := k.CheckConfig(nil, nil)
		want := wants[k.Kind]
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != "config: "+want) {
			t.Errorf("%s: %v, want %q", k.Kind, err, want)
		}
	}
}

func TestCheckConfigNormalises(t *testing.T) {
	for _, row := range []struct {
		kind     string
		in, want object
	}{
		{"slack", object{}, object{}},
		{"slack", object{"channel": "#general"}, object{"channel": "#general"}},
		{"email", object{"host": "smtp.example.com", "from": "c@example.com", "port": "587", "to": "a@example.com, b@example.com"},
			object{"host": "smtp.example.com", "from": "c@example.com", "port": 587, "to": []string{"a@example.com", "b@example.com"}, "security": "starttls"}},
		{"email", object{"host": "10.0.0.1", "username": "c", "port": 465.0, "to": []any{"a@example.com"}, "security": "tls"},
			object{"host": "10.0.0.1", "username": "c", "port": 465, "to": []string{"a@example.com"}, "security": "tls"}},
		{"email", object{"host": "::1", "username": "c", "port": json.Number("25"), "to": []string{"a@example.com"}},
			object{"host": "::1", "username": "c", "port": 25, "to": []string{"a@example.com"}, "security": "starttls"}},
		{"file", object{"path": "/tmp/in box", "watch": "true"}, object{"path": "/tmp/in box", "watch": true}},
		{"file", object{"path": "x", "watch": false}, object{"path": "x", "watch": false}},
		{"cron", object{"schedule": "@daily"}, object{"schedule": "@daily", "timezone": "UTC"}},
		{"mcp", object{"command": "npx", "args": "-y,server"}, object{"command": "npx", "args": []string{"-y", "server"}}},
		{"mcp", object{"command": "npx", "args": ` ["-y", "a,b", "[x]"]`}, object{"command": "npx", "args": []string{"-y", "a,b", "[x]"}}},
	} {
		got, err := kind(t, row.kind).CheckConfig(row.in, nil)
		if err != nil || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s %v = %v, %v; want %v", row.kind, row.in, got, err, row.want)
		}
	}
}

func TestCheckConfigRefuses(t *testing.T) {
	email := func(field string, v any) object { return object{"host": "smtp.example.com", field: v} }
	for _, row := range []struct {
		kind string
		in   object
		want string
	}{
		{"email", email("port", "5x"), "port must be an integer"},
		{"email", email("port", "+25"), "port must be an integer"},
		{"email", email("port", 2.5), "port must be an integer"},
		{"email", email("port", 1e300), "port must be an integer"},
		{"email", email("port", 4155550123.5), "config: port must be an integer"},
		{"email", email("port", true), "port must be an integer"},
		{"email", email("port", json.Number("1.5")), "port must be an integer"},
		{"email", email("port", 0), "port must be at least 1"},
		{"email", email("port", "65536"), "port must be at most 65535"},
		{"email", email("to", 5), "to must be an array of strings"},
		{"email", email("to", []any{1}), "to must be an array of strings"},
		{"email", email("to", []any{}), "to must have 1 to 100 items"},
		{"email", email("to", strings.Repeat("a@b.c,", 101)), "to must have 1 to 100 items"},
		{"email", email("to", `["a@example.com",5]`), "to must be a JSON array of strings, or items between commas"},
		{"email", email("to", `["a@example.com"`), "to must be a JSON array of strings, or items between commas"},
		{"email", email("to", `[]`), "to must have 1 to 100 items"},
		{"email", email("to", `["a@example.com",null]`), "to item 2 must not be empty"},
		{"email", email("to", "a@example.com,,"), "to item 2 must not be empty"},
		{"email", email("to", []any{"a@example.com", "nobody"}), "to item 2 must be one bare e-mail address"},
		{"email", email("security", "ssl"), "security must be one of starttls, tls, none"},
		{"email", email("username", nil), "username must be a string"},
		{"email", email("username", ""), "username must not be empty"},
		{"email", email("username", "a\nb"), "username must not contain control characters, or others that can't be seen"},
		{"email", email("username", "a\x00b"), "username must not contain control characters, or others that can't be seen"},
		{"email", email("username", "a\u202eb"), "username must not contain control characters, or others that can't be seen"},
		{"file", object{"path": "a\u2028status   ready"}, "path must not contain control characters, or others that can't be seen"},
		{"email", email("username", "\xff"), "username must be valid UTF-8"},
		{"email", email("username", strings.Repeat("a", 4097)), "username must be at most 4096 bytes"},
		{"file", object{"path": "x", "watch": "yes"}, "watch must be true or false"},
		{"file", object{"path": "x", "watch": 1}, "watch must be true or false"},
		{"discord", object{"guildId": 197038439483310086.0}, "guildId must be a string"},
		{"slack", object{"chanel": "#x"}, "there is no field chanel; slack takes channel, teamId"},
		{"slack", object{"hunter2": "x"}, "a field was given that is not a field name"},
		{"mcp", object{"url": "https://x.example", "command": "npx"}, "exactly one of url, command is required"},
		{"llm", object{"provider": "slack"}, "provider must be the id of a provider"},
		{"webhook", object{"url": "https://u:p@example.com"}, "url looks like a credential"},
		{"cron", object{"timezone": "Mars", "zzz": 1}, "schedule is required; timezone must be an IANA time zone such as Europe/Berlin; there is no field zzz"},
	} {
		got, err := kind(t, row.kind).CheckConfig(row.in, nil)
		if err == nil || !strings.Contains(err.Error(), row.want) || got != nil {
			t.Errorf("%s %v: %v, %v; want %q", row.kind, row.in, got, err, row.want)
			continue
		}
		// Not even a number: it may be a PIN.
		for _, v := range row.in {
			if s := fmt.Sprint(v); len(s) >= 8 && strings.Contains(err.Error(), s) {
				t.Errorf("%s %v: the error contains the value", row.kind, row.in)
			}
		}
	}
}

func TestCheckConfigRefusesCredentials(t *testing.T) {
	token := "ghp_" + strings.Repeat("fake", 9)
	letters := opaque(32, wordLetters[10:]) // in the place of a field's name
	for _, in := range []object{
		{"channel": token}, {token: "#general"}, {"channel": "#general-" + token}, {letters: "#general"},
	} {
		_, err := kind(t, "slack").CheckConfig(in, nil)
		if err == nil || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), letters) {
			t.Errorf("refused: %v", err != nil)
		}
	}
	_, err := kind(t, "mcp").CheckConfig(object{"command": "npx", "args": []any{"--verbose", "--token=" + token}}, nil)
	if err == nil || !strings.Contains(err.Error(), "args item 2 looks like a credential") || strings.Contains(err.Error(), "ghp_") {
		t.Errorf("a credential in an array: %v", err)
	}
}
