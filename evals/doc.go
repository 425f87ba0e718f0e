// Package evals holds no code: the directories below it prove what akos
// promises, on the built binaries and from the outside, where the tests of a
// package can prove only what the package does.
//
// It does not know how akos works, and nothing imports it. Its invariant: an
// eval that can't be run fails, and each has a control that shows that it can
// fail.
package evals
