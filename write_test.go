//go:build !js

package websocket_test

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// modes are the ways of compression.
var modes = []struct {
	name string
	mode websocket.CompressionMode
}{
	{"plain", websocket.CompressionDisabled},
	{"takeover", websocket.CompressionContextTakeover},
	{"no takeover", websocket.CompressionNoContextTakeover},
}

// frameSize is how many bytes a frame with a payload of n bytes takes when the
// connection under test sends it.
func frameSize(p *rawpeer.Peer, n int) int {
	return len(rawpeer.AppendFrame(nil, rawpeer.Frame{Masked: !conntest.PeerIsClient(p), Payload: make([]byte, n)}))
}

// goWrite starts a Write.
func goWrite(t *testing.T, c *websocket.Conn, s string) *rawpeer.Call[struct{}] {
	return rawpeer.GoErr(t, func() error {
		return c.Write(t.Context(), websocket.MessageText, []byte(s))
	})
}

// goWriteParts is goWrite through a Writer.
func goWriteParts(t *testing.T, c *websocket.Conn, s string) *rawpeer.Call[struct{}] {
	return rawpeer.GoErr(t, func() error {
		w, err := c.Writer(t.Context(), websocket.MessageText)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, s); err != nil {
			return err
		}
		return w.Close()
	})
}

// wantUsable wants a message to go each way.
func wantUsable(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
	t.Helper()
	conntest.MustWriteText(t, c, "still here")
	p.WantText("still here")
	p.SendText("you too")
	conntest.WantText(t, c, "you too")
}

// A message is one frame, and as long as it is not a large one, one Write.
func TestWriteOneFrame(t *testing.T) {
	sizes := []int{0, 1, 7, 125, 126, 4096, 4097, 16000, 16 << 10, 0xffff, 0x10000, 200_000}
	const oneWrite = 16000
	for _, typ := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		t.Run(typ.String(), func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				for _, size := range sizes {
					message := []byte(conntest.Filler(size))
					p.CountWrites()
					call := rawpeer.GoErr(t, func() error { return c.Write(t.Context(), typ, message) })
					p.Want(rawpeer.Frame{Fin: true, Opcode: rawpeer.Opcode(typ), Payload: []byte(conntest.Filler(size))})
					call.Want()
					if size <= oneWrite {
						p.WantWrites(1)
					}
					if string(message) != conntest.Filler(size) {
						t.Fatalf("the caller's %d bytes were changed", size)
					}
				}
			})
			conntest.OverTCP(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				for _, size := range sizes {
					call := rawpeer.GoErr(t, func() error { return c.Write(t.Context(), typ, []byte(conntest.Filler(size))) })
					p.Want(rawpeer.Frame{Fin: true, Opcode: rawpeer.Opcode(typ), Payload: []byte(conntest.Filler(size))})
					call.Want()
				}
			})
		})
	}
}

// What a caller does with its bytes after Write does not matter.
func TestWriteKeepsNothing(t *testing.T) {
	conntest.ForBothRoles(t, &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		buf := make([]byte, 100<<10)
		for _, size := range []int{5, 5000, len(buf)} {
			copy(buf, conntest.Filler(size))
			if err := c.Write(t.Context(), websocket.MessageBinary, buf[:size]); err != nil {
				t.Fatal(err)
			}
			clear(buf)
			p.WantBinary([]byte(conntest.Filler(size)))
		}
	})
}

// A client masks each frame with a key that can't be told from the ones before
// (RFC 6455 section 5.3), a server none. That it is so the peer checks by
// itself, for each frame of each test.
func TestWriteMaskingKeys(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		seen := map[[4]byte]bool{}
		see := func(f rawpeer.Frame) {
			t.Helper()
			if f.Masked == conntest.PeerIsClient(p) {
				t.Fatalf("masked is %t: %v", f.Masked, f)
			}
			if f.Masked && seen[f.Key] {
				t.Fatalf("a masking key was used again: %x", f.Key)
			}
			seen[f.Key] = true
		}
		for range 20 {
			conntest.MustWriteText(t, c, "the same")
			see(p.WantFrame())
			conntest.MustWriteText(t, c, conntest.Filler(5000))
			see(p.WantFrame())
			w, err := c.Writer(t.Context(), websocket.MessageText)
			if err != nil {
				t.Fatal(err)
			}
			w.Write([]byte(conntest.Filler(17 << 10)))
			see(p.WantFrame())
			w.Close()
			see(p.WantFrame())
		}
	})
}

func TestWriteMessageType(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		for _, typ := range []websocket.MessageType{-1, 0, 3, 8, 9, 0x101} {
			if err := c.Write(t.Context(), typ, []byte("x")); err == nil || errors.Is(err, net.ErrClosed) {
				t.Errorf("got error %v for a message of type %d", err, typ)
			}
			if _, err := c.Writer(t.Context(), typ); err == nil || errors.Is(err, net.ErrClosed) {
				t.Errorf("got error %v for a writer of type %d", err, typ)
			}
		}
		wantUsable(t, c, p)
	})
}

// A text that is not UTF-8 is refused before anything is sent.
func TestWriteTextNotUTF8(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				p.CountWrites()
				for _, bad := range []string{
					"\xff",
					"caf\xc3",
					"\xed\xa0\x80",     // a surrogate
					"\xf4\x90\x80\x80", // past the last one
					"\xc0\xaf",         // longer than it need be
					strings.Repeat("a", 100<<10) + "\x80",
				} {
					if err := c.Write(t.Context(), websocket.MessageText, []byte(bad)); err == nil || errors.Is(err, net.ErrClosed) {
						t.Errorf("got error %v for text %.20q", err, bad)
					}
				}
				p.WantWrites(0)
				wantUsable(t, c, p)
				bad := []byte("\xff\xfe")
				if err := c.Write(t.Context(), websocket.MessageBinary, bad); err != nil {
					t.Errorf("got error %v for binary", err)
				}
				p.WantBinary(bad)
			})
		})
	}
}

// Several goroutines may write the same bytes at once, which the race detector
// watches: nobody masks in them, be it for a moment.
func TestWriteSharedBytes(t *testing.T) {
	const writers = 8
	for _, size := range []int{100, 5000, 100 << 10} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				shared := []byte(conntest.Filler(size))
				calls := make([]*rawpeer.Call[struct{}], writers)
				for i := range calls {
					calls[i] = rawpeer.GoErr(t, func() error {
						return c.Write(t.Context(), websocket.MessageBinary, shared)
					})
				}
				for range writers {
					if string(shared) != conntest.Filler(size) {
						t.Error("the bytes were changed")
					}
					p.WantBinary([]byte(conntest.Filler(size)))
				}
				for _, call := range calls {
					call.Want()
				}
			})
		})
	}
}
