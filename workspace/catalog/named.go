package catalog

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// holdsNamedValue reports whether s gives something that is named as a
// credential a value: a query parameter, a flag or variable NAME=VALUE, a
// header "NAME: VALUE", a member of a JSON object.
func holdsNamedValue(s string) bool {
	for i := range len(s) {
		if s[i] != '=' && s[i] != ':' {
			continue
		}
		name, pair := nameBefore(s[:i], s[i] == ':')
		if pair && namesCredential(name) && isValue(valueAfter(s[i+1:], s[i] == ':')) {
			return true
		}
	}
	return false
}

// nameBefore returns the name that s ends in. Before a colon it has to be all
// of s, or what follows a flag, or quoted: host:port and image:tag are no
// headers.
func nameBefore(s string, colon bool) (name string, ok bool) {
	bare := strings.TrimRight(s, " ")
	bare = strings.TrimRight(bare, `"'\`)
	start := len(bare)
	for start > 0 && (isAlnum(bare[start-1]) || strings.IndexByte("_.-[]%", bare[start-1]) >= 0) {
		start--
	}
	quoted := len(bare) < len(s) && start > 0 && strings.IndexByte(`"'`, bare[start-1]) >= 0
	return bare[start:], !colon || quoted || start == 0 || bare[start-1] == '='
}

// valueAfter returns the value that s starts with: of a header the credential
// behind the scheme, else what reaches to the next parameter or blank.
func valueAfter(s string, colon bool) string {
	s = strings.TrimLeft(s, ` "'\`)
	for _, scheme := range []string{"bearer ", "basic ", "token ", "digest "} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			s = strings.TrimLeft(s[len(scheme):], " ")
		}
	}
	if end := strings.IndexAny(s, "&;,\"'\\ \t"); end >= 0 {
		s = s[:end]
	}
	if colon && imageTag().MatchString(s) {
		return ""
	}
	return s
}

// namedByFlag reports whether flag, an argument of its own, says that the next
// argument is a credential, and next is one.
func namedByFlag(flag, next string) bool {
	return strings.HasPrefix(flag, "-") && !strings.Contains(flag, "=") && !strings.HasPrefix(next, "-") &&
		namesCredential(flag) && isValue(next)
}

// The words that a name of a credential ends in. A plural is none of them:
// max_tokens is a number.
var (
	credentialWords = []string{"token", "secret", "password", "passwd", "passphrase", "credential", "credentials", "authorization", "bearer", "signature", "cookie", "jwt",
		"apikey", "accesskey", "secretkey", "privatekey", "authkey", "subscriptionkey"} // also at the end of a longer word: sslpassword
	shortWords = []string{"pass", "pwd", "auth", "sig"} // only as a word of its own

	notKeys    = []string{"public", "primary", "foreign", "partition", "sort", "group", "cache", "object", "hash", "range", "row", "routing", "message", "idempotency", "project", "issue", "team", "space"}
	codesOf    = []string{"", "auth", "authorization", "access", "security", "verification"}
	negations  = []string{"no", "without", "disable", "skip", "max", "min", "num"}
	identifier = []string{"id", "ids", "uuid", "account", "project", "zone", "tenant", "org", "organization", "workspace", "commit", "sha", "hash", "digest", "checksum", "ref", "revision", "fingerprint"}
)

// namesCredential reports whether name, in any spelling, is what a credential
// is called: apiKey, X-Api-Key, --access_token, PGPASSWORD. A name of
// something about one is not: token-url, key_id, public-key, no-auth.
func namesCredential(name string) bool {
	words := nameWords(name)
	if len(words) == 0 || slices.Contains(negations, words[0]) {
		return false
	}
	last, before := words[len(words)-1], ""
	if len(words) > 1 {
		before = words[len(words)-2]
	}
	switch {
	case last == "key":
		return !slices.Contains(notKeys, before)
	case last == "code":
		return slices.Contains(codesOf, before)
	case slices.Contains(shortWords, last):
		return true
	}
	return slices.ContainsFunc(credentialWords, func(w string) bool { return strings.HasSuffix(last, w) })
}

// namesIdentifier reports whether name is what an id or a hash is called, so
// that an opaque value is to be expected.
func namesIdentifier(name string) bool {
	words := nameWords(name)
	return len(words) > 0 && slices.Contains(identifier, words[len(words)-1])
}

// nameWords returns the words of a name in lower case.
func nameWords(name string) (words []string) {
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	for start, end := range runs(name) {
		run := name[start:end]
		from := 0
		for i := 1; i < len(run); i++ {
			if isUpper(run[i]) && (!isUpper(run[i-1]) || i+1 < len(run) && run[i+1] >= 'a') {
				words = append(words, strings.ToLower(run[from:i]))
				from = i
			}
		}
		words = append(words, strings.ToLower(run[from:]))
	}
	return words
}

var (
	// reference is all of a value that names where the true one is, such as
	// ${vault:NAME}, or an ARN.
	reference = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\$\{[A-Za-z_][A-Za-z0-9_.:-]*\}|(arn|op|env|file|ssm|vault):.+)$`)
	})
	imageTag = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(latest|v?\d+(\.\d+)*)(/.*)?$`) })
	keyFile  = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[\w./\\:~-]+\.(pem|key|crt|cer|p12|pfx|jks|json|txt|env|ya?ml|toml|[cm]?js|ts|py)$`)
	})
)

// isValue reports whether v, given to a credential, is its value: not a
// reference, a switch, how to authenticate, or the file it is in.
func isValue(v string) bool {
	switch strings.ToLower(v) {
	case "true", "false", "none", "null", "yes", "no", "on", "off", "auto", "basic", "bearer", "digest", "oauth", "oauth2", "jwt", "iam":
		return false
	}
	return strings.ContainsFunc(v, func(r rune) bool { return r > 0x7f || isAlnum(byte(r)) }) && !reference().MatchString(v) &&
		(LooksOpaque(v) || !isRooted(v) && !keyFile().MatchString(v))
}

// isRooted reports whether s is a path that says so.
func isRooted(s string) bool {
	for _, root := range []string{"/", "./", "../", "~/", `.\`, `..\`, `~\`} {
		if strings.HasPrefix(s, root) {
			return true
		}
	}
	return len(s) > 2 && isAlnum(s[0]) && s[1] == ':' && (s[2] == '\\' || s[2] == '/')
}

// isOpaqueValue reports whether s, a value of a config, is a token without a
// name. In a path or a URL long hex is spared, as are hosts and what is named
// as an id: they are accounts and the hashes of files.
func isOpaqueValue(s string) bool {
	if isRooted(s) {
		return false
	}
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		query, _ := url.QueryUnescape(u.RawQuery)
		return hasOpaqueStretch(u.Path) || hasOpaqueStretch(query)
	}
	if strings.ContainsAny(s, `/\`) {
		return hasOpaqueStretch(s)
	}
	if name, _, pair := strings.Cut(s, "="); pair && namesIdentifier(name) {
		return false
	}
	return LooksOpaque(s)
}
