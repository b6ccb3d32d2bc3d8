//go:build !js

package faults

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
	"github.com/bhojpur/api/wsjson"
)

// shortly is a timeout that expires in real time.
const shortly = 30 * time.Millisecond

// departures are the ways in which a peer leaves over TCP.
var departures = []struct {
	name   string
	leave  func(p *rawpeer.Peer)
	inside error // the error of a read inside a message
	before error // the error of a read before a message
}{
	{"reset", (*rawpeer.Peer).Reset, rawpeer.ErrReset, rawpeer.ErrReset},
	{"close", (*rawpeer.Peer).Close, io.ErrUnexpectedEOF, io.EOF},
	{"half-close", (*rawpeer.Peer).CloseWrite, io.ErrUnexpectedEOF, io.EOF},
}

// readsOnce are ways to read a message.
var readsOnce = []struct {
	name string
	read func(ctx context.Context, c *websocket.Conn) error
}{
	{"Read", func(ctx context.Context, c *websocket.Conn) error { return conntest.ReadErr(ctx, c) }},
	{"Reader", func(ctx context.Context, c *websocket.Conn) error {
		_, r, err := c.Reader(ctx)
		if err == nil {
			_, err = io.ReadAll(r)
		}
		return err
	}},
	{"wsjson.Read", func(ctx context.Context, c *websocket.Conn) error {
		var s string
		return wsjson.Read(ctx, c, &s)
	}},
}

// partsOf returns the numbers of bytes of a frame that arrive before a fault.
func partsOf(frame []byte) []int { return []int{0, 1, 2, 5, 10, len(frame) - 1} }

func TestFaultsOverTCPReading(t *testing.T) {
	for _, d := range departures {
		for _, r := range readsOnce {
			t.Run(d.name+"/"+r.name, func(t *testing.T) {
				for _, role := range conntest.Roles {
					for _, n := range partsOf(rawpeer.AppendFrame(nil, rawpeer.Text(saidJSON))) {
						c, p := role.Connect(t, rawpeer.ListenLoopback(t), new(conntest.Options))
						defer c.CloseNow()
						read := rawpeer.GoErr(t, func() error { return r.read(t.Context(), c) })
						p.SendRaw(rawpeer.AppendFrame(nil, p.Masked(rawpeer.Text(saidJSON)))[:n])
						d.leave(p)
						want := d.before
						if n > 0 {
							want = d.inside
						}
						err := read.Err()
						conntest.WantError(t, err, want)
						conntest.WantCause(t, err, -1)
						conntest.WantEnded(t, c, -1)
					}
				}
			})
		}
	}
}

// Only the end of a context reveals a peer that vanished. Before the first byte of a
// message, the connection stays usable.
func TestFaultsOverTCPVanished(t *testing.T) {
	for _, r := range readsOnce {
		t.Run(r.name, func(t *testing.T) {
			conntest.OverTCP(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				frame := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Text(saidJSON)))
				read := func() error {
					ctx, cancel := context.WithTimeout(t.Context(), shortly)
					defer cancel()
					return rawpeer.GoErr(t, func() error { return r.read(ctx, c) }).Err()
				}
				// An incomplete header does not begin a message.
				conntest.WantInterrupted(t, read(), context.DeadlineExceeded)
				p.SendRaw(frame[:1])
				conntest.WantInterrupted(t, read(), context.DeadlineExceeded)
				p.SendRaw(frame[1:])
				conntest.WantNoError(t, r.read(t.Context(), c))

				p.SendRaw(frame[:len(frame)-1])
				err := read()
				conntest.WantError(t, err, context.DeadlineExceeded)
				conntest.WantClosed(t, err, -1)
				conntest.WantEnded(t, c, -1)
			})
		})
	}
}

// stuffed makes the peer's receive buffer small. The peer does not read.
func stuffed(t *testing.T, p *rawpeer.Peer) {
	t.Helper()
	if err := p.Conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
}

// untilError repeats a write until it fails.
func untilError(write func() error) error {
	for {
		if err := write(); err != nil {
			return err
		}
	}
}

// writesOnce are ways to write a message.
var writesOnce = []struct {
	name  string
	write func(ctx context.Context, c *websocket.Conn) error
}{
	{"short", func(ctx context.Context, c *websocket.Conn) error {
		return c.Write(ctx, websocket.MessageText, []byte(conntest.Filler(4000)))
	}},
	{"long", func(ctx context.Context, c *websocket.Conn) error {
		return c.Write(ctx, websocket.MessageText, make([]byte, 8<<20))
	}},
	{"Writer", func(ctx context.Context, c *websocket.Conn) error { return write(c, ctx, saidMost, saidMost) }},
	{"WritePrepared", func(ctx context.Context, c *websocket.Conn) error {
		m, err := websocket.NewPreparedMessage(websocket.MessageText, []byte(saidMost))
		if err != nil {
			return err
		}
		return c.WritePrepared(ctx, m)
	}},
}

// Writes to a peer that does not read block until something ends them.
func TestFaultsOverTCPWriting(t *testing.T) {
	for _, end := range []struct {
		name    string
		timeout time.Duration
		end     func(c *websocket.Conn, p *rawpeer.Peer)
		want    []error
	}{
		{"context", shortly, func(*websocket.Conn, *rawpeer.Peer) {}, []error{context.DeadlineExceeded}},
		{"CloseNow", time.Hour, func(c *websocket.Conn, _ *rawpeer.Peer) { c.CloseNow() }, []error{net.ErrClosed}},
		{"reset", time.Hour, func(_ *websocket.Conn, p *rawpeer.Peer) { p.Reset() }, []error{rawpeer.ErrReset, rawpeer.ErrBrokenPipe}},
		{"close", time.Hour, func(_ *websocket.Conn, p *rawpeer.Peer) { p.Close() }, []error{rawpeer.ErrReset, rawpeer.ErrBrokenPipe}},
	} {
		for _, w := range writesOnce {
			t.Run(end.name+"/"+w.name, func(t *testing.T) {
				conntest.OverTCP(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					stuffed(t, p)
					begun := make(chan struct{}, 1)
					writing := rawpeer.GoErr(t, func() error {
						return untilError(func() error {
							ctx, cancel := context.WithTimeout(t.Context(), end.timeout)
							defer cancel()
							select {
							case begun <- struct{}{}:
							default:
							}
							return w.write(ctx, c)
						})
					})
					<-begun
					end.end(c, p)
					if err := writing.Err(); !isOneOf(err, end.want) {
						t.Fatalf("got error %v, want one of %q", err, end.want)
					}
					conntest.WantNoError(t, c.CloseNow())
					conntest.WantEnded(t, c, -1)
				})
			})
		}
	}
}

// Deadlines leave the stream of a NetConn intact, whatever the peer does.
func TestFaultsOverTCPNetConn(t *testing.T) {
	conntest.OverTCP(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		nc := websocket.NetConn(t.Context(), c, websocket.MessageText)
		defer nc.Close()
		p.SendRaw(rawpeer.AppendFrame(nil, p.Masked(rawpeer.Text(said)))[:12])
		nc.SetReadDeadline(time.Now().Add(shortly))
		err := rawpeer.GoErr(t, func() error { _, err := io.ReadFull(nc, make([]byte, len(said))); return err }).Err()
		conntest.WantError(t, err, os.ErrDeadlineExceeded)

		sent := 0
		err = rawpeer.GoErr(t, func() error {
			return untilError(func() error {
				nc.SetWriteDeadline(time.Now().Add(shortly))
				n, err := io.WriteString(nc, saidMost)
				sent += n
				return err
			})
		}).Err()
		conntest.WantTimeout(t, err)

		// All bytes that Write accepted arrive, and later writes follow them.
		nc.SetDeadline(time.Time{})
		last := rawpeer.GoErr(t, func() error { _, err := io.WriteString(nc, noted); return err })
		got := 0
		for got < sent+len(noted) {
			f := p.WantFrame()
			got += len(f.Payload)
		}
		last.Want()
		if got != sent+len(noted) {
			t.Fatalf("%d bytes came, want %d", got, sent+len(noted))
		}
		p.Reset()
		_, err = nc.Read(make([]byte, 1))
		for err == nil {
			_, err = nc.Read(make([]byte, 100))
		}
		if !isOneOf(err, []error{rawpeer.ErrReset, io.ErrUnexpectedEOF}) {
			t.Fatalf("got error %v from a stream that was reset", err)
		}
	})
}

// Close runs while the peer leaves.
func TestFaultsOverTCPClosing(t *testing.T) {
	for _, d := range departures {
		for n := range 4 { // number of bytes of the peer's close frame
			t.Run(fmt.Sprintf("%s/%d", d.name, n), func(t *testing.T) {
				conntest.OverTCP(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
					p.WantClose(1000)
					p.SendRaw(rawpeer.AppendFrame(nil, p.Masked(rawpeer.Close(1000, "")))[:n])
					d.leave(p)
					want := d.before
					if n > 0 {
						want = d.inside
					}
					conntest.WantError(t, closing.Err(), want)
					conntest.WantEnded(t, c, -1)
				})
			})
		}
	}
}
