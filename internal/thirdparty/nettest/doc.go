// Package nettest holds tests of websocket.NetConn: the suite of
// golang.org/x/net/nettest, and other protocols that run over it.
package nettest
