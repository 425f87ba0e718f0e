// Package catalog holds what akos knows about services: the providers whose
// keys can be stored, the kinds of connection that can be made with them, and
// what a credential looks like.
//
// It does not know vaults, workspaces, connections that exist or how anything
// is printed, and reads nothing but the two data files embedded in it and the
// machine's time zones. To add a service is to edit a data file.
//
// Invariant: no error of this package contains a value that was given to it.
// It names the field and the rule.
package catalog

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

//go:embed providers.json
var providersJSON []byte

//go:embed kinds.json
var kindsJSON []byte

// The files are decoded at first use and not before: most commands, such as
// "akos version", need neither. They are checked in full by the tests, not
// here, so that a command which lists providers compiles no regexp.
var (
	providers = sync.OnceValue(func() []Provider { return must(decodeProviders(providersJSON)) })
	kinds     = sync.OnceValue(func() []Kind { return must(decodeKinds(kindsJSON)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("catalog: embedded data: %v", err))
	}
	return v
}

// decode reads exactly one JSON value into v and refuses fields it does not
// know: a misspelt field would otherwise silently mean nothing.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		// The decoder's own text quotes names and values of the file.
		wrongType := (*json.UnmarshalTypeError)(nil)
		if errors.As(err, &wrongType) {
			return errors.New("a value is of the wrong type")
		}
		return errors.New("it is no JSON, or a field is unknown")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after the end of the JSON value")
	}
	return nil
}

// filled returns s, or an empty slice for nil, so that it encodes as [].
func filled[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
