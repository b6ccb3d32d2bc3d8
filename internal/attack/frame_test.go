//go:build !js

package attack

import (
	"context"
	"fmt"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// wantRefused sends frames, as raw bytes, and then a message. It wants the close
// frame, and nothing of the message to be delivered.
func wantRefused(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, raw []byte, code int) {
	t.Helper()
	p.SendRaw(append(raw, wire(p, 1, rawpeer.Text("behind"))...))
	read := conntest.GoRead(t, c)
	p.WantClose(code)
	p.WantEOF()
	p.Close()
	got, err := read.Result()
	conntest.WantClosed(t, err, -1)
	if got.Payload != "" {
		t.Errorf("read %q", got.Payload)
	}
	conntest.WantEnded(t, c, -1)
}

// Bits that no extension has defined are not ignored, on any frame.
func TestAttackReservedBits(t *testing.T) {
	for _, compression := range []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionContextTakeover} {
		opts := &conntest.Options{Compression: compression}
		for rsv := byte(1); rsv < 8; rsv++ {
			for _, frames := range [][]rawpeer.Frame{
				{rawpeer.Text("x").WithRSV(rsv)},
				{rawpeer.Binary([]byte("x")).WithRSV(rsv).More()},
				{rawpeer.Text("x").More(), rawpeer.Continuation("x").WithRSV(rsv)},
				{rawpeer.Ping("x").WithRSV(rsv)},
				{rawpeer.Pong("x").WithRSV(rsv)},
				{rawpeer.Close(1000, "").WithRSV(rsv)},
			} {
				last := frames[len(frames)-1]
				if compression != websocket.CompressionDisabled && rsv == rawpeer.RSV1 && len(frames) == 1 && last.Opcode < rawpeer.OpClose {
					continue // that is compression
				}
				t.Run(fmt.Sprint(compression, last), func(t *testing.T) {
					conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
						wantRefused(t, c, p, wire(p, 1, frames...), 1002)
					})
				})
			}
		}
	}
}

func TestAttackReservedOpcodes(t *testing.T) {
	for _, op := range []rawpeer.Opcode{3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf} {
		for _, fin := range []bool{true, false} {
			for _, payload := range []string{"", "x", strings.Repeat("x", 200)} {
				f := rawpeer.Frame{Fin: fin, Opcode: op, Payload: []byte(payload)}
				t.Run(f.String(), func(t *testing.T) {
					conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
						wantRefused(t, c, p, wire(p, 1, f), 1002)
					})
				})
			}
		}
	}
}

// A server that takes frames which are not masked lets a page choose the bytes
// that a proxy sees, and a client that takes masked ones talks to no server. Not
// even a ping is seen to.
func TestAttackWrongMasking(t *testing.T) {
	for _, f := range []rawpeer.Frame{
		rawpeer.Text("hello"), rawpeer.Binary(nil), rawpeer.Text("hel").More(), rawpeer.Ping("x"), rawpeer.Pong("x"),
		rawpeer.Binary(make([]byte, 200)), rawpeer.Binary(make([]byte, 70_000)), rawpeer.Close(1000, ""),
	} {
		t.Run(f.String(), func(t *testing.T) {
			told := func(context.Context, []byte) { t.Error("a wrongly masked frame was seen to") }
			opts := &conntest.Options{
				Pipe:   &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded},
				OnPing: func(ctx context.Context, payload []byte) bool { told(ctx, payload); return true },
				OnPong: told,
			}
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				if !conntest.PeerIsClient(p) {
					f = f.WithKey([4]byte{0, 0, 0, 0}) // it leaves the payload as it is, and counts all the same
				}
				wantRefused(t, c, p, rawpeer.AppendFrame(nil, f), 1002)
			})
		})
	}
}

// A close frame is the peer's last word, and yet no reason to pass on what must
// not be sent.
func TestAttackCloseFrames(t *testing.T) {
	raw := func(payload string) rawpeer.Frame {
		return rawpeer.Frame{Fin: true, Opcode: rawpeer.OpClose, Payload: []byte(payload)}
	}
	type attack struct {
		f    rawpeer.Frame
		code int
	}
	attacks := []attack{
		{raw("\x03"), 1002},
		{raw("\x00\x00"), 1002},
		{raw("\x03\xe8\xff"), 1007},
		{raw("\x03\xe8" + strings.Repeat("x", 121) + "\xc3"), 1007}, // cut off
		{raw("\x03\xe8\xed\xa0\x80"), 1007},                         // a surrogate
		{raw("\x03\xe8\xc0\x80"), 1007},                             // not the shortest form
		{raw("\x03\xe8\xf4\x90\x80\x80"), 1007},                     // above Unicode
		{raw("\x03\xe8" + strings.Repeat("x", 124)), 1002},
		{raw("\x03\xe8" + strings.Repeat("x", 70_000)), 1002},
		{rawpeer.Close(1000, "").More(), 1002},
		{rawpeer.Close(1005, strings.Repeat("x", 122)+"\xff"), 1002}, // the code comes first
	}
	for _, code := range []int{1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 65535} {
		attacks = append(attacks, attack{rawpeer.Close(code, ""), 1002})
	}
	for _, attack := range attacks {
		t.Run(fmt.Sprintf("%.60s", attack.f), func(t *testing.T) {
			opts := &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				wantRefused(t, c, p, wire(p, 1, attack.f), attack.code)
			})
		})
	}
}
