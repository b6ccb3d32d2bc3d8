//go:build !js

package faults

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"syscall"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// overStreams is a network of TLS connections over streams in memory. It keeps the
// single stream of the end under test.
type overStreams struct {
	*rawpeer.Listener
	server, client *tls.Config
	dialed         *rawpeer.Stream
}

func listenTLS(t *testing.T) *overStreams {
	t.Helper()
	s := httptest.NewTLSServer(nil) // for its certificate
	defer s.Close()
	// In TLS 1.2 the type of a record is visible.
	server := s.TLS.Clone()
	server.MaxVersion = tls.VersionTLS12
	server.NextProtos = nil
	client := s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.ServerName = "example.com"
	n := &overStreams{Listener: rawpeer.Listen(nil), server: server, client: client}
	t.Cleanup(func() { n.Close() })
	return n
}

func (n *overStreams) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := n.Listener.Dial(ctx)
	if err != nil {
		return nil, err
	}
	n.dialed = conn.(*rawpeer.Stream)
	return tls.Client(conn, n.client), nil
}

func (n *overStreams) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(conn, n.server), nil
}

// overTLSFaults runs test for both roles, in real time. stream is the end under test,
// below TLS.
func overTLSFaults(t *testing.T, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, stream *rawpeer.Stream)) {
	t.Helper()
	for _, role := range conntest.Roles {
		t.Run(role.Name, func(t *testing.T) {
			n := listenTLS(t)
			c, p := role.Connect(t, n, new(conntest.Options))
			defer c.CloseNow()
			stream := n.dialed
			if conntest.PeerIsClient(p) {
				stream = stream.Peer()
			}
			test(t, c, p, stream)
		})
	}
}

// recordHeader is the size of the header of a TLS record (RFC 5246 section 6.2.1).
// recordAlert is the type of an alert record.
const (
	recordHeader = 5
	recordAlert  = 21
)

// A stream that ends inside a record, or between two, is not a clean end of the TLS
// connection.
func TestFaultsOverTLSReading(t *testing.T) {
	for _, end := range []struct {
		cut  error
		want []error
	}{
		{io.EOF, []error{io.ErrUnexpectedEOF}},
		{rawpeer.ErrReset, []error{rawpeer.ErrReset}},
		{syscall.ETIMEDOUT, []error{syscall.ETIMEDOUT}},
	} {
		for _, n := range []int64{1, recordHeader, recordHeader + 1, recordHeader + 20} {
			t.Run(fmt.Sprintf("%v/%d", end.cut, n), func(t *testing.T) {
				overTLSFaults(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, stream *rawpeer.Stream) {
					stream.AfterReading(stream.Stats().BytesRead+n, func() { stream.CutReads(end.cut) })
					read := rawpeer.GoErr(t, func() error { return conntest.ReadErr(t.Context(), c) })
					p.SendText(said)
					err := read.Err()
					if !isOneOf(err, end.want) {
						t.Errorf("got error %v, want one of %q", err, end.want)
					}
					conntest.WantCause(t, err, -1)
					conntest.WantEnded(t, c, -1)
					if !stream.Stats().Closed {
						t.Error("the stream is open")
					}
				})
			})
		}
	}
}

// The peer closes TLS cleanly, but inside a message.
func TestFaultsOverTLSHalfClose(t *testing.T) {
	for _, f := range []struct {
		first []rawpeer.Frame
		want  error
	}{
		{nil, io.EOF},
		{[]rawpeer.Frame{rawpeer.Text(said).More()}, io.ErrUnexpectedEOF},
	} {
		t.Run(fmt.Sprint(f.want), func(t *testing.T) {
			overTLSFaults(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, _ *rawpeer.Stream) {
				p.Send(f.first...)
				p.CloseWrite()
				err := rawpeer.GoErr(t, func() error { return conntest.ReadErr(t.Context(), c) }).Err()
				conntest.WantError(t, err, f.want)
				conntest.WantEnded(t, c, -1)
			})
		})
	}
}

// An attacker on the path changes a record.
func TestFaultsOverTLSCorruptRecord(t *testing.T) {
	const applicationRecord = 23
	for _, forged := range []struct {
		name   string
		record []byte
	}{
		{"header", []byte("HTTP/1.1 400 Bad Request\r\n\r\n")},
		{"payload", append([]byte{applicationRecord, 3, 3, 0, 40}, make([]byte, 40)...)},
	} {
		t.Run(forged.name, func(t *testing.T) {
			overTLSFaults(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, stream *rawpeer.Stream) {
				p.SendText(said)
				if _, err := stream.Peer().Write(forged.record); err != nil {
					t.Fatal(err)
				}
				typ, b, err := c.Read(t.Context())
				if err != nil || typ != websocket.MessageText || string(b) != said {
					t.Fatalf("got %v %q and error %v, want the message that was sent before", typ, b, err)
				}
				err = rawpeer.GoErr(t, func() error { return conntest.ReadErr(t.Context(), c) }).Err()
				conntest.WantCause(t, err, -1)
				if _, ok := errors.AsType[tls.RecordHeaderError](err); ok != (forged.name == "header") {
					t.Errorf("got error %v for a %s that is forged", err, forged.name)
				}
				conntest.WantEnded(t, c, -1)
			})
		})
	}
}

// TLS cannot continue after a write that was interrupted.
func TestFaultsOverTLSWriting(t *testing.T) {
	for _, n := range []int64{1, recordHeader, recordHeader + 20} {
		for _, w := range writesOnce {
			t.Run(fmt.Sprintf("stop/%s/%d", w.name, n), func(t *testing.T) {
				overTLSFaults(t, func(t *testing.T, c *websocket.Conn, _ *rawpeer.Peer, stream *rawpeer.Stream) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					stream.AfterWriting(stream.Stats().BytesWritten+n, func() {
						stream.StallWrites()
						cancel()
					})
					err := rawpeer.GoErr(t, func() error { return w.write(ctx, c) }).Err()
					conntest.WantError(t, err, context.Canceled)
					conntest.WantClosed(t, err, -1)
					// A close_notify cannot be sent either.
					conntest.WantNoError(t, rawpeer.GoErr(t, c.CloseNow).Err())
					conntest.WantEnded(t, c, -1)
				})
			})
			t.Run(fmt.Sprintf("broken/%s/%d", w.name, n), func(t *testing.T) {
				overTLSFaults(t, func(t *testing.T, c *websocket.Conn, _ *rawpeer.Peer, stream *rawpeer.Stream) {
					stream.AfterWriting(stream.Stats().BytesWritten+n, func() { stream.CutWrites(rawpeer.ErrBrokenPipe) })
					err := rawpeer.GoErr(t, func() error { return w.write(t.Context(), c) }).Err()
					conntest.WantError(t, err, rawpeer.ErrBrokenPipe)
					conntest.WantCause(t, err, -1)
					conntest.WantNoError(t, rawpeer.GoErr(t, c.CloseNow).Err())
					conntest.WantEnded(t, c, -1)
				})
			})
		}
	}
}

// The end that closes last sends a close_notify before it closes the stream.
func TestFaultsOverTLSClose(t *testing.T) {
	for _, first := range []string{"connection", "peer"} {
		t.Run(first, func(t *testing.T) {
			overTLSFaults(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, stream *rawpeer.Stream) {
				stream.RecordWrites()
				before := stream.Stats().BytesWritten
				if first == "connection" {
					closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
					p.WantClose(1000)
					p.SendClose(1000, "")
					closing.Want()
				} else {
					read := rawpeer.GoErr(t, func() error { return conntest.ReadErr(t.Context(), c) })
					p.SendClose(1000, "")
					conntest.WantCause(t, read.Err(), websocket.StatusNormalClosure)
					p.WantClose(1000)
				}
				p.WantEOF()
				records := stream.RecordedWrites()
				if last := records[len(records)-1]; last[0] != recordAlert {
					t.Errorf("the last record is of type %d, want an alert", last[0])
				}
				if n := int64(len(slices.Concat(records...))); n != stream.Stats().BytesWritten-before {
					t.Errorf("%d bytes were written to a stream that was closed", n-(stream.Stats().BytesWritten-before))
				}
				conntest.WantEnded(t, c, websocket.StatusNormalClosure)
			})
		})
	}
}

// A server that stops during the TLS handshake blocks Dial until the context ends.
func TestFaultsOverTLSHandshake(t *testing.T) {
	for _, f := range []struct {
		fault
		want []error
	}{
		{fault{name: "stop", fails: [2]error{errStopped, nil}}, []error{context.DeadlineExceeded}},
		{fault{name: "reset", fails: [2]error{rawpeer.ErrReset, rawpeer.ErrReset}}, []error{rawpeer.ErrReset}},
		{fault{name: "end", fails: [2]error{io.EOF, rawpeer.ErrBrokenPipe}}, []error{io.EOF, io.ErrUnexpectedEOF, rawpeer.ErrBrokenPipe}},
	} {
		for _, bytes := range []int64{0, 1, recordHeader, 100, 700} {
			t.Run(fmt.Sprintf("%s/%d", f.name, bytes), func(t *testing.T) {
				n := breakingTLS{listenTLS(t), bytes, f.fault}
				rawpeer.Serve(t, n.overStreams, http.NotFoundHandler())
				timeout := operationTimeout
				if f.stops() {
					timeout = shortly
				}
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				call := rawpeer.GoErr(t, func() error {
					_, _, err := websocket.Dial(ctx, rawpeer.URL, &websocket.DialOptions{HTTPClient: rawpeer.HTTPClient(n)})
					return err
				})
				if err := call.Err(); !isOneOf(err, f.want) {
					t.Errorf("got error %v, want one of %q", err, f.want)
				}
			})
		}
	}
}

// breakingTLS breaks the client's streams after they have read n bytes.
type breakingTLS struct {
	*overStreams
	n     int64
	fault fault
}

func (b breakingTLS) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := b.overStreams.Dial(ctx)
	if err == nil {
		b.dialed.AfterReading(b.n, func() { b.fault.strike(b.dialed) })
	}
	return conn, err
}
