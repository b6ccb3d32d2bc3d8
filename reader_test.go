//go:build !js

package websocket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// forms are the forms in which a message may arrive.
var forms = []struct {
	name   string
	frames func(f rawpeer.Frame) []rawpeer.Frame
}{
	{"one frame", func(f rawpeer.Frame) []rawpeer.Frame { return []rawpeer.Frame{f} }},
	{"fragments", func(f rawpeer.Frame) []rawpeer.Frame { return conntest.Fragmented(f, 3) }},
	{"empty last fragment", func(f rawpeer.Frame) []rawpeer.Frame {
		return []rawpeer.Frame{f.More(), rawpeer.Ping(""), rawpeer.Continuation("").More(), rawpeer.Continuation("")}
	}},
}

// forEachForm runs test for both roles and all forms of messages. send sends a message.
func forEachForm(t *testing.T, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(string))) {
	t.Helper()
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		for _, form := range forms {
			t.Run(form.name, func(t *testing.T) {
				conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					encode := opts.Encoder()
					test(t, c, p, func(s string) { p.Send(form.frames(encode(rawpeer.Text(s)))...) })
				})
			})
		}
	})
}

func TestReaderUnfinished(t *testing.T) {
	forEachForm(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(string)) {
		send("hello")
		send("next")
		r := conntest.WantReader(t, c)
		conntest.WantBetween(t, c)
		for _, piece := range []string{"he", "l", "l"} {
			conntest.WantRead(t, r, piece)
			conntest.WantBetween(t, c)
		}
		conntest.WantRest(t, r, "o")
		conntest.WantText(t, c, "next")
	})
}

// The last byte of a stored block is inflated together with the end of the message.
func TestReaderUnfinishedStored(t *testing.T) {
	opts := &conntest.Options{Compression: websocket.CompressionContextTakeover}
	conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(storedDeflated("hello"), storedDeflated("next"))
		r := conntest.WantReader(t, c)
		for _, piece := range []string{"hel", "l"} {
			conntest.WantRead(t, r, piece)
			conntest.WantBetween(t, c)
		}
		conntest.WantRest(t, r, "o")
		conntest.WantText(t, c, "next")
	})
}

// A message of which all bytes, but not io.EOF, have been read counts as read: decoders
// of JSON leave it so.
func TestReaderReadExceptEOF(t *testing.T) {
	long := make([]byte, 12<<10)
	rand.NewChaCha8([32]byte{}).Read(long)
	for i, b := range long {
		long[i] = ' ' + b%64
	}
	forEachForm(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(string)) {
		for _, s := range []string{"hello", "", string(long)} {
			sending := rawpeer.GoErr(t, func() error { send(s); return nil })
			r := conntest.WantReader(t, c)
			conntest.WantRead(t, r, s)
			sending.Want()
			send("next")
			conntest.WantText(t, c, "next")
			if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Fatalf("read %d bytes, %v, from a message that was read", n, err)
			}
		}
	})
}

// The empty final frame of such a message is read with the next message.
func TestReaderReadExceptLastFrame(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			encode := opts.Encoder()
			p.Send(encode(rawpeer.Text("hello")).More())
			r := conntest.WantReader(t, c)
			conntest.WantRead(t, r, "hello")
			next := conntest.GoRead(t, c)
			synctest.Wait()
			if next.Returned() {
				t.Fatalf("got %v, want to wait for the end of the message", next.Err())
			}
			p.Send(rawpeer.Continuation(""), rawpeer.Text("next"))
			if got := next.Want(); got.Payload != "next" {
				t.Fatalf("got %v, want the next message", got)
			}
		})
	})
}

// The text is an incomplete sequence, which is detected only at its end.
func TestReaderReadExceptEOFOfInvalidText(t *testing.T) {
	const wrong = "wrong \xc3"
	forEachForm(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(string)) {
		reads := rawpeer.GoErr(t, func() error {
			_, r, err := c.Reader(t.Context())
			if err == nil {
				_, err = io.ReadFull(r, make([]byte, len(wrong)))
			}
			if err == nil {
				_, _, err = c.Reader(t.Context())
			}
			return err
		})
		send(wrong)
		wantCloseBehindPongs(t, p, 1007)
		p.Close()
		conntest.WantCause(t, reads.Err(), -1)
		conntest.WantEnded(t, c, -1)
	})
}

// wantCloseBehindPongs is WantClose, but skips pongs.
func wantCloseBehindPongs(t *testing.T, p *rawpeer.Peer, code int) {
	t.Helper()
	f := p.WantFrame()
	for f.Opcode == rawpeer.OpPong {
		f = p.WantFrame()
	}
	if got, _ := f.CloseCode(); f.Opcode != rawpeer.OpClose || got != code {
		t.Fatalf("got %v, want close %d", f, code)
	}
}

// A handle never reads the bytes of another message.
func TestReaderStale(t *testing.T) {
	forEachForm(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(string)) {
		var stale []io.Reader
		wantStale := func() {
			t.Helper()
			for i, r := range stale {
				var b [10]byte
				if n, err := r.Read(b[:]); n != 0 || err == nil || err == io.EOF || b != [10]byte{} {
					t.Fatalf("%d: read %q, %v, want an error", i, b[:n], err)
				}
			}
		}
		for range 50 {
			send("hello")
			r := conntest.WantReader(t, c)
			wantStale()
			conntest.WantRead(t, r, "he")
			wantStale()
			conntest.WantRest(t, r, "llo")
			for range 2 {
				conntest.WantRest(t, r, "") // io.EOF repeatedly, until the next message
			}
			stale = append(stale, r)
		}
		send("hello")
		conntest.WantText(t, c, "hello")
		wantStale()
	})
}

func TestReaderReadsNothing(t *testing.T) {
	forEachForm(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(string)) {
		send("hello")
		r := conntest.WantReader(t, c)
		wantNothing := func(r io.Reader) {
			t.Helper()
			for _, p := range [][]byte{nil, {}} {
				if n, err := r.Read(p); n != 0 || err != nil {
					t.Fatalf("read %d bytes, %v, want none", n, err)
				}
			}
		}
		wantNothing(r)
		conntest.WantRead(t, r, "hell")
		wantNothing(r)
		conntest.WantRest(t, r, "o")
		if _, err := r.Read(nil); err != io.EOF {
			t.Fatalf("got %v, want io.EOF", err)
		}
		// Nor does it block.
		p.Send(rawpeer.Text("part").More())
		r = conntest.WantReader(t, c)
		conntest.WantRead(t, r, "part")
		wantNothing(r)
	})
}

// Bytes are available when they have arrived, before the end of their frame.
func TestReaderStreams(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		const text = "one two three"
		wire := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Text(text)))
		header := wire[:len(wire)-len(text)]
		payload := wire[len(header):]
		p.SendRaw(header)
		r := conntest.WantReader(t, c)
		for i := range len(text) {
			p.SendRaw(payload[i : i+1])
			conntest.WantRead(t, r, text[i:i+1])
		}
		conntest.WantRest(t, r, "")
	})
}

// The handle of a connection that has ended returns that, with the cause.
func TestReaderOfClosedConnection(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("part").More(), rawpeer.Close(4000, "changed my mind"))
		r := conntest.WantReader(t, c)
		conntest.WantRead(t, r, "part")
		_, err := r.Read(make([]byte, 10))
		conntest.WantCause(t, err, 4000)
		_, err = r.Read(make([]byte, 10))
		conntest.WantClosed(t, err, 4000)
		p.WantCloseReason(4000, "changed my mind")
		p.WantEOF()
		conntest.WantEnded(t, c, 4000)
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("part").More(), rawpeer.Continuation("and more"))
		r := conntest.WantReader(t, c)
		conntest.WantRead(t, r, "part")
		c.CloseNow()
		_, err := r.Read(make([]byte, 10))
		conntest.WantClosed(t, err, -1)
	})
}

// CloseNow ends a blocked Read.
func TestReaderInterruptedByCloseNow(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			encode := opts.Encoder()
			p.Send(encode(rawpeer.Text(strings.Repeat("part", 10))).More())
			r := conntest.WantReader(t, c)
			rest := rawpeer.Go(t, func() ([]byte, error) { return io.ReadAll(r) })
			synctest.Wait()
			c.CloseNow()
			conntest.WantClosed(t, rest.Err(), -1)
			p.WantEnd()
		})
	})
}

// The bytes that Read returns belong to the caller.
func TestReadReturnsOwnMemory(t *testing.T) {
	forEachForm(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(string)) {
		send("first")
		_, first, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		send("other")
		_, other, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		copy(other, "*****")
		_ = append(first, "*****"...)
		send("third")
		conntest.WantText(t, c, "third")
		if !bytes.Equal(first, []byte("first")) {
			t.Fatalf("the first message turned into %q", first)
		}
	})
}

// A Read at the end of a message returns io.EOF at once, even while another goroutine
// waits for the next message.
func TestReaderEndWhileOtherReads(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendText("x")
		r := conntest.WantReader(t, c)
		if n, err := r.Read(make([]byte, 10)); n != 1 || err != nil {
			t.Fatalf("read %d, %v", n, err)
		}
		other := conntest.GoRead(t, c)
		synctest.Wait()
		end := rawpeer.GoErr(t, func() error { _, err := r.Read(make([]byte, 10)); return err })
		synctest.Wait()
		if !end.Returned() {
			t.Fatal("the end of a message waits for the next message")
		}
		conntest.WantError(t, end.Err(), io.EOF)
		p.SendText("y")
		other.Want()
		if n, err := r.Read(make([]byte, 10)); n != 0 || err == nil || err == io.EOF {
			t.Errorf("read %d, %v, from a message before the last", n, err)
		}
	})
}

// Once a call has discarded a part of a message because the connection is closing, the
// message's reader returns none of the following bytes.
func TestReaderOfDiscardedMessage(t *testing.T) {
	var callback chan struct{}
	opts := &conntest.Options{OnPing: func(context.Context, []byte) bool { <-callback; return false }}
	conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		callback = make(chan struct{})
		p.Send(rawpeer.Text("a").More())
		r := conntest.WantReader(t, c)
		conntest.WantRead(t, r, "a")
		readSome := func() (string, error) {
			b := make([]byte, 10)
			n, err := r.Read(b)
			return string(b[:n]), err
		}

		// The read in the callback holds the lock. The other calls wait for it in this order.
		first := rawpeer.Go(t, readSome)
		p.SendPing("")
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		between := rawpeer.GoErr(t, func() error { return conntest.ReadErr(ctx, c) })
		synctest.Wait()
		second := rawpeer.Go(t, readSome)
		synctest.Wait()
		closing := closing(t, c)
		p.WantClose(1000)

		p.Send(rawpeer.Continuation("b").More())
		close(callback)
		if got := first.Want(); got != "b" {
			t.Fatalf("read %q, want b", got)
		}
		p.Send(rawpeer.Continuation("c"))
		next := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Text("of the next message")))
		p.SendRaw(next[:len(next)-5])
		synctest.Wait()
		cancel()
		conntest.WantError(t, between.Err(), context.Canceled)
		p.SendRaw(next[len(next)-5:])
		p.SendClose(1000, "")
		got, err := second.Result()
		if got != "" || err == nil || err == io.EOF {
			t.Errorf("read %q, %v, want an error", got, err)
		}
		conntest.WantError(t, err, net.ErrClosed)
		closing.Want()
	})
}

// unwindings are the ways in which a callback may end without returning.
var unwindings = []struct {
	name  string
	leave func()
}{
	{"panic", func() { panic("from the callback") }},
	{"Goexit", runtime.Goexit},
}

// unwound calls f on a goroutine, and expects a callback to end it without returning.
func unwound(t *testing.T, f func()) *rawpeer.Call[struct{}] {
	return rawpeer.GoErr(t, func() error {
		done := make(chan error, 1)
		go func() {
			returned := false
			defer func() {
				recover()
				if returned {
					done <- errors.New("returned, though the callback did not")
				}
				close(done)
			}()
			f()
			returned = true
		}()
		return <-done
	})
}

// forUnwindings runs test with callbacks that do not return, until *calm is set.
func forUnwindings(t *testing.T, mode websocket.CompressionMode, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, calm *bool)) {
	t.Helper()
	for _, way := range unwindings {
		t.Run(way.name, func(t *testing.T) {
			var calm bool
			leave := func() {
				if !calm {
					way.leave()
				}
			}
			conntest.ForBothRoles(t, &conntest.Options{
				Compression: mode,
				OnPing:      func(context.Context, []byte) bool { leave(); return true },
				OnPong:      func(context.Context, []byte) { leave() },
			}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				calm = false
				test(t, c, p, &calm)
			})
		})
	}
}

// A callback that panics, or ends its goroutine, ends the read that called it, and no
// other.
func TestCallbackUnwinds(t *testing.T) {
	controls := []rawpeer.Frame{rawpeer.Ping("x"), rawpeer.Pong("x")}
	for _, mode := range []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionContextTakeover} {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			forUnwindings(t, mode, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, calm *bool) {
				encode := (&conntest.Options{Compression: mode}).Encoder()
				for i, control := range controls {
					p.Send(control)
					unwound(t, func() { c.Read(t.Context()) }).Want()
					p.Send(control)
					unwound(t, func() { c.Reader(t.Context()) }).Want()

					text := conntest.Filler(1000 + i)
					frames := conntest.Fragmented(encode(rawpeer.Text(text)), 600)
					p.Send(frames[0], control)
					r := conntest.WantReader(t, c)
					got := make([]byte, len(text))
					n := 0
					unwound(t, func() {
						for n < len(text) {
							k, err := r.Read(got[n:])
							if n += k; err != nil {
								t.Errorf("got %v", err)
								return
							}
						}
					}).Want()
					p.Send(frames[1:]...)
					if _, err := io.ReadFull(r, got[n:]); err != nil || string(got) != text {
						t.Fatalf("read %.80q, %v, want %.80q", got, err, text)
					}
					*calm = true
					p.Send(control, rawpeer.Text("behind"))
					conntest.WantText(t, c, "behind")
					if control.Opcode == rawpeer.OpPing {
						p.WantPong("x")
					}
					*calm = false
				}
			})
		})
	}
}

// CloseNow unblocks reads after a callback that did not return.
func TestCallbackUnwindsThenCloseNow(t *testing.T) {
	forUnwindings(t, websocket.CompressionDisabled, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, calm *bool) {
		p.Send(rawpeer.Text("a").More(), rawpeer.Ping(""))
		r := conntest.WantReader(t, c)
		conntest.WantRead(t, r, "a")
		unwound(t, func() { r.Read(make([]byte, 1)) }).Want()
		c.CloseNow()
		conntest.WantClosed(t, rawpeer.GoErr(t, func() error { _, err := r.Read(make([]byte, 1)); return err }).Err(), -1)
		conntest.WantClosed(t, rawpeer.GoErr(t, func() error { return conntest.ReadErr(t.Context(), c) }).Err(), -1)
		conntest.WantEnded(t, c, -1)
	})
}

// A Close that a callback ends has closed the connection, and so has the goroutine of
// CloseRead.
func TestCallbackUnwindsClose(t *testing.T) {
	forUnwindings(t, websocket.CompressionDisabled, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, calm *bool) {
		p.SendPing("")
		unwound(t, func() { c.Close(websocket.StatusNormalClosure, "") }).Want()
		for { // the close frame may be lost
			if _, err := p.ReadFrame(); err != nil {
				break
			}
		}
		conntest.WantEnded(t, c, -1)
	})
	t.Run("CloseRead", func(t *testing.T) {
		opts := &conntest.Options{OnPing: func(context.Context, []byte) bool { runtime.Goexit(); return true }}
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			ctx := c.CloseRead(t.Context())
			p.SendPing("")
			<-ctx.Done()
			p.WantEnd()
			conntest.WantEnded(t, c, -1)
		})
	})
}
