//go:build !js

package connfuzz

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// FuzzNetConn transfers a stream in both directions through NetConn: from the peer in
// frames, and to the peer in Writes. Each byte of plan is one step. The stream must
// arrive unchanged, in any pieces.
func FuzzNetConn(f *testing.F) {
	text := []byte(conntest.Filler(700))
	f.Add(text, []byte{1, 0x80 + 20, 31, 0x40 + 20, 0, 0xc0 + 7, 0}, uint16(7), byte(0))
	f.Add(text, []byte{0, 0, 30, 0xc0 + 5}, uint16(4096), byte(3))
	f.Add(bytes.Repeat(text, 50), []byte{63, 62, 0x40 + 63, 34, 0x80 + 60}, uint16(300), byte(4))
	f.Add(bytes.Repeat(text, 30), []byte{0xc0 + 63, 63}, uint16(5000), byte(1))
	f.Add(text, []byte{}, uint16(0), byte(10))
	f.Fuzz(func(t *testing.T, stream, plan []byte, size uint16, flags byte) {
		if len(stream) > maxFuzzedStream {
			return
		}
		fs := fuzzedStream{
			stream: stream,
			plan:   plan,
			size:   1 + int(size)%maxFuzzedSize,
			peer:   []rawpeer.Role{rawpeer.Client, rawpeer.Server}[flags%2],
			opts:   &conntest.Options{Compression: websocket.CompressionMode(flags / 2 % 3), Threshold: -1},
		}
		synctest.Test(t, fs.run)
	})
}

const maxFuzzedStream = 40 << 10

// fuzzedStream is an input of FuzzNetConn.
type fuzzedStream struct {
	stream []byte
	plan   []byte
	size   int // of the buffer to read into
	peer   rawpeer.Role
	opts   *conntest.Options
}

// The bits of a step of the plan, above the number of bytes.
const (
	stepSplits = 1 << 6 // the message has two frames
	stepPings  = 1 << 7 // a ping follows the first
)

// pieces calls yield with each piece of the stream and its step.
func (fs *fuzzedStream) pieces(yield func(piece []byte, step byte)) {
	rest := fs.stream
	for i := 0; len(rest) > 0; i++ {
		var step byte
		n := len(rest)
		if len(fs.plan) > 0 {
			step = fs.plan[i%len(fs.plan)]
			n = int(step % stepSplits)
			if n >= 32 {
				n = (n - 31) * 800 // up to sizes that are split into frames, or not coalesced
			}
			if i >= len(fs.plan) {
				n = max(n, len(rest)/8+1) // bounds the number of pieces
			}
		}
		piece := rest[:min(n, len(rest))]
		rest = rest[len(piece):]
		yield(piece, step)
	}
}

func (fs *fuzzedStream) run(t *testing.T) {
	c, peer := connectOn(t, fs.peer, fs.opts, nil)
	p := fs.opts.Inflating(rawpeer.NewPeer(t, peer, fs.peer))
	if fs.peer == rawpeer.Client {
		p.ReadResponse(nil)
	}
	nc := websocket.NetConn(t.Context(), c, websocket.MessageBinary)
	defer nc.Close()

	pings := fs.send(p)
	got := make([]byte, 0, len(fs.stream))
	for len(got) < len(fs.stream) {
		n, err := nc.Read(got[len(got):min(len(got)+fs.size, len(fs.stream))])
		if got = got[:len(got)+n]; err != nil {
			t.Fatalf("read %d of %d bytes, then %v", len(got), len(fs.stream), err)
		}
	}
	if !bytes.Equal(got, fs.stream) {
		t.Fatalf("read %d bytes that are not those that were sent", len(got))
	}
	fs.pieces(func(piece []byte, _ byte) {
		if n, err := nc.Write(piece); n != len(piece) || err != nil {
			t.Fatalf("wrote %d of %d bytes, then %v", n, len(piece), err)
		}
	})
	p.SendClose(1000, "")
	if n, err := nc.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("got %d bytes and %v behind the stream, want io.EOF", n, err)
	}
	fs.receive(t, p, pings)
}

// send sends the stream in frames, and returns the number of pings sent.
func (fs *fuzzedStream) send(p *rawpeer.Peer) (pings int) {
	var deflater *rawpeer.Deflater
	if fs.opts.Compression != websocket.CompressionDisabled {
		deflater = rawpeer.NewDeflater(fs.opts.Takeover())
	}
	fs.pieces(func(piece []byte, step byte) {
		first := rawpeer.Binary(piece)
		if deflater != nil && len(piece)%5 != 0 { // some messages are not compressed
			first = rawpeer.Binary(deflater.Message(piece)).WithRSV(rawpeer.RSV1)
		}
		frames := []rawpeer.Frame{first}
		if step&stepPings != 0 {
			frames = append(frames, rawpeer.Ping("between"))
			pings++
		}
		if step&stepSplits != 0 {
			half := len(first.Payload) / 2
			frames[0].Payload = first.Payload[:half]
			frames[0].Fin = false
			frames = append(frames, rawpeer.Continuation(string(first.Payload[half:])))
		}
		p.Send(frames...)
	})
	return pings
}

// receive reads what the peer received: the stream, a close frame, and pongs, including
// the one for the last ping.
func (fs *fuzzedStream) receive(t *testing.T, p *rawpeer.Peer, pings int) {
	var wire []byte
	pongs := 0
	for {
		f := p.WantFrame()
		if f.Opcode == rawpeer.OpPong {
			pongs++
		}
		wire = rawpeer.AppendFrame(wire, f)
		if f.Opcode == rawpeer.OpClose {
			break
		}
	}
	p.WantEOF()
	if pongs > pings || pings > 0 && pongs == 0 || pings <= maxPongs && pongs < pings {
		t.Fatalf("got %d pongs for %d pings", pongs, pings)
	}
	rules := rawpeer.Rules{Sender: rawpeer.Client, Limit: -1}
	if fs.peer == rawpeer.Client {
		rules.Sender = rawpeer.Server
	}
	if fs.opts.Compression != websocket.CompressionDisabled {
		rules.Deflate = fs.opts.Takeover()
	}
	said := rawpeer.Decode(wire, rules)
	var got []byte
	for _, m := range said.Messages {
		if m.Opcode != rawpeer.OpBinary {
			t.Fatalf("got a message of %v", m.Opcode)
		}
		got = append(got, m.Payload...)
	}
	if len(said.Codes) > 0 || !bytes.Equal(got, fs.stream) {
		t.Fatalf("the peer got %d bytes, which are not the %d that were written; violations %d", len(got), len(fs.stream), said.Codes)
	}
}
