//go:build !js

package websocket_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/bent"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// forBothNetConns is conntest.ForBothRoles with a NetConn of binary messages.
func forBothNetConns(t *testing.T, opts *conntest.Options, test func(t *testing.T, nc net.Conn, p *rawpeer.Peer)) {
	t.Helper()
	conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		test(t, websocket.NetConn(t.Context(), c, websocket.MessageBinary), p)
	})
}

// collect reads whole messages until n bytes have arrived, with a pause before each
// frame.
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

// wantStream expects the bytes of s to arrive in whole messages, and nothing after them.
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
				// Read returns the available bytes.
				p.SendBinary([]byte("short"))
				if n, err := nc.Read(make([]byte, 100)); n != 5 || err != nil {
					t.Errorf("got %d, %v", n, err)
				}
				// A NetConn has no read limit.
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

// The way in which the peer leaves determines the end of the stream, in each call.
func TestNetConnEnd(t *testing.T) {
	for _, test := range []struct {
		name   string
		leaves func(p *rawpeer.Peer)
		want   error // compared with == if it is io.EOF
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
						t.Errorf("got %v, want the bare io.EOF, and only after a regular close", err)
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

// Close sends a close frame and gives the peer 5 seconds to reply; calls under way
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

// bareTransport responds to a handshake with a stream as the body, without revealing
// the connection.
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

// Addresses are never nil.
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

// A text that is interrupted by a deadline, or by a changed one, is never split inside
// a character: each message is valid UTF-8, and the rest can be written.
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

// The count returned by Write does not include bytes that were not sent.
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

// A connection that ended at its context's deadline is closed, and its error is not a
// timeout.
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

// A Read of a NetConn, or of a message's reader, fills the slice from the frame,
// however the bytes arrive.
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

// A Read of a compressed message returns as many bytes as the received ones inflate to, up
// to the size of the slice, without waiting for more.
func TestReadReturnsWhatIsInflated(t *testing.T) {
	const flushed = "\x00\x00\xff\xff" // the end of a flush
	message := []byte(strings.Repeat(conntest.Filler(1400), 3))
	rand.NewChaCha8([32]byte{}).Read(message[1400:2800])
	opts := &conntest.Options{Compression: websocket.CompressionContextTakeover}
	fragments := func(p *rawpeer.Peer) (payloads []string, frames [][]byte) {
		d := rawpeer.NewDeflater(rawpeer.ContextTakeover)
		first, second := string(d.Message(message[:2000]))+flushed, string(d.Message(message[2000:]))
		return []string{first, second}, [][]byte{
			rawpeer.AppendFrame(nil, p.Masked(rawpeer.Binary([]byte(first)).WithRSV(rawpeer.RSV1).More())),
			rawpeer.AppendFrame(nil, p.Masked(rawpeer.Continuation(second))),
		}
	}
	read := func(t *testing.T, p *rawpeer.Peer, open func() (io.Reader, error), room int) {
		var got atomic.Int64
		reading := rawpeer.GoErr(t, func() error {
			r, err := open()
			if err != nil {
				return err
			}
			b := make([]byte, room)
			for sum := 0; sum < len(message); {
				n, err := r.Read(b)
				if err != nil || !bytes.Equal(b[:n], message[sum:sum+n]) {
					return fmt.Errorf("read %d bytes behind %d, %w", n, sum, err)
				}
				sum += n
				got.Store(int64(sum))
			}
			return nil
		})
		payloads, frames := fragments(p)
		arrived := ""
		for i, frame := range frames {
			header := len(frame) - len(payloads[i])
			p.SendRaw(frame[:header])
			for len(payloads[i]) > 0 {
				k := min(3, len(payloads[i]))
				p.SendRaw(frame[header : header+k])
				arrived += payloads[i][:k]
				frame, payloads[i] = frame[k:], payloads[i][k:]
				synctest.Wait()
				want, _ := io.ReadAll(flate.NewReader(strings.NewReader(arrived)))
				if got.Load() < int64(len(want)) {
					t.Fatalf("%d bytes were read after %d have arrived, want at least %d", got.Load(), len(arrived), len(want))
				}
			}
		}
		reading.Want()
	}
	for _, room := range []int{1, 100, 4096} {
		t.Run(fmt.Sprintf("NetConn into %d bytes", room), func(t *testing.T) {
			forBothNetConns(t, opts, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
				read(t, p, func() (io.Reader, error) { return nc, nil }, room)
			})
		})
		t.Run(fmt.Sprintf("Reader into %d bytes", room), func(t *testing.T) {
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				read(t, p, func() (io.Reader, error) {
					_, r, err := c.Reader(t.Context())
					return r, err
				}, room)
			})
		})
	}
}

// A Read interrupted by its deadline returns the available bytes, and the next one the
// error.
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

// A deadline that is moved while a Write is under way does not interrupt it: over a stream
// whose writes can't be resumed, as TLS, that would end the connection.
func TestNetConnDeadlineMoved(t *testing.T) {
	forBent(t, func(c net.Conn) net.Conn { return bent.Opaque{Conn: c} }, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		nc := websocket.NetConn(t.Context(), c, websocket.MessageBinary)
		message := []byte(strings.Repeat(conntest.Filler(1000), 3*rawpeer.DefaultCapacity/1000))
		nc.SetDeadline(time.Now().Add(time.Minute))
		write := rawpeer.GoErr(t, func() error { _, err := nc.Write(message); return err })
		read := rawpeer.GoErr(t, func() error { _, err := nc.Read(make([]byte, 10)); return err })
		for _, d := range []time.Duration{time.Hour, time.Second, 10 * time.Second} {
			synctest.Wait()
			nc.SetDeadline(time.Now().Add(d))
			time.Sleep(d / 2)
		}
		nc.SetWriteDeadline(time.Time{})
		time.Sleep(time.Minute)
		conntest.WantTimeout(t, read.Err())
		p.WantMessage(rawpeer.OpBinary, message)
		write.Want()
		write = rawpeer.GoErr(t, func() error { _, err := nc.Write(message); return err })
		synctest.Wait()
		nc.SetWriteDeadline(time.Unix(1, 0))
		conntest.WantTimeout(t, write.Err())
	})
}

// A deadline passes inside a frame: the stream continues at the same position.
func TestNetConnReadDeadline(t *testing.T) {
	const first, second = "the first message", "the second"
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			opts := &conntest.Options{Compression: mode.mode}
			forBothNetConns(t, opts, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
				deflater := rawpeer.NewDeflater(opts.Takeover())
				raw := func(s string) []byte {
					f := rawpeer.Binary([]byte(s))
					if mode.mode != websocket.CompressionDisabled {
						f = rawpeer.Binary(deflater.Message([]byte(s))).WithRSV(rawpeer.RSV1)
					}
					return rawpeer.AppendFrame(nil, p.Masked(f))
				}
				for i := range len(first) + 5 {
					b := append(raw(first), raw(second)...)
					cut := min(i, len(b)-1)
					p.SendRaw(b[:cut])
					start := time.Now()
					nc.SetReadDeadline(start.Add(time.Second))
					got, err := io.ReadAll(nc)
					conntest.WantTimeout(t, err)
					if took := time.Since(start); took != time.Second {
						t.Errorf("took %v", took)
					}
					_, err = nc.Read(make([]byte, 1))
					conntest.WantTimeout(t, err)
					nc.SetReadDeadline(time.Time{})
					p.SendRaw(b[cut:])
					conntest.WantRead(t, io.MultiReader(bytes.NewReader(got), nc), first+second)
				}
			})
		})
	}
}

// After a deadline has passed, nothing is read, even if bytes are available, and
// nothing is written.
func TestNetConnPastDeadline(t *testing.T) {
	forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
		p.SendBinary([]byte("here"))
		conntest.WantRead(t, nc, "he") // the rest is buffered
		p.SendBinary([]byte("next"))
		p.CountWrites()
		for _, past := range []time.Time{time.Now().Add(-time.Hour), time.Unix(1, 0), time.Now()} {
			nc.SetDeadline(past)
			for range 2 {
				n, err := nc.Read(make([]byte, 10))
				conntest.WantTimeout(t, err)
				if n != 0 {
					t.Errorf("read %d bytes past the deadline", n)
				}
				for _, size := range []int{0, 10, 100_000} {
					n, err = nc.Write(make([]byte, size))
					conntest.WantTimeout(t, err)
					if n != 0 {
						t.Errorf("wrote %d bytes past the deadline", n)
					}
				}
			}
		}
		p.WantWrites(0)
		nc.SetDeadline(time.Time{})
		conntest.WantRead(t, nc, "renext")
		nc.Write([]byte("and on"))
		p.WantBinary([]byte("and on"))
	})
}

// A deadline may be changed while a call waits.
func TestNetConnMovedDeadline(t *testing.T) {
	const minute = time.Minute
	for _, test := range []struct {
		name       string
		begin, set time.Duration // 0: never
		want       time.Duration
	}{
		{"later", minute, 3 * minute, 3 * minute},
		{"sooner", 3 * minute, 2 * minute, 2 * minute},
		{"first", 0, 2 * minute, 2 * minute},
		{"past", 3 * minute, -minute, minute / 2},
		{"past, first", 0, -minute, minute / 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
				start := time.Now()
				at := func(d time.Duration) time.Time {
					if d == 0 {
						return time.Time{}
					}
					return start.Add(d)
				}
				conntest.UnderTest(p).SetCapacity(10)
				nc.SetDeadline(at(test.begin))
				timed := func(call func() (int, error)) *rawpeer.Call[time.Duration] {
					return rawpeer.Go(t, func() (time.Duration, error) {
						_, err := call()
						return time.Since(start), err
					})
				}
				calls := []*rawpeer.Call[time.Duration]{
					timed(func() (int, error) { return nc.Read(make([]byte, 1)) }),
					timed(func() (int, error) { return nc.Write(make([]byte, 100_000)) }),
				}
				synctest.Wait()
				calls = append(calls, timed(func() (int, error) { return nc.Write(make([]byte, 10)) })) // is queued
				time.Sleep(minute / 2)
				for _, call := range calls {
					if call.Returned() {
						t.Fatal("a call returned before its deadline")
					}
				}
				nc.SetDeadline(at(test.set))
				time.Sleep(5 * minute) // past all deadlines
				for i, call := range calls {
					took, err := call.Result()
					conntest.WantTimeout(t, err)
					if took != test.want {
						t.Errorf("call %d took %v, want %v", i, took, test.want)
					}
				}
			})
		})
	}

	t.Run("taken back", func(t *testing.T) {
		forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
			conntest.UnderTest(p).SetCapacity(10)
			nc.SetDeadline(time.Now().Add(time.Minute))
			reading := rawpeer.GoErr(t, func() error { _, err := nc.Read(make([]byte, 1)); return err })
			writing := rawpeer.GoErr(t, func() error { _, err := nc.Write([]byte(conntest.Filler(50_000))); return err })
			synctest.Wait()
			nc.SetDeadline(time.Time{})
			time.Sleep(time.Hour)
			if reading.Returned() || writing.Returned() {
				t.Fatal("a call ended at a deadline that was removed")
			}
			p.SendBinary([]byte("x"))
			reading.Want()
			wantStream(t, p, rawpeer.NoTakeover, conntest.Filler(50_000))
			writing.Want()
		})
	})
}

// A Write that reached its deadline returns the number of bytes that the peer will get.
// They are sent as soon as there is space, and the next Write follows them.
func TestNetConnWriteDeadline(t *testing.T) {
	for _, mode := range modes {
		sizes := []int{10, 5000, 16 << 10, 100_000}
		if testing.Short() {
			sizes = sizes[:3]
		}
		for _, size := range sizes {
			for _, room := range []int{1, 3, 9, 4000, 16<<10 + 4, 16<<10 + 8, 16<<10 + 10, 40_000} {
				compressed := mode.mode != websocket.CompressionDisabled && size >= 1000
				if room >= size || compressed && room > size/2 {
					continue // it is sent completely
				}
				t.Run(fmt.Sprintf("%s %d of %d", mode.name, room, size), func(t *testing.T) {
					opts := &conntest.Options{Compression: mode.mode}
					interrupted := func(t *testing.T, nc net.Conn, p *rawpeer.Peer) (sent int) {
						conntest.UnderTest(p).SetCapacity(room)
						start := time.Now()
						nc.SetWriteDeadline(start.Add(time.Second))
						sent, err := nc.Write([]byte(conntest.Filler(size)))
						conntest.WantTimeout(t, err)
						if took := time.Since(start); took != time.Second {
							t.Errorf("took %v", took)
						}
						if n, err := nc.Write([]byte("not now")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
							t.Errorf("got %d, %v past the deadline", n, err)
						}
						return sent
					}

					t.Run("and then nothing", func(t *testing.T) {
						forBothNetConns(t, opts, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
							sent := interrupted(t, nc, p)
							conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
							wantStream(t, p, opts.Takeover(), conntest.Filler(size)[:sent])
						})
					})
					t.Run("and then the rest", func(t *testing.T) {
						forBothNetConns(t, opts, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
							sent := interrupted(t, nc, p)
							nc.SetWriteDeadline(time.Time{})
							conntest.UnderTest(p).SetCapacity(max(room, 1000))
							rest := rawpeer.Go(t, func() (int, error) { return nc.Write([]byte(conntest.Filler(size)[sent:] + "and more")) })
							wantStream(t, p, opts.Takeover(), conntest.Filler(size)+"and more")
							rest.Want()
						})
					})
					t.Run("and then Close", func(t *testing.T) {
						forBothNetConns(t, opts, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
							sent := interrupted(t, nc, p)
							closing := rawpeer.GoErr(t, nc.Close)
							synctest.Wait()
							conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
							got := collect(t, p, opts.Takeover(), sent, 0)
							p.WantClose(1000)
							p.SendClose(1000, "")
							p.WantEOF()
							closing.Want()
							if got != conntest.Filler(size)[:sent] {
								t.Errorf("got %d bytes, want %d", len(got), sent)
							}
						})
					})
				})
			}
		}
	}
}

// A stream of many writes with deadlines that are too short arrives completely.
func TestNetConnWriteDeadlines(t *testing.T) {
	stream := conntest.Filler(300_000)
	if testing.Short() {
		stream = conntest.Filler(100_000)
	}
	// write writes the stream, and counts timeouts.
	write := func(nc net.Conn, patience func(i int) time.Duration) (timeouts int, err error) {
		rest := stream
		for i := 0; rest != ""; i++ {
			nc.SetWriteDeadline(time.Now().Add(patience(i)))
			n, err := nc.Write([]byte(rest[:min(len(rest), 1+len(rest)/3)]))
			rest = rest[n:]
			if errors.Is(err, os.ErrDeadlineExceeded) {
				timeouts++
			} else if err != nil {
				return timeouts, err
			}
		}
		return timeouts, nil
	}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			opts := &conntest.Options{Compression: mode.mode}
			forBothNetConns(t, opts, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
				conntest.UnderTest(p).SetCapacity(1000)
				writing := rawpeer.Go(t, func() (int, error) {
					return write(nc, func(int) time.Duration { return 500 * time.Microsecond })
				})
				got := collect(t, p, opts.Takeover(), len(stream), 700*time.Microsecond)
				if timeouts := writing.Want(); timeouts == 0 {
					t.Error("no write timed out")
				}
				if got != stream {
					t.Error("the stream differs from the written bytes")
				}
			})
			conntest.OverTCP(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				nc := websocket.NetConn(t.Context(), c, websocket.MessageBinary)
				writing := rawpeer.Go(t, func() (int, error) {
					// The deadlines increase, for the work of a write before it begins
					// to send.
					return write(nc, func(i int) time.Duration { return time.Duration(i%20<<min(i/20, 14)) * 50 * time.Microsecond })
				})
				if got := collect(t, p, opts.Takeover(), len(stream), 0); got != stream {
					t.Error("the stream differs from the written bytes")
				}
				writing.Want()
			})
		})
	}
}
