package proxies

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bhojpur/api"
	gorilla "github.com/gorilla/websocket"
)

// peers are clients of other implementations. Each expects its messages to be echoed,
// and closes with 3000 "done".
var peers = []struct {
	name string
	run  func(ctx context.Context, t *testing.T, s *site, url string) error
}{
	{"gorilla", runGorilla},
	{"websockets", runPython},
}

// TestPeers connects clients of other implementations through the proxies.
func TestPeers(t *testing.T) {
	t.Parallel()
	opts := &websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover}
	forProxies(t, opts, nil, func(t *testing.T, s *site, scheme string) {
		for _, peer := range peers {
			t.Run(peer.name, func(t *testing.T) {
				ctx := testContext(t)
				id := s.program.newID()
				ended := make(chan error, 1)
				go func() { ended <- peer.run(ctx, t, s, scheme+"://"+host+"/?id="+id) }()
				err := s.program.echo(ctx, id)
				want := websocket.CloseError{Code: 3000, Reason: "done"}
				if got, ok := errors.AsType[websocket.CloseError](err); !ok || got != want {
					t.Errorf("got %v from the peer, want %v", err, want)
				}
				if err := <-ended; err != nil {
					t.Errorf("the peer: %v", err)
				}
			})
		}
	})
}

// echo echoes the messages of a connection until it ends.
func (pr *program) echo(ctx context.Context, id string) error {
	a, err := pr.await(ctx, id)
	if err != nil {
		return err
	}
	defer a.conn.CloseNow()
	a.conn.SetReadLimit(mebibyte)
	for {
		typ, p, err := a.conn.Read(ctx)
		if err != nil {
			return err
		}
		if err := a.conn.Write(ctx, typ, p); err != nil {
			return err
		}
	}
}

func runGorilla(ctx context.Context, t *testing.T, s *site, url string) error {
	dialer := gorilla.Dialer{
		NetDialContext:    func(ctx context.Context, _, addr string) (net.Conn, error) { return s.dial(ctx, addr) },
		TLSClientConfig:   s.tlsConfig(t),
		EnableCompression: true,
	}
	c, resp, err := dialer.DialContext(ctx, url, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	if got := resp.Header.Get("Sec-WebSocket-Extensions"); !strings.HasPrefix(got, "permessage-deflate") {
		return fmt.Errorf("agreed on %q, want permessage-deflate", got)
	}
	c.SetReadDeadline(time.Now().Add(timeout))
	for _, want := range []string{"", hello, strings.Repeat("naïve 狐 🦊 ", 2000)} {
		if err := c.WriteMessage(gorilla.TextMessage, []byte(want)); err != nil {
			return err
		}
		typ, got, err := c.ReadMessage()
		if err != nil || typ != gorilla.TextMessage || string(got) != want {
			return fmt.Errorf("got %d bytes of type %d and %v, want %d bytes back", len(got), typ, err, len(want))
		}
	}
	if err := c.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(3000, "done")); err != nil {
		return err
	}
	if _, _, err := c.ReadMessage(); !gorilla.IsCloseError(err, 3000) {
		return fmt.Errorf("got %v after the close frame, want it back", err)
	}
	return nil
}

// debianPython is the interpreter of Debian's packages.
const debianPython = "/usr/bin/python3"

func runPython(ctx context.Context, _ *testing.T, s *site, url string) error {
	addr := s.secure
	if strings.HasPrefix(url, "ws:") {
		addr = s.plain
	}
	ip, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	script := filepath.Join("testdata", "client.py")
	cmd := exec.CommandContext(ctx, debianPython, script, url, ip, port, filepath.Join(s.dir, authorityFile))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}
