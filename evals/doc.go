// Package evals holds no code: the directories below it prove what akos
// promises, on the built binaries and from the outside, where the tests of a
// package can prove only what the package does.
//
// canary plants secrets and searches all that comes out on both faces, whatever
// goes wrong. The tasks and attacks are an agent by script, and are judged by
// what it saw: run puts them on, README.md says how. leaky is their control.
//
// It does not know how akos works, and nothing imports it. Its invariant: an
// eval that can't be run fails, and each has a control that shows that it can
// fail.
package evals
