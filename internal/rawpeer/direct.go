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

// AcceptedOn returns a connection that accept made of a request which came on
// conn, and what it answered. There is no http.Server: a connection is made in
// microseconds, and no goroutine is. header is as in ClientOptions, for a request
// that is right otherwise.
//
// The answer was written to conn, from where the client's end has to read it.
func AcceptedOn[C any](tb testing.TB, conn net.Conn, header []string, accept func(http.ResponseWriter, *http.Request) (C, error)) C {
	tb.Helper()
	c, err := accept(Hijackable(conn), NewRequest(header))
	if err != nil {
		tb.Fatalf("got %v, want the handshake accepted", err)
	}
	return c
}

// NewRequest returns the request of an opening handshake, as a server gets it.
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

// DialedOn returns a connection that dial made on conn with the client that it
// gets, whose requests are answered without anything being sent. header is as in
// ServerOptions, for an answer that is right otherwise.
func DialedOn[C any](tb testing.TB, conn net.Conn, header []string, dial func(*http.Client) (C, error)) C {
	tb.Helper()
	c, err := dial(&http.Client{Transport: AnswerOn(conn, header)})
	if err != nil {
		tb.Fatalf("got %v, want the handshake concluded", err)
	}
	return c
}

// AnswerOn returns a transport that answers the request of an opening handshake
// with conn, as DialedOn says.
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

// A HijackWriter is the http.ResponseWriter of a request on a connection that
// can be taken over. A response that is not taken over stays in it.
type HijackWriter struct {
	Status   int // 0 before it was written
	Body     bytes.Buffer
	Hijacked bool

	conn   net.Conn
	header http.Header
}

// Hijackable returns a HijackWriter for conn.
func Hijackable(conn net.Conn) *HijackWriter {
	return &HijackWriter{conn: conn, header: http.Header{}}
}

// Header returns the header to write.
func (w *HijackWriter) Header() http.Header { return w.header }

// WriteHeader keeps the first status. Status 101 is written to the connection,
// with the header.
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

// Write keeps the body.
func (w *HijackWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.Body.Write(p)
}

// Hijack hands out the connection.
func (w *HijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.Hijacked = true
	return w.conn, bufio.NewReadWriter(bufio.NewReaderSize(w.conn, 0), bufio.NewWriterSize(w.conn, 0)), nil
}
