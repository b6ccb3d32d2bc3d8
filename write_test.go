//go:build !js

package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// modes are the compression modes.
var modes = []struct {
	name string
	mode websocket.CompressionMode
}{
	{"plain", websocket.CompressionDisabled},
	{"takeover", websocket.CompressionContextTakeover},
	{"no takeover", websocket.CompressionNoContextTakeover},
}

// frameSize returns the size of a frame with a payload of n bytes that the connection
// under test sends.
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

// wantUsable expects a message to be sent in each direction.
func wantUsable(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
	t.Helper()
	conntest.MustWriteText(t, c, "still here")
	p.WantText("still here")
	p.SendText("you too")
	conntest.WantText(t, c, "you too")
}

// A message is one frame and, unless it is large, one Write.
func TestWriteOneFrame(t *testing.T) {
	// A client masks long frames in pieces of 20 KiB, and of 60 KiB for a socket.
	sizes := []int{
		0, 1, 7, 125, 126, 4096, 4097, 16000, 16 << 10,
		20<<10 - 8, 20<<10 - 7, 20 << 10, 40<<10 - 8, 48<<10 - 8, 48<<10 - 7, 48 << 10, 0xffff, 0x10000, 96 << 10, 200_000,
		20<<10 - 64, 20<<10 - 63, 60<<10 - 64, 60<<10 - 63, 60<<10 - 8, 60<<10 - 7, 60 << 10, 120<<10 - 64,
	}
	oneWrite := map[bool]int{true: 16 << 10, false: 16000} // of a client and of a server
	for _, typ := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		t.Run(typ.String(), func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				for _, size := range sizes {
					message := []byte(conntest.Filler(size))
					p.CountWrites()
					call := rawpeer.GoErr(t, func() error { return c.Write(t.Context(), typ, message) })
					p.Want(rawpeer.Frame{Fin: true, Opcode: rawpeer.Opcode(typ), Payload: []byte(conntest.Filler(size))})
					call.Want()
					if size <= oneWrite[!conntest.PeerIsClient(p)] {
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

// The caller may change its bytes after Write has returned.
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

// A client masks each frame with an unpredictable key (RFC 6455 section 5.3); a server
// does not mask. The peer checks the masking of each frame in all tests.
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

// Invalid UTF-8 is an error before anything is sent.
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
					"\xc0\xaf",         // overlong
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

// Several goroutines may write the same bytes concurrently: the race detector checks
// that masking does not change them, even temporarily.
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

// goWriteFor is goWrite with a context that the test ends.
func goWriteFor(t *testing.T, c *websocket.Conn, s string) (*rawpeer.Call[struct{}], context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	return rawpeer.GoErr(t, func() error {
		return c.Write(ctx, websocket.MessageText, []byte(s))
	}), cancel
}

// wantCanceled expects the error of a call whose context ended without an effect on the
// connection.
func wantCanceled(t *testing.T, err error) {
	t.Helper()
	conntest.WantError(t, err, context.Canceled)
	if errors.Is(err, net.ErrClosed) {
		t.Fatalf("the connection has failed: %v", err)
	}
}

// wantFailed expects the error of a call whose context ended too late: the connection has
// failed.
func wantFailed(t *testing.T, err error) {
	t.Helper()
	conntest.WantError(t, err, context.Canceled)
	conntest.WantClosed(t, err, -1)
}

// A Write with an ended context sends nothing.
func TestWriteContextEnded(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				p.CountWrites()
				for _, size := range []int{0, 10, 5000, 100_000} {
					wantCanceled(t, c.Write(ctx, websocket.MessageText, []byte(conntest.Filler(size))))
				}
				_, err := c.Writer(ctx, websocket.MessageText)
				wantCanceled(t, err)
				wantCanceled(t, c.Ping(ctx))
				p.WantWrites(0)
				wantUsable(t, c, p)
			})
		})
	}
}

// A socket would take a message without waiting.
func TestWriteContextEndedTCP(t *testing.T) {
	conntest.OverTCP(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		m, err := websocket.NewPreparedMessage(websocket.MessageText, []byte("prepared"))
		conntest.WantNoError(t, err)
		for _, size := range []int{0, 10, 5000, 100_000} {
			wantCanceled(t, c.Write(ctx, websocket.MessageText, []byte(conntest.Filler(size))))
		}
		wantCanceled(t, c.WritePrepared(ctx, m))
		wantUsable(t, c, p)
	})
}

// A call that leaves the queue sends nothing, and does not affect the others.
func TestWriteContextEndsWaiting(t *testing.T) {
	for _, mode := range modes {
		for _, size := range []int{10, 1000, 5000, 100_000} {
			t.Run(fmt.Sprintf("%s %d", mode.name, size), func(t *testing.T) {
				conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					release, before := queue(t, c, p, "zero", "one")
					leaves, cancel := goWriteFor(t, c, conntest.Filler(size))
					synctest.Wait()
					behind := goWrite(t, c, "behind")
					synctest.Wait()
					cancel()
					synctest.Wait()
					if !leaves.Returned() {
						t.Fatal("the write has not returned after its context ended")
					}
					wantCanceled(t, leaves.Err())
					release()
					for _, want := range []string{"zero", "one", "behind"} {
						p.WantText(want)
					}
					for _, call := range append(before, behind) {
						call.Want()
					}
					conntest.MustWriteText(t, c, conntest.Filler(1000))
					p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(1000)))
					wantUsable(t, c, p)
				})
			})
		}
	}
}

// A context may also end while its call waits for a Writer's message.
func TestWriteContextEndsBehindWriter(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		w := conntest.MustWriter(t, c, t.Context())
		conntest.MustAdd(t, w, conntest.Filler(maxFragment+1))
		for _, size := range []int{10, 5000} {
			leaves, cancel := goWriteFor(t, c, conntest.Filler(size))
			synctest.Wait()
			cancel()
			wantCanceled(t, leaves.Err())
		}
		conntest.MustEnd(t, w)
		p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(maxFragment+1)))
		wantUsable(t, c, p)
	})
}

// A frame can be withdrawn before its first byte is sent, even by the current sender.
// The next compressed message does not refer to it.
func TestWriteContextEndsBeforeFirstByte(t *testing.T) {
	for _, mode := range modes {
		for _, size := range []int{10, 1000, 5000, 100_000} {
			t.Run(fmt.Sprintf("%s %d", mode.name, size), func(t *testing.T) {
				conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					conntest.MustWriteText(t, c, conntest.Filler(500))
					p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(500)))

					release := conntest.UnderTest(p).StallWrites()
					withdrawn, cancel := goWriteFor(t, c, conntest.Filler(size))
					synctest.Wait()
					cancel()
					synctest.Wait()
					if !withdrawn.Returned() {
						t.Fatal("the write has not returned after its context ended")
					}
					wantCanceled(t, withdrawn.Err())
					release()

					for range 3 {
						conntest.MustWriteText(t, c, conntest.Filler(min(size, 9000))+conntest.Filler(500))
						p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(min(size, 9000))+conntest.Filler(500)))
					}
					wantUsable(t, c, p)
				})
			})
		}
	}
}

// A pending pong is sent before a frame, and stays pending if that is withdrawn.
func TestWriteContextEndsBehindPong(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		reading := c.CloseRead(t.Context())
		release, before := queue(t, c, p, "zero")
		p.SendPing("answer me")
		synctest.Wait()
		// This call is the sender, with the pong before its frame, and without space.
		withdrawn, cancel := goWriteFor(t, c, "withdrawn")
		synctest.Wait()
		conntest.UnderTest(p).SetCapacity(frameSize(p, len("zero")))
		release()
		before[0].Want()
		synctest.Wait()
		cancel()
		synctest.Wait()
		wantCanceled(t, withdrawn.Err())
		behind := goWrite(t, c, "behind")
		conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
		p.WantText("zero")
		p.WantPong("answer me")
		p.WantText("behind")
		behind.Want()
		if reading.Err() != nil {
			t.Error("the connection is closed")
		}
	})
}

// After a part of a frame has been sent, the rest must follow. If it cannot, the
// connection fails.
func TestWriteContextEndsInsideFrame(t *testing.T) {
	for _, test := range []struct {
		size, out int
	}{
		{100, 1},
		{100, 3},
		{100, 50},
		{5000, 2},
		{5000, 4}, // the header of a server
		{5000, 8}, // the header of a client
		{5000, 4000},
		{100_000, 1},
		{100_000, 10}, // the header of a server
		{100_000, 14}, // the header of a client
		{100_000, 4 << 10},
		{100_000, 16 << 10},
		{100_000, 99_999},
	} {
		for _, mode := range modes[:2] {
			if mode.mode != websocket.CompressionDisabled && test.out > test.size/2 {
				continue // it is shorter, compressed
			}
			t.Run(fmt.Sprintf("%d of %d %s", test.out, test.size, mode.name), func(t *testing.T) {
				message := conntest.Filler(test.size)
				conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					reading := rawpeer.GoErr(t, func() error { _, _, err := c.Read(t.Context()); return err })
					conntest.UnderTest(p).SetCapacity(test.out)
					call, cancel := goWriteFor(t, c, message)
					synctest.Wait()
					behind := goWrite(t, c, "behind")
					synctest.Wait()
					start := time.Now()
					cancel()
					wantFailed(t, call.Err())
					wantFailed(t, behind.Err())
					wantFailed(t, reading.Err())
					wantFailed(t, c.Ping(t.Context()))
					if waited := time.Since(start); waited != 0 {
						t.Errorf("it took %v", waited)
					}
					if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
						t.Errorf("got error %v from Close of a failed connection", err)
					}
					if _, err := p.ReadFrame(); err == nil {
						t.Error("the whole frame arrived")
					}
				})
			})
		}
	}
}

// The same on a socket, whose buffers fill up.
func TestWriteContextEndsInsideFrameTCP(t *testing.T) {
	conntest.OverTCP(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		call := rawpeer.GoErr(t, func() error {
			return c.Write(ctx, websocket.MessageBinary, make([]byte, 32<<20))
		})
		if _, err := p.Conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		cancel()
		wantFailed(t, call.Err())
		wantFailed(t, c.Write(t.Context(), websocket.MessageText, nil))
	})
}

// batch sends three frames in one batch: "own" of the sender, and two of other calls.
// The transport accepts the first out bytes while nothing is read. The frame before
// made them wait.
func batch(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, out int) (calls []*rawpeer.Call[struct{}], cancels []context.CancelFunc) {
	t.Helper()
	release, before := queue(t, c, p, "before")
	for _, m := range []string{"own", "two", "six"} {
		call, cancel := goWriteFor(t, c, m)
		calls, cancels = append(calls, call), append(cancels, cancel)
		synctest.Wait()
	}
	conntest.UnderTest(p).SetCapacity(frameSize(p, len("before")) + out)
	release()
	before[0].Want()
	synctest.Wait()
	for _, call := range calls {
		if call.Returned() {
			t.Fatal("a write returned before the batch was taken")
		}
	}
	return calls, cancels
}

// A ping waits for its pong until its context ends. That does not affect the
// connection.
func TestPingContext(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		reading := rawpeer.Go(t, func() (string, error) { _, b, err := c.Read(t.Context()); return string(b), err })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		conntest.WantError(t, c.Ping(ctx), context.DeadlineExceeded)
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("waited %v", waited)
		}
		late := p.WantPing()
		p.SendPong(late)
		next := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
		payload := p.WantPing()
		synctest.Wait()
		if payload == late || next.Returned() {
			t.Error("a ping was answered by the pong of an earlier one")
		}
		p.SendPong(payload)
		next.Want()
		p.SendText("done")
		if got := reading.Want(); got != "done" {
			t.Errorf("got %q", got)
		}
	})
}

// overTLS makes a connection over TLS, in real time, and returns both ends.
func overTLS(t *testing.T) (server, client *websocket.Conn) {
	t.Helper()
	accepted := make(chan *websocket.Conn, 1)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}))
	t.Cleanup(s.Close)
	client, _, err := websocket.Dial(t.Context(), s.URL, &websocket.DialOptions{HTTPClient: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	server = <-accepted
	t.Cleanup(func() {
		server.CloseNow()
		client.CloseNow()
	})
	return server, client
}

// Over TLS, an interrupted write ends the connection at once.
func TestWriteContextEndsOverTLS(t *testing.T) {
	c, _ := overTLS(t)
	var err error
	for !errors.Is(err, net.ErrClosed) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err = c.Write(ctx, websocket.MessageBinary, make([]byte, 3000))
		cancel()
		if err != nil { // on a busy machine, possibly before the write began
			conntest.WantError(t, err, context.DeadlineExceeded)
		}
	}
	conntest.WantClosed(t, err, -1)
	conntest.WantClosed(t, c.Write(t.Context(), websocket.MessageBinary, nil), -1)
	_, _, err = c.Read(t.Context())
	conntest.WantClosed(t, err, -1)
}

// For NetConn it ends the writing.
func TestNetConnWriteDeadlineOverTLS(t *testing.T) {
	server, client := overTLS(t)
	nc := websocket.NetConn(t.Context(), server, websocket.MessageBinary)
	defer nc.Close()
	var err error
	for err == nil {
		nc.SetWriteDeadline(time.Now().Add(time.Second))
		_, err = nc.Write(make([]byte, 60_000))
	}
	conntest.WantError(t, err, os.ErrDeadlineExceeded)
	nc.SetWriteDeadline(time.Time{})
	if n, err := nc.Write([]byte("x")); n != 0 || err == nil {
		t.Errorf("wrote %d bytes, %v, after a timeout over TLS", n, err)
	} else {
		conntest.WantError(t, err, net.ErrClosed)
	}
	// The other side's messages still arrive.
	if err := client.Write(t.Context(), websocket.MessageBinary, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	conntest.WantRead(t, nc, "hello")
}
