//go:build !js

package websocket

import (
	"context"
	"github.com/bhojpur/api/internal/lazy"
	"github.com/bhojpur/api/internal/netstream"
	"github.com/bhojpur/api/internal/sender"
	"io"
	"net"
)

// engine is a connection outside a browser: two halves over one byte stream, and
// the state that connects them.
//
// The halves know nothing of each other and return what happens to them. failRead
// and failWrite turn that into the end of the connection.
//
// Locks, in the order in which they are acquired:
//
//	receiver.mu          held by the goroutine that reads
//	the lead of sender   held by the goroutine that writes
//
// and then the leaves, of which no two are held at once, and none during I/O: the
// mutexes of the send queue, closeState.mu, pings.mu and callbackGate.mu. The goroutine that reads
// never waits for the lead.
type engine struct {
	// Set by the handshake, then only read.
	extras *connOptions // never nil

	life  lifetime
	rcv   receiver
	snd   sender.Sender
	pings lazy.Value[pings]
}

// role is a side of the opening handshake.
type role = sender.Role

const (
	server = sender.Server
	client = sender.Client
)

// connOptions are options that most connections do not use.
type connOptions struct {
	protocol  string
	onPing    func(context.Context, []byte) bool
	onPong    func(context.Context, []byte)
	readLimit int64         // as the option
	running   *callbackGate // nil without onPing and onPong
}

// isZero reports whether all options but readLimit, which is kept elsewhere, are the
// defaults.
func (x *connOptions) isZero() bool {
	return x.protocol == "" && x.onPing == nil && x.onPong == nil
}

// connection returns the options of a connection that speaks a subprotocol.
func (o *AcceptOptions) connection(protocol string) connOptions {
	return connOptions{
		protocol:  protocol,
		onPing:    o.OnPingReceived,
		onPong:    o.OnPongReceived,
		readLimit: o.ReadLimit,
	}
}

// connection is as that of AcceptOptions.
func (o *DialOptions) connection(protocol string) connOptions {
	return connOptions{
		protocol:  protocol,
		onPing:    o.OnPingReceived,
		onPong:    o.OnPongReceived,
		readLimit: o.ReadLimit,
	}
}

// noConnOptions is shared by the connections that use none.
var noConnOptions connOptions

// init sets what the opening handshake has agreed on.
func (e *engine) init(r role, d *deflateParams, x connOptions) {
	e.extras = &noConnOptions
	if !x.isZero() {
		e.extras = &x
		if x.onPing != nil || x.onPong != nil {
			e.extras.running = new(callbackGate)
		}
	}
	e.rcv.role, e.rcv.deflate, e.rcv.host = r, d, (*readHost)(e)
	e.snd.Init(r, d.sending(), (*sendHost)(e))
	e.rcv.limit.Store(readLimit(x.readLimit))
}

// begin gives the connection its stream: rwc, over conn if that is known.
func (e *engine) begin(rwc io.ReadWriteCloser, conn net.Conn) {
	s := netstream.New(rwc, conn, (*streamOwner)(e))
	e.rcv.stream = s
	e.snd.Begin(s)
}

// sendHost is what the sending half reports to.
type sendHost engine

func (h *sendHost) NumberPing(payload []byte) []byte { return h.pings.Get().number(payload) }

func (h *sendHost) SendEnded() {
	h.life.closing().noteSendDone()
	switch e := (*engine)(h); h.life.state() {
	case statePeerClosed:
		e.shutGently()
	case stateFailing:
		e.halfClose()
	}
}

// streamOwner tells the stream which of its directions may have a call under way.
type streamOwner engine

func (o *streamOwner) ReadHeld() bool  { return o.rcv.mu.Held() }
func (o *streamOwner) WriteHeld() bool { return o.snd.Busy() }

func (e *engine) setReadLimit(n int64) { e.rcv.limit.Store(max(n, -1)) }
func (e *engine) subprotocol() string  { return e.extras.protocol }
func (e *engine) addrs() (local, remote net.Addr) {
	s := e.rcv.stream
	return addrOrUnknown(s.LocalAddr()), addrOrUnknown(s.RemoteAddr())
}

func addrOrUnknown(a net.Addr) net.Addr {
	if a == nil {
		return unknownAddr("unknown")
	}
	return a
}
