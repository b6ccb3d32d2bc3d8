package rawpeer

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// AcceptedOn returns the connection that accept makes from a request on conn. It starts
// no http.Server and no goroutine, and takes microseconds. header changes lines of an
// otherwise valid request, as in ClientOptions.
//
// The response is written to conn; the client's end has to read it.
func AcceptedOn[C any](tb testing.TB, conn net.Conn, header []string, accept func(http.ResponseWriter, *http.Request) (C, error)) C {
	tb.Helper()
	c, err := accept(Hijackable(conn), NewRequest(header))
	if err != nil {
		tb.Fatalf("got %v, want the handshake accepted", err)
	}
	return c
}

// NewRequest returns the request of an opening handshake, as a server receives it.
// header is as in ClientOptions.
func NewRequest(header []string) *http.Request {
	r := &http.Request{Method: http.MethodGet, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}}
	for _, line := range headerLines([]string{
		"Host: server.test",
		"Upgrade: websocket",
		"Connection: Upgrade",
		"Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: " + DefaultKey,
	}, header) {
		addLine(r.Header, line)
	}
	r.Host = r.Header.Get("Host")
	r.Header.Del("Host")
	return r
}

// DialedOn returns the connection that dial makes on conn with the client it is passed.
// The client responds to the request without sending anything. header changes lines of
// an otherwise valid response, as in ServerOptions.
func DialedOn[C any](tb testing.TB, conn net.Conn, header []string, dial func(*http.Client) (C, error)) C {
	tb.Helper()
	c, err := dial(&http.Client{Transport: AnswerOn(conn, header)})
	if err != nil {
		tb.Fatalf("got %v, want the handshake concluded", err)
	}
	return c
}

// AnswerOn returns a transport that responds to the request of an opening handshake
// with conn, as in DialedOn.
func AnswerOn(conn net.Conn, header []string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		answer := &http.Response{
			Status: "101 Switching Protocols", StatusCode: http.StatusSwitchingProtocols,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{}, Body: conn, Request: r,
		}
		for _, line := range headerLines([]string{
			"Upgrade: websocket",
			"Connection: Upgrade",
			"Sec-WebSocket-Accept: " + AcceptKey(r.Header.Get("Sec-WebSocket-Key")),
		}, header) {
			addLine(answer.Header, line)
		}
		return answer, nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func addLine(h http.Header, line string) {
	name, value, _ := strings.Cut(line, ":")
	h.Add(name, strings.Trim(value, " \t"))
}

// A HijackWriter is an http.ResponseWriter whose connection can be hijacked. If it is
// not, the HijackWriter records the response.
type HijackWriter struct {
	Status   int // 0 before WriteHeader
	Body     bytes.Buffer
	Hijacked bool

	conn   net.Conn
	header http.Header
}

// Hijackable returns a HijackWriter for conn.
func Hijackable(conn net.Conn) *HijackWriter {
	return &HijackWriter{conn: conn, header: http.Header{}}
}

// Header returns the response header.
func (w *HijackWriter) Header() http.Header { return w.header }

// WriteHeader records the first status. It writes status 101 to the connection, with
// the header.
func (w *HijackWriter) WriteHeader(status int) {
	if w.Status != 0 {
		return
	}
	w.Status = status
	if status == http.StatusSwitchingProtocols {
		var b bytes.Buffer
		fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
		w.header.Write(&b)
		b.WriteString("\r\n")
		w.conn.Write(b.Bytes())
	}
}

// Write records the body.
func (w *HijackWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.Body.Write(p)
}

// Hijack returns the connection.
func (w *HijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.Hijacked = true
	return w.conn, bufio.NewReadWriter(bufio.NewReaderSize(w.conn, 0), bufio.NewWriterSize(w.conn, 0)), nil
}
