//go:build !js

package websocket

import (
	"context"
	"io"
	"net"

	"github.com/bhojpur/api/internal/lazy"
	"github.com/bhojpur/api/internal/liveness"
	"github.com/bhojpur/api/internal/netstream"
	"github.com/bhojpur/api/internal/sender"
)

// engine is a connection outside a browser: a receiver and a Sender over one byte
// stream, and the state of the connection.
//
// Neither half refers to the other. They return errors, which failRead and failWrite
// turn into the end of the connection.
//
// Locks, in the order in which they are acquired:
//
//	receiver.mu          held by the goroutine that reads
//	the lead of sender   held by the goroutine that writes
//
// and then the leaves, of which no two are held at once, and none during I/O: the
// mutexes of the send queue, closeState.mu, pings.mu, callbackGate.mu and that of the
// Watch; and exits.mu, which is held when Group.mu is acquired. The goroutine that
// reads never waits for the lead.
type engine struct {
	// Set by the handshake, and read-only afterwards.
	opts *connOptions // never nil

	life  lifetime
	exits lazy.Value[exits] // in the cache line of life, for Group.Add
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

// connOptions are the options of a connection that most programs leave at their
// defaults.
type connOptions struct {
	protocol   string
	onPing     func(context.Context, []byte) bool
	onPong     func(context.Context, []byte)
	readLimit  int64         // as the option
	running    *callbackGate // nil without onPing and onPong
	bounds     liveness.Settings
	watch      *liveness.Watch // if a bound is on
	maxBacklog int64           // as the option
}

// isZero reports whether all options but readLimit, which the receiver keeps, have
// their defaults.
func (x *connOptions) isZero() bool {
	return x.protocol == "" && x.onPing == nil && x.onPong == nil && !x.bounds.On() && x.maxBacklog == 0
}

// connection returns the options of a connection with the given subprotocol.
func (o *AcceptOptions) connection(protocol string) connOptions {
	return connOptions{
		protocol:   protocol,
		onPing:     o.OnPingReceived,
		onPong:     o.OnPongReceived,
		readLimit:  o.ReadLimit,
		maxBacklog: o.MaxBacklog,
		bounds:     liveness.Settings{PingInterval: o.PingInterval, PingTimeout: o.PingTimeout, WriteTimeout: o.WriteTimeout},
	}
}

// connection returns the options of a connection with the given subprotocol.
func (o *DialOptions) connection(protocol string) connOptions {
	return connOptions{
		protocol:   protocol,
		onPing:     o.OnPingReceived,
		onPong:     o.OnPongReceived,
		readLimit:  o.ReadLimit,
		maxBacklog: o.MaxBacklog,
		bounds:     liveness.Settings{PingInterval: o.PingInterval, PingTimeout: o.PingTimeout, WriteTimeout: o.WriteTimeout},
	}
}

// noConnOptions is shared by the connections whose options are the defaults.
var noConnOptions connOptions

// init sets the result of the opening handshake.
func (e *engine) init(r role, d *deflateParams, x connOptions) {
	e.opts = &noConnOptions
	if !x.isZero() {
		set := x // x stays on the stack
		e.opts = &set
		if x.onPing != nil || x.onPong != nil {
			e.opts.running = new(callbackGate)
		}
	}
	e.rcv.role, e.rcv.deflate, e.rcv.host = r, d, (*readHost)(e)
	e.snd.Init(r, d.sending(), (*sendHost)(e))
	e.rcv.limit.Store(readLimit(x.readLimit))
	if x.bounds.On() {
		e.opts.watch = liveness.New(x.bounds)
		e.rcv.stream.Reads = &e.opts.watch.Reads
		e.snd.Watch()
	}
}

// begin sets the stream of the connection: rwc, and the net.Conn below it if that is
// known.
func (e *engine) begin(rwc io.ReadWriteCloser, conn net.Conn) {
	s := netstream.New(rwc, conn, (*streamOwner)(e))
	e.rcv.stream.Stream = s
	e.snd.Begin(s)
	(*readHost)(e).startWatch()
}

// sendHost implements sender.Host.
type sendHost engine

func (h *sendHost) NumberPing(payload []byte) []byte { return h.pings.Get().number(payload) }

func (h *sendHost) SendEnded() {
	h.life.closing().sent.Note()
	switch e := (*engine)(h); h.life.state() {
	case statePeerClosed:
		e.shutAfterHandshake()
	case stateFailing:
		halfClose(e.rcv.stream.Stream)
	}
}

func (h *sendHost) SendPanicked() { (*engine)(h).shut(endReason{byFailure, errWritePanicked}) }

func (h *sendHost) SendFailed(err error) {
	(*engine)(h).failWrite(context.Background(), err)
}

// streamOwner implements netstream.Owner: it reports in which directions a call may be
// under way.
type streamOwner engine

func (o *streamOwner) ReadHeld() bool  { return o.rcv.mu.Held() }
func (o *streamOwner) WriteHeld() bool { return o.snd.Busy() }

func (e *engine) setReadLimit(n int64) { e.rcv.limit.Store(max(n, -1)) }
func (e *engine) subprotocol() string  { return e.opts.protocol }
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
