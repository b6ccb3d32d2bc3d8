package middleware

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// recorder is a typical response recorder in tests of handlers.
type recorder struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (r recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return r.conn, bufio.NewReadWriter(bufio.NewReader(r.conn), bufio.NewWriter(r.conn)), nil
}

// TestRecorder: with a recorder that can be hijacked, the response is in the recorder,
// and only frames are written to the connection.
func TestRecorder(t *testing.T) {
	for _, lib := range libraries {
		t.Run(lib.name, func(t *testing.T) {
			client, server := rawpeer.Pipe(nil)
			defer client.Close()
			rec := recorder{httptest.NewRecorder(), server}
			done := make(chan struct{})
			go func() {
				defer close(done)
				lib.handler(t)(rec, rawpeer.NewRequest(nil))
			}()
			p := rawpeer.NewPeer(t, client, rawpeer.Client)
			p.SendText("hello")
			p.WantText("hello")
			p.WantClose(int(websocket.StatusNormalClosure))
			p.SendClose(int(websocket.StatusNormalClosure), "")
			<-done
			answer := rec.Result()
			if answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("X-Handler") != "x" || !hasCookie(answer, "handler") {
				t.Errorf("recorded status %d with %v", answer.StatusCode, answer.Header)
			}
			if got, want := answer.Header.Get("Sec-WebSocket-Accept"), rawpeer.AcceptKey(rawpeer.DefaultKey); got != want {
				t.Errorf("recorded Sec-WebSocket-Accept %q, want %q", got, want)
			}
		})
	}
}
