//go:build !js

package attack

import (
	"context"
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
	conntest.WantCause(t, err, -1)
	if got.Payload != "" {
		t.Errorf("read %q", got.Payload)
	}
	conntest.WantEnded(t, c, -1)
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
