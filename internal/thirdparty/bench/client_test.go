package bench

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

// clientLoop is a loop for a client: it answers the request of the handshake before it
// is a loop.
type clientLoop struct {
	loop

	answered atomic.Bool // the answer has been read

	mu      sync.Mutex
	changed sync.Cond // of mu; Read may be called before the request is written
	request []byte
	answer  string // what is left to read of it
	gone    bool   // closed during the handshake
}

func newClientLoop() *clientLoop {
	l := &clientLoop{}
	l.changed.L = &l.mu
	return l
}

func (l *clientLoop) Read(p []byte) (int, error) {
	if l.answered.Load() {
		return l.loop.Read(p)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.answer == "" {
		if l.gone {
			return 0, net.ErrClosed
		}
		l.changed.Wait()
	}
	n := copy(p, l.answer)
	l.answer = l.answer[n:]
	l.answered.Store(l.answer == "")
	return n, nil
}

func (l *clientLoop) Write(p []byte) (int, error) {
	if l.answered.Load() {
		return l.loop.Write(p)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.request = append(l.request, p...)
	if bytes.HasSuffix(l.request, headerEnd) {
		l.answer = answerTo(l.request)
		l.changed.Broadcast()
	}
	return len(p), nil
}

func (l *clientLoop) Close() error {
	if l.answered.Load() {
		return l.loop.Close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = true
	l.changed.Broadcast()
	return nil
}

var (
	headerEnd = []byte("\r\n\r\n")
	keyName   = []byte("Sec-Websocket-Key: ")
)

// answerTo returns the response of a server that agrees to a WebSocket connection
// without extensions.
func answerTo(request []byte) string {
	at := len(request)
	for i := range request {
		if rest := request[i:]; len(rest) > len(keyName) && bytes.EqualFold(rest[:len(keyName)], keyName) {
			at = i + len(keyName)
			break
		}
	}
	key, _, _ := bytes.Cut(request[at:], headerEnd[:2])
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + rawpeer.AcceptKey(string(key)) + "\r\n\r\n"
}

// dialed returns a client's connection of lib on l. It is closed in the cleanup.
func dialed(b *testing.B, lib library, l *clientLoop, s settings) conn {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	c, err := lib.client(func() (net.Conn, error) { return l, nil }, s)(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.close)
	l.calls, l.written = 0, 0
	return c
}

// BenchmarkDial is a handshake with a server in memory. The end of the connections is
// not measured.
func BenchmarkDial(b *testing.B) {
	for _, lib := range inTurn(and(dialing, library{name: "nethttp", client: dialHTTP})) {
		b.Run("memory/"+lib.name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			dial := lib.client(func() (net.Conn, error) { return newClientLoop(), nil }, settings{})
			var open []conn
			end := func() {
				for _, c := range open {
					c.close()
				}
				open = open[:0]
			}
			b.ReportAllocs()
			for b.Loop() {
				c, err := dial(ctx)
				if err != nil {
					b.Fatal(err)
				}
				if open = append(open, c); len(open) == dialsAtOnce {
					b.StopTimer()
					end()
					b.StartTimer()
				}
			}
			end()
		})
	}
}

// dialsAtOnce is how many connections BenchmarkDial has open at most.
const dialsAtOnce = 256

// dialing are the libraries with a client's rows.
var dialing = []library{bhojpur, coder, gorilla, gwsLibrary}

// dialHTTP sends the request with net/http's client, and does no more.
func dialHTTP(connect connector, _ settings) dialer {
	client := httpClient(connect)
	return func(ctx context.Context) (conn, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://server.test/", nil)
		if err != nil {
			return nil, err
		}
		r.Header = http.Header{
			"Connection":            {"Upgrade"},
			"Upgrade":               {"websocket"},
			"Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key":     {rawpeer.DefaultKey},
		}
		resp, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		return upgradedBody{resp.Body}, nil
	}
}

// upgradedBody is a connection that is not used.
type upgradedBody struct{ body io.Closer }

func (u upgradedBody) receive([]byte, func([]byte) bool) error { return nil }
func (u upgradedBody) write(int, []byte) error                 { return nil }
func (u upgradedBody) close()                                  { u.body.Close() }

// rawServer runs a server on the loopback interface that does the handshake and calls
// each with the connection. It is closed in the cleanup.
func rawServer(tb testing.TB, each func(net.Conn)) (addr string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			running.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(patience))
				if shake(c) == nil {
					each(c)
				}
			})
		}
	})
	tb.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return l.Addr().String()
}

// shake answers the request of a handshake.
func shake(c net.Conn) error {
	request := make([]byte, 0, 4*kib)
	for !bytes.HasSuffix(request, headerEnd) {
		n, err := c.Read(request[len(request):cap(request)])
		if err != nil {
			return err
		}
		request = request[:len(request)+n]
	}
	_, err := io.WriteString(c, answerTo(request))
	return err
}
