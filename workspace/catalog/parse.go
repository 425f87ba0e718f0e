package catalog

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// decodeProviders reads {"providers":[…]}, the form of "akos creds list --json".
func decodeProviders(data []byte) ([]Provider, error) {
	var file struct {
		Providers []Provider `json:"providers"`
	}
	if err := decode(data, &file); err != nil {
		return nil, err
	}
	for i := range file.Providers {
		p := &file.Providers[i]
		p.RequiredKeys, p.OptionalKeys = filled(p.RequiredKeys), filled(p.OptionalKeys)
		p.Scopes, p.Connections = filled(p.Scopes), filled(p.Connections)
	}
	return filled(file.Providers), nil
}

func decodeKinds(data []byte) ([]Kind, error) {
	var file struct {
		Kinds []Kind `json:"kinds"`
	}
	if err := decode(data, &file); err != nil {
		return nil, err
	}
	for i := range file.Kinds {
		k := &file.Kinds[i]
		k.Credentials, k.Config = filled(k.Credentials), filled(k.Config)
		for j := range k.Credentials {
			k.Credentials[j].Keys = filled(k.Credentials[j].Keys)
		}
	}
	return file.Kinds, nil
}

// ParseProviders reads {"providers":[…]} under the rules that hold for the
// embedded catalog, for a workspace's own providers. The first breach is the
// error; it names the provider by its place, the field and the rule.
func ParseProviders(data []byte) ([]Provider, error) {
	ps, err := decodeProviders(data)
	if err != nil {
		return nil, fmt.Errorf("providers: %w", err)
	}
	seen := map[string]bool{}
	for i, p := range ps {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("providers[%d]: %w", i, err)
		}
		if seen[p.ID] {
			return nil, fmt.Errorf("providers[%d]: id must be unique", i)
		}
		seen[p.ID] = true
	}
	return ps, nil
}

func (p Provider) check() error {
	keys := slices.Concat(p.RequiredKeys, p.OptionalKeys)
	texts := []text{{"name", p.Name, 60}, {"unlocks", p.Unlocks, 200}, {"docsUrl", p.DocsURL, 300}}
	for _, s := range p.Scopes {
		texts = append(texts, text{"each of scopes", s, 120})
	}
	for _, t := range texts {
		if err := t.check(); err != nil {
			return err
		}
	}
	envName := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	switch {
	case !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`).MatchString(p.ID):
		return fmt.Errorf("id must be lower-case letters, digits and hyphens")
	case strings.TrimSpace(p.Name) == "":
		return fmt.Errorf("name is required")
	case !slices.Contains(ProviderKinds(), p.Kind):
		return fmt.Errorf("kind must be one of %s", strings.Join(ProviderKinds(), ", "))
	case p.Kind == "local" && p.Cloud:
		return fmt.Errorf("cloud must be false for kind local")
	case p.DocsURL != "" && !isPublicURL(p.DocsURL):
		return fmt.Errorf("docsUrl must be an https URL, or http on loopback")
	case len(slices.Compact(slices.Sorted(slices.Values(keys)))) != len(keys):
		return fmt.Errorf("requiredKeys and optionalKeys must not repeat a key")
	case slices.ContainsFunc(keys, func(k string) bool { return !envName.MatchString(k) || LooksLikeCredential(k) }):
		return fmt.Errorf("requiredKeys and optionalKeys must be names of environment variables")
	case slices.ContainsFunc(p.Connections, func(c string) bool { return !slices.Contains(KindNames(), c) }):
		return fmt.Errorf("connections must be among %s", strings.Join(KindNames(), ", "))
	}
	for key, shape := range p.Shapes {
		if !slices.Contains(keys, key) {
			return fmt.Errorf("shapes must name keys of requiredKeys or optionalKeys")
		}
		if _, err := regexp.Compile(shape); err != nil || !strings.HasPrefix(shape, "^") || !strings.HasSuffix(shape, "$") {
			return fmt.Errorf("shapes: that of %s must be an RE2 regexp between ^ and $", key)
		}
	}
	return nil
}

// A text is shown to people and handed to agents as it is.
type text struct {
	field, value string
	limit        int // bytes
}

func (t text) check() error {
	switch {
	case len(t.value) > t.limit || strings.ContainsFunc(t.value, isUnseen):
		return fmt.Errorf("%s must be one line of printable text of at most %d bytes", t.field, t.limit)
	case LooksLikeCredential(t.value):
		return fmt.Errorf("%s must not hold what looks like a credential", t.field)
	}
	return nil
}

// isUnseen reports whether a text that people judge by its look may not hold
// r: a control character, one that turns the text around, one without a look
// of its own, or what stands for a byte that is no UTF-8.
func isUnseen(r rune) bool {
	const brailleBlank = '\u2800'
	return !unicode.IsPrint(r) || r == utf8.RuneError || r == brailleBlank ||
		unicode.In(r, unicode.Bidi_Control, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// isPublicURL reports whether a person may be sent to s for a key.
func isPublicURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || !isURL(s) {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || strings.EqualFold(u.Hostname(), "localhost") || err == nil && ip.IsLoopback()
}
