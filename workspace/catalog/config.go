package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxString = 4096 // bytes of a string or of one item of an array
	maxItems  = 100  // items of an array
)

// CheckConfig validates the config of a connection of kind k and returns it
// normalised: strings, ints, bools and []string, with the defaults filled in.
// A string is taken for a value of any type, as the command line gives it:
// "5", "true", "a,b". Keys are the vault keys that the connection names, by
// credential field. The error joins every problem in the order of the fields,
// names the field and the rule, and never contains a value.
func (k Kind) CheckConfig(in map[string]any, keys map[string]string) (map[string]any, error) {
	out := make(map[string]any, len(in))
	var problems []string
	for _, f := range k.Config {
		v, given := in[f.Name]
		switch {
		case !given && f.Required:
			problems = append(problems, f.Name+" is required")
			continue
		case !given:
			if v = f.usual(keys); v == "" {
				continue
			}
		}
		clean, err := f.check(v)
		if err != nil {
			problems = append(problems, f.Name+" "+err.Error())
			continue
		}
		out[f.Name] = clean
	}
	problems = append(problems, k.alternatives(in)...)
	problems = append(problems, k.strangers(in)...)
	problems = append(problems, k.breaches(in, out, keys)...)
	if len(problems) > 0 {
		return nil, errors.New("config: " + strings.Join(problems, "; "))
	}
	return out, nil
}

func (k Kind) alternatives(in map[string]any) (problems []string) {
	for _, names := range k.ExactlyOne {
		given := 0
		for _, name := range names {
			if _, ok := in[name]; ok {
				given++
			}
		}
		if given != 1 {
			problems = append(problems, "exactly one of "+strings.Join(names, ", ")+" is required")
		}
	}
	return problems
}

// strangers reports the fields that k does not have. A name is echoed only if
// it can't be a value that was put in the name's place.
func (k Kind) strangers(in map[string]any) (problems []string) {
	names := make([]string, 0, len(k.Config))
	for _, f := range k.Config {
		names = append(names, f.Name)
	}
	fieldName := regexp.MustCompile(`^[A-Za-z][A-Za-z_-]{0,31}$`)
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if slices.Contains(names, name) {
			continue
		}
		what := "a field was given that is not a field name"
		if fieldName.MatchString(name) && !LooksLikeCredential(name) && !LooksOpaque(name) {
			what = "there is no field " + name
		}
		problems = append(problems, what+"; "+k.Kind+" takes "+strings.Join(names, ", "))
	}
	return problems
}

// check returns v as a value of f's type. Its error continues "FIELD …".
func (f Field) check(v any) (any, error) {
	switch f.Type {
	case "integer":
		return f.checkInteger(v)
	case "boolean":
		return checkBoolean(v)
	case "array":
		return f.checkArray(v)
	}
	s, ok := v.(string)
	if !ok {
		return nil, errors.New("must be a string")
	}
	if err := f.checkString("", s); err != nil {
		return nil, err
	}
	return s, nil
}

// checkString checks s, which in an array follows after before: that may be
// the flag that says what s is.
func (f Field) checkString(before, s string) error {
	switch {
	case s == "":
		return errors.New("must not be empty")
	case len(s) > maxString:
		return fmt.Errorf("must be at most %d bytes", maxString)
	case !utf8.ValidString(s):
		return errors.New("must be valid UTF-8")
	case strings.ContainsFunc(s, isUnseen): // an agent wrote it, and a person looks at it
		return errors.New("must not contain control characters, or others that can't be seen")
	case LooksLikeCredential(s):
		return errPasted
	case f.Format != "email" && f.Format != "path" && (holdsNamedValue(s) || namedByFlag(before, s)):
		return errNamed
	case f.mayNotBeOpaque() && !namesIdentifier(before) && isOpaqueValue(s):
		return errOpaque
	case len(f.Enum) > 0 && !slices.Contains(f.Enum, s):
		return errors.New("must be one of " + strings.Join(f.Enum, ", "))
	}
	return checkFormat(f.Format, s)
}

// A credential that stands in a config is one of these. Neither text depends
// on it.
var (
	errPasted = errors.New("looks like a credential: it must be stored in the vault and named by its key (rotate it if others may have seen it)")
	errOpaque = errors.New("looks like a credential: store it in the vault and name its key (--vault-key), or write ${vault:NAME} in its place (rotate it if others may have seen it)")
	errNamed  = errors.New("gives a value to something that is named as a credential: store that in the vault and name its key (--vault-key), or write ${vault:NAME} in its place (rotate it if others may have seen it)")
)

// mayNotBeOpaque reports whether f is none of the fields that hold an id of
// the service's own making, or a name that a machine may have made.
func (f Field) mayNotBeOpaque() bool {
	switch f.Format {
	case "email", "hostname", "linear-team", "pagerduty-id", "s3-bucket", "slack-channel", "slack-team", "snowflake", "stripe-account", "twilio-messaging-service":
		return false
	}
	return true
}

func (f Field) checkInteger(v any) (any, error) {
	n, err := integer(v)
	if err != nil {
		return nil, err
	}
	if f.Min != nil && n < *f.Min {
		return nil, fmt.Errorf("must be at least %d", *f.Min)
	}
	if f.Max != nil && n > *f.Max {
		return nil, fmt.Errorf("must be at most %d", *f.Max)
	}
	return n, nil
}

func integer(v any) (int, error) {
	notOne := errors.New("must be an integer")
	switch v := v.(type) {
	case int:
		return v, nil
	case float64:
		// Beyond 2^53 a float64 no longer says which integer was meant.
		if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
			return 0, notOne
		}
		return int(v), nil
	case json.Number:
		return integer(string(v))
	case string:
		n, err := strconv.Atoi(v)
		if err != nil || strconv.Itoa(n) != v {
			return 0, notOne
		}
		return n, nil
	}
	return 0, notOne
}

func checkBoolean(v any) (any, error) {
	switch v {
	case true, "true":
		return true, nil
	case false, "false":
		return false, nil
	}
	return nil, errors.New("must be true or false")
}

func (f Field) checkArray(v any) (any, error) {
	var items []string
	switch v := v.(type) {
	case string:
		var err error
		if items, err = f.Items(v); err != nil {
			return nil, err
		}
	case []string:
		items = slices.Clone(v)
	case []any:
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, errors.New("must be an array of strings")
			}
			items = append(items, s)
		}
	default:
		return nil, errors.New("must be an array of strings")
	}
	if len(items) == 0 || len(items) > maxItems {
		return nil, fmt.Errorf("must have 1 to %d items", maxItems)
	}
	before := ""
	for i, item := range items {
		if err := f.checkString(before, item); err != nil {
			return nil, fmt.Errorf("item %d %w", i+1, err)
		}
		before = item
	}
	return items, nil
}

// Items returns the items of a list as a person types it: a JSON array of
// strings, or items between commas.
func (f Field) Items(s string) ([]string, error) {
	var items []string
	if strings.HasPrefix(strings.TrimSpace(s), "[") {
		if json.Unmarshal([]byte(s), &items) != nil {
			return nil, errors.New("must be a JSON array of strings, or items between commas")
		}
		return items, nil
	}
	for item := range strings.SplitSeq(s, ",") {
		items = append(items, strings.TrimSpace(item))
	}
	return items, nil
}
