package login

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"example.com/akos/workspace"
)

// What can be wrong with the text of an answer. An error of encoding/json is
// never passed on: it quotes what it read.
var (
	errBrokeOff  = errors.New("its JSON breaks off")
	errNotJSON   = errors.New("it is not JSON")
	errTrailing  = errors.New("there is something after its JSON")
	errNotObject = errors.New("it is not a JSON object")
	errTwice     = errors.New("its JSON names a member twice")
)

// An object is a JSON object whose members are taken by their exact names,
// where encoding/json would also take Access_Token for access_token.
type object map[string]json.RawMessage

// parseObject reads exactly one object. A name that comes twice, at any depth,
// fails: two readers could each see another value.
func parseObject(body []byte) (object, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	var whole json.RawMessage
	switch err := d.Decode(&whole); {
	case err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errBrokeOff
	case err != nil || !utf8.Valid(body):
		return nil, errNotJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errTrailing
	}
	if whole[0] != '{' {
		return nil, errNotObject
	}
	if twice(json.NewDecoder(bytes.NewReader(whole))) {
		return nil, errTwice
	}
	o := object{}
	if json.Unmarshal(whole, &o) != nil {
		return nil, errNotObject
	}
	return o, nil
}

// twice reads one value, which is valid, and reports whether an object in it
// has two members of one name. Its depth is bounded by Decode before it.
func twice(d *json.Decoder) bool {
	d.UseNumber()
	token, _ := d.Token()
	open, _ := token.(json.Delim)
	if open == 0 {
		return false
	}
	seen := map[any]bool{}
	for d.More() {
		if open == '{' {
			name, _ := d.Token()
			if seen[name] {
				return true
			}
			seen[name] = true
		}
		if twice(d) {
			return true
		}
	}
	_, _ = d.Token()
	return false
}

// text returns a member that is a string, else "".
func (o object) text(name string) string {
	var s *string
	if json.Unmarshal(o[name], &s) != nil || s == nil {
		return ""
	}
	return *s
}

// secret returns a member that is a string of at most 64 KiB made of what a
// token is made of (RFC 6749 appendix A.12: VSCHAR; a space would end it in a
// header). Anything else is empty.
func (o object) secret(name string) workspace.Secret {
	s := o.text(name)
	if len(s) > 64<<10 {
		return workspace.Secret{}
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return workspace.Secret{}
		}
	}
	return workspace.NewSecret([]byte(s))
}

// texts returns a member that is a list of strings, or one string; else nil.
func (o object) texts(name string) []string {
	var list []string
	if s := o.text(name); s != "" {
		return []string{s}
	}
	if json.Unmarshal(o[name], &list) != nil {
		return nil
	}
	return list
}

// seconds returns a member that is a number of seconds, or one in a string, as
// some servers write it. ok is false if it is something else.
func (o object) seconds(name string) (d time.Duration, given, ok bool) {
	raw := o[name]
	if raw == nil || string(raw) == "null" {
		return 0, false, true
	}
	digits := string(raw)
	if s := o.text(name); s != "" {
		digits = s
	}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsNaN(n) {
		return 0, true, false
	}
	// A time is a number of seconds since 1970, and 200 years don't overflow.
	const most = 200 * 365 * 24 * 3600
	return time.Duration(max(-most, min(n, most))) * time.Second, true, true
}
