//go:build !js

package websocket_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

// The reading part of AppendRead is tested with conntest.ReadWays.

// appendSizes are near the limits of headers, of buffers, and of single reads.
var appendSizes = func() []int {
	if poolcheck.On { // with the race detector
		return []int{0, 1, 126, 5000, 65536}
	}
	return []int{0, 1, 16, 125, 126, 1000, 4095, 4096, 5000, 16 << 10, 65535, 65536, 300_000}
}()

// A message that fits into the capacity of dst is read into it, up to the last byte.
func TestAppendReadUsesRoom(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		opts.Pipe = &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			c.SetReadLimit(-1)
			encode := opts.Encoder()
			for _, n := range appendSizes {
				want := conntest.Filler(n)
				for _, frame := range []int{n + 1, 1 + n/3} {
					for _, spare := range []int{0, 1, 1000} {
						dst := append(make([]byte, 0, 1+n+spare), '>')
						p.Send(conntest.Fragmented(encode(rawpeer.Text(want)), frame)...)
						typ, got, err := c.AppendRead(t.Context(), dst)
						if err != nil || typ != websocket.MessageText || string(got) != ">"+want {
							t.Fatalf("%d bytes in frames of %d: got %v of %d bytes, %v", n, frame, typ, len(got), err)
						}
						if &got[0] != &dst[0] || cap(got) != cap(dst) {
							t.Fatalf("%d bytes in frames of %d, with room for %d more: in other memory", n, frame, spare)
						}
					}
				}
			}
		})
	})
}

// A message that does not fit is returned in new memory, and dst is unchanged up to its
// length.
func TestAppendReadExtends(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		opts.Pipe = &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			c.SetReadLimit(-1)
			encode := opts.Encoder()
			for _, n := range appendSizes[1:] {
				want := conntest.Filler(n)
				for _, room := range []int{0, n / 2, n - 1} {
					dst := append(make([]byte, 0, 3+room), "old"...)
					p.Send(conntest.Fragmented(encode(rawpeer.Text(want)), 1+n/2)...)
					typ, got, err := c.AppendRead(t.Context(), dst)
					if err != nil || typ != websocket.MessageText || string(got) != "old"+want {
						t.Fatalf("%d bytes into room for %d: got %v of %d bytes, %v", n, room, typ, len(got), err)
					}
					if string(dst) != "old" {
						t.Fatalf("%d bytes into room for %d: dst became %q", n, room, dst)
					}
				}
			}
		})
	})
}

// With sufficient capacity nothing is allocated, for messages of any length, in any
// number of frames, compressed or not.
func TestAppendReadAllocatesNothing(t *testing.T) {
	most := 0.0
	runs := 100 // a garbage collection may empty pools in one of them
	if poolcheck.On {
		most, runs = 100, 5 // with the race detector, pools drop objects
	}
	for _, compressed := range []bool{false, true} {
		for _, n := range append(appendSizes, 1<<20) {
			for _, frame := range []int{n + 1, 1 + n/3} {
				t.Run(fmt.Sprintf("compressed %v, %d bytes in frames of %d", compressed, n, frame), func(t *testing.T) {
					f := rawpeer.Text(conntest.Filler(n))
					r := conntest.Request()
					if compressed {
						f = rawpeer.Deflated(f)
						r.Header.Set("Sec-WebSocket-Extensions", pmd)
					}
					l := &loop{}
					c, err := websocket.Accept(&hijacked{header: map[string][]string{}, conn: l}, r,
						&websocket.AcceptOptions{CompressionMode: websocket.CompressionNoContextTakeover})
					conntest.WantNoError(t, err)
					defer c.CloseNow()
					c.SetReadLimit(-1)
					for _, f := range conntest.Fragmented(f, frame) {
						f.Masked, f.Key = true, [4]byte{1, 2, 3, 4}
						l.bytes = rawpeer.AppendFrame(l.bytes, f)
					}
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					dst := make([]byte, 0, n)
					read := func() {
						if _, p, err := c.AppendRead(ctx, dst); err != nil || len(p) != n {
							t.Errorf("got %d bytes, %v, want %d", len(p), err, n)
						}
					}
					read()
					if got := testing.AllocsPerRun(runs, read); got > most {
						t.Errorf("allocates %v times", got)
					}
				})
			}
		}
	}
}

// On an error AppendRead returns dst itself, with its old contents, also if it had copied dst
// to extend it.
func TestAppendReadError(t *testing.T) {
	for name, fail := range map[string]func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) context.Context{
		"context ended": func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) context.Context {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx
		},
		"after CloseRead": func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) context.Context {
			ctx, cancel := context.WithCancel(t.Context())
			t.Cleanup(cancel)
			c.CloseRead(ctx)
			return t.Context()
		},
		"after CloseNow": func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) context.Context {
			c.CloseNow()
			return t.Context()
		},
		"not UTF-8": func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) context.Context {
			p.SendText("text\xff")
			p.Close()
			return t.Context()
		},
		"ends inside a character": func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) context.Context {
			p.SendText("text\xe2\x82")
			p.Close()
			return t.Context()
		},
		"too long": func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) context.Context {
			p.Send(rawpeer.Text(conntest.Filler(1000)).More(), rawpeer.Continuation(conntest.Filler(32<<10)))
			p.Close()
			return t.Context()
		},
		"stream ended": func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) context.Context {
			p.Send(rawpeer.Text("half").More())
			p.Close()
			return t.Context()
		},
	} {
		t.Run(name, func(t *testing.T) {
			opts := &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				for _, room := range []int{0, 100, 100_000} {
					dst := append(make([]byte, 0, 3+room), "old"...)
					typ, got, err := c.AppendRead(fail(t, c, p), dst)
					if err == nil || typ != 0 || string(got) != "old" {
						t.Fatalf("got %v, %q and error %v, want 0, the old bytes and an error", typ, got, err)
					}
					if &got[0] != &dst[0] || cap(got) != cap(dst) {
						t.Fatalf("got another slice of capacity %d, want dst, of %d", cap(got), cap(dst))
					}
					if name != "context ended" && room == 0 {
						break // the connection has ended
					}
				}
			})
		})
	}
}

// AppendRead, like Read, returns an error while a message is being read, without an
// effect on it. After a Reader that has read everything except io.EOF, it reads the
// next message.
func TestAppendReadBetweenReaders(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			encode := opts.Encoder()
			p.Send(encode(rawpeer.Text("first")), encode(rawpeer.Text("second")))
			r := conntest.WantReader(t, c)
			conntest.WantRead(t, r, "fi")
			if _, got, err := c.AppendRead(t.Context(), []byte("old")); err == nil || string(got) != "old" {
				t.Fatalf("got %q, %v inside a message, want an error", got, err)
			}
			conntest.WantRead(t, r, "rst")
			if _, got, err := c.AppendRead(t.Context(), []byte("old ")); string(got) != "old second" || err != nil {
				t.Fatalf("got %q, %v", got, err)
			}
			if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
				t.Fatalf("the reader of an earlier message returned %d, %v", n, err)
			}
		})
	})
}

// BenchmarkAppendRead is a server that reads into the same slice, with a context that
// can be canceled.
func BenchmarkAppendRead(b *testing.B) {
	for _, typ := range benchTypes {
		for _, size := range benchSizes {
			b.Run(fmt.Sprintf("%v/%d", typ, size), func(b *testing.B) {
				f := rawpeer.Binary([]byte(strings.Repeat("a", size)))
				f.Opcode, f.Masked, f.Key = rawpeer.Opcode(typ), true, [4]byte{1, 2, 3, 4}
				l := &loop{}
				c := acceptLoop(b, l)
				l.bytes = rawpeer.AppendFrame(nil, f)
				p := slices.Grow([]byte(nil), size)
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					_, got, err := c.AppendRead(ctx, p)
					if len(got) != size || err != nil {
						b.Fatalf("read %d bytes, %v", len(got), err)
					}
				}
			})
		}
	}
}
