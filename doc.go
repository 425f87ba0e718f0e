// Package akos holds the policy tests of the module; see the README.
package akos
