//go:build !js

package websocket_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

// countedNetwork counts reads by the code under test. Its connections do not have the
// types of sockets.
type countedNetwork struct {
	rawpeer.Network
	dials bool // whether the code under test dials
	reads *atomic.Int64
}

func (n countedNetwork) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := n.Network.Dial(ctx)
	if n.dials && err == nil {
		conn = &countedConn{conn, n.reads}
	}
	return conn, err
}

func (n countedNetwork) Accept() (net.Conn, error) {
	conn, err := n.Network.Accept()
	if !n.dials && err == nil {
		conn = &countedConn{conn, n.reads}
	}
	return conn, err
}

type countedConn struct {
	net.Conn
	reads *atomic.Int64
}

func (c *countedConn) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return c.Conn.Read(p)
}

// maxReads bounds the number of reads that discard n bytes.
func maxReads(n int) int64 { return int64(n>>14 + 64) }

// inBubble runs a subtest in a bubble.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// A discarding is a situation in which the peer's input is discarded.
type discarding struct {
	name  string
	begin func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}]
	code  int
}

func closing(t *testing.T, c *websocket.Conn) *rawpeer.Call[struct{}] {
	return rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
}

var discardings = []discarding{
	{"Close", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		return closing(t, c)
	}, 1000},
	{"Close while Read waits", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		read := readingAll(t, c)
		synctest.Wait()
		close := closing(t, c)
		synctest.Wait() // otherwise a message may arrive before Close is called
		return rawpeer.GoErr(t, func() error {
			if err := read.Err(); !errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("got %w of Read, want net.ErrClosed", err)
			}
			return close.Err()
		})
	}, 1000},
	{"Close inside a message", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		p.Send(rawpeer.Text("a").More())
		conntest.WantRead(t, conntest.WantReader(t, c), "a")
		p.Send(rawpeer.Continuation("b"))
		return closing(t, c)
	}, 1000},
	{"NetConn", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		nc := websocket.NetConn(context.Background(), c, websocket.MessageBinary)
		return rawpeer.GoErr(t, nc.Close)
	}, 1000},
	{"CloseRead", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		ctx := c.CloseRead(t.Context())
		return rawpeer.GoErr(t, func() error { <-ctx.Done(); return nil })
	}, 1008},
	{"violation", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		p.Send(rawpeer.Text("x").WithRSV(rawpeer.RSV3))
		return rawpeer.GoErr(t, func() error {
			if err := conntest.ReadErr(t.Context(), c); err == nil || errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("got %w, want a violation", err)
			}
			return nil
		})
	}, 1002},
	{"violation while closing", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		closing := closing(t, c)
		p.Send(rawpeer.Text("x").WithRSV(rawpeer.RSV3))
		return rawpeer.GoErr(t, func() error {
			if closing.Err() == nil {
				return errors.New("got no error of Close after a violation")
			}
			return nil
		})
	}, 1000},
}

// Discarding takes few reads, and the close frame is read, for frames of any length.
func TestDiscardInFewReads(t *testing.T) {
	const size = 2 << 20
	frames := map[string]func() []rawpeer.Frame{
		"one frame": func() []rawpeer.Frame { return []rawpeer.Frame{rawpeer.Binary(make([]byte, size))} },
		"frames of 5000 bytes": func() []rawpeer.Frame {
			return conntest.Fragmented(rawpeer.Binary(make([]byte, size)), 5000)
		},
		"messages of 70000 bytes": func() (frames []rawpeer.Frame) {
			for range size / 70_000 {
				frames = append(frames, rawpeer.Binary(make([]byte, 70_000)))
			}
			return frames
		},
	}
	for _, role := range conntest.Roles {
		for _, d := range discardings {
			for name, frames := range frames {
				inBubble(t, strings.Join([]string{role.Name, d.name, name}, "/"), func(t *testing.T) {
					var reads atomic.Int64
					pipe := &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded, ResetUnread: true}
					n := countedNetwork{rawpeer.Listen(pipe), role.Name == "client", &reads}
					c, p := role.Connect(t, n, new(conntest.Options))
					defer c.CloseNow()
					c.SetReadLimit(-1)
					call := d.begin(t, c, p)
					before := reads.Load()
					p.Send(frames()...)
					p.WantClose(d.code)
					p.SendClose(1000, "")
					call.Want()
					if got := reads.Load() - before; got > maxReads(size) {
						t.Errorf("took %d reads, want %d at most", got, maxReads(size))
					}
				})
			}
		}
	}
}

// The rest of a partly read frame is discarded in few reads, too.
func TestDiscardRestInFewReads(t *testing.T) {
	const size = 2 << 20
	for _, role := range conntest.Roles {
		inBubble(t, role.Name, func(t *testing.T) {
			var reads atomic.Int64
			pipe := &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded, ResetUnread: true}
			n := countedNetwork{rawpeer.Listen(pipe), role.Name == "client", &reads}
			c, p := role.Connect(t, n, new(conntest.Options))
			defer c.CloseNow()
			c.SetReadLimit(-1)
			p.SendBinary(make([]byte, size))
			conntest.WantRead(t, conntest.WantReader(t, c), "\x00")
			before := reads.Load()
			call := closing(t, c)
			p.WantClose(1000)
			p.SendClose(1000, "")
			call.Want()
			if got := reads.Load() - before; got > maxReads(size) {
				t.Errorf("took %d reads, want %d at most", got, maxReads(size))
			}
		})
	}
}

// tlsPeerConfigs returns the configurations of a server and of a client that trusts it.
// Records have their maximum length.
func tlsPeerConfigs() (server, client *tls.Config) {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	s.Close()
	server = s.TLS.Clone()
	server.DynamicRecordSizingDisabled = true
	client = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.DynamicRecordSizingDisabled = true
	client.ServerName = "example.com"
	return server, client
}

// overTLSPeer runs test for both roles with a raw peer over TLS, in real time.
func overTLSPeer(t *testing.T, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer)) {
	t.Helper()
	server, client := tlsPeerConfigs()
	for _, role := range conntest.Roles {
		t.Run(role.Name+"/tls", func(t *testing.T) {
			c, p := role.Connect(t, tlsPeerNetwork{rawpeer.ListenLoopback(t), server, client}, new(conntest.Options))
			defer c.CloseNow()
			test(t, c, p)
		})
	}
}

// Over TLS each record takes one read.
func TestDiscardInFewReadsOverTLS(t *testing.T) {
	const size = 4 << 20
	server, client := tlsPeerConfigs()
	for _, role := range conntest.Roles {
		t.Run(role.Name, func(t *testing.T) {
			var reads atomic.Int64
			pipe := &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded, ResetUnread: true}
			n := countedNetwork{rawpeer.Listen(pipe), role.Name == "client", &reads}
			c, p := role.Connect(t, tlsPeerNetwork{n, server, client}, new(conntest.Options))
			defer c.CloseNow()
			p.SendBinary(make([]byte, size))
			before := reads.Load()
			call := closing(t, c)
			p.WantClose(1000)
			p.SendClose(1000, "")
			call.Want()
			if got := reads.Load() - before; got > maxReads(size) {
				t.Errorf("took %d reads, want %d at most", got, maxReads(size))
			}
		})
	}
}

// tlsPeerNetwork is a network with TLS on each connection.
type tlsPeerNetwork struct {
	rawpeer.Network
	server, client *tls.Config
}

func (n tlsPeerNetwork) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := n.Network.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return tls.Client(conn, n.client), nil
}

func (n tlsPeerNetwork) Accept() (net.Conn, error) {
	conn, err := n.Network.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(conn, n.server), nil
}

// A peer that sends a long message before it reads still receives the close frame with
// the code of the violation.
func TestViolationIsReadBehindLongMessage(t *testing.T) {
	const size = 5 << 20
	test := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		p.SendBinary(make([]byte, size)) // returns when all bytes have been written
		p.WantClose(1009)
		p.SendClose(1009, "")
		conntest.WantError(t, read.Err(), websocket.ErrMessageTooBig)
	}
	conntest.OverTCP(t, nil, test)
	overTLSPeer(t, test)
}

// A peer that violates the protocol while this side closes, and continues to send,
// still receives the close frame.
func TestCloseIsReadDespiteViolation(t *testing.T) {
	const size = 5 << 20
	test := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		call := closing(t, c)
		p.Send(rawpeer.Text("x").WithRSV(rawpeer.RSV3), rawpeer.Binary(make([]byte, size)))
		p.WantClose(1000)
		p.SendClose(1000, "")
		if call.Err() == nil {
			t.Error("got no error of a Close that ended with a violation")
		}
	}
	conntest.OverTCP(t, nil, test)
	overTLSPeer(t, test)
}

// Discarding takes no memory.
func TestDrainAllocatesLittle(t *testing.T) {
	const size, most = 8 << 20, 1 << 20
	conntest.ForBothRoles(t, &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("x").WithRSV(rawpeer.RSV3), rawpeer.Binary(make([]byte, size)), rawpeer.Close(1000, ""))
		n := conntest.Allocated(func() { conntest.WantCause(t, conntest.ReadErr(t.Context(), c), -1) })
		if n > most {
			t.Errorf("allocated %d bytes while %d were discarded, want %d at most", n, size, most)
		}
		p.WantClose(1002)
	})
}

// drainBytes is the most that is drained after a violation.
const drainBytes = 64 << 20

// A violation is invalid input, truncated after the byte at which it is detected.
type violation struct {
	name   string
	before []rawpeer.Frame // valid frames before it
	wrong  func(p *rawpeer.Peer) []byte
	code   int
}

// cut returns the first n bytes of a frame.
func cut(f rawpeer.Frame, n int) func(p *rawpeer.Peer) []byte {
	return func(p *rawpeer.Peer) []byte { return rawpeer.AppendFrame(nil, p.Masked(f))[:n] }
}

// cutHeader returns the first n bytes of a frame header with this length in this form.
func cutHeader(f rawpeer.Frame, form rawpeer.LengthForm, length uint64, n int) func(p *rawpeer.Peer) []byte {
	return func(p *rawpeer.Peer) []byte { return rawpeer.AppendHeader(nil, p.Masked(f), form, length)[:n] }
}

// whole returns a frame.
func whole(f rawpeer.Frame) func(p *rawpeer.Peer) []byte {
	return func(p *rawpeer.Peer) []byte { return rawpeer.AppendFrame(nil, p.Masked(f)) }
}

// wronglyMaskedFrame returns a frame masked by a server, or not masked by a client.
func wronglyMaskedFrame(p *rawpeer.Peer) []byte {
	f := rawpeer.Text("hello")
	if !conntest.PeerIsClient(p) {
		f = f.WithKey([4]byte{1, 2, 3, 4})
	}
	return rawpeer.AppendFrame(nil, f)
}

// wronglyMasked returns the part that shows the wrong masking.
func wronglyMasked(p *rawpeer.Peer) []byte { return wronglyMaskedFrame(p)[:2] }

func violations() []violation {
	text := rawpeer.Text("hello")
	begun := []rawpeer.Frame{text.More()}
	all := []violation{
		{"mask", nil, wronglyMasked, 1002},
		{"mask of a later frame", []rawpeer.Frame{rawpeer.Ping("")}, wronglyMasked, 1002},
		{"continuation of nothing", nil, cut(rawpeer.Continuation("x"), 1), 1002},
		{"first continuation of nothing", nil, cut(rawpeer.Continuation("x").More(), 1), 1002},
		{"continuation of a whole message", []rawpeer.Frame{text.More(), rawpeer.Continuation("")}, cut(rawpeer.Continuation(""), 1), 1002},
		{"text in a message", begun, cut(text, 1), 1002},
		{"binary in a message", begun, cut(rawpeer.Binary(nil), 1), 1002},
		{"first text frame in a message", begun, cut(text.More(), 1), 1002},
		{"text in a message behind a ping", append(slices.Clip(begun), rawpeer.Ping("")), cut(text, 1), 1002},
		{"reserved opcode in a message", begun, cut(rawpeer.Frame{Fin: true, Opcode: 3}, 1), 1002},
		{"length with the top bit", nil, cutHeader(text, rawpeer.Length64, 1<<63, 3), 1002},
		{"length of all ones", nil, cutHeader(text, rawpeer.Length64, 1<<64-1, 3), 1002},
		{"125 in 16 bits", nil, cutHeader(text, rawpeer.Length16, 125, 4), 1002},
		{"0 in 16 bits", nil, cutHeader(text, rawpeer.Length16, 0, 4), 1002},
		{"65535 in 64 bits", nil, cutHeader(text, rawpeer.Length64, 65535, 8), 1002},
		{"1 in 64 bits", nil, cutHeader(text, rawpeer.Length64, 1, 8), 1002},
		{"non-shortest continuation", begun, cutHeader(rawpeer.Continuation(""), rawpeer.Length16, 3, 4), 1002},
		{"close of one byte", nil, cut(rawpeer.Frame{Fin: true, Opcode: rawpeer.OpClose, Payload: []byte{3}}, 2), 1002},
		{"RSV1 of a continuation", begun, cut(rawpeer.Continuation("").WithRSV(rawpeer.RSV1), 1), 1002},
	}
	for rsv := byte(1); rsv < 8; rsv++ {
		all = append(all, violation{fmt.Sprintf("RSV %03b", rsv), nil, cut(text.WithRSV(rsv), 1), 1002})
	}
	for _, op := range []rawpeer.Opcode{3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf} {
		all = append(all, violation{op.String(), nil, cut(rawpeer.Frame{Fin: true, Opcode: op}, 1), 1002})
	}
	for _, f := range []rawpeer.Frame{rawpeer.Ping(""), rawpeer.Pong(""), rawpeer.Close(1000, "")} {
		name := f.Opcode.String()
		f126, f65536 := f, f
		f126.Payload, f65536.Payload = make([]byte, 126), make([]byte, 65536)
		all = append(all,
			violation{"fragmented " + name, nil, cut(f.More(), 1), 1002},
			violation{"fragmented " + name + " in a message", begun, cut(f.More(), 1), 1002},
			violation{name + " of 126 bytes", nil, cut(f126, 2), 1002},
			violation{name + " of 65536 bytes", begun, cut(f65536, 2), 1002},
			violation{name + " with RSV1", nil, cut(f.WithRSV(rawpeer.RSV1), 1), 1002},
		)
	}
	return all
}

// readingAll reads messages until an error.
func readingAll(t *testing.T, c *websocket.Conn) *rawpeer.Call[struct{}] {
	return rawpeer.GoErr(t, func() error {
		for {
			if _, _, err := c.Read(t.Context()); err != nil {
				return err
			}
		}
	})
}

// The close frame for a violation is sent when the byte that shows it has arrived, and
// not before. Then the connection is half-closed, until the peer closes its side.
func TestViolations(t *testing.T) {
	for _, v := range violations() {
		t.Run(v.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				read := readingAll(t, c)
				p.Send(v.before...)
				wrong := v.wrong(p)
				last := len(wrong) - 1
				p.SendRaw(wrong[:last])
				synctest.Wait()
				for _, f := range v.before {
					if f.Opcode == rawpeer.OpPing {
						p.WantPong("")
					}
				}
				p.WantSilence(time.Hour)

				start := time.Now()
				p.SendRaw(wrong[last:])
				p.WantClose(v.code)
				p.WantEOF()
				synctest.Wait()
				if read.Returned() || time.Since(start) != 0 {
					t.Fatalf("did not answer at once and drain: %v after %v", read.Err(), time.Since(start))
				}
				p.Close()
				conntest.WantCause(t, read.Err(), -1)
				if d := time.Since(start); d != 0 {
					t.Fatalf("drained for %v after the end", d)
				}
				conntest.WantEnded(t, c, -1)
			})
		})
	}
}

// With compression, RSV1 is valid in the first frame of a message, and invalid in all
// others.
func TestViolationsOfCompression(t *testing.T) {
	opts := &conntest.Options{Compression: websocket.CompressionContextTakeover}
	for _, v := range []violation{
		{"RSV1 of a continuation", []rawpeer.Frame{rawpeer.Text("a").More()}, cut(rawpeer.Continuation("").WithRSV(rawpeer.RSV1), 1), 1002},
		{"RSV1 of a ping", nil, cut(rawpeer.Ping("").WithRSV(rawpeer.RSV1), 1), 1002},
		{"RSV1 of a close", nil, cut(rawpeer.Close(1000, "").WithRSV(rawpeer.RSV1), 1), 1002},
		{"RSV2", nil, cut(rawpeer.Text("").WithRSV(rawpeer.RSV2), 1), 1002},
		{"RSV1 and RSV3", nil, cut(rawpeer.Text("").WithRSV(rawpeer.RSV1|rawpeer.RSV3), 1), 1002},
		{"a block of the reserved type", nil, cut(rawpeer.Text("\x07").WithRSV(rawpeer.RSV1), 7), 1007},
		{"a distance before the beginning", nil, func(p *rawpeer.Peer) []byte {
			f := rawpeer.Binary([]byte{0x03, 0x02}).WithRSV(rawpeer.RSV1) // fixed codes: a match of length 3 at distance 1
			return rawpeer.AppendFrame(nil, p.Masked(f))
		}, 1007},
	} {
		t.Run(v.name, func(t *testing.T) {
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				read := conntest.GoRead(t, c)
				p.Send(v.before...)
				p.SendRaw(v.wrong(p))
				p.WantClose(v.code)
				p.WantEOF()
				p.Close()
				conntest.WantCause(t, read.Err(), -1)
				conntest.WantEnded(t, c, -1)
			})
		})
	}
}

// Messages before a violation are read before its error.
func TestViolationBehindMessages(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendText("one")
		p.Send(rawpeer.Text("tw").More())
		p.SendRaw(wronglyMasked(p))
		conntest.WantText(t, c, "one")
		r := conntest.WantReader(t, c)
		conntest.WantRead(t, r, "tw")
		rest := rawpeer.GoErr(t, func() error { _, err := r.Read(make([]byte, 1)); return err })
		p.WantClose(1002)
		p.WantEOF()
		p.Close()
		conntest.WantCause(t, rest.Err(), -1)
		_, err := r.Read(make([]byte, 1))
		conntest.WantClosed(t, err, -1)
		conntest.WantEnded(t, c, -1)
	})
}

// A peer that keeps sending is drained for one second.
func TestViolationDrainTime(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		start := time.Now()
		read := rawpeer.Go(t, func() (time.Duration, error) {
			_, _, err := c.Read(t.Context())
			return time.Since(start), err
		})
		p.SendRaw(wronglyMasked(p))
		p.WantClose(1002)
		p.WantEOF()
		for {
			synctest.Wait()
			if read.Returned() {
				break
			}
			if _, err := p.Conn.Write([]byte("more")); err != nil {
				t.Fatalf("the connection was closed after %v: %v", time.Since(start), err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		after, err := read.Result()
		conntest.WantCause(t, err, -1)
		if after != conntest.DrainTime {
			t.Fatalf("drained for %v, want %v", after, conntest.DrainTime)
		}
		if !p.Stream().Peer().Stats().Closed {
			t.Fatal("the connection is not closed")
		}
	})
}

// While the reader drains, other calls return the end of the connection, even with an
// ended context.
func TestViolationWhileDraining(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := rawpeer.GoErr(t, func() error { return conntest.ReadErr(t.Context(), c) })
		p.SendRaw(wronglyMasked(p))
		p.WantClose(1002)
		synctest.Wait()
		if read.Returned() {
			t.Fatal("nothing is drained")
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		conntest.WantClosed(t, conntest.ReadErr(ended, c), -1)
		p.Close()
		conntest.WantCause(t, read.Err(), -1)
	})
}

// A peer that sends fast is drained for 64 MiB.
func TestViolationDrainBytes(t *testing.T) {
	const buffers = 64 << 10 // bytes read before, or at the end
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		if poolcheck.On && !conntest.PeerIsClient(p) {
			return // one role is enough with the race detector
		}
		start := time.Now()
		read := conntest.GoRead(t, c)
		p.SendRaw(wronglyMasked(p))
		p.WantClose(1002)
		p.WantEOF()

		p.SendRaw(make([]byte, drainBytes-buffers))
		synctest.Wait()
		if read.Returned() {
			t.Fatalf("closed before %d bytes: %v", drainBytes, read.Err())
		}
		if n, err := p.Conn.Write(make([]byte, 4*buffers)); err == nil {
			t.Fatalf("took %d bytes more than necessary", n)
		}
		conntest.WantCause(t, read.Err(), -1)
		if d := time.Since(start); d != 0 {
			t.Fatalf("took %v, want no time", d)
		}
	})
}

// Draining ends at the peer's close frame, which may follow the violation at any
// distance.
func TestViolationDrainsToClose(t *testing.T) {
	for _, v := range []violation{
		{"mask", nil, wronglyMaskedFrame, 1002},
		{"reserved opcode", nil, whole(rawpeer.Frame{Fin: true, Opcode: 3, Payload: []byte("hello")}), 1002},
		{"RSV", nil, whole(rawpeer.Text("hello").WithRSV(rawpeer.RSV3)), 1002},
		{"text", nil, whole(rawpeer.Text("\xff" + strings.Repeat("x", 5000))), 1007},
		{"too big", nil, whole(rawpeer.Binary(make([]byte, conntest.DefaultLimit+1))), 1009},
		{"long ping", nil, whole(rawpeer.Ping(strings.Repeat("x", 126))), 1002},
		{"continuation", nil, whole(rawpeer.Continuation("hello")), 1002},
	} {
		t.Run(v.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Pipe: &rawpeer.PipeOptions{ResetUnread: true}}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				start := time.Now()
				read := conntest.GoRead(t, c)
				p.SendRaw(v.wrong(p))
				p.Send(rawpeer.Ping("more"), rawpeer.Binary(make([]byte, 5000)), rawpeer.Frame{Opcode: 0xf})
				p.WantClose(v.code)
				p.WantEOF()
				synctest.Wait()
				if read.Returned() {
					t.Fatalf("got %v before a close frame", read.Err())
				}
				p.SendPieces(1, rawpeer.Close(1002, "so be it"))
				wantDrained(t, p, read, start)
			})
		})
	}
}

// Nothing is drained after a close frame, even an invalid one.
func TestViolationOfCloseIsNotDrained(t *testing.T) {
	for _, f := range []rawpeer.Frame{
		{Fin: true, Opcode: rawpeer.OpClose, Payload: []byte{3}},
		rawpeer.Close(1005, ""),
		rawpeer.Close(1005, "hello"),
	} {
		conntest.ForBothRoles(t, &conntest.Options{Pipe: &rawpeer.PipeOptions{ResetUnread: true}}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			start := time.Now()
			read := conntest.GoRead(t, c)
			p.SendPieces(1, f)
			p.WantClose(1002)
			p.WantEOF()
			wantDrained(t, p, read, start)
		})
	}
}

// wantDrained expects the connection to be closed at once, with nothing left to read.
func wantDrained(t *testing.T, p *rawpeer.Peer, read *rawpeer.Call[conntest.Message], start time.Time) {
	t.Helper()
	conntest.WantCause(t, read.Err(), -1)
	if d := time.Since(start); d != 0 {
		t.Fatalf("took %v, want no time", d)
	}
	if n := p.Stream().Peer().Stats().Unread; n != 0 {
		t.Fatalf("closed with %d bytes unread", n)
	}
}

// Closing a connection with unread bytes resets it, and the last bytes sent are lost.
// Draining prevents that.
func TestViolationIsNotReset(t *testing.T) {
	const more = 500_000
	test := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		send := rawpeer.GoErr(t, func() error {
			_, err := p.Conn.Write(append(wronglyMasked(p), make([]byte, more)...))
			return err
		})
		p.WantClose(1002)
		p.WantEOF()
		send.Want()
		p.Close()
		conntest.WantCause(t, read.Err(), -1)
	}
	conntest.ForBothRoles(t, &conntest.Options{Pipe: &rawpeer.PipeOptions{ResetUnread: true}}, test)
	conntest.OverTCP(t, nil, test)
}

// Nothing is sent after this side's close frame, not even for a violation.
func TestViolationDuringClose(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
		p.WantClose(1000)
		p.SendRaw(wronglyMasked(p))
		p.WantEOF() // without a second close frame
		if closing.Err() == nil {
			t.Fatal("got no error of a Close that the peer did not answer")
		}
		conntest.WantEnded(t, c, -1)
	})
}

// The connection is closed, although the close frame cannot be sent while a write is
// blocked.
func TestViolationWhileWriteIsStuck(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		start := time.Now()
		defer p.Stream().Peer().StallWrites()()
		write := rawpeer.GoErr(t, func() error {
			return c.Write(t.Context(), websocket.MessageText, []byte(strings.Repeat("x", 100)))
		})
		synctest.Wait()
		read := conntest.GoRead(t, c)
		p.SendRaw(wronglyMasked(p))
		conntest.WantCause(t, read.Err(), -1)
		conntest.WantCause(t, write.Err(), -1)
		if d := time.Since(start); d != conntest.DrainTime {
			t.Fatalf("took %v, want %v", d, conntest.DrainTime)
		}
	})
}

// CloseNow ends the draining.
func TestViolationDrainInterrupted(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		p.SendRaw(wronglyMasked(p))
		p.WantClose(1002)
		c.CloseNow()
		synctest.Wait()
		if !read.Returned() {
			t.Fatal("CloseNow did not end the draining")
		}
		conntest.WantCause(t, read.Err(), -1)
	})
}

// The close frame for a violation is sent after a Write under way, and is not lost.
func TestViolationBehindWrite(t *testing.T) {
	narrow := &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: 1000}}
	conntest.ForBothRoles(t, narrow, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		write := rawpeer.GoErr(t, func() error {
			return c.Write(t.Context(), websocket.MessageBinary, make([]byte, 5000))
		})
		synctest.Wait()
		read := conntest.GoRead(t, c)
		p.SendClose(999, "")
		synctest.Wait()
		p.WantBinary(make([]byte, 5000))
		p.WantClose(1002)
		write.Want()
		conntest.WantCause(t, read.Err(), -1)
	})
}

// A close frame that is too long, or has an invalid code, is a violation, but also the
// peer's close frame: nothing is drained after it.
func TestViolationByCloseFrame(t *testing.T) {
	for name, f := range map[string]rawpeer.Frame{
		"too long": {Fin: true, Opcode: rawpeer.OpClose, Payload: append([]byte{3, 232}, make([]byte, 200)...)},
		"bad code": rawpeer.Close(1005, ""),
	} {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				start := time.Now()
				read := conntest.GoRead(t, c)
				p.Send(f)
				p.WantClose(1002)
				conntest.WantCause(t, read.Err(), -1)
				if took := time.Since(start); took != 0 {
					t.Errorf("the connection was closed after %v", took)
				}
				p.WantEOF()
			})
		})
	}
}

// The peer has left. It makes no difference that a pong fails before the read ends: a read
// between messages returns an error that is io.EOF, and one inside a message
// io.ErrUnexpectedEOF.
func TestReadAfterFailedPong(t *testing.T) {
	for name, inside := range map[string]bool{"between messages": false, "inside a message": true} {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				if inside {
					p.Send(rawpeer.Frame{Opcode: rawpeer.OpText, Payload: []byte("begun")})
				}
				conntest.UnderTest(p).CutWrites(errors.New("write: broken pipe"))
				p.Send(rawpeer.Frame{Fin: true, Opcode: rawpeer.OpPing})
				read := rawpeer.GoErr(t, func() error { _, _, err := c.Read(t.Context()); return err })
				synctest.Wait()
				p.CloseWrite()
				want := io.EOF
				if inside {
					want = io.ErrUnexpectedEOF
				}
				conntest.WantError(t, read.Err(), want)
			})
		})
	}
}

// A stream that ends between messages that Close discards is an error that is io.EOF, and
// one that ends inside such a message is io.ErrUnexpectedEOF.
func TestCloseWithoutCloseFrame(t *testing.T) {
	begun := rawpeer.Frame{Opcode: rawpeer.OpText, Payload: []byte("begun")}
	for _, test := range []struct {
		name   string
		frames []rawpeer.Frame
		want   error
	}{
		{"nothing", nil, io.EOF},
		{"message", []rawpeer.Frame{rawpeer.Text("x")}, io.EOF},
		{"fragments", []rawpeer.Frame{begun, rawpeer.Continuation("")}, io.EOF},
		{"part of a message", []rawpeer.Frame{rawpeer.Text("x"), begun}, io.ErrUnexpectedEOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				closing := closing(t, c)
				p.WantClose(1000)
				p.Send(test.frames...)
				p.CloseWrite()
				err := closing.Err()
				conntest.WantError(t, err, test.want)
				if errors.Is(err, io.EOF) != (test.want == io.EOF) {
					t.Errorf("got error %v, want %v alone", err, test.want)
				}
			})
		})
	}
}

// A message that CloseRead does not expect, found while the close handshake is under way,
// does not cut the handshake short.
func TestUnexpectedMessageDuringClose(t *testing.T) {
	var callback chan struct{}
	opts := &conntest.Options{OnPing: func(context.Context, []byte) bool { <-callback; return false }}
	conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		callback = make(chan struct{})
		p.Send(rawpeer.Text("a").More())
		conntest.WantRead(t, conntest.WantReader(t, c), "a")
		read := c.CloseRead(t.Context())
		p.SendPing("")
		synctest.Wait()
		release := conntest.UnderTest(p).StallWrites()
		closing := closing(t, c)
		synctest.Wait()
		close(callback)
		p.Send(rawpeer.Continuation("b"))
		p.SendClose(1000, "")
		p.WantSilence(2 * conntest.DrainTime)
		release()
		p.WantClose(1000)
		closing.Want()
		<-read.Done()
	})
}
