//go:build !js

package websocket_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// forBothNetConns is forBothRoles with a NetConn of binary messages.
func forBothNetConns(t *testing.T, opts *conntest.Options, test func(t *testing.T, nc net.Conn, p *rawpeer.Peer)) {
	t.Helper()
	conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		test(t, websocket.NetConn(t.Context(), c, websocket.MessageBinary), p)
	})
}

// collect reads whole messages until n bytes of them have come, with a pause
// before each frame.
func collect(t *testing.T, p *rawpeer.Peer, takeover rawpeer.Takeover, n int, pause time.Duration) string {
	t.Helper()
	inflater := rawpeer.NewInflater(takeover)
	var got, payload []byte
	compressed, inMessage := false, false
	for len(got) < n || inMessage {
		time.Sleep(pause)
		f := p.WantFrame()
		if !inMessage {
			payload, compressed = nil, f.RSV == rawpeer.RSV1
		}
		payload = append(payload, f.Payload...)
		if inMessage = !f.Fin; inMessage {
			continue
		}
		if compressed {
			var err error
			if payload, err = inflater.Message(payload); err != nil {
				t.Fatal(err)
			}
		}
		got = append(got, payload...)
	}
	return string(got)
}

// wantStream wants the bytes of s to come, in whole messages, and nothing
// behind them.
func wantStream(t *testing.T, p *rawpeer.Peer, takeover rawpeer.Takeover, s string) {
	t.Helper()
	if got := collect(t, p, takeover, len(s), 0); got != s {
		t.Fatalf("got a stream of %d bytes, want the %d that were written", len(got), len(s))
	}
	p.WantSilence(time.Minute)
}

func TestNetConnReadsMessages(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			forBothNetConns(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
				p.SendBinary([]byte("one"))
				p.SendBinary(nil)
				p.Send(rawpeer.Binary([]byte("two")).More(), rawpeer.Ping(""), rawpeer.Continuation("three"))
				conntest.WantRead(t, nc, "o")
				conntest.WantRead(t, nc, "netwothr")
				conntest.WantRead(t, nc, "ee")
				p.WantPong("")
				if mode.mode != websocket.CompressionDisabled {
					p.Send(rawpeer.Deflated(rawpeer.Binary([]byte("inflated"))))
					p.Send(rawpeer.Binary([]byte("\x00")).WithRSV(rawpeer.RSV1)) // empty
					p.Send(rawpeer.Deflated(rawpeer.Binary([]byte("again"))))
					conntest.WantRead(t, nc, "inf")
					conntest.WantRead(t, nc, "latedag")
					conntest.WantRead(t, nc, "ain")
				}
				// Read returns what is there.
				p.SendBinary([]byte("short"))
				if n, err := nc.Read(make([]byte, 100)); n != 5 || err != nil {
					t.Errorf("got %d, %v", n, err)
				}
				// There is no limit.
				sending := rawpeer.GoErr(t, func() error { _, err := io.ReadFull(nc, make([]byte, 200_000)); return err })
				p.SendBinary(make([]byte, 200_000))
				sending.Want()
			})
		})
	}
}

func TestNetConnWritesMessages(t *testing.T) {
	for _, typ := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		t.Run(typ.String(), func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				nc := websocket.NetConn(t.Context(), c, typ)
				for _, size := range []int{0, 1, 5000, 16 << 10, 16<<10 + 1, 100_000} {
					buf := []byte(conntest.Filler(size))
					n, err := nc.Write(buf)
					if n != size || err != nil {
						t.Errorf("got %d, %v for %d bytes", n, err, size)
					}
					if string(buf) != conntest.Filler(size) {
						t.Error("the caller's bytes were changed")
					}
					clear(buf)
					p.WantMessage(rawpeer.Opcode(typ), []byte(conntest.Filler(size)))
				}
			})
		})
	}
}

func TestNetConnWrongType(t *testing.T) {
	forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
		p.SendBinary([]byte("right"))
		p.SendText("wrong")
		conntest.WantRead(t, nc, "right")
		reading := rawpeer.GoErr(t, func() error { _, err := nc.Read(make([]byte, 1)); return err })
		p.WantClose(1003)
		p.Close()
		conntest.WantCause(t, reading.Err(), -1)
		_, err := nc.Write([]byte("x"))
		conntest.WantClosed(t, err, -1)
	})
}

// How the peer leaves decides how the stream ends, each time that one asks.
func TestNetConnEnd(t *testing.T) {
	for _, test := range []struct {
		name   string
		leaves func(p *rawpeer.Peer)
		want   error // for == when it is io.EOF
		status websocket.StatusCode
	}{
		{"1000", func(p *rawpeer.Peer) { p.SendClose(1000, "") }, io.EOF, -1},
		{"1001", func(p *rawpeer.Peer) { p.SendClose(1001, "bye") }, io.EOF, -1},
		{"1008", func(p *rawpeer.Peer) { p.SendClose(1008, "") }, websocket.CloseError{Code: 1008}, 1008},
		{"4000", func(p *rawpeer.Peer) { p.SendClose(4000, "") }, websocket.CloseError{Code: 4000}, 4000},
		{"no code", func(p *rawpeer.Peer) { p.SendClose(rawpeer.NoCode, "") }, websocket.CloseError{Code: 1005}, 1005},
		{"EOF", func(p *rawpeer.Peer) { p.CloseWrite() }, io.ErrUnexpectedEOF, -1},
		{"EOF in a header", func(p *rawpeer.Peer) { p.SendRaw([]byte{0x82}); p.CloseWrite() }, io.ErrUnexpectedEOF, -1},
		{"EOF in a message", func(p *rawpeer.Peer) { p.Send(rawpeer.Binary(nil).More()); p.CloseWrite() }, io.ErrUnexpectedEOF, -1},
		{"reset", func(p *rawpeer.Peer) { p.Reset() }, rawpeer.ErrReset, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
				p.SendBinary([]byte("before"))
				conntest.WantRead(t, nc, "before")
				test.leaves(p)
				for i := range 3 {
					n, err := nc.Read(make([]byte, 1))
					if n != 0 || !errors.Is(err, test.want) || websocket.CloseStatus(err) != test.status {
						t.Errorf("got %d, %v of status %v; want %v of %v", n, err, websocket.CloseStatus(err), test.want, test.status)
					}
					if later := i > 0 && test.want != io.EOF; errors.Is(err, net.ErrClosed) != later {
						t.Errorf("got %v of call %d, which is net.ErrClosed: %t", err, i, !later)
					}
					if (err == io.EOF) != (test.want == io.EOF) || errors.Is(err, io.EOF) != (test.want == io.EOF) {
						t.Errorf("got %v; io.EOF is for a good end, as it is", err)
					}
				}
				if n, err := nc.Read(nil); n != 0 || (err == io.EOF) != (test.want == io.EOF) {
					t.Errorf("got %d, %v from a Read into nothing", n, err)
				}
				if _, err := nc.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
					t.Errorf("got %v from Write", err)
				}
				if err := nc.Close(); err != nil {
					t.Errorf("got %v from Close", err)
				}
			})
		})
	}
}

// Close says good-bye and leaves the peer 5 seconds to answer; calls under way
// return at once.
func TestNetConnClose(t *testing.T) {
	forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
		reading := rawpeer.GoErr(t, func() error { _, err := nc.Read(make([]byte, 1)); return err })
		synctest.Wait()
		start := time.Now()
		if err := nc.Close(); err != nil {
			t.Errorf("got %v", err)
		}
		conntest.WantError(t, reading.Err(), net.ErrClosed)
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("took %v", took)
		}
		p.WantClose(1000)
		_, err := nc.Read(make([]byte, 1))
		conntest.WantError(t, err, net.ErrClosed)
		_, err = nc.Write([]byte("x"))
		conntest.WantError(t, err, net.ErrClosed)
		if err := nc.Close(); err != nil {
			t.Errorf("got %v from a second Close", err)
		}
		p.WantEOF()
		if took := time.Since(start); took != conntest.CloseTimeout {
			t.Errorf("the network connection was closed after %v", took)
		}
	})
}

func TestNetConnCloseUnblocks(t *testing.T) {
	forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
		conntest.UnderTest(p).SetCapacity(10)
		calls := []*rawpeer.Call[int]{
			rawpeer.Go(t, func() (int, error) { return nc.Write(make([]byte, 100_000)) }),
			rawpeer.Go(t, func() (int, error) { return nc.Read(make([]byte, 1)) }),
		}
		synctest.Wait()
		calls = append(calls, rawpeer.Go(t, func() (int, error) { return nc.Write(make([]byte, 1000)) }))
		synctest.Wait()
		start := time.Now()
		nc.Close()
		for _, call := range calls {
			_, err := call.Result()
			conntest.WantError(t, err, net.ErrClosed)
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// The end of its context closes a NetConn at once.
func TestNetConnContext(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithCancel(t.Context())
		nc := websocket.NetConn(ctx, c, websocket.MessageBinary)
		conntest.UnderTest(p).SetCapacity(10)
		calls := []*rawpeer.Call[int]{
			rawpeer.Go(t, func() (int, error) { return nc.Read(make([]byte, 1)) }),
			rawpeer.Go(t, func() (int, error) { return nc.Write(make([]byte, 1000)) }),
		}
		synctest.Wait()
		start := time.Now()
		cancel()
		for _, call := range calls {
			_, err := call.Result()
			conntest.WantError(t, err, context.Canceled)
		}
		_, err := nc.Read(make([]byte, 1))
		conntest.WantError(t, err, context.Canceled)
		_, err = nc.Write(make([]byte, 1))
		conntest.WantError(t, err, context.Canceled)
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
		if !conntest.UnderTest(p).Stats().Closed {
			t.Error("the network connection is open")
		}
		if err := nc.Close(); err != nil {
			t.Errorf("got %v from Close", err)
		}
	})
}

// bareTransport answers a handshake with a body that is a stream, and tells
// nothing else of it.
type bareTransport struct{ conn net.Conn }

func (tr bareTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Write(tr.conn); err != nil {
		return nil, err
	}
	in := bufio.NewReader(tr.conn)
	resp, err := http.ReadResponse(in, r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Writer
		io.Closer
	}{in, tr.conn, tr.conn}
	return resp, nil
}

// There is always an address.
func TestNetConnAddr(t *testing.T) {
	check := func(t *testing.T, c *websocket.Conn, local, remote net.Addr) {
		nc := websocket.NetConn(t.Context(), c, websocket.MessageBinary)
		for _, conn := range []interface{ LocalAddr() net.Addr }{c, nc} {
			if got := conn.LocalAddr(); got == nil || got.Network() != local.Network() || got.String() != local.String() {
				t.Errorf("got the local address %v, want %v", got, local)
			}
		}
		for _, conn := range []interface{ RemoteAddr() net.Addr }{c, nc} {
			if got := conn.RemoteAddr(); got == nil || got.Network() != remote.Network() || got.String() != remote.String() {
				t.Errorf("got the remote address %v, want %v", got, remote)
			}
		}
	}
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		check(t, c, conntest.UnderTest(p).LocalAddr(), conntest.UnderTest(p).RemoteAddr())
	})
	t.Run("not known", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			conn, peer := rawpeer.Pipe(nil)
			dial := rawpeer.Go(t, func() (*websocket.Conn, error) {
				c, _, err := websocket.Dial(t.Context(), rawpeer.URL, &websocket.DialOptions{
					HTTPClient: &http.Client{Transport: bareTransport{conn}},
				})
				return c, err
			})
			rawpeer.ServeHandshake(t, peer, nil)
			c := dial.Want()
			defer c.CloseNow()
			for _, addr := range []net.Addr{c.LocalAddr(), c.RemoteAddr()} {
				if addr == nil || addr.Network() != "websocket" {
					t.Errorf("got the address %v", addr)
				}
			}
			check(t, c, c.LocalAddr(), c.RemoteAddr())
		})
	})
}

// A text that is cut off by a deadline, or by one that is moved, is never cut
// inside a character: each message is UTF-8, and the rest can be written.
func TestNetConnTextCutOff(t *testing.T) {
	text := "x" + strings.Repeat("é", 50_000)
	narrow := &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: 1000}}
	for name, write := range map[string]func(*testing.T, net.Conn) func() error{
		"passed": func(t *testing.T, nc net.Conn) func() error {
			nc.SetWriteDeadline(time.Now().Add(time.Second))
			n, err := nc.Write([]byte(text))
			conntest.WantTimeout(t, err)
			nc.SetWriteDeadline(time.Time{})
			return rawpeer.GoErr(t, func() error { _, err := nc.Write([]byte(text[n:])); return err }).Err
		},
		"moved": func(t *testing.T, nc net.Conn) func() error {
			call := rawpeer.GoErr(t, func() error { _, err := nc.Write([]byte(text)); return err })
			synctest.Wait()
			nc.SetWriteDeadline(time.Now().Add(time.Hour))
			return call.Err
		},
	} {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, narrow, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				result := write(t, websocket.NetConn(t.Context(), c, websocket.MessageText))
				for got := 0; got < len(text); {
					m := p.ReadMessage()
					if !utf8.Valid(m.Payload) {
						t.Fatalf("a message of %d bytes is not UTF-8", len(m.Payload))
					}
					got += len(m.Payload)
				}
				conntest.WantNoError(t, result())
			})
		})
	}
}

// What a Write says it wrote does not include what went nowhere.
func TestNetConnWriteOnReset(t *testing.T) {
	for _, size := range []int{10, 5000, 100_000} {
		forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
			p.Reset()
			if n, err := nc.Write(make([]byte, size)); n != 0 || err == nil {
				t.Errorf("wrote %d bytes, %v, to a stream that had been reset", n, err)
			}
		})
	}
}

// A connection that ended because its context's deadline passed is closed, and
// does not tell its caller to try again.
func TestNetConnContextDeadline(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		nc := websocket.NetConn(ctx, c, websocket.MessageBinary)
		defer nc.Close()
		for range 2 {
			_, err := nc.Read(make([]byte, 1))
			conntest.WantError(t, err, context.DeadlineExceeded)
			conntest.WantError(t, err, net.ErrClosed)
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				t.Error("the end of the connection is a timeout")
			}
		}
	})
}

func TestNetConnEmptyRead(t *testing.T) {
	forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
		if n, err := nc.Read(nil); n != 0 || err != nil {
			t.Errorf("read %d, %v into nothing", n, err)
		}
	})
}

// A Read of a NetConn, and of a message's reader, returns as much of the frame as the
// slice holds, however the bytes arrive.
func TestReadFillsTheSlice(t *testing.T) {
	var message []byte
	for i := range 1400 {
		message = append(message, byte(i))
	}
	for _, piece := range []int{1, 7, 124, 1000, 1400, 3000, 1 << 20} {
		inBubble(t, fmt.Sprintf("NetConn in pieces of %d", piece), func(t *testing.T) {
			for _, role := range conntest.Roles {
				var reads atomic.Int64
				n := countedNetwork{rawpeer.Listen(nil), role.Name == "client", &reads}
				c, p := role.Connect(t, n, new(conntest.Options))
				nc := websocket.NetConn(t.Context(), c, websocket.MessageBinary)
				before, arrived := reads.Load(), int64(0)
				got := rawpeer.Go(t, func() (sizes []int, err error) {
					b := make([]byte, 4096)
					for range 5 {
						n, err := nc.Read(b)
						if err != nil || string(b[:n]) != string(message) {
							return sizes, fmt.Errorf("read %d bytes, %w", n, err)
						}
						sizes = append(sizes, n)
					}
					return sizes, nil
				})
				var wire []byte
				for range 5 {
					wire = rawpeer.AppendFrame(wire, p.Masked(rawpeer.Binary(message)))
				}
				for len(wire) > 0 {
					synctest.Wait()
					k := min(piece, len(wire))
					p.SendRaw(wire[:k])
					wire = wire[k:]
					arrived++
				}
				if sizes := got.Want(); !slices.Equal(sizes, []int{1400, 1400, 1400, 1400, 1400}) {
					t.Errorf("%s: read %v", role.Name, sizes)
				}
				// One read for each piece, and up to two more for a frame: one for its
				// header, and one for the rest of a piece.
				if took := reads.Load() - before; took > arrived+2*5 {
					t.Errorf("%s: took %d reads of %d pieces", role.Name, took, arrived)
				}
				nc.Close()
				p.Close()
			}
		})
		t.Run(fmt.Sprintf("Reader in pieces of %d", piece), func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				got := rawpeer.Go(t, func() (sizes []int, err error) {
					_, r, err := c.Reader(t.Context())
					for err == nil {
						var n int
						if n, err = r.Read(make([]byte, 1000)); n > 0 {
							sizes = append(sizes, n)
						}
					}
					if err == io.EOF {
						err = nil
					}
					return sizes, err
				})
				wire := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Binary(message).More()))
				wire = rawpeer.AppendFrame(wire, p.Masked(rawpeer.Continuation(string(message))))
				for len(wire) > 0 {
					synctest.Wait()
					k := min(piece, len(wire))
					p.SendRaw(wire[:k])
					wire = wire[k:]
				}
				if sizes := got.Want(); !slices.Equal(sizes, []int{1000, 400, 1000, 400}) {
					t.Errorf("read %v", sizes)
				}
			})
		})
	}
}

// A Read that its deadline interrupts returns what it has, and the error next. A
// compressed message returns what is inflated.
func TestReadFillInterrupted(t *testing.T) {
	forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
		wire := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Binary([]byte("0123456789"))))
		nc.SetReadDeadline(time.Now().Add(time.Second))
		p.SendRaw(wire[:len(wire)-6])
		b := make([]byte, 10)
		if n, err := nc.Read(b); n != 4 || err != nil || string(b[:n]) != "0123" {
			t.Errorf("got %q, %v, want 0123", b[:n], err)
		}
		n, err := nc.Read(b)
		if n != 0 {
			t.Errorf("got %d bytes after the deadline", n)
		}
		conntest.WantTimeout(t, err)
		nc.SetReadDeadline(time.Time{})
		p.SendRaw(wire[len(wire)-6:])
		if n, err := nc.Read(b); n != 6 || err != nil || string(b[:n]) != "456789" {
			t.Errorf("got %q, %v, want the rest", b[:n], err)
		}
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wire := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Binary([]byte("0123456789"))))
		p.SendRaw(wire[:len(wire)-6])
		_, r, err := c.Reader(ctx)
		conntest.WantNoError(t, err)
		b := make([]byte, 10)
		if n, err := r.Read(b); n != 4 || err != nil {
			t.Errorf("got %d, %v, want 4 bytes", n, err)
		}
		_, err = r.Read(b)
		conntest.WantClosed(t, err, -1)
		conntest.WantError(t, err, context.DeadlineExceeded)
	})
}
