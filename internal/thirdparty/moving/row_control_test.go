package moving

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	gorilla "github.com/gorilla/websocket"
)

// A silent peer is pinged. The connection stays while the peer answers.
func TestSilentPeer(t *testing.T) {
	connect := func(t *testing.T, pingPeriod, pongWait time.Duration) (*websocket.Conn, *gorilla.Conn) {
		opts := new(websocket.AcceptOptions)
		return acceptedBy(t, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
			// row: SetReadDeadline in SetPongHandler, and a ticker that writes a PingMessage
			opts.PingInterval, opts.PingTimeout = pingPeriod, pongWait-pingPeriod
			c, err := websocket.Accept(w, r, opts)
			// end
			return c, err
		})
	}
	t.Run("pong", func(t *testing.T) {
		c, peer := connect(t, time.Millisecond, limit)
		c.CloseRead(t.Context())
		pings := make(chan struct{}, 1)
		answer := peer.PingHandler()
		peer.SetPingHandler(func(payload string) error {
			select {
			case pings <- struct{}{}:
			default:
			}
			return answer(payload)
		})
		go peer.ReadMessage()
		for range 3 {
			<-pings
		}
		if err := c.Err(); err != nil {
			t.Error(err)
		}
	})
	t.Run("no pong", func(t *testing.T) {
		c, _ := connect(t, time.Millisecond, 2*time.Millisecond)
		if _, _, err := c.Read(bounded(t)); !errors.Is(err, websocket.ErrPingTimeout) {
			t.Errorf("got %v", err)
		}
	})
}

func TestWriteWait(t *testing.T) {
	opts := new(websocket.AcceptOptions)
	c, _ := acceptedBy(t, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
		const writeWait = 10 * time.Millisecond
		// row: SetWriteDeadline before each write
		opts.WriteTimeout = writeWait
		c, err := websocket.Accept(w, r, opts)
		// end
		return c, err
	})
	for { // until the buffers of the kernel are full
		if err := c.Write(bounded(t), websocket.MessageBinary, make([]byte, 1<<20)); err != nil {
			if !errors.Is(err, websocket.ErrWriteTimeout) {
				t.Errorf("got %v", err)
			}
			return
		}
	}
}

// session has a replaceable handler.
type session struct {
	conn   *websocket.Conn
	onPong func(payload string)
}

func (s *session) pong(_ context.Context, payload []byte) { s.onPong(string(payload)) }

func TestHandlersSetLater(t *testing.T) {
	sessions := make(chan *session, 1)
	c, peer := acceptedBy(t, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
		var err error
		// row: SetPingHandler, SetPongHandler after the upgrade
		client := &session{}
		opts := &websocket.AcceptOptions{OnPongReceived: client.pong}
		client.conn, err = websocket.Accept(w, r, opts)
		// end
		sessions <- client
		return client.conn, err
	})
	s := <-sessions
	var got []string
	for _, handler := range []string{"first", "second"} {
		s.onPong = func(payload string) { got = append(got, handler+" "+payload) }
		peer.WriteMessage(gorilla.PongMessage, []byte("pong"))
		peer.WriteMessage(gorilla.TextMessage, nil)
		if _, _, err := c.Read(bounded(t)); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 2 || got[0] != "first pong" || got[1] != "second pong" {
		t.Errorf("got %q", got)
	}
}

func TestPong(t *testing.T) {
	c, peer := accepted(t, nil, nil)
	ctx, p := bounded(t), []byte("alive")
	pongs := make(chan string, 1)
	peer.SetPongHandler(func(payload string) error { pongs <- payload; return nil })
	go peer.ReadMessage()
	// row: WriteMessage(PongMessage, p) that answers no ping
	err := c.Pong(ctx, p)
	// end
	if err != nil {
		t.Fatal(err)
	}
	if got := <-pongs; got != "alive" {
		t.Errorf("got %q", got)
	}
}

// counting counts the bytes that are read.
type counting struct {
	net.Conn
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n += n
	return n, err
}

func TestUncompressed(t *testing.T) {
	var conn *counting
	c, peer := accepted(t, &websocket.AcceptOptions{
		CompressionMode: websocket.CompressionNoContextTakeover, CompressionThreshold: -1,
	}, &gorilla.Dialer{EnableCompression: true, NetDial: func(network, addr string) (net.Conn, error) {
		dialed, err := net.Dial(network, addr)
		conn = &counting{Conn: dialed}
		return conn, err
	}})
	ctx, secret := bounded(t), make([]byte, 10_000)
	handshake := conn.n
	// row: EnableWriteCompression(false) for one message
	err := c.WriteUncompressed(ctx, websocket.MessageText, secret)
	// end
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, peer, string(secret))
	uncompressed := conn.n - handshake
	if err := c.Write(ctx, websocket.MessageText, secret); err != nil {
		t.Fatal(err)
	}
	wantText(t, peer, string(secret))
	if compressed := conn.n - handshake - uncompressed; uncompressed < len(secret) || compressed > len(secret)/2 {
		t.Errorf("%d bytes arrived uncompressed, %d compressed", uncompressed, compressed)
	}
}
