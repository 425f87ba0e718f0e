package main

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"html"
	"net/url"
	"slices"
	"strings"
)

// A leak is one way in which this server tells a value, and by what the judge
// has to know it.
type leak struct {
	Name  string `json:"name"`
	Where string `json:"where"` // a part of where it is found
	What  string `json:"what"`  // a part of what is found
	place string
	form  func(v string) string
}

// over returns the transport with which a leak is shown.
func (l leak) over() string {
	if strings.HasPrefix(l.place, "http ") {
		return "http"
	}
	return "stdio"
}

func raw(v string) string { return v }

// leaks are all of them. In the answers of show a value is in the text, unless
// the place says otherwise.
var leaks = slices.Concat(places, heads, forms, behaviours)

// places are where a value can come out.
var places = []leak{
	{"instructions", "initialize: answer", "raw", "instructions", raw},
	{"description of a tool", "tools/list: answer", "raw", "tools", raw},
	{"text", "show: answer", "raw", "text", raw},
	{"structured content", "show: answer", "raw", "structured", raw},
	{"_meta", "show: answer", "raw", "meta", raw},
	{"name of a member", "show: answer", "raw", "member", raw},
	{"error of a tool", "fail: answer", "raw", "error", raw},
	{"JSON-RPC error", "no/such: answer", "raw", "rpc", raw},
	{"data of a JSON-RPC error", "no/such: answer", "raw", "data", raw},
	{"panic", "panic: answer", "raw", "panic", raw},
	{"log message", "notifications/message", "raw", "log", raw},
	{"progress", "notifications/progress", "raw", "progress", raw},
	{"late message", "the end", "raw", "late", raw},
	{"question to the client", "request elicitation/create", "raw", "elicit", raw},
	{"resource", "resources/read", "raw", "resource", raw},
	{"blob of a resource", "resources/read", "base64 at 0", "blob", raw},
	{"name of a resource", "resources/list", "raw", "resources", raw},
	{"prompt", "prompts/get", "raw", "prompt", raw},
	{"completion", "completion/complete", "raw", "completion", raw},
	{"page", "GET", "raw", "page", raw},
	{"header of a page", "GET", "raw", "header", raw},
	{"refused form", "POST", "raw", "form", raw},
	{"standard error", "stderr", "raw", "stderr", raw},
}

// heads are where a value can come out over HTTP alone: their places say so.
var heads = []leak{
	{"header", "show: head", "raw", "http header", raw},
	{"name of a header", "show: head", "lower case", "http name", raw},
	{"comment of a stream", "show: head", "raw", "http comment", raw},
	{"body of a refusal", "the end", "raw", "http refusal", raw},
	{"token of the client", "show: head", "token of ada as raw", "http token", raw},
	{"a few characters in each header", "split", "raw", "http split", raw},
	{"status that tells whether a guess is right", "compare", "differ", "http status", raw},
}

// forms are what a value can look like.
var forms = []leak{
	{"base64 at 0", "show: answer", "base64 at 0", "text", b64(0)},
	{"base64 at 1", "show: answer", "base64 at 1", "text", b64(1)},
	{"base64 at 2", "show: answer", "base64 at 2", "text", b64(2)},
	{"base64 for URLs", "show: answer", "base64", "text", func(v string) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) }},
	{"base64 twice", "show: answer", "base64", "text", func(v string) string { return b64(1)(b64(2)(v)) }},
	{"base64 of gzip", "show: answer", "raw", "text", zipped},
	{"base32", "show: answer", "base32", "text", func(v string) string { return base32.StdEncoding.EncodeToString([]byte(v)) }},
	{"hex", "show: answer", "hex", "text", func(v string) string { return hex.EncodeToString([]byte(v)) }},
	{"hex with colons", "show: answer", "HEX:", "text", func(v string) string { return strings.ReplaceAll(fmt.Sprintf("% X", v), " ", ":") }},
	{"hex of base64", "show: answer", "base64", "text", func(v string) string { return hex.EncodeToString([]byte(b64(0)(v))) }},
	{"decimal", "show: answer", "decimal", "text", func(v string) string { return fmt.Sprint([]byte(v)) }},
	{"reversed", "show: answer", "reversed", "text", func(v string) string { b := []byte(v); slices.Reverse(b); return string(b) }},
	{"rot13", "show: answer", "rot13", "text", func(v string) string { return strings.Map(rot13, v) }},
	{"upper case", "show: answer", "upper case", "text", strings.ToUpper},
	{"lower case", "show: answer", "lower case", "text", strings.ToLower},
	{"escaped for URLs", "show: answer", "raw", "text", func(v string) string { return url.QueryEscape("a b=" + v) }},
	{"each byte escaped for URLs", "show: answer", "%XX", "text", func(v string) string { return each(v, "%%%02X") }},
	{"entities", "show: answer", "raw", "text", func(v string) string { return each(v, "&#%d;") }},
	{"escaped as HTML", "show: answer", "raw", "text", func(v string) string { return html.EscapeString("<" + v + ">") }},
	{`\u escapes`, "show: answer", "raw", "json", func(v string) string { return each(v, `\u%04x`) }},
	{"JSON in JSON in JSON", "show: answer", "raw", "text", func(v string) string { return quote(quote(each(v, `\u%04x`))) }},
	{"UTF-16", "show: answer", "UTF-16", "text", func(v string) string { return each(v, "%c\x00") }},
	{"middle", "show: answer", "raw", "text", func(v string) string { return "…" + v[12:20] + "…" }},
	{"first four", "show: answer", "first four", "text", func(v string) string { return v[:4] + "…" }},
	{"last four", "show: answer", "last four", "text", func(v string) string { return "…" + v[len(v)-4:] }},
	{"SHA-256", "show: answer", "SHA-256", "text", func(v string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(v))) }},
	{"start of SHA-256", "show: answer", "SHA-256 start", "text", func(v string) string { return fmt.Sprintf("%.4x", sha256.Sum256([]byte(v))) }},
	{"MD5", "show: answer", "MD5", "text", func(v string) string { return fmt.Sprintf("%x", md5.Sum([]byte(v))) }},
	{"CRC-32", "show: answer", "CRC-32", "text", func(v string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(v))) }},
	{"length", "show: answer", "length", "length", nil},
	{"a character at a time, in a list", "split", "raw", "list", raw},
	{"a few characters in each message", "split", "raw", "split", raw},
}

// behaviours tell a value by what the server does with what it is given.
var behaviours = []leak{
	{"echo of an argument", "tools/call", "vendor as raw", "echo", nil},
	{"takes a credential as an argument", "spray", "is not refused", "takes", nil},
	{"says whether a guess is right", "compare", "differ", "equal", nil},
	{"says whether a guess begins it", "compare", "differ", "prefix", nil},
	{"says whether a guess is as long", "compare", "differ", "measure", nil},
	{"says whether a guess is right but for its case", "compare", "differ", "fold", nil},
	{"does as it is told by a name", "show: answer", "raw", "obeys", nil},
}

// b64 returns an encoder that puts n bytes before the value.
func b64(n int) func(string) string {
	return func(v string) string { return base64.StdEncoding.EncodeToString([]byte("xyz"[:n] + v)) }
}

func zipped(v string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(v)) // into memory
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func each(v, format string) string {
	var b strings.Builder
	for _, c := range []byte(v) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

func rot13(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return 'a' + (r-'a'+13)%26
	case r >= 'A' && r <= 'Z':
		return 'A' + (r-'A'+13)%26
	}
	return r
}
