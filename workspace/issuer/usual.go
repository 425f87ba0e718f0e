package issuer

import (
	"encoding/json"
	"slices"
	"strings"

	"example.com/akos/workspace"
)

// usual returns the claims of a token with those that the operator has named
// under their usual names, in the place of what is there: so all that is asked
// of a claim is asked of these. What is no object stays as it is.
func (v *Verifier) usual(token []byte) []byte {
	names := workspace.DefaultClaims()
	var all map[string]json.RawMessage
	if v.Claims.User == nil && v.Claims.Tenant == nil && v.Claims.Tenants == nil || json.Unmarshal(token, &all) != nil {
		return token
	}
	out := map[string]json.RawMessage{}
	for name, value := range all {
		out[name] = value
	}
	for _, c := range []struct{ named, usual []string }{
		{v.Claims.User, names.User}, {v.Claims.Tenant, names.Tenant}, {v.Claims.Tenants, names.Tenants},
	} {
		if c.named == nil {
			continue
		}
		for name := range out { // in any case: the decoder would take it
			if slices.ContainsFunc(c.usual, func(u string) bool { return strings.EqualFold(u, name) }) {
				delete(out, name)
			}
		}
		for _, name := range c.named {
			if value, ok := all[name]; ok {
				out[c.usual[0]] = value
				break
			}
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil // it was JSON a moment ago; nothing is no claims
	}
	return b
}
