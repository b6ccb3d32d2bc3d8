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
	t       transport
	deflate *deflateParams // nil when compression was not agreed on
	extras  *extras        // what most connections have nothing of; never nil
	role    role
	secure  bool // the transport is TLS

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

// extras are what was agreed on, or asked for, beyond the ordinary.
type extras struct {
	protocol string
	onPing   func(context.Context, []byte) bool
	onPong   func(context.Context, []byte)
}

// noExtras is shared by the connections that have none.
var noExtras extras

// agreement is what a handshake ends with.
type agreement struct {
	role    role
	t       transport
	secure  bool
	deflate *deflateParams
	extras
	early []byte // what the peer sent right behind its handshake
}

// newConn begins a connection.
func newConn(a agreement) *Conn {
	c := &Conn{engine: engine{
		t:       a.t,
		role:    a.role,
		secure:  a.secure,
		deflate: a.deflate,
		extras:  &noExtras,
	}}
	if a.protocol != "" || a.onPing != nil || a.onPong != nil {
		c.extras = &extras{a.protocol, a.onPing, a.onPong}
	}
	c.rd.limit.Store(defaultReadLimit)
	if len(a.early) > 0 {
		c.rd.in.block = newBlock(len(a.early))
		c.rd.in.w = copy(c.rd.in.block.b, a.early)
	}
	return c
}

func (e *engine) setReadLimit(n int64) { e.rd.limit.Store(max(n, -1)) }
func (e *engine) subprotocol() string  { return e.extras.protocol }
func (e *engine) localAddr() net.Addr  { return e.t.localAddr() }
func (e *engine) remoteAddr() net.Addr { return e.t.remoteAddr() }
