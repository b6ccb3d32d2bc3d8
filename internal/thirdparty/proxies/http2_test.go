//lint:file-ignore SA1019 net/http refuses to send the header ":protocol".

package proxies

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
	"golang.org/x/net/http2"
)

// TestExtendedConnect opens a connection over HTTP/2 (RFC 8441), as browsers do if the
// proxy offers it. HAProxy uses HTTP/1.1 to the program then.
func TestExtendedConnect(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	s := haproxy.start(t, newProgram(t, nil))
	raw, err := s.dial(ctx, net.JoinHostPort(host, "443"))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	config := s.tlsConfig(t)
	config.ServerName, config.NextProtos = host, []string{http2.NextProtoTLS}
	h2, err := new(http2.Transport).NewClientConn(tls.Client(raw, config))
	if err != nil {
		t.Fatal(err)
	}
	defer h2.Close()

	id := s.program.newID()
	body, frames := io.Pipe()
	defer frames.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodConnect, "https://"+host+"/?id="+id, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		":protocol":             {"websocket"},
		"Sec-Websocket-Version": {"13"},
		"Origin":                {"https://" + host},
	}
	resp, err := h2.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
		t.Fatalf("got %s %s, want HTTP/2 200", resp.Proto, resp.Status)
	}
	a, err := s.program.await(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	defer a.conn.CloseNow()
	if a.request.ProtoMajor != 1 || a.request.Host != host {
		t.Errorf("the program got %s for %q, want HTTP/1.1 for %q", a.request.Proto, a.request.Host, host)
	}

	send := func(f rawpeer.Frame) {
		t.Helper()
		if _, err := frames.Write(rawpeer.AppendFrame(nil, f.WithKey([4]byte{1, 2, 3, 4}))); err != nil {
			t.Fatal(err)
		}
	}
	send(rawpeer.Text(hello))
	typ, got, err := a.conn.Read(ctx)
	if err != nil || typ != text || string(got) != hello {
		t.Fatalf("got %v %q and %v, want %q", typ, got, err, hello)
	}
	if err := a.conn.Write(ctx, typ, got); err != nil {
		t.Fatal(err)
	}
	f, err := readFrame(resp.Body)
	if err != nil || f.Opcode != rawpeer.OpText || !bytes.Equal(f.Payload, got) {
		t.Fatalf("got %v and %v, want %q back", f, err, got)
	}
	send(rawpeer.Close(3000, "done"))
	_, _, err = a.conn.Read(ctx)
	want := websocket.CloseError{Code: 3000, Reason: "done"}
	if got, ok := errors.AsType[websocket.CloseError](err); !ok || got != want {
		t.Errorf("got %v, want %v", err, want)
	}
}

// readFrame reads bytes until they contain a frame.
func readFrame(r io.Reader) (rawpeer.Frame, error) {
	var got []byte
	for {
		if f, _, err := rawpeer.ParseFrame(got); !errors.Is(err, io.ErrUnexpectedEOF) {
			return f, err
		}
		more := make([]byte, 1)
		if _, err := io.ReadFull(r, more); err != nil {
			return rawpeer.Frame{}, err
		}
		got = append(got, more...)
	}
}

// TestHTTP2ToProgram has HAProxy use HTTP/2 to the program, over which the handshake
// fails: the client gets the proxy's response.
func TestHTTP2ToProgram(t *testing.T) {
	t.Parallel()
	s := haproxy.start(t, newProgram(t, nil), edit{"server one 127.0.0.1:9000", "server one 127.0.0.1:9000 proto h2"})
	s.refusedWith(t, "wss://"+host, nil, http.StatusServiceUnavailable)
}
