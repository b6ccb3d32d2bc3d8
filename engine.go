//go:build !js

package websocket

import (
	"context"
	"io"
	"net"

	"github.com/bhojpur/api/internal/netstream"
)

// engine is a connection outside a browser: frames over one byte stream.
//
// Locks, in the order in which they are waited for:
//
//	parts.order      who writes a message of more than one frame
//	writeSide.gate   who writes
//	readSide.lock    who reads
//
// and then the leaves, of which no two are held at once, and none during I/O:
// the mutexes of the queues, posted.mu, ending.mu, pings.mu. Against that order, who holds the
// read lock takes the gate of the write side only if it is free; but for
// violated, which waits for it with a bound. Who holds the gate of the write
// side takes the read lock, or the order, only if it is free.
type engine struct {
	// Set by the handshake, then only read.
	t       *netstream.Stream
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

// newConn makes a connection of what was agreed on.
func newConn(r role, d *deflateParams, x extras) *Conn {
	c := &Conn{engine: engine{role: r, deflate: d, extras: &noExtras}}
	if x.protocol != "" || x.onPing != nil || x.onPong != nil {
		c.extras = &extras{x.protocol, x.onPing, x.onPong}
	}
	c.rd.limit.Store(defaultReadLimit)
	return c
}

// begin gives the connection its stream: rwc, with conn below it if that is known.
func (e *engine) begin(rwc io.ReadWriteCloser, conn net.Conn) {
	e.t = netstream.New(rwc, conn, (*streamOwner)(e))
	e.secure = e.t.Secure()
}

// streamOwner tells the stream which of its directions may have a call under way.
type streamOwner engine

func (o *streamOwner) ReadHeld() bool  { return o.rd.lock.Held() }
func (o *streamOwner) WriteHeld() bool { return o.wr.gate.held() }

func (e *engine) setReadLimit(n int64) { e.rd.limit.Store(max(n, -1)) }
func (e *engine) subprotocol() string  { return e.extras.protocol }
func (e *engine) localAddr() net.Addr  { return addrOrUnknown(e.t.LocalAddr()) }
func (e *engine) remoteAddr() net.Addr { return addrOrUnknown(e.t.RemoteAddr()) }

func addrOrUnknown(a net.Addr) net.Addr {
	if a == nil {
		return unknownAddr("unknown")
	}
	return a
}
