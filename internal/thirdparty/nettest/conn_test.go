package nettest

import (
	"net"
	"testing"

	"golang.org/x/net/nettest"
)

// TestConn runs the suite over each network, with each compression mode, with either
// end first.
func TestConn(t *testing.T) {
	for _, n := range networks {
		for _, c := range compressions {
			t.Run(n.name+"/"+c.name+"/client and server", func(t *testing.T) {
				t.Parallel()
				nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
					tn := newTunnel(t, n, c.mode)
					client, server, err := tn.pair(t.Context())
					return client, server, stopAll(tn, client, server), err
				})
			})
			t.Run(n.name+"/"+c.name+"/server and client", func(t *testing.T) {
				t.Parallel()
				nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
					tn := newTunnel(t, n, c.mode)
					client, server, err := tn.pair(t.Context())
					return server, client, stopAll(tn, client, server), err
				})
			})
		}
	}
}

func stopAll(tn *tunnel, conns ...net.Conn) func() {
	return func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
		tn.stop()
	}
}
