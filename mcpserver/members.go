package mcpserver

import (
	"bytes"
	"encoding/json"
)

// names are the members by which a message is answered. The decoder takes any
// spelling of them, and of two the last one.
var names = [][]byte{
	[]byte("jsonrpc"), []byte("id"), []byte("method"), []byte("params"), []byte("result"), []byte("error"),
	[]byte("name"), []byte("arguments"), []byte("task"), []byte("uri"), []byte("_meta"), []byte("inputResponses"), []byte("requestState"),
}

// maxMembers bounds the members of an object in which oneReading looks: it
// compares each with all before it.
const maxMembers = 100

// oneReading reports whether whoever reads a message, which is valid JSON,
// reads the same in it: a guard between a client and this server sees the tool
// that is called. Neither the message, its params nor their _meta may have a
// member twice, in whatever case, nor one of names in another case, nor more
// than maxMembers. The arguments of a tool have a check of their own.
func oneReading(message []byte) bool {
	var seen [3][][]byte // names of members by depth: of the message, the params, the _meta
	depth := 0           // of objects and arrays; 1 in the message
	looked := 0          // to which depth members are looked at here
	for i := 0; i < len(message); i++ {
		switch message[i] {
		case '{', '[':
			if depth++; depth == looked+1 && depth <= len(seen) && message[i] == '{' && leads(seen[:looked]) {
				looked = depth
				seen[depth-1] = seen[depth-1][:0]
			}
		case '}', ']':
			if looked == depth {
				looked--
			}
			depth--
		case '"':
			end := i + 1
			for ; message[end] != '"'; end++ {
				if message[end] == '\\' {
					end++
				}
			}
			text := message[i+1 : end]
			i = end
			rest := bytes.TrimLeft(message[end+1:], " \t\r\n")
			if depth != looked || len(rest) == 0 || rest[0] != ':' {
				continue
			}
			if bytes.IndexByte(text, '\\') >= 0 {
				var plain string
				_ = json.Unmarshal(message[end-len(text)-1:end+1], &plain) // it was decoded before
				text = []byte(plain)
			}
			if len(seen[depth-1]) == maxMembers {
				return false
			}
			for _, other := range seen[depth-1] {
				if bytes.EqualFold(other, text) {
					return false
				}
			}
			for _, name := range names {
				if bytes.EqualFold(name, text) && !bytes.Equal(name, text) {
					return false
				}
			}
			seen[depth-1] = append(seen[depth-1], text)
		}
	}
	return true
}

// leads reports whether the last members of these levels lead to an object
// whose members are looked at.
func leads(levels [][][]byte) bool {
	for i, want := range []string{"params", "_meta"} {
		if i < len(levels) && string(levels[i][len(levels[i])-1]) != want {
			return false
		}
	}
	return true
}
