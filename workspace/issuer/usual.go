package issuer

import (
	"encoding/json"
	"slices"

	"example.com/akos/workspace"
)

// read are the members that are read of a token, and of an answer about one.
var read = []string{"sub", "tenant_id", "tid", "org_id", "organization_id", "tenants", "scope", "scp", "active", "exp", "iss", "aud", "error"}

// usual returns the claims of a token with those that the operator has named
// under their usual names, in the place of what is there: so all that is asked
// of a claim is asked of these. What is written in another case is another
// claim, which may be its user's to choose, and is left out: the decoder would
// take it. What is no object stays as it is.
func (v *Verifier) usual(token []byte) []byte {
	names := workspace.DefaultClaims()
	var all map[string]json.RawMessage
	if json.Unmarshal(token, &all) != nil {
		return token
	}
	out := map[string]json.RawMessage{}
	for name, value := range all {
		if slices.Contains(read, name) {
			out[name] = value
		}
	}
	for _, c := range []struct{ named, usual []string }{
		{v.Claims.User, names.User}, {v.Claims.Tenant, names.Tenant}, {v.Claims.Tenants, names.Tenants},
	} {
		if c.named == nil {
			continue
		}
		for _, name := range c.usual {
			delete(out, name)
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
