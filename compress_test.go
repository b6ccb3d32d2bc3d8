//go:build !js

package websocket_test

import (
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

// The size of a message decides whether it is compressed.
func TestCompressionThreshold(t *testing.T) {
	takeover, noTakeover := websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover
	for _, test := range []struct {
		mode      websocket.CompressionMode
		threshold int
		from      int // the smallest compressed size
	}{
		{takeover, 0, 128},
		{noTakeover, 0, 512},
		{takeover, 1, 1},
		{takeover, 10, 10},
		{noTakeover, 5000, 5000},
		{takeover, -1, 0},
		{noTakeover, -1, 0},
	} {
		t.Run(fmt.Sprint(test.mode, test.threshold), func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: test.mode, Threshold: test.threshold}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				for _, size := range []int{0, 1, test.from - 1, test.from, test.from + 1, 100_000} {
					if size < 0 {
						continue
					}
					want := func(how string) {
						t.Helper()
						m := p.WantMessage(rawpeer.OpText, []byte(conntest.Filler(size)))
						if got := m.Frames[0].RSV == rawpeer.RSV1; got != (size >= test.from) {
							t.Errorf("compressed is %t for %d bytes in %s", got, size, how)
						}
					}
					write := goWrite(t, c, conntest.Filler(size))
					want("one Write")
					write.Want()

					w := conntest.MustWriter(t, c, t.Context())
					call := rawpeer.GoErr(t, func() error {
						w.Write([]byte(conntest.Filler(size)[:size/2]))
						w.Write([]byte(conntest.Filler(size)[size/2:]))
						return w.Close()
					})
					want("a Writer")
					call.Want()
				}
			})
		})
	}
}

// Write sends a compressed message in one frame; a Writer splits the compressed bytes.
// Only the first frame of a message has RSV1, and control frames never do.
func TestCompressedFrames(t *testing.T) {
	for _, mode := range modes[1:] {
		t.Run(mode.name, func(t *testing.T) {
			pipe := &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode, Threshold: -1, Pipe: pipe}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				c.CloseRead(t.Context())
				message := conntest.Filler(200_000)
				conntest.MustWriteText(t, c, message)
				if m := p.WantMessage(rawpeer.OpText, []byte(message)); len(m.Frames) != 1 {
					t.Errorf("Write sent %d frames", len(m.Frames))
				}

				w := conntest.MustWriter(t, c, t.Context())
				conntest.MustAdd(t, w, message[:100_000])
				ping := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
				synctest.Wait()
				conntest.MustAdd(t, w, message[100_000:])
				conntest.MustEnd(t, w)
				p.SendPing("yours")
				var payload []byte
				frames := 0
				for fin := false; !fin; {
					f := p.WantFrame()
					if f.Opcode == rawpeer.OpPing {
						if f.RSV != 0 {
							t.Errorf("got %v", f)
						}
						p.SendPong(string(f.Payload))
						continue
					}
					if first := frames == 0; (f.RSV == rawpeer.RSV1) != first {
						t.Errorf("frame %d: %v", frames, f)
					}
					if len(f.Payload) > maxFragment {
						t.Errorf("%d bytes in a frame", len(f.Payload))
					}
					payload = append(payload, f.Payload...)
					fin = f.Fin
					frames++
				}
				if frames < 5 {
					t.Errorf("a Writer sent %d frames", frames)
				}
				ping.Want()
				p.WantPong("yours")
				inflater := rawpeer.NewInflater(rawpeer.ContextTakeover)
				if mode.mode == websocket.CompressionContextTakeover {
					// This message refers to the previous one.
					inflater.Message(rawpeer.NewDeflater(rawpeer.NoTakeover).Message([]byte(message)))
				}
				if got, err := inflater.Message(payload); err != nil || string(got) != message {
					t.Errorf("got %d bytes and error %v", len(got), err)
				}
				call := goClose(t, c, websocket.StatusNormalClosure, strings.Repeat("long ", 20))
				p.WantCloseReason(1000, strings.Repeat("long ", 20))
				p.SendClose(1000, "")
				call.Want()
			})
		})
	}
}

// The frames of WriteUncompressed and WriterUncompressed are those of a connection
// without compression, and the message is not in the window: a later message with the
// same text does not refer to it.
func TestWriteUncompressed(t *testing.T) {
	write := map[string]func(*testing.T, *websocket.Conn, string) error{
		"Write": func(t *testing.T, c *websocket.Conn, s string) error {
			return c.WriteUncompressed(t.Context(), websocket.MessageText, []byte(s))
		},
		"Writer": func(t *testing.T, c *websocket.Conn, s string) error {
			w, err := c.WriterUncompressed(t.Context(), websocket.MessageText)
			if err != nil {
				return err
			}
			for _, part := range []string{s[:len(s)/2], s[len(s)/2:]} {
				if _, err := w.Write([]byte(part)); err != nil {
					return err
				}
			}
			return w.Close()
		},
	}
	for _, mode := range modes {
		for name, write := range write {
			t.Run(mode.name+"/"+name, func(t *testing.T) {
				conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode, Threshold: -1}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					inflater := rawpeer.NewInflater(rawpeer.ContextTakeover)
					if mode.mode != websocket.CompressionContextTakeover {
						inflater = rawpeer.NewInflater(rawpeer.NoTakeover)
					}
					for _, size := range []int{0, 1, 5000, 100_000} {
						text := conntest.Filler(size)
						call := rawpeer.GoErr(t, func() error { return write(t, c, text) })
						m := p.WantMessage(rawpeer.OpText, []byte(text))
						call.Want()
						for _, f := range m.Frames {
							if f.RSV != 0 {
								t.Fatalf("got %v for %d bytes", f, size)
							}
						}
						if mode.mode == websocket.CompressionDisabled {
							continue
						}
						// The inflater has seen only the compressed messages.
						compressed := goWrite(t, c, text)
						f := p.WantFrame()
						compressed.Want()
						if got, err := inflater.Message(f.Payload); err != nil || string(got) != text || f.RSV != rawpeer.RSV1 {
							t.Fatalf("%v inflates to %d bytes of %d, error %v", f, len(got), size, err)
						}
					}
				})
			})
		}
	}
}

// Context takeover is used only if it was negotiated; otherwise each message is
// inflated independently.
func TestCompressionTakeover(t *testing.T) {
	takeover, noTakeover := websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover
	for _, test := range []struct {
		name       string
		mode       websocket.CompressionMode
		extensions string // of the peer
		server     bool   // whether a server uses takeover
		client     bool
	}{
		{"takeover", takeover, pmd, true, true},
		{"not the server", takeover, pmd + snct, false, true},
		{"not the client", takeover, pmd + cnct, true, false},
		{"neither", takeover, pmd + snct + cnct, false, false},
		{"no takeover", noTakeover, pmd + snct + cnct, false, false},
		{"not mentioned", noTakeover, pmd + snct, false, false},
	} {
		taken := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, want bool) {
			message := conntest.Filler(1000)
			shared := rawpeer.NewInflater(rawpeer.ContextTakeover)
			var sizes []int
			for i := range 4 {
				if i%2 == 0 {
					conntest.MustWriteText(t, c, message)
				} else {
					w := conntest.MustWriter(t, c, t.Context())
					conntest.MustAdd(t, w, message)
					conntest.MustEnd(t, w)
				}
				f := p.WantFrame()
				if !f.Fin || f.RSV != rawpeer.RSV1 {
					t.Fatalf("got %v", f)
				}
				inflater := shared
				if !want {
					inflater = rawpeer.NewInflater(rawpeer.NoTakeover)
				}
				if got, err := inflater.Message(f.Payload); err != nil || string(got) != message {
					t.Fatalf("message %d inflates to %q, error %v", i, got, err)
				}
				sizes = append(sizes, len(f.Payload))

				// Uncompressed messages are not in the window.
				conntest.MustWriteText(t, c, "short")
				p.WantText("short")
			}
			for _, size := range sizes[1:] {
				if took := size < sizes[0]/4; took != want {
					t.Errorf("the sizes are %v, want takeover: %t", sizes, want)
				}
			}
		}
		t.Run(test.name+"/server", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := conntest.AcceptedWith(t, test.mode, 0, test.extensions)
				defer c.CloseNow()
				taken(t, c, p, test.server)
			})
		})
		t.Run(test.name+"/client", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p, err := conntest.DialedWith(t, test.mode, 0, test.extensions)
				if err != nil {
					t.Fatal(err)
				}
				defer c.CloseNow()
				taken(t, c, p, test.client)
			})
		})
	}
}

// Distances in sent messages do not exceed the negotiated window: random text that is
// repeated after more than the window cannot be compressed.
func TestCompressionWindow(t *testing.T) {
	for bits := 8; bits <= 15; bits++ {
		window := 1 << bits
		fits := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			// Random text that is repeated after period bytes. Six of its eight bits
			// are random.
			size := func(period int) float64 {
				t.Helper()
				message := strings.Repeat(conntest.Filler(period), 1+4*window/period)
				write := goWrite(t, c, message)
				f := p.WantFrame()
				write.Want()
				got, err := rawpeer.NewInflater(rawpeer.NoTakeover).Message(f.Payload)
				if err != nil || string(got) != message {
					t.Fatalf("%d bytes inflate to %d, error %v", len(message), len(got), err)
				}
				return float64(len(f.Payload)) / float64(len(message))
			}
			if got := size(window + 1); got < 0.7 {
				t.Errorf("compressed to %.2f: a distance exceeds %d bytes", got, window)
			}
			if got := size(window / 2); got > 0.5 {
				t.Errorf("compressed to %.2f: no distance reaches %d bytes", got, window/2)
			}
		}
		t.Run(fmt.Sprintf("%d/server", bits), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := conntest.AcceptedWith(t, websocket.CompressionContextTakeover, 0, fmt.Sprintf("%s; server_no_context_takeover; server_max_window_bits=%d", pmd, bits))
				defer c.CloseNow()
				fits(t, c, p)
			})
		})
		t.Run(fmt.Sprintf("%d/client", bits), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p, err := conntest.DialedWith(t, websocket.CompressionContextTakeover, 0, fmt.Sprintf("%s; client_no_context_takeover; client_max_window_bits=%d", pmd, bits))
				if err != nil {
					t.Fatal(err)
				}
				defer c.CloseNow()
				fits(t, c, p)
			})
		})
	}
}

// Abandoning a message, partly or completely compressed, does not affect the following
// ones.
func TestCompressedAbandoned(t *testing.T) {
	for _, mode := range modes[1:] {
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				for i := range 6 {
					message := fmt.Sprintf("%d %s", i, conntest.Filler(1000))
					conntest.MustWriteText(t, c, message)
					p.WantMessage(rawpeer.OpText, []byte(message))

					lost := fmt.Sprintf("lost %d %s", i, conntest.Filler(2000))
					ctx, cancel := context.WithCancel(t.Context())
					if i%2 == 0 {
						release := conntest.UnderTest(p).StallWrites()
						call := rawpeer.GoErr(t, func() error { return c.Write(ctx, websocket.MessageText, []byte(lost)) })
						synctest.Wait()
						cancel()
						wantCanceled(t, call.Err())
						release()
					} else {
						w := conntest.MustWriter(t, c, ctx)
						conntest.MustAdd(t, w, lost)
						cancel()
						wantCanceled(t, w.Close())
					}
					conntest.MustWriteText(t, c, lost)
					p.WantMessage(rawpeer.OpText, []byte(lost))
				}
			})
		})
	}
}

// finalDeflated returns a compressed message that ends the DEFLATE stream, which is
// allowed (RFC 7692 section 7.2.3.4).
func finalDeflated(s string) rawpeer.Frame {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression)
	w.Write([]byte(s))
	w.Close()
	b.WriteByte(0) // the first byte of an empty stored block; the rest is removed
	return rawpeer.Text(b.String()).WithRSV(rawpeer.RSV1)
}

// storedDeflated returns a message in stored blocks (section 7.2.3.3).
func storedDeflated(s string) rawpeer.Frame {
	n := len(s)
	return rawpeer.Text("\x00" + string([]byte{byte(n), byte(n >> 8), byte(^n), byte(^n >> 8)}) + s + "\x00").WithRSV(rawpeer.RSV1)
}

// The peer may use all features of DEFLATE.
func TestReadCompressed(t *testing.T) {
	for _, mode := range modes[1:] {
		t.Run(mode.name, func(t *testing.T) {
			opts := &conntest.Options{Compression: mode.mode}
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				deflater := rawpeer.NewDeflater(opts.Takeover())
				text := func(s string) rawpeer.Frame {
					return rawpeer.Text(string(deflater.Message([]byte(s)))).WithRSV(rawpeer.RSV1)
				}
				for range 3 {
					p.Send(text("with reference to earlier ones, or not"))
					conntest.WantText(t, c, "with reference to earlier ones, or not")
					p.SendText("not compressed")
					conntest.WantText(t, c, "not compressed")
				}
				p.Send(rawpeer.Text("\x00").WithRSV(rawpeer.RSV1)) // section 7.2.3.6
				conntest.WantText(t, c, "")
				p.Send(text(""))
				conntest.WantText(t, c, "")

				f := text("in three frames")
				p.Send(
					rawpeer.Text(string(f.Payload[:1])).WithRSV(rawpeer.RSV1).More(),
					rawpeer.Continuation("").More(),
					rawpeer.Ping("in between"),
					rawpeer.Continuation(string(f.Payload[1:5])).More(),
					rawpeer.Continuation(string(f.Payload[5:])),
				)
				conntest.WantText(t, c, "in three frames")
				p.WantPong("in between")

				for range 2 {
					p.Send(finalDeflated("the stream ends"))
					conntest.WantText(t, c, "the stream ends")
					p.Send(storedDeflated("stored"))
					conntest.WantText(t, c, "stored")
				}
				p.Send(rawpeer.Deflated(rawpeer.Text("and goes on")))
				conntest.WantText(t, c, "and goes on")
				wantUsable(t, c, p)
			})
		})
	}
}

// An invalid compressed message fails the connection.
func TestReadCorruptCompressed(t *testing.T) {
	// A block with a match of length 3 at distance 1, without any data before it.
	const tooFarBack = "\x02\x02\x00\x00"

	for _, test := range []struct {
		name string
		send []rawpeer.Frame
		code int
	}{
		{"reserved block type", []rawpeer.Frame{rawpeer.Text("\x07").WithRSV(rawpeer.RSV1)}, 1007},
		{"stored length", []rawpeer.Frame{rawpeer.Text("\x00\x05\x00\x00\x00hello").WithRSV(rawpeer.RSV1)}, 1007},
		{"too far back", []rawpeer.Frame{rawpeer.Text(tooFarBack).WithRSV(rawpeer.RSV1)}, 1007},
		{"cut off", []rawpeer.Frame{rawpeer.Text(string(rawpeer.Deflated(rawpeer.Text(conntest.Filler(300))).Payload[:100])).WithRSV(rawpeer.RSV1)}, 1007},
		{"not UTF-8", []rawpeer.Frame{rawpeer.Deflated(rawpeer.Text("\xff"))}, 1007},
		{"RSV1 on a continuation", []rawpeer.Frame{
			rawpeer.Text("\x00").WithRSV(rawpeer.RSV1).More(), rawpeer.Continuation("").WithRSV(rawpeer.RSV1),
		}, 1002},
		{"RSV1 on a ping", []rawpeer.Frame{rawpeer.Ping("").WithRSV(rawpeer.RSV1)}, 1002},
		{"RSV1 on a close", []rawpeer.Frame{rawpeer.Close(1000, "").WithRSV(rawpeer.RSV1)}, 1002},
		{"RSV2", []rawpeer.Frame{rawpeer.Text("").WithRSV(rawpeer.RSV1 | rawpeer.RSV2)}, 1002},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, mode := range modes[1:] {
				t.Run(mode.name, func(t *testing.T) {
					conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
						p.Send(test.send...)
						reading := rawpeer.GoErr(t, func() error { _, _, err := c.Read(t.Context()); return err })
						p.WantClose(test.code)
						p.Close()
						conntest.WantCause(t, reading.Err(), -1)
						conntest.WantClosed(t, c.Write(t.Context(), websocket.MessageText, nil), -1)
					})
				})
			}
		})
	}
}

// The response of a server with CompressionWindowBits.
func TestAcceptWindowBits(t *testing.T) {
	for _, test := range []struct {
		bits        int
		offer, want string
	}{
		{9, pmd, pmd + "; server_max_window_bits=9"},
		{9, pmd + "; client_max_window_bits", pmd + "; server_max_window_bits=9; client_max_window_bits=9"},
		{15, pmd + "; client_max_window_bits", pmd + "; client_max_window_bits=15"},
		{11, pmd + "; client_max_window_bits=10; server_max_window_bits=12", pmd + "; server_max_window_bits=11; client_max_window_bits=10"},
		{11, pmd + "; server_max_window_bits=10", pmd + "; server_max_window_bits=10"},
	} {
		t.Run(fmt.Sprint(test.bits, test.offer), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := rawpeer.Accepted(t, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
					return websocket.Accept(w, r, &websocket.AcceptOptions{
						CompressionMode:       websocket.CompressionContextTakeover,
						CompressionWindowBits: test.bits,
					})
				}, &rawpeer.ClientOptions{Header: conntest.ExtensionLines([]string{test.offer})})
				defer c.CloseNow()
				if got := p.Response.Header["Sec-Websocket-Extensions"]; len(got) != 1 || !sameExtension(got[0], test.want) {
					t.Errorf("got the answer %q, want %q", got, test.want)
				}
			})
		})
	}
}

// The offers of a client with CompressionWindowBits: with windows below 15 bits, a
// second offer without windows follows, for servers that decline the first one.
func TestDialWindowBits(t *testing.T) {
	takeover, noTakeover := websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover
	for _, test := range []struct {
		mode websocket.CompressionMode
		bits int
		want []string
	}{
		{takeover, 0, []string{pmd + "; client_max_window_bits"}},
		{takeover, 15, []string{pmd + "; server_max_window_bits=15; client_max_window_bits=15"}},
		{takeover, 14, []string{pmd + "; server_max_window_bits=14; client_max_window_bits=14", pmd}},
		{takeover, 9, []string{pmd + "; server_max_window_bits=9; client_max_window_bits=9", pmd}},
		{noTakeover, 9, []string{pmd + snct + cnct + "; server_max_window_bits=9; client_max_window_bits=9", pmd + snct + cnct}},
	} {
		t.Run(fmt.Sprint(test.mode, test.bits), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, &websocket.DialOptions{
					CompressionMode: test.mode, CompressionWindowBits: test.bits,
				})
				got := strings.Split(strings.Join(p.Request.Header["Sec-Websocket-Extensions"], ","), ",")
				if !slices.EqualFunc(got, test.want, sameExtension) {
					t.Errorf("got the offers %q, want %q", got, test.want)
				}
				// A server that accepts the offer without windows.
				p.Answer(&rawpeer.ServerOptions{Header: conntest.ExtensionLines([]string{pmd + snct + cnct})})
				conntest.WantCompresses(t, call.Want().Conn, p, true)
			})
		})
	}
}

// Invalid options make Accept and Dial fail.
func TestCompressionOutOfRange(t *testing.T) {
	for _, test := range []struct {
		level, bits int
		mode        websocket.CompressionMode
	}{{-1, 0, 0}, {10, 0, 0}, {0, -1, 0}, {0, 7, 0}, {0, 16, 0}, {0, 0, -1}, {0, 0, 3}} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			_, resp, err := websocket.Dial(t.Context(), "ws://127.0.0.1:1", &websocket.DialOptions{
				CompressionLevel: test.level, CompressionWindowBits: test.bits, CompressionMode: test.mode,
			})
			if err == nil || resp != nil {
				t.Errorf("Dial: got %v, %v", resp, err)
			}
			w := &hijacked{header: http.Header{}, conn: &loop{}}
			rec := &refusing{hijacked: w}
			if _, err := websocket.Accept(rec, conntest.Request(), &websocket.AcceptOptions{
				CompressionLevel: test.level, CompressionWindowBits: test.bits, CompressionMode: test.mode,
			}); err == nil || rec.status != http.StatusInternalServerError {
				t.Errorf("Accept: got status %d, error %v", rec.status, err)
			}
		})
	}
}

// refusing records the status.
type refusing struct {
	*hijacked
	status int
}

func (r *refusing) WriteHeader(status int)      { r.status = status }
func (r *refusing) Write(p []byte) (int, error) { return len(p), nil }

// The level affects the size of small messages, but only with the full window.
func TestCompressionLevel(t *testing.T) {
	size := func(level, bits int) (n int) {
		synctest.Test(t, func(t *testing.T) {
			c, p := rawpeer.Accepted(t, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
				return websocket.Accept(w, r, &websocket.AcceptOptions{
					CompressionMode:  websocket.CompressionContextTakeover,
					CompressionLevel: level, CompressionWindowBits: bits,
				})
			}, &rawpeer.ClientOptions{Header: conntest.ExtensionLines([]string{pmd})})
			defer c.CloseNow()
			text := ""
			for i := range 2000 {
				text += fmt.Sprintf(`{"id":%d,"square":%d},`, i*7919%10_000, i*i)
			}
			write := goWrite(t, c, text)
			n = len(p.WantFrame().Payload)
			write.Want()
		})
		return n
	}
	for _, bits := range []int{0, 15} {
		if one, nine := size(1, bits), size(9, bits); one <= nine {
			t.Errorf("level 1 makes %d bytes, level 9 %d", one, nine)
		}
		if zero, two := size(0, bits), size(2, bits); zero != two {
			t.Errorf("the default makes %d bytes, level 2 %d", zero, two)
		}
		if one, two := size(1, bits), size(2, bits); one == two {
			t.Errorf("levels 1 and 2 make %d bytes both", one)
		}
	}
	for bits := 8; bits < 15; bits++ {
		if one, nine := size(1, bits), size(9, bits); one != nine {
			t.Errorf("%d bits: level 1 makes %d bytes, level 9 %d", bits, one, nine)
		}
	}
}

// Compressed writes of at least the default threshold do not allocate, with many
// connections.
func TestCompressedWritesAllocateNothing(t *testing.T) {
	most := 0.0
	if poolcheck.On {
		most = 100 // with the race detector, pools drop objects
	}
	for _, mode := range []websocket.CompressionMode{websocket.CompressionContextTakeover, websocket.CompressionNoContextTakeover} {
		for _, bits := range []int{0, 10} {
			var conns [20]*websocket.Conn
			for i := range conns {
				r := conntest.Request()
				r.Header.Set("Sec-WebSocket-Extensions", pmd)
				c, err := websocket.Accept(&hijacked{header: http.Header{}, conn: &loop{}}, r, &websocket.AcceptOptions{
					CompressionMode: mode, CompressionThreshold: 128, CompressionWindowBits: bits,
				})
				conntest.WantNoError(t, err)
				defer c.CloseNow()
				conns[i] = c
			}
			for _, size := range []int{128, 1000, 20_000} {
				p, i := []byte(conntest.Filler(size)), 0
				write := func() {
					if err := conns[i%len(conns)].Write(t.Context(), websocket.MessageText, p); err != nil {
						t.Error(err)
					}
					i++
				}
				for range 3 * len(conns) {
					write()
				}
				if n := testing.AllocsPerRun(2*len(conns), write); n > most {
					t.Errorf("mode %v, %d bits: a write of %d bytes allocates %v times", mode, bits, size, n)
				}
			}
		}
	}
}
