package sidecar

import (
	"context"
	"net"
)

// listenLocal returns no listener: a socket there does not say who is on its
// other end.
func listenLocal(string) (net.Listener, string, error) { return nil, "", nil }

func localOnly(ctx context.Context, _ net.Conn) context.Context { return ctx }
