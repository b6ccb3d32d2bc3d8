//go:build !js

package stress

import (
	"context"
	"io"
	"net"
	"strings"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// talk starts the exchange of messages, and returns a function that ends it.
func (p *stressPair) talk() (ending func()) {
	p.check = func() {
		p.client.check()
		p.server.check()
	}
	sides := []*stressSide{p.client, p.server}
	for _, s := range sides {
		s.writes, s.controls, s.reads = 1+p.rng.IntN(4), p.rng.IntN(2), pick(p.rng, 0, 1, 1, 1, 1, 1, 1, 3, 3)
	}
	larger := p.rng.oneIn(3)
	for _, s := range sides {
		if larger {
			s.limit = stressLimit
			s.conn.SetReadLimit(-1)
		}
		if s.peer.reads == 0 && p.rng.oneIn(2) {
			// Otherwise a message ends the connection.
			s.writes, s.controls = 0, 2
		}
	}
	for _, s := range sides {
		s.begin()
	}
	return pick(p.rng, p.endings()...)
}

// begin starts the goroutines that use a side.
func (s *stressSide) begin() {
	o := inOrder
	if s.reads > 1 {
		o = anyOrder
	}
	if s.reads == 0 {
		s.pair.work(s.readNothing)
	}
	for range s.reads {
		s.pair.work(func(r rng) { s.read(r, o) })
	}
	for range s.writes {
		s.pair.work(s.write)
	}
	for range s.controls {
		s.pair.work(s.control)
	}
}

// readNothing has CloseRead do the reading.
func (s *stressSide) readNothing(r rng) {
	s.discards.Store(true)
	ctx := s.pair.round.newContext()
	if r.oneIn(4) {
		defer time.AfterFunc(time.Duration(r.IntN(20))*time.Millisecond, ctx.Cancel).Stop()
	}
	var parent context.Context = ctx
	if s.name == "server" && r.oneIn(4) {
		parent = s.pair.requestContext
	}
	over := s.conn.CloseRead(parent)
	if s.conn.CloseRead(context.Background()) != over {
		s.errorf("CloseRead returned another context")
	}
	if _, _, err := s.conn.Read(context.Background()); err == nil {
		s.errorf("a read after CloseRead")
	}
	s.pair.called()
	<-over.Done()
	if parent.Err() == nil { // otherwise the connection is about to be closed
		s.newWorker(r).wantOver()
	}
}

// endings returns the ways to end a connection. Some have no effect; then CloseNow ends
// it.
func (p *stressPair) endings() []func() {
	s := pick(p.rng, p.client, p.server)
	return []func(){
		func() {},
		func() { s.close(p.rng) },
		func() { s.close(p.rng) },
		func() {
			for _, s := range []*stressSide{s, s.peer, s} {
				p.work(s.close)
			}
		},
		func() {
			p.work(s.close)
			p.work(func(rng) { s.peer.conn.CloseNow() })
		},
		func() { s.conn.CloseNow() },
		func() {
			p.work(func(rng) { s.conn.CloseNow() })
			p.work(func(rng) { s.conn.CloseNow() })
		},
		func() { p.raw.Close() },
		p.reset,
		p.cut,
		p.garble,
		p.returnHandler,
		func() { s.conn.SetReadLimit(10) },
		s.endInMessage,
		s.endInText,
		s.abandonWriter,
		s.abandonReader,
	}
}

// close calls Close with a random code.
func (s *stressSide) close(r rng) {
	s.discards.Store(true)
	code := pick(r, websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd, 4000)
	if r.oneIn(10) {
		code = websocket.StatusTLSHandshake // not allowed in a close frame, but closes the connection
	}
	s.conn.Close(code, "")
	s.pair.called()
	if _, _, err := s.conn.Read(context.Background()); err == nil {
		s.errorf("a read after Close")
	}
}

// reset resets the stream.
func (p *stressPair) reset() {
	switch conn := p.raw.(type) {
	case *rawpeer.Stream:
		conn.Reset()
	case *net.TCPConn:
		conn.SetLinger(0)
		conn.Close()
	default:
		conn.Close()
	}
}

// cut cuts the stream off after some more bytes, in one direction.
func (p *stressPair) cut() {
	conn, ok := p.raw.(*rawpeer.Stream)
	if !ok {
		p.raw.(interface{ CloseWrite() error }).CloseWrite()
		return
	}
	pick(p.rng, conn, conn.Peer()).CutAfter(p.rng.upTo(5000), pick(p.rng, io.EOF, io.ErrUnexpectedEOF))
}

// garble inserts bytes into the stream.
func (p *stressPair) garble() {
	p.garbled.Store(true)
	p.work(func(r rng) {
		at := r.IntN(1000)
		p.raw.Write([]byte(stressNoise[at : at+1+r.IntN(200)]))
	})
}

// endInMessage cancels a context in the middle of a message.
func (s *stressSide) endInMessage() {
	s.pair.work(func(r rng) {
		ctx := s.pair.round.newContext()
		defer ctx.Cancel()
		if mw, err := s.conn.Writer(ctx, websocket.MessageBinary); err == nil {
			mw.Write([]byte(stressNoise[:100_000])) // a compressor buffers 64 KiB
			ctx.Cancel()
			mw.Write(nil)
			s.newWorker(r).wantOver()
		}
	})
}

// endInText writes invalid text in the middle of a message.
func (s *stressSide) endInText() {
	s.discards.Store(true)
	s.pair.work(func(r rng) {
		if mw, err := s.conn.Writer(context.Background(), websocket.MessageText); err == nil {
			mw.Write([]byte(strings.Repeat("x", r.upTo(40_000)) + "\xff"))
			s.newWorker(r).wantOver()
		}
	})
}

// abandonWriter never closes a Writer.
func (s *stressSide) abandonWriter() {
	s.pair.work(func(r rng) {
		if mw, err := s.conn.Writer(context.Background(), websocket.MessageText); err == nil {
			mw.Write([]byte(stressText[:r.upTo(50_000)]))
		}
	})
}

// abandonReader closes the connection in the middle of a received message, if one
// arrives.
func (s *stressSide) abandonReader() {
	s.discards.Store(true)
	s.pair.work(func(r rng) {
		if _, mr, err := s.conn.Reader(context.Background()); err == nil {
			mr.Read(make([]byte, 1))
		}
		s.close(r)
	})
}
