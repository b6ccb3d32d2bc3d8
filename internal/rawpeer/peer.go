package rawpeer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A Role is the role of a [Peer] on its connection.
type Role int

const (
	Client Role = iota + 1 // masks its frames
	Server
)

// String returns "client" or "server".
func (r Role) String() string {
	if r == Client {
		return "client"
	}
	return "server"
}

// DefaultTimeout bounds the waits of a [Peer] and a [Call]. In a bubble it takes no
// time; outside it is long, for a loaded machine.
const DefaultTimeout = time.Minute

// A Peer is the other side of the connection under test: it sends the frames that the
// test specifies, valid or not, and checks those that the test expects. It sends
// nothing by itself, not even a pong or a close frame.
//
// If something else arrives, or nothing in time, the test fails at once and prints the
// frames sent and received so far. A Peer must therefore be used on the goroutine that
// runs the test.
type Peer struct {
	Conn    net.Conn
	Timeout time.Duration // of each call that waits; may be changed

	Request  *http.Request  // read by a Server
	Response *http.Response // read by a Client; its Body is in memory

	tb       testing.TB
	role     Role
	in       *bufio.Reader
	keys     uint32 // masking keys used
	inflater *Inflater
	journal  []string
}

// NewPeer returns a peer that exchanges frames on conn, and closes conn in the test's
// cleanup. If the connection begins with a handshake, the peer must perform it first;
// [ServeHandshake] and [ClientHandshake] do both.
func NewPeer(tb testing.TB, conn net.Conn, role Role) *Peer {
	tb.Cleanup(func() { conn.Close() })
	return &Peer{
		Conn:    conn,
		Timeout: DefaultTimeout,
		tb:      tb,
		role:    role,
		in:      bufio.NewReader(conn),
	}
}

// Inflates makes the peer accept compressed messages, which [Peer.ReadMessage] and
// [Peer.WantMessage] inflate.
func (p *Peer) Inflates(takeover Takeover) { p.inflater = NewInflater(takeover) }

// Send sends all frames in one Write, masked if the peer is the client. To send a frame
// with the wrong masking, use SendRaw with [AppendFrame].
func (p *Peer) Send(frames ...Frame) {
	p.tb.Helper()
	for _, f := range frames {
		p.log("sent", f)
	}
	p.write(p.appendFrames(nil, frames))
}

// SendPieces sends all frames like Send, but in Writes of n bytes.
func (p *Peer) SendPieces(n int, frames ...Frame) {
	p.tb.Helper()
	for _, f := range frames {
		p.log("sent", f)
	}
	for b := p.appendFrames(nil, frames); len(b) > 0; {
		piece := b[:min(n, len(b))]
		p.write(piece)
		b = b[len(piece):]
	}
}

// SendText sends a message of one text frame.
func (p *Peer) SendText(s string) {
	p.tb.Helper()
	p.Send(Text(s))
}

// SendBinary sends a message of one binary frame.
func (p *Peer) SendBinary(b []byte) {
	p.tb.Helper()
	p.Send(Binary(b))
}

// SendPing sends a ping.
func (p *Peer) SendPing(s string) {
	p.tb.Helper()
	p.Send(Ping(s))
}

// SendPong sends a pong.
func (p *Peer) SendPong(s string) {
	p.tb.Helper()
	p.Send(Pong(s))
}

// SendClose sends a close frame. The peer may send more afterwards.
func (p *Peer) SendClose(code int, reason string) {
	p.tb.Helper()
	p.Send(Close(code, reason))
}

// SendRaw sends b unchanged, in one Write.
func (p *Peer) SendRaw(b []byte) {
	p.tb.Helper()
	p.journal = append(p.journal, fmt.Sprintf("sent raw %d bytes % .32x", len(b), b))
	p.write(b)
}

// Masked returns f as the peer sends it: from a client masked, with a new key unless f
// has one; from a server unmasked.
func (p *Peer) Masked(f Frame) Frame {
	switch {
	case p.role == Server:
		f.Masked = false
	case !f.Masked:
		// The key of the example (RFC 6455 section 5.7), and the increment for the next
		// ones.
		const first, step = 0x37fa213d, 0x9e3779b9
		var key [4]byte
		binary.BigEndian.PutUint32(key[:], first+p.keys*step)
		p.keys++
		f = f.WithKey(key)
	}
	return f
}

// CloseWrite closes the direction to the code under test.
func (p *Peer) CloseWrite() {
	p.tb.Helper()
	p.journal = append(p.journal, "sent end of stream")
	conn, ok := p.Conn.(interface{ CloseWrite() error })
	if !ok {
		p.fatalf("%T has no CloseWrite", p.Conn)
	}
	if err := conn.CloseWrite(); err != nil {
		p.fatalf("half-close: %v", err)
	}
}

// Close closes the connection.
func (p *Peer) Close() {
	p.journal = append(p.journal, "closed")
	p.Conn.Close()
}

// Reset resets the connection: calls of the code under test fail with ErrReset.
func (p *Peer) Reset() {
	p.tb.Helper()
	p.journal = append(p.journal, "reset")
	switch conn := p.Conn.(type) {
	case *Stream:
		conn.Reset()
	case *net.TCPConn:
		conn.SetLinger(0)
		conn.Close()
	default:
		p.fatalf("cannot reset a %T", p.Conn)
	}
}

// Stream returns the peer's end of the in-memory stream, to inject faults.
// [Stream.Peer] is the end under test.
func (p *Peer) Stream() *Stream {
	p.tb.Helper()
	s, ok := p.Conn.(*Stream)
	if !ok {
		p.fatalf("the connection is a %T, not in memory", p.Conn)
	}
	return s
}

func (p *Peer) appendFrames(dst []byte, frames []Frame) []byte {
	for _, f := range frames {
		dst = AppendFrame(dst, p.Masked(f))
	}
	return dst
}

func (p *Peer) write(b []byte) {
	p.tb.Helper()
	p.Conn.SetWriteDeadline(time.Now().Add(p.Timeout))
	if n, err := p.Conn.Write(b); err != nil {
		p.fatalf("sent %d of %d bytes: %v", n, len(b), err)
	}
}

func (p *Peer) log(verb string, f Frame) {
	p.journal = append(p.journal, verb+" "+f.String())
}

// fatalf fails the test and prints the frames sent and received.
func (p *Peer) fatalf(format string, args ...any) {
	p.tb.Helper()
	const shown = 40 // of the last journal lines
	lines, before := p.journal, ""
	if len(lines) > shown {
		before = fmt.Sprintf("\n  (%d more)", len(lines)-shown)
		lines = lines[len(lines)-shown:]
	}
	if len(lines) == 0 {
		lines = []string{"nothing"}
	}
	p.tb.Fatalf("%s\nthe peer, a %v, so far:%s\n  %s",
		fmt.Sprintf(format, args...), p.role, before, strings.Join(lines, "\n  "))
}

// isReset reports whether err is that of a reset connection.
func isReset(err error) bool { return errors.Is(err, ErrReset) }
