package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// handler adds each connection to conns and reads from it.
func handler(conns *Conns) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		if !conns.Add(conn) {
			return
		}
		defer conns.Remove(conn)
		conn.Read(context.Background())
		conn.Close(websocket.StatusNormalClosure, "")
	})
}

func peer(t *testing.T, n rawpeer.Network) *rawpeer.Peer {
	t.Helper()
	conn, err := n.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rawpeer.ClientHandshake(t, conn, nil)
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conns Conns
		n := rawpeer.Listen(nil)
		rawpeer.Serve(t, n, handler(&conns))
		peers := []*rawpeer.Peer{peer(t, n), peer(t, n), peer(t, n)}
		synctest.Wait()

		shutdown := rawpeer.GoErr(t, func() error { return conns.Shutdown(t.Context()) })
		for _, p := range peers {
			p.WantCloseReason(1001, shutdownReason)
		}
		synctest.Wait()
		if shutdown.Returned() {
			t.Error("Shutdown did not wait for the answers")
		}
		for _, p := range peers {
			p.Send(rawpeer.Close(1001, ""))
			p.WantEnd()
		}
		if err := shutdown.Err(); err != nil {
			t.Error(err)
		}

		// Who comes later is told the same.
		late := peer(t, n)
		late.WantClose(1001)
		late.Send(rawpeer.Close(1001, ""))
		late.WantEnd()
	})
}

// TestShutdownGivesUp has a client that answers nothing.
func TestShutdownGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conns Conns
		n := rawpeer.Listen(nil)
		rawpeer.Serve(t, n, handler(&conns))
		p := peer(t, n)
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := conns.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		p.WantClose(1001)
		p.WantEnd()
	})
}

// TestUntil has one client of each kind that a server can have at its end: a
// WebSocket that answers, one that does not, a request under way, and a
// connection that never sent anything.
func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conns Conns
		n := rawpeer.Listen(nil)
		slow := make(chan struct{})
		defer close(slow)
		mux := http.NewServeMux()
		mux.Handle("/", handler(&conns))
		mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-slow })
		ctx, cancel := context.WithCancel(t.Context())
		serving := rawpeer.GoErr(t, func() error { return Until(ctx, n, mux, &conns) })

		good, mute := peer(t, n), peer(t, n)
		silent, err := n.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		request := rawpeer.GoErr(t, func() error {
			_, err := rawpeer.HTTPClient(n).Get("http://server.test/slow")
			return err
		})
		synctest.Wait()

		began := time.Now()
		cancel()
		good.WantClose(1001)
		good.Send(rawpeer.Close(1001, ""))
		good.WantEnd()
		if err := serving.Err(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		mute.WantClose(1001)
		mute.WantEnd()
		if request.Err() == nil {
			t.Error("the slow request was answered")
		}
		if _, err := silent.Read(make([]byte, 1)); err == nil {
			t.Error("the silent connection is open")
		}
	})
}

// TestUntilTheListenerFails has the server end by itself.
func TestUntilTheListenerFails(t *testing.T) {
	n := rawpeer.Listen(nil)
	n.Close()
	if err := Until(t.Context(), n, http.NotFoundHandler(), new(Conns)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestURL(t *testing.T) {
	for _, tt := range []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, "http://127.0.0.1:80"},
		{&net.TCPAddr{IP: net.IPv4zero, Port: 8080}, "http://localhost:8080"},
		{&net.TCPAddr{IP: net.IPv6unspecified, Port: 8080}, "http://localhost:8080"},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 8080}, "http://[::1]:8080"},
	} {
		if got := URL("http", tt.addr); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.addr, got, tt.want)
		}
	}
}
