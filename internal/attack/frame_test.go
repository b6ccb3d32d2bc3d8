//go:build !js

package attack

import (
	"context"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// wantRefused sends raw bytes and then a message. It expects a close frame with the code,
// and no message delivered.
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

// A server that accepts unmasked frames lets a page choose the bytes that a proxy sees.
// A client that accepts masked ones is not talking to a server. The wrong masking also
// counts in a ping, which is not answered.
func TestAttackWrongMasking(t *testing.T) {
	for _, f := range []rawpeer.Frame{
		rawpeer.Text("hello"), rawpeer.Binary(nil), rawpeer.Text("hel").More(), rawpeer.Ping("x"), rawpeer.Pong("x"),
		rawpeer.Binary(make([]byte, 200)), rawpeer.Binary(make([]byte, 70_000)), rawpeer.Close(1000, ""),
	} {
		t.Run(f.String(), func(t *testing.T) {
			handled := func(context.Context, []byte) { t.Error("a wrongly masked frame was handled") }
			opts := &conntest.Options{
				Pipe:   &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded},
				OnPing: func(ctx context.Context, payload []byte) bool { handled(ctx, payload); return true },
				OnPong: handled,
			}
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				if !conntest.PeerIsClient(p) {
					f = f.WithKey([4]byte{0, 0, 0, 0}) // a zero key leaves the payload as it is, but the frame is masked
				}
				wantRefused(t, c, p, rawpeer.AppendFrame(nil, f), 1002)
			})
		})
	}
}
