package proxies

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bhojpur/api"
)

const (
	text   = websocket.MessageText
	binary = websocket.MessageBinary

	mebibyte = 1 << 20
)

// TestExchanges runs each exchange through each proxy, with and without TLS.
func TestExchanges(t *testing.T) {
	t.Parallel()
	exchanges := []struct {
		name string
		run  func(*testing.T, *site, string)
	}{
		{"small", testSmall},
		{"large", testLarge},
		{"compressed", testCompressed},
		{"pings", testPings},
		{"close", testClose},
		{"many", testMany},
		{"net.Conn", testNetConn},
	}
	for _, px := range proxies {
		t.Run(px.name, func(t *testing.T) {
			t.Parallel()
			s := px.start(t, newProgram(t, &websocket.AcceptOptions{
				CompressionMode: websocket.CompressionContextTakeover,
			}))
			for _, scheme := range schemes {
				for _, e := range exchanges {
					t.Run(scheme+"/"+e.name, func(t *testing.T) { e.run(t, s, scheme) })
				}
			}
		})
	}
}

// noise returns n fixed bytes that do not compress.
func noise(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(p)
	return p
}

// pass sends a message, and expects it at the other end.
func pass(ctx context.Context, d direction, typ websocket.MessageType, p []byte) error {
	if err := d.from.Write(ctx, typ, p); err != nil {
		return err
	}
	gotType, got, err := d.to.Read(ctx)
	if err != nil {
		return err
	}
	if gotType != typ || !bytes.Equal(got, p) {
		return fmt.Errorf("got %v of %d bytes %.40q, want %v of %d bytes %.40q", gotType, len(got), got, typ, len(p), p)
	}
	return nil
}

// testPass passes a short message in each direction.
func testPass(t *testing.T, p *pair) {
	t.Helper()
	for _, d := range p.directions() {
		if err := pass(testContext(t), d, text, []byte(hello)); err != nil {
			t.Fatalf("%s: %v", d.name, err)
		}
	}
}

// testEnd has the client close the connection.
func testEnd(t *testing.T, p *pair) {
	t.Helper()
	want := websocket.CloseError{Code: websocket.StatusNormalClosure, Reason: "done"}
	closeThrough(t, direction{"to the server", p.client, p.server}, want)
}

func testSmall(t *testing.T, s *site, scheme string) {
	p := s.connect(t, scheme, nil)
	for _, d := range p.directions() {
		for _, m := range []struct {
			typ     websocket.MessageType
			payload []byte
		}{
			{text, nil},
			{text, []byte(hello)},
			{text, []byte("naïve, 狐, 🦊, Ελλάδα")},
			{text, []byte(strings.Repeat("ein fauler Hund und 狐 ", 1000))},
			{binary, nil},
			{binary, noise(125)},
			{binary, noise(126)},
			{binary, noise(20_000)},
		} {
			if err := pass(testContext(t), d, m.typ, m.payload); err != nil {
				t.Fatalf("%s: %v", d.name, err)
			}
		}
	}
	testEnd(t, p)
}

// testLarge transfers a message in many frames, which neither end holds as a whole.
func testLarge(t *testing.T, s *site, scheme string) {
	const size = 8 * mebibyte
	want := noise(size)
	p := s.connect(t, scheme, nil)
	for _, d := range p.directions() {
		ctx := testContext(t)
		d.to.SetReadLimit(size)
		var wg sync.WaitGroup
		wg.Go(func() {
			w, err := d.from.Writer(ctx, binary)
			if err == nil {
				_, err = io.Copy(w, bytes.NewReader(want))
				err = errors.Join(err, w.Close())
			}
			if err != nil {
				t.Errorf("%s: %v", d.name, err)
				d.from.CloseNow()
			}
		})
		typ, got, err := d.to.Read(ctx)
		wg.Wait()
		if err != nil || typ != binary || !bytes.Equal(got, want) {
			t.Fatalf("%s: got %v, %d bytes and %v, want %d bytes", d.name, typ, len(got), err, size)
		}
	}
	testEnd(t, p)
}

// testCompressed transfers a message repeatedly. The number of bytes on the wire shows
// that both ends compress it with context takeover.
func testCompressed(t *testing.T, s *site, scheme string) {
	const (
		count   = 10
		entropy = 1 << 10 // of a message; half a window, because servers ask for 4 KiB
	)
	var w wire
	p := s.connect(t, scheme, &websocket.DialOptions{
		HTTPClient:      s.newClient(t, w.count),
		CompressionMode: websocket.CompressionContextTakeover,
	})
	if got := p.response.Header.Get("Sec-WebSocket-Extensions"); !strings.HasPrefix(got, "permessage-deflate") || strings.Contains(got, "no_context_takeover") {
		t.Errorf("agreed on %q, want permessage-deflate with takeover", got)
	}
	message := fmt.Appendf(nil, "%x", noise(entropy))
	w.sent.Store(0) // do not count the handshakes
	w.received.Store(0)
	for _, d := range p.directions() {
		for range count {
			if err := pass(testContext(t), d, text, message); err != nil {
				t.Fatalf("%s: %v", d.name, err)
			}
		}
	}
	for name, n := range map[string]int64{"sent": w.sent.Load(), "received": w.received.Load()} {
		if n < entropy || n > 3*entropy {
			t.Errorf("%d bytes %s, want %d to %d", n, name, entropy, 3*entropy)
		}
	}
	testEnd(t, p)
}

// wire counts the bytes of connections.
type wire struct{ sent, received atomic.Int64 }

func (w *wire) count(c net.Conn) net.Conn { return countingConn{c, w} }

type countingConn struct {
	net.Conn
	wire *wire
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wire.received.Add(int64(n))
	return n, err
}

func (c countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.wire.sent.Add(int64(n))
	return n, err
}

// testPings has both ends ping while both read.
func testPings(t *testing.T, s *site, scheme string) {
	p := s.connect(t, scheme, nil)
	ctx := testContext(t)
	for _, c := range []*websocket.Conn{p.client, p.server} {
		c.CloseRead(ctx)
	}
	var wg sync.WaitGroup
	for _, d := range p.directions() {
		for range 3 {
			wg.Go(func() {
				if err := d.from.Ping(ctx); err != nil {
					t.Errorf("%s: %v", d.name, err)
				}
			})
		}
	}
	wg.Wait()
}

func testClose(t *testing.T, s *site, scheme string) {
	for _, status := range []websocket.CloseError{
		{Code: websocket.StatusNormalClosure},
		{Code: websocket.StatusNormalClosure, Reason: "bye"},
		{Code: websocket.StatusGoingAway, Reason: "weg, 走了"},
		{Code: 3000, Reason: "registered"},
		{Code: 4999, Reason: strings.Repeat("r", 123)},
		{Code: websocket.StatusNoStatusRcvd},
	} {
		for i := range 2 {
			closeThrough(t, s.connect(t, scheme, nil).directions()[i], status)
		}
	}
}

// closeThrough closes one end, and expects the other end to receive the close frame.
func closeThrough(t *testing.T, d direction, status websocket.CloseError) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := d.from.Close(status.Code, status.Reason); err != nil {
			t.Errorf("Close with %v %s: %v", status, d.name, err)
		}
	})
	_, _, err := d.to.Read(testContext(t))
	wg.Wait()
	if got, ok := errors.AsType[websocket.CloseError](err); !ok || got != status {
		t.Errorf("Read: got %v %s, want %v", err, d.name, status)
	}
	if _, _, err := d.from.Read(testContext(t)); !errors.Is(err, net.ErrClosed) || websocket.CloseStatus(err) != status.Code {
		t.Errorf("Read after Close: got %v, want %v back", err, status)
	}
}

// testMany has many concurrent connections, with messages on all of them.
func testMany(t *testing.T, s *site, scheme string) {
	const count = 200
	pairs := make([]*pair, count)
	for i := range pairs {
		pairs[i] = s.connect(t, scheme, nil)
	}
	ctx := testContext(t)
	var wg sync.WaitGroup
	for i, p := range pairs {
		wg.Go(func() {
			for n, d := range p.directions() {
				if err := pass(ctx, d, text, fmt.Appendf(nil, "%d of connection %d", n, i)); err != nil {
					t.Errorf("connection %d %s: %v", i, d.name, err)
				}
			}
		})
	}
	wg.Wait()
}

// testNetConn copies streams in both directions concurrently.
func testNetConn(t *testing.T, s *site, scheme string) {
	const size = 4 * mebibyte
	want := noise(size)
	p := s.connect(t, scheme, nil)
	ctx := testContext(t)
	client := websocket.NetConn(ctx, p.client, binary)
	server := websocket.NetConn(ctx, p.server, binary)
	var wg sync.WaitGroup
	for _, c := range []net.Conn{client, server} {
		wg.Go(func() {
			if _, err := io.Copy(c, bytes.NewReader(want)); err != nil {
				t.Errorf("copy to the proxy: %v", err)
			}
		})
		wg.Go(func() {
			var got bytes.Buffer
			_, err := io.CopyN(&got, c, size)
			if err != nil || !bytes.Equal(got.Bytes(), want) {
				t.Errorf("got %d bytes and %v, want %d bytes", got.Len(), err, size)
			}
		})
	}
	wg.Wait()
	wg.Go(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	if n, err := io.Copy(io.Discard, server); n != 0 || err != nil {
		t.Errorf("got %d bytes and %v after the other end's Close, want the end", n, err)
	}
	wg.Wait()
}
