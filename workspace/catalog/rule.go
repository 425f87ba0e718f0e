package catalog

import (
	"fmt"
	"maps"
	"slices"
)

// breaches reports the rules of k that a config and its keys break: in as it
// was given, out as it was understood.
func (k Kind) breaches(in, out map[string]any, keys map[string]string) (problems []string) {
	given := func(field string) bool {
		_, config := in[field]
		_, credential := keys[field]
		return config || credential || out[field] != nil
	}
	for _, r := range k.Rules {
		if !r.applies(given, out) {
			continue
		}
		lacks := len(r.Need) > 0 && !slices.ContainsFunc(r.Need, given)
		if lacks || slices.ContainsFunc(r.Never, given) {
			problems = append(problems, r.Say)
		}
	}
	return problems
}

func (r Rule) applies(given func(field string) bool, out map[string]any) bool {
	for field, values := range r.When {
		if !given(field) || !slices.Contains(values, "*") && !slices.Contains(values, fmt.Sprint(out[field])) {
			return false
		}
	}
	return true
}

// usual returns what f has if nobody gives it, or "": the default, or the
// provider whose key the connection names.
func (f Field) usual(keys map[string]string) string {
	if f.Format != "llm-provider" {
		return f.Default
	}
	for _, field := range slices.Sorted(maps.Keys(keys)) {
		if p, ok := ProviderForKey(keys[field]); ok && isModelProvider(p.ID) {
			return p.ID
		}
	}
	return f.Default
}
