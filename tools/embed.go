package tools

import (
	_ "embed"
	"encoding/json"
	"sync"
)

// schemasJSON holds for each tool of an agent what [define] infers from its
// types: inferring and encoding it anew would triple the time in which a
// server starts. go generate writes it, and a test compares.
//
//go:embed schemas.json
var schemasJSON []byte

// Schemas are the schemas of one tool, encoded.
type Schemas struct {
	In  json.RawMessage `json:"in"`
	Out json.RawMessage `json:"out"`
}

var embedded = sync.OnceValue(func() map[string]Schemas {
	m := map[string]Schemas{}
	if err := json.Unmarshal(schemasJSON, &m); err != nil {
		panic("tools: schemas.json: " + err.Error())
	}
	return m
})

// Encoded returns the schemas of t for an agent, as tools/list shows them.
func (t *Tool) Encoded() Schemas { return embedded()[t.ID()] }

// GenerateSchemas returns the content of schemas.json.
func GenerateSchemas() ([]byte, error) {
	m := map[string]Schemas{}
	for _, t := range Catalog() {
		if t.CLIOnly != "" {
			continue
		}
		in, err := json.Marshal(t.In(true))
		if err != nil {
			return nil, err
		}
		out, err := json.Marshal(t.Out())
		if err != nil {
			return nil, err
		}
		m[t.ID()] = Schemas{in, out}
	}
	b, err := json.Marshal(m)
	return append(b, '\n'), err
}
