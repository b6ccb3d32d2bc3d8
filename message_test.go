//go:build !js

package websocket_test

import (
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

// forLimits runs test for all forms of messages and ways to read them. send sends a
// message of n bytes.
func forLimits(t *testing.T, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(n int), read func() (conntest.Message, error))) {
	t.Helper()
	noise := make([]byte, 2*conntest.DefaultLimit)
	rand.NewChaCha8([32]byte{}).Read(noise)
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		opts.Pipe = &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}
		for _, size := range []int{math.MaxInt, 1000} {
			conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
				encode := opts.Encoder()
				send := func(n int) { p.Send(conntest.Fragmented(encode(rawpeer.Binary(noise[:n])), size)...) }
				test(t, c, p, send, read)
			})
		}
	})
}

// wantTooBig expects the message to exceed the limit.
func wantTooBig(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
	t.Helper()
	call := rawpeer.Go(t, read)
	p.WantClose(1009)
	p.WantEOF()
	p.Close()
	first := call.Err()
	_, second := read()
	for _, err := range []error{first, second} {
		conntest.WantError(t, err, websocket.ErrMessageTooBig)
	}
	conntest.WantCause(t, first, -1)
	conntest.WantClosed(t, second, -1)
	conntest.WantEnded(t, c, -1)
}

func wantSize(t *testing.T, n int, read func() (conntest.Message, error)) {
	t.Helper()
	if got, err := read(); len(got.Payload) != n || err != nil {
		t.Fatalf("got %d bytes, %v, want %d", len(got.Payload), err, n)
	}
}

func TestReadLimitByDefault(t *testing.T) {
	forLimits(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(int), read func() (conntest.Message, error)) {
		for range 3 { // each message has its own limit
			send(conntest.DefaultLimit)
			wantSize(t, conntest.DefaultLimit, read)
		}
		send(conntest.DefaultLimit + 1)
		wantTooBig(t, c, p, read)
	})
}

func TestSetReadLimit(t *testing.T) {
	forLimits(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(int), read func() (conntest.Message, error)) {
		for _, n := range []int{1, 999, 1000, 1001, conntest.DefaultLimit + 1} {
			c.SetReadLimit(int64(n))
			send(n)
			wantSize(t, n, read)
		}
		c.SetReadLimit(5000)
		send(5001)
		wantTooBig(t, c, p, read)
	})
}

func TestSetReadLimitOfZero(t *testing.T) {
	forLimits(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(int), read func() (conntest.Message, error)) {
		c.SetReadLimit(0)
		send(0)
		wantSize(t, 0, read)
		send(1)
		wantTooBig(t, c, p, read)
	})
}

func TestSetReadLimitLifts(t *testing.T) {
	forLimits(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, send func(int), read func() (conntest.Message, error)) {
		limits := []int64{-1, -7, math.MinInt64, math.MaxInt64}
		if testing.Short() || poolcheck.On {
			limits = limits[:1]
		}
		for _, n := range limits {
			c.SetReadLimit(n)
			send(2 * conntest.DefaultLimit)
			wantSize(t, 2*conntest.DefaultLimit, read)
		}
	})
}

// A limit applies from the next message on, also to a Read that waits for it.
func TestSetReadLimitInsideMessage(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("he").More())
		r := conntest.WantReader(t, c)
		c.SetReadLimit(1)
		p.Send(rawpeer.Continuation("llo"))
		conntest.WantRest(t, r, "hello")

		read := conntest.GoRead(t, c)
		synctest.Wait()
		p.SendText("hello")
		p.WantClose(1009)
		p.Close()
		conntest.WantError(t, read.Err(), websocket.ErrMessageTooBig)
	})
}

// A message is refused when its header shows that it is too long, before its bytes
// arrive.
func TestReadLimitOfDeclaredLength(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendRaw(rawpeer.AppendHeader(nil, p.Masked(rawpeer.Text("")), rawpeer.Shortest, conntest.DefaultLimit+1))
		wantTooBig(t, c, p, func() (conntest.Message, error) {
			_, _, err := c.Reader(t.Context())
			return conntest.Message{}, err
		})
	})
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("hello").More())
		p.SendRaw(rawpeer.AppendHeader(nil, p.Masked(rawpeer.Continuation("")), rawpeer.Shortest, conntest.DefaultLimit-4))
		r := conntest.WantReader(t, c)
		conntest.WantRead(t, r, "hello")
		wantTooBig(t, c, p, func() (conntest.Message, error) {
			_, err := r.Read(make([]byte, 1))
			return conntest.Message{}, err
		})
	})
}

// Of a compressed message that inflates to more than the limit, the bytes within it can
// be read before the error.
func TestReadLimitOfBomb(t *testing.T) {
	bomb := rawpeer.Deflated(rawpeer.Text(strings.Repeat("x", 8<<20)))
	if len(bomb.Payload) > conntest.DefaultLimit {
		t.Fatalf("the bomb has %d bytes", len(bomb.Payload))
	}
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		if opts.Compression == websocket.CompressionDisabled {
			return
		}
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			p.Send(bomb)
			r := conntest.WantReader(t, c)
			conntest.WantRead(t, r, strings.Repeat("x", conntest.DefaultLimit))
			wantTooBig(t, c, p, func() (conntest.Message, error) {
				_, err := io.Copy(io.Discard, r)
				return conntest.Message{}, err
			})
		})
	})
}

// A payload that is longer than its inflated size is within the limit.
func TestReadLimitCountsInflatedBytes(t *testing.T) {
	opts := &conntest.Options{Compression: websocket.CompressionContextTakeover}
	conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
		c.SetReadLimit(5)
		// Empty stored blocks, and then the message.
		payload := strings.Repeat("\x00\x00\x00\xff\xff", 1000) + "\x00\x05\x00\xfa\xffhello\x00"
		p.Send(rawpeer.Text(payload).WithRSV(rawpeer.RSV1))
		if got, err := read(); got.Payload != "hello" || err != nil {
			t.Fatalf("got %v, %v, want hello", got, err)
		}
	})
}

// notUTF8 are texts that are invalid only because of the last byte (RFC 3629 section
// 4).
var notUTF8 = []string{
	"\x80",             // a continuation byte without a start
	"\xc0",             // starts an overlong form
	"\xc1",             //
	"\xe0\x80",         //
	"\xe0\x9f",         //
	"\xf0\x80",         //
	"\xf0\x8f",         //
	"\xed\xa0",         // starts a surrogate
	"\xed\xbf",         //
	"\xf4\x90",         // starts a code point past U+10FFFF
	"\xf5",             //
	"\xff",             //
	"\xc3(",            // not continued
	"\xe2\x82(",        //
	"\xf0\x9f\x8e(",    //
	"\xf0\x9f\x8e\xff", //
}

// beforeBad are valid texts of several lengths, one of them longer than all buffers.
var beforeBad = []string{"", "a", "é", "ab日", strings.Repeat("x", 63), strings.Repeat("grün ", 5000)}

// Text is unmasked and validated in steps, which may end inside characters.
func TestTextAcrossSteps(t *testing.T) {
	const step, tail = 16 << 10, 5000
	for at := step - 4; at <= step; at++ {
		for _, char := range []string{"\U0001F389", "\xf0\x9f\x8e(", "\xf0\x9f(\x89", "\xf0(\x8e\x89"} {
			text := strings.Repeat("a", at) + char + strings.Repeat("b", tail)
			opts := &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}
			conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
				for range 3 { // a stream may read the later ones ahead
					p.SendText(strings.Repeat("a", len(text)))
					wantSize(t, len(text), read)
				}
				call := rawpeer.Go(t, read)
				p.SendText(text)
				if utf8.ValidString(text) {
					if got := call.Want(); got.Payload != text {
						t.Fatalf("character at %d: got another text", at)
					}
					return
				}
				p.WantClose(1007)
				p.Close()
				conntest.WantCause(t, call.Err(), -1)
			})
		}
	}
}

// Long text is read in pieces, of other sizes for text that is not ASCII. Characters
// continue across the ends of pieces. A wrong byte anywhere in a piece is found.
func TestLongText(t *testing.T) {
	const size, piece = 150 << 10, 16 << 10
	opts := &conntest.Options{ReadLimit: -1, Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}
	ascii, mixed := strings.Repeat("ASCII, ", size/7), strings.Repeat("é日\U0001F389, ", size/11)
	texts := []string{ascii, mixed, ascii + mixed + ascii, mixed + ascii + mixed}
	if poolcheck.On { // with the race detector
		texts = texts[2:3]
	}
	for _, text := range texts {
		conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
			for cut := range 4 { // the pieces begin elsewhere
				call := rawpeer.Go(t, read)
				p.Send(rawpeer.Text(text[:cut]).More(), rawpeer.Continuation(text[cut:]))
				if got := call.Want(); got.Payload != text {
					t.Fatalf("cut at %d: got another text", cut)
				}
			}
			call := rawpeer.Go(t, read)
			p.SendText(text[:9*piece+1] + "\xff" + text[9*piece+2:])
			p.WantClose(1007)
			p.Close()
			conntest.WantCause(t, call.Err(), -1)
		})
	}
}

// A text fails at its first invalid byte: the peer sends nothing after it, although the
// frame is incomplete.
func TestTextFailsAtFirstBadByte(t *testing.T) {
	for _, before := range beforeBad {
		for _, bad := range notUTF8 {
			text := before + bad
			conntest.ForReadWays(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
				call := rawpeer.Go(t, read)
				wire := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Text(text+"and more")))
				wire = wire[:len(wire)-len("and more")]
				wantFailsAtLast(t, c, p, wire, call)
			})
		}
	}
}

// wantFailsAtLast sends wire, in which only the last byte is invalid.
func wantFailsAtLast(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, wire []byte, call *rawpeer.Call[conntest.Message]) {
	t.Helper()
	last := len(wire) - 1
	p.SendRaw(wire[:last])
	p.WantSilence(time.Hour)
	if call.Returned() {
		t.Fatalf("got %v before the wrong byte", call.Err())
	}
	start := time.Now()
	p.SendRaw(wire[last:])
	p.WantClose(1007)
	p.WantEOF()
	if d := time.Since(start); d != 0 {
		t.Fatalf("failed after %v, want at once", d)
	}
	p.Close()
	conntest.WantCause(t, call.Err(), -1)
	conntest.WantEnded(t, c, -1)
}

// The invalid byte may be in a different frame than the start of its sequence.
func TestTextFailsAcrossFrames(t *testing.T) {
	const before = "ab日"
	for _, bad := range notUTF8 {
		text := before + bad
		for at := 1; at < len(text); at++ {
			conntest.ForReadWays(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
				call := rawpeer.Go(t, read)
				p.Send(rawpeer.Text(text[:at]).More(), rawpeer.Ping("between"))
				p.WantPong("between")
				wire := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Continuation(text[at:]+"and more").More()))
				wire = wire[:len(wire)-len("and more")]
				wantFailsAtLast(t, c, p, wire, call)
			})
		}
	}
}

// In a compressed message the byte is detected when it can be inflated.
func TestTextFailsInCompressedMessage(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		if opts.Compression == websocket.CompressionDisabled {
			return
		}
		for _, bad := range notUTF8 {
			conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
				call := rawpeer.Go(t, read)
				text := "ab日" + bad
				// Two blocks: the valid text, ended by a flush, and then the invalid
				// byte in a stored block.
				payload := rawpeer.NewDeflater(rawpeer.NoTakeover).Message([]byte(text[:len(text)-1]))
				payload = append(payload, "\x00\x00\xff\xff\x00\x09\x00\xf6\xff"...)
				payload = append(payload, text[len(text)-1])
				f := rawpeer.Text(string(payload) + "and more").WithRSV(rawpeer.RSV1)
				wire := rawpeer.AppendFrame(nil, p.Masked(f))
				wire = wire[:len(wire)-len("and more")]
				wantFailsAtLast(t, c, p, wire, call)
			})
		}
	})
}

// A message must not end inside a sequence.
func TestTextEndsInsideSequence(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		encode := opts.Encoder // one for each connection
		for _, text := range []string{"\xc3", "ab\xe6\x97", "\xf0\x9f\x8e", strings.Repeat("x", 9000) + "\xf0"} {
			for _, form := range forms {
				conntest.ForReadWays(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
					call := rawpeer.Go(t, read)
					p.Send(form.frames(encode()(rawpeer.Text(text)))...)
					wantCloseBehindPongs(t, p, 1007)
					p.WantEOF()
					p.Close()
					conntest.WantCause(t, call.Err(), -1)
					conntest.WantEnded(t, c, -1)
				})
			}
		}
	})
}

// Valid text that arrived before the invalid byte can be read.
func TestTextBeforeBadByte(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("right\xe6").More())
		r := conntest.WantReader(t, c)
		conntest.WantRead(t, r, "right\xe6")
		p.Send(rawpeer.Continuation("wrong"))
		rest := rawpeer.Go(t, func() ([]byte, error) { return io.ReadAll(r) })
		p.WantClose(1007)
		p.Close()
		got, err := rest.Result()
		if len(got) > 0 {
			t.Fatalf("got %q, want nothing", got)
		}
		conntest.WantCause(t, err, -1)
	})
}

// Each message is a separate text, and binary messages are not checked.
func TestTextIsCheckedPerMessage(t *testing.T) {
	conntest.ForEachMode(t, func(t *testing.T, opts *conntest.Options) {
		conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			encode := opts.Encoder()
			for _, bad := range notUTF8 {
				p.Send(encode(rawpeer.Binary([]byte(bad))))
				conntest.WantMessage(t, c, websocket.MessageBinary, bad)
			}
			for _, s := range []string{"\x00", "\x7f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\uffff", "\U00010000", "\U0010ffff"} {
				p.Send(encode(rawpeer.Text(s)))
				conntest.WantText(t, c, s)
			}
			// A message that was read up to its last byte has ended.
			p.Send(encode(rawpeer.Binary([]byte("\xe6"))), encode(rawpeer.Text("\xe6\x97\xa5")))
			conntest.WantRead(t, conntest.WantReader(t, c), "\xe6")
			conntest.WantText(t, c, "日")
		})
	})
}

// The reason of a close frame also fails at its first invalid byte.
func TestCloseReasonFailsAtFirstBadByte(t *testing.T) {
	for _, before := range []string{"", "bye", "tschüß", strings.Repeat("x", 100)} {
		for _, bad := range notUTF8 {
			conntest.ForReadWays(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, read func() (conntest.Message, error)) {
				call := rawpeer.Go(t, read)
				wire := rawpeer.AppendFrame(nil, p.Masked(rawpeer.Close(1000, before+bad+"and more")))
				wire = wire[:len(wire)-len("and more")]
				wantFailsAtLast(t, c, p, wire, call)
			})
		}
	}
}

func TestCloseReasonEndsInsideSequence(t *testing.T) {
	for _, reason := range []string{"\xc3", "ab\xe6\x97", strings.Repeat("x", 120) + "\xf0\x9f\x8e"} {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			read := conntest.GoRead(t, c)
			wantFailsAtLast(t, c, p, rawpeer.AppendFrame(nil, p.Masked(rawpeer.Close(1000, reason))), read)
		})
	}
}

// A message also fails in a Reader that waits for its next bytes.
func TestTextFailsWhileReaderWaits(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("\xe6").More())
		r := conntest.WantReader(t, c)
		conntest.WantRead(t, r, "\xe6")
		read := rawpeer.GoErr(t, func() error { _, err := r.Read(make([]byte, 100)); return err })
		synctest.Wait()
		p.Send(rawpeer.Continuation(""))
		p.WantClose(1007)
		p.Close()
		conntest.WantCause(t, read.Err(), -1)
	})
}
