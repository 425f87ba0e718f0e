//go:build linux

package canary

import (
	"crypto/rand"
	"strings"
)

// values are the canaries that the tests give to akos, new ones in each run.
var values = newValues()

type canaries struct {
	text       canary // characters that an encoding may change, and a line end
	line       canary // the same, in one line
	token      canary // letters and digits
	binary     canary // NUL, and what is no UTF-8
	long       canary // 4217 bytes
	vendor     canary // what looks like a provider's token; visibly a fake
	passphrase canary // of a file backend
	systemd    canary // the credential of a service
	password   canary // of the account ada
	second     canary // of the account bob
	third      canary // a password that is no account's
}

// name is no secret: a random name, for the places where a name belongs. It
// looks like no credential.
var name = "Nm" + random(22)

const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// edge returns four characters that no word, date or number holds.
func edge() string {
	pick := func(from string) string { return string(from[int(random(1)[0])%len(from)]) }
	return pick("qxzjkvw") + pick("23456789") + pick("QXZJKVW") + pick("qxzjkvw")
}

// spaced returns n characters with one of special after every second one.
func spaced(n int, special string) string {
	var b strings.Builder
	for i, r := range []rune(special + special) {
		b.WriteString(random(2))
		b.WriteRune(r)
		if i > n {
			break
		}
	}
	return b.String()
}

func newValues() canaries {
	blob := make([]byte, 64)
	rand.Read(blob)
	blob[7], blob[20], blob[21], blob[50] = 0, 0xff, 0xfe, 0x80
	copy(blob[30:], random(16)) // seen also by what drops the rest
	const special = "<>&\"'\\%+/=$`{}#; "
	return canaries{
		text:       canary{name: "text", value: []byte(edge() + spaced(40, special+"\n\tключ☃é") + edge()), edges: true},
		line:       canary{name: "line", value: []byte(edge() + spaced(24, "<>&\"\\%+/=$ключ☃") + edge()), edges: true},
		token:      canary{name: "token", value: []byte(edge() + random(28) + edge()), edges: true},
		binary:     canary{name: "binary", value: blob},
		long:       canary{name: "long", value: []byte(edge() + random(4217-8) + edge()), edges: true, sized: true},
		vendor:     canary{name: "vendor", value: []byte("sk-ant-" + "api03-" + "FAKE" + random(48)), public: len("sk-ant-api03-FAKE")},
		passphrase: canary{name: "passphrase", value: []byte(edge() + " " + random(20) + " " + edge()), edges: true},
		systemd:    canary{name: "systemd credential", value: []byte(edge() + random(40) + edge()), edges: true},
		password:   canary{name: "password", value: []byte(edge() + spaced(16, "<>&\"\\%+/=$ключ☃") + edge()), edges: true},
		second:     canary{name: "second password", value: []byte(edge() + " " + random(16) + " " + edge()), edges: true},
		third:      canary{name: "third password", value: []byte(edge() + random(20) + edge()), edges: true},
	}
}

func (v canaries) all() []canary {
	return []canary{v.text, v.line, v.token, v.binary, v.long, v.vendor, v.passphrase, v.systemd, v.password, v.second, v.third}
}
