//go:build !js

package connfuzz

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// FuzzServerConn has a server read arbitrary bytes from a client, and compares the
// result with that of rawpeer.Decode.
func FuzzServerConn(f *testing.F) { fuzzConn(f, rawpeer.Client) }

// FuzzClientConn is FuzzServerConn for a client.
func FuzzClientConn(f *testing.F) { fuzzConn(f, rawpeer.Server) }

// fuzzed is a connection that reads fuzzed bytes.
type fuzzed struct {
	peer        rawpeer.Role
	wire        []byte
	cuts        []byte // the size of each read from the stream, less one; 0 means no limit
	way         readWay
	compression websocket.CompressionMode
	limit       int
	size        int  // of the buffer to read into
	echo        bool // echo the messages
	stays       bool // the peer leaves the stream open
}

// readWay is how a connection is read to its end.
type readWay int

const (
	byRead readWay = iota
	byReader
	byNetConn // for text messages
	byCloseRead
	byClose
	countWays
)

// fuzzedLimits are read limits, including the default.
var fuzzedLimits = []int{32768, -1, 0, 1, 125, 1000, 70_000}

const (
	maxFuzzedWire = 8 << 10 // may inflate to 8 MiB
	maxFuzzedSize = 5000
	fuzzPatience  = time.Hour // with a peer that keeps the connection and sends nothing
)

// The bits of the fuzz argument flags.
const (
	fuzzEcho = 1 << iota
	fuzzStays
)

func fuzzConn(f *testing.F, peer rawpeer.Role) {
	for i, frames := range fuzzedSeeds() {
		var wire []byte
		for k, frame := range frames {
			if peer == rawpeer.Client {
				frame = frame.WithKey([4]byte{0, byte(k), 0, byte(i)}) // most masked bytes stay as they are
			}
			wire = rawpeer.AppendFrame(wire, frame)
		}
		for way := range byte(countWays) {
			compression := byte(websocket.CompressionContextTakeover)
			f.Add(wire, []byte{0, way, byte(i)}, way, compression, byte(i)+6*way, uint16(10*i), byte(i)%4)
		}
	}
	f.Fuzz(func(t *testing.T, wire, cuts []byte, way, compression, limit byte, size uint16, flags byte) {
		if len(wire) > maxFuzzedWire {
			return
		}
		fz := fuzzed{
			peer: peer, wire: wire, cuts: cuts,
			way:         readWay(way) % countWays,
			compression: websocket.CompressionMode(compression % 3),
			limit:       fuzzedLimits[int(limit)%len(fuzzedLimits)],
			size:        1 + int(size)%maxFuzzedSize,
			echo:        flags&fuzzEcho != 0,
			stays:       flags&fuzzStays != 0,
		}
		synctest.Test(t, fz.run)
	})
}

// fuzzedSeeds returns frame sequences for the fuzzer to combine.
func fuzzedSeeds() [][]rawpeer.Frame {
	long := strings.Repeat("κόσμε ", 100)
	deflater := rawpeer.NewDeflater(rawpeer.ContextTakeover)
	compressed := func(s string) rawpeer.Frame {
		return rawpeer.Text(string(deflater.Message([]byte(s)))).WithRSV(rawpeer.RSV1)
	}
	first, second := compressed(long), compressed(long+long)
	half := len(second.Payload) / 2
	stored := rawpeer.Binary([]byte("\x00\x05\x00\xfa\xffHello\x00")).WithRSV(rawpeer.RSV1)
	return [][]rawpeer.Frame{
		{rawpeer.Text("Hello"), rawpeer.Binary([]byte{0, 1, 2}), rawpeer.Close(1001, "bye")},
		{rawpeer.Text("Hel").More(), rawpeer.Ping("p"), rawpeer.Continuation("").More(), rawpeer.Continuation("lo"), rawpeer.Text("")},
		{rawpeer.Text(long), rawpeer.Ping(""), rawpeer.Pong("x"), rawpeer.Close(rawpeer.NoCode, "")},
		{first, rawpeer.Ping("q"), rawpeer.Text(string(second.Payload[:half])).WithRSV(rawpeer.RSV1).More(), rawpeer.Continuation(string(second.Payload[half:]))},
		{stored, rawpeer.Text("caf\xc3").More(), rawpeer.Continuation("\xa9"), rawpeer.Text("caf\xc3"), rawpeer.Text("after")},
		{rawpeer.Binary(make([]byte, 126)).More(), rawpeer.Close(4000, "é"), rawpeer.Text("behind")},
		{rawpeer.Ping("1"), rawpeer.Ping("2"), rawpeer.Ping("3"), rawpeer.Close(1005, "")},
		{compressed(strings.Repeat("0", 5000)), rawpeer.Text("\xed\xa0\x80")},
		{rawpeer.Text("Hello"), rawpeer.Close(1001, "")},
		{rawpeer.Text(long), rawpeer.Text(long + "x"), rawpeer.Text(long + "y"), rawpeer.Text("x" + long)},
	}
}

// cutStream is a stream whose reads return as many bytes as cuts says, in turn.
type cutStream struct {
	*rawpeer.Stream
	cuts []byte
	next int
}

func (s *cutStream) Read(p []byte) (int, error) {
	if len(s.cuts) > 0 {
		if n := int(s.cuts[s.next%len(s.cuts)]); n > 0 {
			p = p[:min(len(p), n)]
		}
		s.next++
	}
	return s.Stream.Read(p)
}

// connectOn makes a connection on an in-memory stream of unlimited capacity, and
// returns the peer's end. The response of a server is still to be read there. Reads
// return as many bytes as cuts says.
func connectOn(t *testing.T, peer rawpeer.Role, opts *conntest.Options, cuts []byte) (*websocket.Conn, *rawpeer.Stream) {
	client, server := rawpeer.Pipe(&rawpeer.PipeOptions{Capacity: rawpeer.Unbounded})
	if peer == rawpeer.Client {
		return rawpeer.AcceptedOn(t, &cutStream{Stream: server, cuts: cuts}, opts.Extensions(),
			func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
				return websocket.Accept(w, r, opts.Accept())
			}), client
	}
	return rawpeer.DialedOn(t, &cutStream{Stream: client, cuts: cuts}, opts.Extensions(),
		func(client *http.Client) (*websocket.Conn, error) {
			c, _, err := websocket.Dial(t.Context(), rawpeer.URL, opts.Dial(client))
			return c, err
		}), server
}

// run connects, reads and checks, in a bubble.
func (fz *fuzzed) run(t *testing.T) {
	c, peer := connectOn(t, fz.peer, &conntest.Options{Compression: fz.compression, Threshold: -1}, fz.cuts)
	defer c.CloseNow()
	c.SetReadLimit(int64(fz.limit))
	peer.Write(fz.wire)
	if !fz.stays {
		peer.CloseWrite()
	}
	start := time.Now()
	h := fz.read(t, c)
	h.took = time.Since(start)
	synctest.Wait() // until pending pongs are sent
	fz.checkAfter(t, c, h)
	c.CloseNow()
	h.sent, _ = io.ReadAll(peer)
	fz.check(t, h)
}

// heard is the result of a run.
type heard struct {
	messages []conntest.Message
	part     []byte // of an incomplete message, or of a stream
	err      error
	took     time.Duration
	sent     []byte
}

// read reads until the connection ends.
func (fz *fuzzed) read(t *testing.T, c *websocket.Conn) *heard {
	ctx, cancel := context.WithTimeout(t.Context(), fuzzPatience)
	defer cancel()
	h := new(heard)
	switch fz.way {
	case byRead:
		for h.err == nil {
			var typ websocket.MessageType
			var p []byte
			if typ, p, h.err = c.Read(ctx); h.err == nil {
				fz.took(t, c, h, typ, p)
			}
		}
	case byReader:
		for h.err == nil {
			var typ websocket.MessageType
			var r io.Reader
			if typ, r, h.err = c.Reader(ctx); h.err != nil {
				break
			}
			if h.readAll(r, fz.size); h.err == io.EOF {
				p := h.part
				h.part, h.err = nil, nil
				fz.took(t, c, h, typ, p)
			}
		}
	case byNetConn:
		nc := websocket.NetConn(ctx, c, websocket.MessageText)
		h.readAll(nc, fz.size)
	case byCloseRead:
		<-c.CloseRead(ctx).Done()
		synctest.Wait() // until its goroutine returns, if ctx ended the read
		_, _, h.err = c.Read(ctx)
	case byClose:
		h.err = c.Close(websocket.StatusNormalClosure, "")
	}
	return h
}

// readAll reads into part until an error.
func (h *heard) readAll(r io.Reader, size int) {
	p := make([]byte, size)
	for h.err == nil {
		var n int
		n, h.err = r.Read(p)
		h.part = append(h.part, p[:n]...)
	}
}

// took records a message, and echoes it.
func (fz *fuzzed) took(t *testing.T, c *websocket.Conn, h *heard, typ websocket.MessageType, p []byte) {
	h.messages = append(h.messages, conntest.Message{Type: typ, Payload: string(p)})
	if !fz.echo {
		return
	}
	switch len(h.messages) % 3 {
	case 1:
		fz.addInTwo(t, c, typ, p)
	case 2:
		m, err := websocket.NewPreparedMessage(typ, p)
		conntest.WantNoError(t, err)
		conntest.WantNoError(t, c.WritePrepared(t.Context(), m))
	default:
		conntest.WantNoError(t, c.Write(t.Context(), typ, p))
	}
}

// addInTwo sends a message through a Writer, in two parts.
func (fz *fuzzed) addInTwo(t *testing.T, c *websocket.Conn, typ websocket.MessageType, p []byte) {
	w, err := c.Writer(t.Context(), typ)
	conntest.WantNoError(t, err)
	cut := fz.size % (len(p) + 1)
	conntest.MustAdd(t, w, string(p[:cut]))
	conntest.MustAdd(t, w, string(p[cut:]))
	conntest.MustEnd(t, w)
}
