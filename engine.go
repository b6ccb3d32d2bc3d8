//go:build !js

package websocket

import (
	"context"
	"net"
)

// engine is a connection outside a browser: frames over one byte stream.
//
// Locks, in the order in which they are taken:
//
//	parts.order      who writes a message of more than one frame
//	writeSide.gate   who writes
//	readSide.gate    who reads
//
// and then the leaves, of which no two are held at once, and none during I/O:
// line.mu, posted.mu, ending.mu, pings.mu. Against that order, who holds the
// read gate takes the gate of the write side only if it is free; but for
// violated, which waits for it with a bound. Who holds the gate of the write
// side takes the read gate only if it is free.
type engine struct {
	// Set by the handshake, then only read.
	t        transport
	role     role
	secure   bool // the transport is TLS
	protocol string
	deflate  *deflateParams // nil when compression was not agreed on
	onPing   func(context.Context, []byte) bool
	onPong   func(context.Context, []byte)

	life  lifetime
	rd    readSide
	wr    writeSide
	pings lazy[pings]
}

// role is which side of the handshake this is.
type role uint8

const (
	server role = iota
	client
)

// agreement is what a handshake ends with.
type agreement struct {
	role     role
	t        transport
	secure   bool
	protocol string
	deflate  *deflateParams
	onPing   func(context.Context, []byte) bool
	onPong   func(context.Context, []byte)
	early    []byte // what the peer sent right behind its handshake
}

// newConn begins a connection.
func newConn(a agreement) *Conn {
	c := &Conn{engine: engine{
		t:        a.t,
		role:     a.role,
		secure:   a.secure,
		protocol: a.protocol,
		deflate:  a.deflate,
		onPing:   a.onPing,
		onPong:   a.onPong,
	}}
	c.rd.limit.Store(defaultReadLimit)
	if len(a.early) > 0 {
		c.rd.in.block = newBlock(len(a.early))
		c.rd.in.w = copy(c.rd.in.block.b, a.early)
	}
	return c
}

func (e *engine) setReadLimit(n int64) { e.rd.limit.Store(max(n, -1)) }
func (e *engine) subprotocol() string  { return e.protocol }
func (e *engine) localAddr() net.Addr  { return e.t.localAddr() }
func (e *engine) remoteAddr() net.Addr { return e.t.remoteAddr() }
