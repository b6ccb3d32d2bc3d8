package chat

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

// start serves a chat and, at /slow, h.
func start(t *testing.T, h http.HandlerFunc) (n rawpeer.Network, serving *rawpeer.Call[struct{}], end context.CancelFunc) {
	s := NewServer(Defaults(), slog.New(slog.DiscardHandler))
	l := rawpeer.Listen(nil)
	mux := http.NewServeMux()
	mux.Handle("/", s.Handler(JavaScript))
	mux.HandleFunc("/slow", h)
	ctx, end := context.WithCancel(t.Context())
	return l, rawpeer.GoErr(t, func() error { return s.Serve(ctx, l, mux) }), end
}

// Shutdown completes the close handshake of a connection on which a pong is still due.
func TestEndWhilePinging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, serving, end := start(t, http.NotFound)
		defer end()
		p := peer(t, n, "Ada")
		p.WantPing()
		time.Sleep(Defaults().Accept.PingTimeout - time.Second)
		end()
		p.WantClose(1001)
		p.WantSilence(1200 * time.Millisecond) // longer than the timeout of the ping
		if serving.Returned() {
			t.Error("the server did not wait for the answer")
		}
		p.SendText(`{"type":"say","text":"already on its way"}`)
		p.SendClose(1001, "")
		p.WantEOF()
		serving.Want()
	})
}

// The server ends in time whatever its connections do: guests who answer, a guest who
// does not, a request under way, and a connection without a request.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		defer close(slow)
		n, serving, end := start(t, func(w http.ResponseWriter, r *http.Request) { <-slow })
		defer end()
		ada, bob, mute := peer(t, n, "Ada"), peer(t, n, "Bob"), peer(t, n, "Cy")
		for range 2 {
			ada.ReadMessage() // the others have joined
		}
		bob.ReadMessage()
		silent, err := n.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		request := rawpeer.GoErr(t, func() error {
			_, err := rawpeer.HTTPClient(n).Get("http://chat.test/slow")
			return err
		})
		synctest.Wait()

		began := time.Now()
		end()
		for _, p := range []*rawpeer.Peer{ada, bob, mute} {
			p.WantClose(1001)
		}
		ada.SendClose(1001, "") // not before: the others would receive that she left
		bob.SendClose(1001, "")
		serving.Want()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		mute.WantEnd()
		if request.Err() == nil {
			t.Error("the slow request was answered")
		}
		if _, err := silent.Read(make([]byte, 1)); err == nil {
			t.Error("the silent connection is open")
		}
	})
}

func TestListenerFails(t *testing.T) {
	l := rawpeer.Listen(nil)
	l.Close()
	s := NewServer(Defaults(), slog.New(slog.DiscardHandler))
	if err := s.Serve(t.Context(), l, http.NotFoundHandler()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
