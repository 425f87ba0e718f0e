package clientconfig

import (
	"bytes"
	"slices"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// A tomlDoc says where a TOML file has our entry.
type tomlDoc struct {
	path      []string
	command   *tomlPair // nil: not there
	args      *tomlPair
	spans     []span               // of the elements of args
	env       map[string]*tomlPair // the variables
	lastEnv   *tomlPair            // the last of them
	emptyEnv  *tomlPair            // env = {}
	envHeader int                  // offset in the line of [mcp_servers.akos.env]; 0: none
	header    int                  // offset in the line of [mcp_servers.akos]; 0: none
	remote    int                  // line of a url in the entry; 0: none
	first     int                  // line of the first thing that belongs to the entry; 0: none
	closed    int                  // line of the inline table that holds all servers; 0: none
}

// found reports whether the entry exists, in a form of its own. Only tables
// below it, such as [mcp_servers.akos.env], don't count: the entry's own table
// may still be added.
func (d *tomlDoc) found() bool { return d.first > 0 }

// A tomlPair is one key = value in a file.
type tomlPair struct {
	start, name int // offsets of the key and of its last part
	value, end  int
	inline      bool // inside an inline table
}

// decoded returns the value as go-toml decodes it.
func (p *tomlPair) decoded(src []byte) any {
	doc := map[string]any{}
	_ = toml.Unmarshal(append([]byte("v = "), src[p.value:p.end]...), &doc) // it was decoded before
	return doc["v"]
}

// sibling returns the splice that adds text, a pair, behind p in the same
// table.
func (p *tomlPair) sibling(src []byte, nl, text string) splice {
	text = string(src[p.start:p.name]) + text // the dotted part of the key
	if p.inline {
		return splice{p.end, p.end, ", " + text}
	}
	at := lineEnd(src, p.end)
	indent := src[bytes.LastIndexByte(src[:p.start], '\n')+1 : p.start]
	return splice{at, at, nl + string(indent) + text}
}

// scanTOML finds the entry at path in src, which is valid.
func scanTOML(src []byte, path []string) (*tomlDoc, *refusal) {
	doc := &tomlDoc{path: path, env: map[string]*tomlPair{}}
	var table []string
	var p unstable.Parser
	p.Reset(src)
	for p.NextExpression() {
		node := p.Expression()
		keys := keysOf(node)
		switch node.Kind {
		case unstable.Table:
			table = keys.names
			switch {
			case slices.Equal(table, path):
				doc.header = keys.end
				doc.touch(src, keys.end)
			case doc.isEnv(table, 0):
				doc.envHeader = keys.end
			}
		case unstable.ArrayTable:
			table = keys.names
			if related(table, path) {
				return nil, unsafeForm(lineAt(src, keys.end))
			}
		case unstable.KeyValue:
			if r := doc.pair(src, node, table, false); r != nil {
				return nil, r
			}
		}
	}
	if p.Error() != nil {
		return nil, unsafeForm(0)
	}
	return doc, nil
}

// pair looks at one key = value below the table at prefix, and into inline
// tables.
func (d *tomlDoc) pair(src []byte, node *unstable.Node, prefix []string, inline bool) *refusal {
	keys := keysOf(node)
	name := slices.Concat(prefix, keys.names)
	if !related(name, d.path) {
		return nil
	}
	start := int(node.Raw.Offset)
	pair := &tomlPair{start: start, name: keys.last, end: start + int(node.Raw.Length), inline: inline}
	pair.value = keys.end + bytes.IndexByte(src[keys.end:], '=') + 1
	for src[pair.value] == ' ' || src[pair.value] == '\t' {
		pair.value++
	}
	value := node.Value()
	isTable := value.Kind == unstable.InlineTable

	switch rest := len(name) - len(d.path); {
	case rest <= 0 && !isTable:
		return refuse(lineAt(src, start), d.path[0]+" is not a table")
	case rest < 0:
		d.closed = lineAt(src, start)
	case rest == 0:
		d.touch(src, start)
	case len(prefix) <= len(d.path):
		d.touch(src, start) // in the entry's own table, or through a dotted key from above
	}
	if len(name) == len(d.path)+1 {
		switch name[len(name)-1] {
		case "command":
			d.command = pair
		case "args":
			d.args = pair
			for it := value.Children(); value.Kind == unstable.Array && it.Next(); {
				if elem := it.Node(); elem.Kind != unstable.Comment {
					start := int(elem.Raw.Offset)
					d.spans = append(d.spans, span{start, start + int(elem.Raw.Length)})
				}
			}
		case "url":
			d.remote = lineAt(src, start)
		case "env":
			if children := value.Children(); isTable && !children.Next() {
				d.emptyEnv = pair
			}
		}
	}
	if d.isEnv(name, 1) {
		d.env[name[len(name)-1]], d.lastEnv = pair, pair
	}
	if isTable {
		for it := value.Children(); it.Next(); {
			if child := it.Node(); child.Kind == unstable.KeyValue {
				if r := d.pair(src, child, name, true); r != nil {
					return r
				}
			}
		}
	}
	return nil
}

// isEnv reports whether name is that of the entry's environment, or of
// something depth levels below it.
func (d *tomlDoc) isEnv(name []string, depth int) bool {
	n := len(d.path)
	return len(name) == n+1+depth && slices.Equal(name[:n], d.path) && name[n] == "env"
}

func (d *tomlDoc) touch(src []byte, offset int) {
	if d.first == 0 {
		d.first = lineAt(src, offset)
	}
}

// related reports whether one of a and b starts with the other.
func related(a, b []string) bool {
	n := min(len(a), len(b))
	return slices.Equal(a[:n], b[:n])
}

// A tomlKey is a dotted key: its parts, and the offsets of its last part and
// of its end.
type tomlKey struct {
	names     []string
	last, end int
}

func keysOf(node *unstable.Node) (k tomlKey) {
	if node.Kind == unstable.Comment {
		return k
	}
	for it := node.Key(); it.Next(); {
		part := it.Node()
		k.names = append(k.names, string(part.Data))
		k.last = int(part.Raw.Offset)
		k.end = k.last + int(part.Raw.Length)
	}
	return k
}
