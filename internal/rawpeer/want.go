package rawpeer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// maxPayload bounds the payload of a frame that the peer reads: a larger length is
// taken for a corrupt header.
const maxPayload = 1 << 30

// ReadFrame returns the next frame. Errors are those of the connection,
// io.ErrUnexpectedEOF inside a frame, or those of [ParseHeader]. Wrong masking is an
// error too (RFC 6455 section 5.1).
func (p *Peer) ReadFrame() (Frame, error) {
	p.Conn.SetReadDeadline(time.Now().Add(p.Timeout))
	f, err := p.readFrame()
	if err != nil {
		p.journal = append(p.journal, fmt.Sprintf("got %v", err))
		return f, err
	}
	p.log("received", f)
	return f, nil
}

func (p *Peer) readFrame() (f Frame, err error) {
	var length uint64
	for n := 2; ; {
		header, err := p.in.Peek(n)
		if err != nil {
			if err == io.EOF && len(header) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return f, err
		}
		f, length, n, err = ParseHeader(header)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			continue
		}
		if err != nil {
			return f, err
		}
		p.in.Discard(n)
		break
	}
	if length > maxPayload {
		return f, fmt.Errorf("frame declares %d bytes", length)
	}
	f.Payload = make([]byte, length)
	if n, err := io.ReadFull(p.in, f.Payload); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return f, fmt.Errorf("after %d of %d bytes of %v frame: %w", n, length, f.Opcode, err)
	}
	if f.Masked {
		mask(f.Payload, f.Key)
	}
	if f.Masked != (p.role == Server) {
		return f, fmt.Errorf("masked is %t from the %v's peer: %v", f.Masked, p.role, f)
	}
	return f, nil
}

// WantFrame returns the next frame, of any kind.
func (p *Peer) WantFrame() Frame {
	p.tb.Helper()
	f, err := p.ReadFrame()
	if err != nil {
		p.fatalf("got %v, want a frame", err)
	}
	return f
}

// Want expects these frames, in this order. Masking keys are ignored; wrong masking fails
// the test.
func (p *Peer) Want(frames ...Frame) {
	p.tb.Helper()
	for _, want := range frames {
		got, err := p.ReadFrame()
		if err != nil {
			p.fatalf("got %v, want %v", err, want)
		}
		if got.Fin != want.Fin || got.RSV != want.RSV || got.Opcode != want.Opcode || !bytes.Equal(got.Payload, want.Payload) {
			p.fatalf("got  %v\nwant %v", got, want)
		}
	}
}

// WantText expects a message of one text frame.
func (p *Peer) WantText(s string) {
	p.tb.Helper()
	p.Want(Text(s))
}

// WantBinary expects a message of one binary frame.
func (p *Peer) WantBinary(b []byte) {
	p.tb.Helper()
	p.Want(Binary(b))
}

// WantPing expects a ping, and returns its payload for SendPong.
func (p *Peer) WantPing() string {
	p.tb.Helper()
	f := p.WantFrame()
	if !f.Fin || f.RSV != 0 || f.Opcode != OpPing {
		p.fatalf("got %v, want a ping", f)
	}
	return string(f.Payload)
}

// WantPong expects a pong with this payload.
func (p *Peer) WantPong(s string) {
	p.tb.Helper()
	p.Want(Pong(s))
}

// WantClose expects a close frame with this code, or without one for [NoCode].
// It returns the reason.
func (p *Peer) WantClose(code int) (reason string) {
	p.tb.Helper()
	f := p.WantFrame()
	got, reason := f.CloseCode()
	if !f.Fin || f.RSV != 0 || f.Opcode != OpClose || len(f.Payload) == 1 || got != code {
		p.fatalf("got %v, want close %d", f, code)
	}
	return reason
}

// WantCloseReason expects a close frame with this code and reason.
func (p *Peer) WantCloseReason(code int, reason string) {
	p.tb.Helper()
	p.Want(Close(code, reason))
}

// A Message is a received message.
type Message struct {
	Opcode  Opcode
	Payload []byte  // of all frames, inflated if it was compressed
	Frames  []Frame // as received
}

// ReadMessage returns the next message. A control frame inside it fails the test.
func (p *Peer) ReadMessage() Message {
	p.tb.Helper()
	first := p.WantFrame()
	if first.Opcode != OpText && first.Opcode != OpBinary {
		p.fatalf("got %v, want a message", first)
	}
	if first.RSV != 0 && (first.RSV != RSV1 || p.inflater == nil) {
		p.fatalf("got %v, want other reserved bits", first)
	}
	m := Message{first.Opcode, first.Payload, []Frame{first}}
	for f := first; !f.Fin; {
		f = p.WantFrame()
		if f.Opcode != OpContinuation || f.RSV != 0 {
			p.fatalf("got %v, want frame %d of the message", f, len(m.Frames)+1)
		}
		m.Frames = append(m.Frames, f)
		m.Payload = slices.Concat(m.Payload, f.Payload)
	}
	if first.RSV == RSV1 {
		inflated, err := p.inflater.Message(m.Payload)
		if err != nil {
			p.fatalf("inflating message of %d bytes: %v", len(m.Payload), err)
		}
		m.Payload = inflated
	}
	return m
}

// WantMessage expects a message, in any number of frames, compressed or not.
func (p *Peer) WantMessage(opcode Opcode, payload []byte) Message {
	p.tb.Helper()
	m := p.ReadMessage()
	if m.Opcode != opcode || !bytes.Equal(m.Payload, payload) {
		got := Frame{Fin: true, Opcode: m.Opcode, Payload: m.Payload}
		want := Frame{Fin: true, Opcode: opcode, Payload: payload}
		p.fatalf("got message  %v\nwant message %v", got, want)
	}
	return m
}

// WantSilence expects nothing to arrive for d, not even the end of the stream.
func (p *Peer) WantSilence(d time.Duration) {
	p.tb.Helper()
	err := p.await(d)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
	case err != nil:
		p.fatalf("got %v, want silence", err)
	default:
		f, err := p.ReadFrame()
		p.fatalf("got %v (%v), want silence", f, err)
	}
}

// WantEOF expects the stream to end here by a Close or a CloseWrite.
func (p *Peer) WantEOF() {
	p.tb.Helper()
	p.wantEnd("the end of the stream", func(err error) bool { return err == io.EOF })
}

// WantReset expects the stream to end here with a reset.
func (p *Peer) WantReset() {
	p.tb.Helper()
	p.wantEnd("a reset", isReset)
}

// WantEnd expects the stream to end here in either way. A connection that is closed with
// unread bytes ends with a reset.
func (p *Peer) WantEnd() {
	p.tb.Helper()
	p.wantEnd("the end of the stream or a reset", func(err error) bool { return err == io.EOF || isReset(err) })
}

func (p *Peer) wantEnd(want string, is func(error) bool) {
	p.tb.Helper()
	err := p.await(p.Timeout)
	if err == nil {
		f, err := p.ReadFrame()
		p.fatalf("got %v (%v), want %s", f, err, want)
	}
	if !is(err) {
		p.fatalf("got %v, want %s", err, want)
	}
	p.journal = append(p.journal, "received "+want)
}

// await waits until a byte is available, and otherwise returns the error.
func (p *Peer) await(d time.Duration) error {
	p.Conn.SetReadDeadline(time.Now().Add(d))
	_, err := p.in.Peek(1)
	return err
}

// WantWrites expects the code under test to have made n Writes since [Peer.CountWrites].
func (p *Peer) WantWrites(n int) {
	p.tb.Helper()
	if got := p.Stream().Peer().RecordedWrites(); len(got) != n {
		var sizes []int
		for _, b := range got {
			sizes = append(sizes, len(b))
		}
		p.fatalf("got %d writes of %v bytes, want %d", len(got), sizes, n)
	}
}

// CountWrites starts counting the Writes of the code under test.
func (p *Peer) CountWrites() {
	p.tb.Helper()
	p.Stream().Peer().RecordWrites()
}
