//go:build !js

package websocket_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// forms are the forms in which a message may come.
var forms = []struct {
	name   string
	frames func(f rawpeer.Frame) []rawpeer.Frame
}{
	{"one frame", func(f rawpeer.Frame) []rawpeer.Frame { return []rawpeer.Frame{f} }},
	{"fragments", func(f rawpeer.Frame) []rawpeer.Frame { return fragmented(f, 3) }},
	{"empty last fragment", func(f rawpeer.Frame) []rawpeer.Frame {
		return []rawpeer.Frame{f.More(), rawpeer.Ping(""), rawpeer.Continuation("").More(), rawpeer.Continuation("")}
	}},
}

// forEachForm runs test for both roles and all forms of messages: send sends
// one.
func forEachForm(t *testing.T, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(string))) {
	t.Helper()
	forEachMode(t, func(t *testing.T, opts *connOptions) {
		for _, form := range forms {
			t.Run(form.name, func(t *testing.T) {
				forBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					encode := opts.encoder()
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
		r := wantReader(t, c)
		wantBetween(t, c)
		for _, piece := range []string{"he", "l", "l"} {
			wantRead(t, r, piece)
			wantBetween(t, c)
		}
		wantRest(t, r, "o")
		wantText(t, c, "next")
	})
}

// A message of which each byte was read, but not the io.EOF behind them, counts
// as read: readers of JSON leave it so.
func TestReaderReadButForEOF(t *testing.T) {
	long := make([]byte, 12<<10)
	rand.NewChaCha8([32]byte{}).Read(long)
	for i, b := range long {
		long[i] = ' ' + b%64
	}
	forEachForm(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(string)) {
		for _, s := range []string{"hello", "", string(long)} {
			sending := rawpeer.GoErr(t, func() error { send(s); return nil })
			r := wantReader(t, c)
			wantRead(t, r, s)
			sending.Want()
			send("next")
			wantText(t, c, "next")
			if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Fatalf("read %d bytes, %v, from a message that was read", n, err)
			}
		}
	})
}

// What ends a message is looked for where the next one is.
func TestReaderReadButForLastFrame(t *testing.T) {
	forEachMode(t, func(t *testing.T, opts *connOptions) {
		forBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			encode := opts.encoder()
			p.Send(encode(rawpeer.Text("hello")).More())
			r := wantReader(t, c)
			wantRead(t, r, "hello")
			next := reading(t, c)
			synctest.Wait()
			if next.Returned() {
				t.Fatalf("got %v, want to wait for the end of the message", next.Err())
			}
			p.Send(rawpeer.Continuation(""), rawpeer.Text("next"))
			if got := next.Want(); got.payload != "next" {
				t.Fatalf("got %v, want the next message", got)
			}
		})
	})
}

// The text ends in the middle of a sequence, which shows only at its end.
func TestReaderReadButForEOFOfWrongText(t *testing.T) {
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
		wantClosed(t, reads.Err(), -1)
		wantEnded(t, c, -1)
	})
}

// wantCloseBehindPongs is WantClose, but for pongs.
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
			r := wantReader(t, c)
			wantStale()
			wantRead(t, r, "he")
			wantStale()
			wantRest(t, r, "llo")
			for range 2 {
				wantRest(t, r, "") // io.EOF again and again, until the next message
			}
			stale = append(stale, r)
		}
		send("hello")
		wantText(t, c, "hello")
		wantStale()
	})
}

func TestReaderReadsNothing(t *testing.T) {
	forEachForm(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(string)) {
		send("hello")
		r := wantReader(t, c)
		wantNothing := func(r io.Reader) {
			t.Helper()
			for _, p := range [][]byte{nil, {}} {
				if n, err := r.Read(p); n != 0 || err != nil {
					t.Fatalf("read %d bytes, %v, want none", n, err)
				}
			}
		}
		wantNothing(r)
		wantRead(t, r, "hell")
		wantNothing(r)
		wantRest(t, r, "o")
		if _, err := r.Read(nil); err != io.EOF {
			t.Fatalf("got %v, want io.EOF", err)
		}
		// Nor does it wait.
		p.Send(rawpeer.Text("part").More())
		r = wantReader(t, c)
		wantRead(t, r, "part")
		wantNothing(r)
	})
}

// The bytes are there when they have arrived, not when their frame has.
func TestReaderStreams(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		const text = "one two three"
		wire := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Text(text)))
		header := wire[:len(wire)-len(text)]
		payload := wire[len(header):]
		p.SendRaw(header)
		r := wantReader(t, c)
		for i := range len(text) {
			p.SendRaw(payload[i : i+1])
			wantRead(t, r, text[i:i+1])
		}
		wantRest(t, r, "")
	})
}

// A handle whose connection has ended says so, and what ended it.
func TestReaderOfClosedConnection(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("part").More(), rawpeer.Close(4000, "changed my mind"))
		r := wantReader(t, c)
		wantRead(t, r, "part")
		for range 2 {
			_, err := r.Read(make([]byte, 10))
			wantClosed(t, err, 4000)
		}
		p.WantCloseReason(4000, "changed my mind")
		p.WantEOF()
		wantEnded(t, c, 4000)
	})
	forBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("part").More(), rawpeer.Continuation("and more"))
		r := wantReader(t, c)
		wantRead(t, r, "part")
		c.CloseNow()
		_, err := r.Read(make([]byte, 10))
		wantClosed(t, err, -1)
	})
}

// CloseNow ends a Read that waits.
func TestReaderInterruptedByCloseNow(t *testing.T) {
	forEachMode(t, func(t *testing.T, opts *connOptions) {
		forBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			encode := opts.encoder()
			p.Send(encode(rawpeer.Text(strings.Repeat("part", 10))).More())
			r := wantReader(t, c)
			rest := rawpeer.Go(t, func() ([]byte, error) { return io.ReadAll(r) })
			synctest.Wait()
			c.CloseNow()
			wantClosed(t, rest.Err(), -1)
			p.WantEnd()
		})
	})
}

// The bytes that Read returns are the caller's.
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
		wantText(t, c, "third")
		if !bytes.Equal(first, []byte("first")) {
			t.Fatalf("the first message turned into %q", first)
		}
	})
}

// A Read at the end of a message tells it at once, also while another goroutine
// waits for the next one.
func TestReaderEndWhileOtherReads(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendText("x")
		r := wantReader(t, c)
		if n, err := r.Read(make([]byte, 10)); n != 1 || err != nil {
			t.Fatalf("read %d, %v", n, err)
		}
		other := reading(t, c)
		synctest.Wait()
		end := rawpeer.GoErr(t, func() error { _, err := r.Read(make([]byte, 10)); return err })
		synctest.Wait()
		if !end.Returned() {
			t.Fatal("the end of a message waits for the next message")
		}
		wantError(t, end.Err(), io.EOF)
		p.SendText("y")
		other.Want()
		if n, err := r.Read(make([]byte, 10)); n != 0 || err == nil || err == io.EOF {
			t.Errorf("read %d, %v, from a message before the last", n, err)
		}
	})
}
