//go:build !js

package stress

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
)

// A stressStream is a side used through NetConn. Its stream is a text repeated without
// end, so the bytes expected at each offset are known.
type stressStream struct {
	*stressSide
	nc   net.Conn
	ctx  *conntest.CountedContext // nil if it is that of the request
	over chan struct{}            // closed when its reads have ended

	tried   atomic.Int64 // bytes passed to Write
	wrote   int64        // bytes that Write reported as written
	got     int64        // bytes that Read returned
	closed  bool         // by the peer
	closing atomic.Bool  // by itself
}

// streamText is the text that streams repeat.
var streamText = conntest.Filler(99_991)

// stream starts the exchange of bytes, and returns a function that ends it.
func (p *stressPair) stream() (ending func()) {
	typ := pick(p.rng, websocket.MessageText, websocket.MessageBinary)
	var ends [2]*stressStream
	for i, s := range []*stressSide{p.client, p.server} {
		e := &stressStream{stressSide: s, over: make(chan struct{})}
		if s == p.server && p.rng.oneIn(4) {
			e.nc = websocket.NetConn(p.requestContext, s.conn, typ)
		} else {
			e.ctx = p.round.newContext()
			e.nc = websocket.NetConn(e.ctx, s.conn, typ)
		}
		ends[i] = e
	}
	for i, e := range ends {
		p.work(func(r rng) { e.read(r, ends[1-i]) })
		p.work(e.write)
		p.work(e.moveDeadlines)
	}
	e := pick(p.rng, ends[:]...)
	p.check = func() {
		ends[0].check(ends[1])
		ends[1].check(ends[0])
	}
	return pick(p.rng,
		func() {},
		e.close,
		func() {
			p.work(func(rng) { ends[0].close() })
			p.work(func(rng) { ends[1].close() })
		},
		func() {
			if e.ctx != nil {
				e.ctx.Cancel()
			}
		},
		func() { p.raw.Close() },
		p.reset, p.cut, p.garble, p.returnHandler,
	)
}

func (e *stressStream) close() {
	e.closing.Store(true)
	e.nc.Close()
	e.pair.called()
}

// ended reports whether err ends the stream. A timeout does not.
func (e *stressStream) ended(r rng, err error) bool {
	e.pair.called()
	switch {
	case err == nil:
		return false
	case errors.Is(err, os.ErrDeadlineExceeded):
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			e.errorf("%v is not a timeout", err)
		}
		if r.oneIn(2) {
			e.nc.SetDeadline(time.Time{})
		}
		return false
	}
	return true
}

// read reads until the end, and compares the bytes.
func (e *stressStream) read(r rng, from *stressStream) {
	defer e.nc.Close()
	defer close(e.over)
	buf := make([]byte, len(streamText)/3)
	for {
		n, err := e.nc.Read(buf[:r.upTo(len(buf))])
		if !inStream(e.got, buf[:n]) {
			e.errorf("the byte at %d is not the written one", e.got)
		}
		if e.got += int64(n); e.got > from.tried.Load() {
			e.errorf("%d of %d bytes arrived", e.got, from.tried.Load())
		}
		if e.ended(r, err) {
			e.closed = err == io.EOF && !e.closing.Load()
			return
		}
	}
}

// check expects all written bytes to have arrived from a peer that closed.
func (e *stressStream) check(from *stressStream) {
	if e.closed && e.got < from.wrote {
		e.errorf("%d bytes arrived before the end, %d were written", e.got, from.wrote)
	}
}

// inStream reports whether p equals the stream at an offset.
func inStream(at int64, p []byte) bool {
	for len(p) > 0 {
		want := streamText[at%int64(len(streamText)):]
		n := min(len(p), len(want))
		if string(p[:n]) != want[:n] {
			return false
		}
		p = p[n:]
		at += int64(n)
	}
	return true
}

// write writes until the end, and continues after a partial write.
func (e *stressStream) write(r rng) {
	for {
		rest := streamText[e.wrote%int64(len(streamText)):]
		p := []byte(rest[:r.upTo(len(rest))])
		tried := e.wrote + int64(len(p))
		if e.pair.secure {
			// A write that was cut off is the last one, and its count may not include
			// all bytes sent.
			tried = max(tried, e.tried.Load())
		}
		e.tried.Store(tried)
		n, err := e.nc.Write(p)
		e.wrote += int64(n)
		if n < len(p) && err == nil {
			e.errorf("wrote %d of %d bytes and returned no error", n, len(p))
		}
		if e.ended(r, err) {
			return
		}
	}
}

// moveDeadlines changes the deadlines of calls under way, until the end.
func (e *stressStream) moveDeadlines(r rng) {
	for {
		to := pick(r, time.Time{}, time.Unix(1, 0), time.Now().Add(time.Duration(r.IntN(3000))*time.Microsecond))
		pick(r, e.nc.SetDeadline, e.nc.SetReadDeadline, e.nc.SetWriteDeadline)(to)
		if e.nc.LocalAddr() == nil || e.nc.RemoteAddr() == nil {
			e.errorf("no address")
		}
		e.pair.called()
		select {
		case <-time.After(time.Duration(r.upTo(5000)) * time.Microsecond):
		case <-e.over:
			return
		}
	}
}
