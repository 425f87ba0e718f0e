//go:build unix && !linux && !darwin && !freebsd

package sidecar

// peer can't tell here who is on the other end.
func peer(int) (uid int, ok bool) { return 0, false }
