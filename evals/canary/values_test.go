//go:build linux

package canary

import (
	"crypto/rand"

	"example.com/akos/evals/internal/search"
)

// values are the canaries that the tests give to akos, new ones in each run.
var values = search.NewValues(rand.Reader)

// name is no secret: a random name, for the places where a name belongs. It
// looks like no credential.
var name = "Nm" + search.Random(rand.Reader, 22)
