package main

import (
	"bytes"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// asProgram is an environment variable. If it is set, the test binary runs the program.
const asProgram = "ECHO_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(rawpeer.LeakCheck(m))
}

// serveEcho serves echo on an in-memory network.
func serveEcho(t *testing.T) (rawpeer.Network, *websocket.Group) {
	n, clients := rawpeer.Listen(nil), new(websocket.Group)
	rawpeer.Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { echo(w, r, clients) }))
	return n, clients
}

func dial(t *testing.T, n rawpeer.Network, opts websocket.DialOptions) *websocket.Conn {
	t.Helper()
	opts.HTTPClient = rawpeer.HTTPClient(n)
	opts.ReadLimit = -1
	conn, _, err := websocket.Dial(t.Context(), rawpeer.URL, &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	return conn
}

// peer connects a client that sends raw frames.
func peer(t *testing.T, n rawpeer.Network) *rawpeer.Peer {
	t.Helper()
	conn, err := n.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := rawpeer.ClientHandshake(t, conn, nil)
	p.Timeout = time.Hour
	return p
}

func TestEcho(t *testing.T) {
	n, _ := serveEcho(t)
	for _, mode := range []websocket.CompressionMode{
		websocket.CompressionDisabled,
		websocket.CompressionContextTakeover,
		websocket.CompressionNoContextTakeover,
	} {
		conn := dial(t, n, websocket.DialOptions{CompressionMode: mode})
		for _, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
			for _, typ := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
				sent := bytes.Repeat([]byte("echo "), size/5+1)[:size]
				if err := conn.Write(t.Context(), typ, sent); err != nil {
					t.Fatal(err)
				}
				gotType, got, err := conn.Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if gotType != typ || !bytes.Equal(got, sent) {
					t.Errorf("mode %d: %v of %d bytes was echoed as %v of %d bytes, or with other bytes", mode, typ, size, gotType, len(got))
				}
			}
		}
		if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Error(err)
		}
	}
}

func TestSubprotocol(t *testing.T) {
	n, _ := serveEcho(t)
	for _, tt := range []struct {
		asked []string
		want  string
	}{
		{nil, ""},
		{[]string{"other"}, ""},
		{[]string{"other", "echo"}, "echo"},
	} {
		conn := dial(t, n, websocket.DialOptions{Subprotocols: tt.asked})
		if got := conn.Subprotocol(); got != tt.want {
			t.Errorf("asked for %q and got %q, want %q", tt.asked, got, tt.want)
		}
	}
}

// A message above the limit is refused as soon as its header has arrived.
func TestLimit(t *testing.T) {
	n, _ := serveEcho(t)
	p := peer(t, n)
	p.SendRaw(rawpeer.AppendHeader(nil, rawpeer.Frame{Fin: true, Opcode: rawpeer.OpBinary, Masked: true}, rawpeer.Length64, 32<<20+1))
	p.WantClose(1009)
}

// Invalid UTF-8 is refused before the end of the message.
func TestInvalidText(t *testing.T) {
	n, _ := serveEcho(t)
	p := peer(t, n)
	p.Send(rawpeer.Text("a\xff").More())
	p.WantClose(1007)
}

const (
	pingInterval = 30 * time.Second
	pingTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second
)

func TestVanishedClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, clients := serveEcho(t)
		p := peer(t, n)
		p.WantSilence(pingInterval - time.Second)
		p.SendText("hi")
		p.WantText("hi")
		p.WantSilence(pingInterval - time.Second) // a client that sends is not pinged
		p.SendPong(p.WantPing())
		p.WantSilence(pingInterval - time.Second)
		p.WantPing()
		p.WantSilence(pingTimeout - time.Second)
		p.WantEnd()
		if n := clients.Len(); n != 0 {
			t.Errorf("%d clients are left", n)
		}
	})
}

// A client that vanishes inside a message is detected, too.
func TestVanishedInsideMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, _ := serveEcho(t)
		p := peer(t, n)
		p.Send(rawpeer.Text("and so").More())
		p.WantPing()
		p.WantEnd()
	})
}

// A client that sends and does not read is dropped.
func TestClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, clients := serveEcho(t)
		p := peer(t, n)
		p.Stream().Peer().StallWrites()
		p.SendText("hi")
		synctest.Wait()
		time.Sleep(writeTimeout - time.Nanosecond)
		synctest.Wait()
		if clients.Len() != 1 {
			t.Error("the client was dropped too early")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if clients.Len() != 0 {
			t.Error("the client is still there")
		}
	})
}

// Shutting down completes the close handshake with a client that has not answered a ping
// yet. Neither the ping's timeout nor the handler interrupts the handshake.
func TestCloseWhilePinging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, clients := serveEcho(t)
		p := peer(t, n)
		p.WantPing()
		time.Sleep(pingTimeout - time.Second)
		closing := rawpeer.GoErr(t, func() error {
			return clients.Close(t.Context(), websocket.StatusGoingAway, "")
		})
		p.WantClose(1001)
		p.WantSilence(2 * time.Second)
		p.SendText("already on its way")
		p.SendClose(1001, "")
		p.WantEOF()
		closing.Want()

		late := peer(t, n)
		late.WantClose(1001)
		late.SendClose(1001, "")
		late.WantEOF()
	})
}

// An echo that is being sent is sent before the close frame.
func TestCloseWhileEchoing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, clients := serveEcho(t)
		p := peer(t, n)
		release := p.Stream().Peer().StallWrites()
		p.SendText("hi")
		synctest.Wait()
		closing := rawpeer.GoErr(t, func() error {
			return clients.Close(t.Context(), websocket.StatusGoingAway, "")
		})
		synctest.Wait()
		release()
		p.WantText("hi")
		p.WantClose(1001)
		p.SendClose(1001, "")
		p.WantEOF()
		closing.Want()
	})
}
