//go:build !js

package faults

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// endSession is a connection that is about to end while a call is under way.
type endSession struct {
	c      *websocket.Conn
	p      *rawpeer.Peer
	ctx    context.Context // of Read, Reader and the NetConn
	cancel context.CancelFunc
	w      io.WriteCloser // a message in progress, or nil
	inside bool           // the peer's message is unfinished
}

// part has the peer send the first frame of a message.
func (s *endSession) part() { s.p.Send(rawpeer.Text("part").More()) }

// endings are the ways in which a connection ends. If closed is set, the error of the
// call under way matches net.ErrClosed; status is the close code in every call's error.
var endings = []struct {
	name   string
	end    func(t *testing.T, s *endSession)
	closed bool
	status websocket.StatusCode
	lost   bool
	inside bool
}{
	{name: "Close", closed: true, status: 4000, end: func(t *testing.T, s *endSession) {
		closing := rawpeer.GoErr(t, func() error { return s.c.Close(4000, "") })
		s.p.WantClose(4000)
		s.p.SendClose(4000, "")
		closing.Want()
	}},
	{name: "CloseNow", closed: true, status: -1, end: func(t *testing.T, s *endSession) { s.c.CloseNow() }},
	{name: "failed Writer", status: 1011, end: func(t *testing.T, s *endSession) {
		if s.w == nil {
			s.w = conntest.MustWriter(t, s.c, t.Context())
		}
		if _, err := s.w.Write([]byte("\xff")); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("got error %v, want that the text is not valid", err)
		}
		s.p.WantClose(1011)
		s.p.SendClose(1011, "")
	}},
	{name: "context inside a message", closed: true, status: -1, inside: true, end: func(t *testing.T, s *endSession) { s.cancel() }},
	{name: "close by the peer", status: 4001, end: func(t *testing.T, s *endSession) { s.p.SendClose(4001, "enough") }},
	{name: "violation", status: -1, end: func(t *testing.T, s *endSession) {
		s.p.Send(rawpeer.Text("x").WithRSV(rawpeer.RSV3))
		s.p.WantClose(1002)
		s.p.Close()
	}},
	{name: "lost between messages", status: -1, lost: true, end: func(t *testing.T, s *endSession) { s.p.Close() }},
	{name: "lost inside a message", status: -1, lost: true, inside: true, end: func(t *testing.T, s *endSession) { s.p.Close() }},
}

// endedCalls are the calls under way. begin prepares one.
var endedCalls = []struct {
	name  string
	begin func(t *testing.T, s *endSession) func() error
	reads bool
	cut   bool // a lost connection is io.ErrUnexpectedEOF, even between messages
}{
	{name: "Read", reads: true, begin: func(t *testing.T, s *endSession) func() error {
		if s.inside {
			s.part()
		}
		return func() error { return conntest.ReadErr(s.ctx, s.c) }
	}},
	{name: "AppendRead", reads: true, begin: func(t *testing.T, s *endSession) func() error {
		if s.inside {
			s.part()
		}
		return func() error { _, _, err := s.c.AppendRead(s.ctx, nil); return err }
	}},
	{name: "Reader", reads: true, begin: func(t *testing.T, s *endSession) func() error {
		return func() error {
			if s.inside {
				s.part()
				s.inside = false
				_, r, err := s.c.Reader(s.ctx)
				if err != nil {
					return err
				}
				if _, err := io.ReadFull(r, make([]byte, 4)); err != nil {
					return err
				}
				_, err = r.Read(make([]byte, 1))
				return err
			}
			_, _, err := s.c.Reader(s.ctx)
			return err
		}
	}},
	{name: "Read of a message", reads: true, cut: true, begin: func(t *testing.T, s *endSession) func() error {
		s.part()
		_, r, err := s.c.Reader(s.ctx)
		conntest.WantNoError(t, err)
		conntest.WantRead(t, r, "part")
		return func() error { _, err := r.Read(make([]byte, 10)); return err }
	}},
	{name: "Read of a NetConn", reads: true, cut: true, begin: func(t *testing.T, s *endSession) func() error {
		nc := websocket.NetConn(s.ctx, s.c, websocket.MessageText)
		if s.inside {
			s.part()
			conntest.WantRead(t, nc, "part")
		}
		return func() error { _, err := nc.Read(make([]byte, 10)); return err }
	}},
	{name: "Write", begin: func(t *testing.T, s *endSession) func() error {
		s.w = conntest.MustWriter(t, s.c, t.Context()) // the message stays unfinished
		return func() error { return s.c.Write(t.Context(), websocket.MessageText, []byte("x")) }
	}},
	{name: "Writer", begin: func(t *testing.T, s *endSession) func() error {
		s.w = conntest.MustWriter(t, s.c, t.Context())
		return func() error { _, err := s.c.Writer(t.Context(), websocket.MessageText); return err }
	}},
	{name: "Ping", begin: func(t *testing.T, s *endSession) func() error {
		return func() error { return s.c.Ping(t.Context()) }
	}},
}

// A call under way when the connection ends returns the cause. Its error matches
// net.ErrClosed only if this side closed the connection. A call made later returns an
// error that matches both.
func TestEnded(t *testing.T) {
	for _, e := range endings {
		for _, call := range endedCalls {
			t.Run(e.name+"/"+call.name, func(t *testing.T) {
				conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					s := &endSession{c: c, p: p, ctx: ctx, cancel: cancel, inside: e.inside}
					do := call.begin(t, s)
					if !call.reads {
						// Another goroutine reads.
						if e.inside {
							s.part()
						}
						go c.Read(ctx)
					}
					synctest.Wait()
					under := rawpeer.GoErr(t, do)
					if call.name == "Ping" {
						p.WantPing()
					}
					synctest.Wait()
					e.end(t, s)
					err := under.Err()
					wantEnd := conntest.WantCause
					if e.closed {
						wantEnd = conntest.WantClosed
					}
					status := e.status
					if !call.reads {
						status = websocket.CloseStatus(err) // this call may return before the peer's reply
					}
					wantEnd(t, err, status)
					want := error(nil)
					switch {
					case e.lost && (e.inside || call.cut):
						want = io.ErrUnexpectedEOF
					case e.lost:
						want = io.EOF
					case e.name == "context inside a message":
						want = context.Canceled
					}
					wantCause(t, err, want)
					synctest.Wait()
					c.Close(websocket.StatusNormalClosure, "") // waits for the connection to end
					conntest.WantEnded(t, c, e.status)
					err = do()
					conntest.WantClosed(t, err, e.status)
					wantCause(t, err, want)
				})
			})
		}
	}
}

// wantCause expects err to match want, if that is not nil, and to match io.EOF only if
// want does.
func wantCause(t *testing.T, err, want error) {
	t.Helper()
	if want != nil {
		conntest.WantError(t, err, want)
	}
	if want != io.EOF && errors.Is(err, io.EOF) {
		t.Errorf("got error %v, which is io.EOF", err)
	}
}
