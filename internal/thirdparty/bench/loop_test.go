package bench

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

// loop is a connection in memory from which the same bytes can be read again and
// again, as many as are asked for, and on which writes cost nothing: what is
// measured is the library.
type loop struct {
	feed []byte
	off  int

	calls   int64
	written int64
	kept    []byte
	keeping bool
	// arrived, if not nil, is called for each write.
	arrived *sync.WaitGroup

	closed bool
}

func (l *loop) Read(p []byte) (n int, err error) {
	if l.closed || len(l.feed) == 0 {
		return 0, io.EOF
	}
	for n < len(p) {
		k := evenCopy(p[n:], l.feed[l.off:])
		n += k
		l.off += k
		if l.off == len(l.feed) {
			l.off = 0
		}
	}
	return n, nil
}

func (l *loop) Write(p []byte) (int, error) {
	l.calls++
	l.written += int64(len(p))
	if l.keeping {
		l.kept = append(l.kept, p...)
	}
	if l.arrived != nil {
		l.arrived.Done()
	}
	return len(p), nil
}

func (l *loop) Close() error                     { l.closed = true; return nil }
func (l *loop) LocalAddr() net.Addr              { return rawpeer.ServerAddr }
func (l *loop) RemoteAddr() net.Addr             { return rawpeer.ClientAddr }
func (l *loop) SetDeadline(time.Time) error      { return nil }
func (l *loop) SetReadDeadline(time.Time) error  { return nil }
func (l *loop) SetWriteDeadline(time.Time) error { return nil }

// keep returns what write writes.
func (l *loop) keep(write func()) []byte {
	l.kept, l.keeping = nil, true
	write()
	l.keeping = false
	return l.kept
}

// hijacked is the ResponseWriter of a request that came over a loop, with the
// buffers that net/http has.
type hijacked struct {
	header http.Header
	conn   net.Conn
}

func (h *hijacked) Header() http.Header         { return h.header }
func (h *hijacked) Write(p []byte) (int, error) { return h.conn.Write(p) }
func (h *hijacked) WriteHeader(int)             {}

func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

// over returns a connection of lib on l. It is closed in the cleanup.
func over(b *testing.B, lib library, l *loop, s settings) conn {
	b.Helper()
	r := httptest.NewRequest(http.MethodGet, rawpeer.URL, nil)
	r.Header = http.Header{
		"Connection":            {"Upgrade"},
		"Upgrade":               {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {rawpeer.DefaultKey},
	}
	if offer := s.deflate.offer(); offer != "" {
		r.Header.Set("Sec-WebSocket-Extensions", offer)
	}
	// As a request's is: a handler's call takes no other.
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	c, err := lib.accept(&hijacked{header: http.Header{}, conn: l}, r.WithContext(ctx), s)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.close)
	l.calls, l.written = 0, 0
	return c
}
