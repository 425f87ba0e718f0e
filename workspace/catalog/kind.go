package catalog

import "slices"

// A Kind is a kind of connection: the credentials and the config it takes.
type Kind struct {
	Kind        string       `json:"kind"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	DocsURL     string       `json:"docsUrl,omitempty"`
	Auth        string       `json:"auth"`        // required | optional | none
	Credentials []Credential `json:"credentials"` // a bare vault key fills the first
	Config      []Field      `json:"config"`
	ExactlyOne  [][]string   `json:"exactlyOne,omitempty"` // of each list of fields, one must be given
	Rules       []Rule       `json:"rules,omitempty"`
}

// A Rule is what the fields of a connection, and the credential fields beside
// them, owe to each other.
type Rule struct {
	// When says for which connections the rule is: those that have one of the
	// values in each of these fields; * is any. Defaults count.
	When  map[string][]string `json:"when,omitempty"`
	Need  []string            `json:"need,omitempty"`  // one of these must be given
	Never []string            `json:"never,omitempty"` // none of these may be
	Say   string              `json:"say"`             // the error
}

// A Credential is a value that a connection needs and that only a vault
// holds: the connection names its key.
type Credential struct {
	Field       string   `json:"field"`
	Required    bool     `json:"required"`
	Description string   `json:"description"`
	Keys        []string `json:"keys"` // the names such a key usually has, such as SLACK_BOT_TOKEN
}

// A Field is one field of a connection's config.
type Field struct {
	Name        string   `json:"name"`
	Type        string   `json:"type"` // string | integer | boolean | array (of strings)
	Format      string   `json:"format,omitempty"`
	Description string   `json:"description"`
	Required    bool     `json:"required"`
	Enum        []string `json:"enum,omitempty"`
	Default     string   `json:"default,omitempty"` // as a person would type it, whatever the type
	Min         *int     `json:"min,omitempty"`     // of an integer
	Max         *int     `json:"max,omitempty"`
	Example     string   `json:"example,omitempty"`
}

// Kinds returns every kind of connection in the order of the catalog. The
// slice is the caller's; what the kinds in it point to is shared and not to be
// modified.
func Kinds() []Kind { return slices.Clone(kinds()) }

// LookupKind returns the kind of connection called kind.
func LookupKind(kind string) (Kind, bool) {
	return find(kinds(), func(k Kind) bool { return k.Kind == kind })
}

// KindNames returns the name of every kind of connection in the order of the
// catalog.
func KindNames() []string {
	names := make([]string, 0, len(kinds()))
	for _, k := range kinds() {
		names = append(names, k.Kind)
	}
	return names
}
