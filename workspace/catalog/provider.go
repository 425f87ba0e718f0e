package catalog

import (
	"regexp"
	"slices"
	"strings"
)

// A Provider is a service that gives out keys, or a local one that needs none.
type Provider struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"` // one of ProviderKinds

	// RequiredKeys and OptionalKeys are the names of the environment
	// variables that the vendor's own tools read.
	RequiredKeys []string `json:"requiredKeys"`
	OptionalKeys []string `json:"optionalKeys"`

	Cloud       bool     `json:"cloud"`       // false: reachable behind an air gap
	DocsURL     string   `json:"docsUrl"`     // where to get the key; "" if there is no public page
	Unlocks     string   `json:"unlocks"`     // one short sentence: what the key makes possible
	Scopes      []string `json:"scopes"`      // the least permissions to ask for, in the vendor's words
	Connections []string `json:"connections"` // the connection kinds it serves

	// Shapes maps a key to the RE2 regexp of its valid values. A key whose
	// shape the vendor neither documents nor visibly fixes is not in it.
	Shapes map[string]string `json:"shapes,omitempty"`
}

// ProviderKinds returns the kinds of provider.
func ProviderKinds() []string { return []string{"llm", "integration", "marketplace", "local"} }

// Providers returns every provider in the order of the catalog. The slice is
// the caller's; what the providers in it point to is shared and not to be
// modified.
func Providers() []Provider { return slices.Clone(providers()) }

// LookupProvider returns the provider whose id is id.
func LookupProvider(id string) (Provider, bool) {
	return find(providers(), func(p Provider) bool { return p.ID == id })
}

// ProviderForKey returns the first provider that requires the key envName or,
// if none does, the first that takes it. The case of letters does not matter,
// as it does not in references to the vault.
func ProviderForKey(envName string) (Provider, bool) {
	named := func(key string) bool { return strings.EqualFold(key, envName) }
	if p, ok := find(providers(), func(p Provider) bool { return slices.ContainsFunc(p.RequiredKeys, named) }); ok {
		return p, true
	}
	return find(providers(), func(p Provider) bool { return slices.ContainsFunc(p.OptionalKeys, named) })
}

func find[T any](in []T, is func(T) bool) (T, bool) {
	if i := slices.IndexFunc(in, is); i >= 0 {
		return in[i], true
	}
	var zero T
	return zero, false
}

// FitsShape reports whether value, all of it, has the shape of p's key, and
// whether that shape is known at all. A value of an unknown shape does not fit.
func (p Provider) FitsShape(key string, value []byte) (fits, known bool) {
	for name, shape := range p.Shapes {
		if !strings.EqualFold(name, key) {
			continue
		}
		// Anchored here too, so that ^a|b$ can't mean what it says.
		re, err := regexp.Compile(`\A(?:` + shape + `)\z`)
		if err != nil {
			return false, false
		}
		return re.Match(value), true
	}
	return false, false
}
