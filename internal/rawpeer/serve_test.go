package rawpeer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// acceptConn upgrades a request by itself, in place of the code under test.
func acceptConn(w http.ResponseWriter, r *http.Request) (net.Conn, error) {
	if r.Header.Get("Upgrade") != "websocket" {
		http.Error(w, "no upgrade", http.StatusUpgradeRequired)
		return nil, errors.New("no upgrade")
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		AcceptKey(r.Header.Get("Sec-WebSocket-Key")))
	return bufferedConn{conn, rw.Reader}, nil
}

type bufferedConn struct {
	net.Conn
	in *bufio.Reader
}

func (c bufferedConn) Read(p []byte) (int, error) { return c.in.Read(p) }

// dialConn requests an upgrade by itself, in place of the code under test.
func dialConn(ctx context.Context, url string, client *http.Client) (io.ReadWriteCloser, error) {
	r, err := http.NewRequestWithContext(ctx, "GET", strings.Replace(url, "ws", "http", 1), nil)
	if err != nil {
		return nil, err
	}
	for _, line := range []string{"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + DefaultKey} {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body.Close()
		return nil, errors.New(resp.Status)
	}
	return resp.Body.(io.ReadWriteCloser), nil
}

// onNetworks runs test in memory and over TCP.
func onNetworks(t *testing.T, test func(t *testing.T, n Network)) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, Listen(nil)) })
	})
	t.Run("tcp", func(t *testing.T) { test(t, ListenLoopback(t)) })
}

func TestAccepted(t *testing.T) {
	onNetworks(t, func(t *testing.T, n Network) {
		conn, p := Accepted(t, n, acceptConn, &ClientOptions{Frames: []Frame{Text("at once")}})
		defer conn.Close()
		under := NewPeer(t, conn, Server)
		under.WantText("at once")
		p.SendText("hello")
		under.WantText("hello")
		under.SendText("answer")
		p.WantText("answer")
		conn.Close()
		p.WantEOF()
	})
}

// The cleanup closes connections that the test has not closed.
func TestAcceptedAndLeftOpen(t *testing.T) {
	onNetworks(t, func(t *testing.T, n Network) {
		conn, p := Accepted(t, n, acceptConn, nil)
		GoErr(t, func() error { _, err := io.Copy(conn, conn); return err })
		p.SendRaw([]byte("echo"))
		wantRead(t, p.Conn, "echo")
	})
}

func TestDialed(t *testing.T) {
	onNetworks(t, func(t *testing.T, n Network) {
		conn, p := Dialed(t, n, dialConn, &ServerOptions{Header: []string{"X-More: yes"}, Frames: []Frame{Text("at once")}})
		defer conn.Close()
		if p.Request.Header.Get("Sec-WebSocket-Key") != DefaultKey {
			t.Fatalf("got request %v, want the key", p.Request)
		}
		wire := AppendFrame(nil, Text("at once"))
		got := make([]byte, len(wire))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != string(wire) {
			t.Fatalf("read %q, %v, want %q", got, err, wire)
		}
		conn.Write(AppendFrame(nil, Ping("").WithKey([4]byte{1, 2, 3, 4})))
		p.WantPing()
		conn.Close()
		p.WantEnd()
	})
}

func TestDialRefused(t *testing.T) {
	onNetworks(t, func(t *testing.T, n Network) {
		defer n.Close()
		for _, opts := range []*ServerOptions{
			{Status: "403 Forbidden", Header: []string{"Upgrade", "Connection: close", "Content-Length: 2"}, Behind: []byte("no")},
			{Raw: []byte("nothing like HTTP\r\n\r\n")},
		} {
			dial := Go(t, func() (io.ReadWriteCloser, error) { return dialConn(t.Context(), URL, HTTPClient(n)) })
			conn, err := n.Accept()
			if err != nil {
				t.Fatal(err)
			}
			p := ServeHandshake(t, conn, opts)
			if dial.Err() == nil {
				t.Fatal("dialed")
			}
			p.Close()
		}
	})
}

func TestDialCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := Listen(nil)
		defer n.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := dialConn(ctx, URL, HTTPClient(n))
		wantError(t, err, context.DeadlineExceeded)
	})
}

func TestClientHandshake(t *testing.T) {
	onNetworks(t, func(t *testing.T, n Network) {
		Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if conn, err := acceptConn(w, r); err == nil {
				conn.Close()
			}
		}))
		for _, opts := range []*ClientOptions{
			nil,
			{Header: []string{"Upgrade"}, WantStatus: http.StatusUpgradeRequired},
			{Header: []string{"Host"}, WantStatus: http.StatusBadRequest},
			{RequestLine: "POST /chat HTTP/1.0", Header: []string{"Upgrade", "Content-Length: 0"}, WantStatus: -1},
			{Raw: []byte("nonsense\r\n\r\n"), WantStatus: http.StatusBadRequest},
		} {
			conn, err := n.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p := ClientHandshake(t, conn, opts)
			if opts == nil {
				p.WantEOF()
			} else if body, err := io.ReadAll(p.Response.Body); err != nil || len(body) == 0 {
				t.Fatalf("got body %q, %v, want one", body, err)
			}
			p.Close()
		}
	})
}

func TestClientHandshakeFails(t *testing.T) {
	for _, test := range []struct {
		answer *ServerOptions
		says   string
	}{
		{&ServerOptions{Status: "200 OK", Header: []string{"Content-Length: 0"}}, "want 101"},
		{&ServerOptions{Header: []string{"Sec-WebSocket-Accept: wrong"}}, `"wrong"`},
		{&ServerOptions{Header: []string{"Sec-WebSocket-Accept"}}, `Accept ""`},
		{&ServerOptions{Raw: []byte("\r\n")}, "want a response"},
	} {
		synctest.Test(t, func(t *testing.T) {
			client, server := Connect(t, Listen(nil))
			serve := GoErr(t, func() error { ServeHandshake(t, server, test.answer); return nil })
			failure := failureOf(t, func(tb testing.TB) { ClientHandshake(tb, client, nil) })
			serve.Want()
			if !strings.Contains(failure, test.says) {
				t.Fatalf("got failure %q, want %q in it", failure, test.says)
			}
		})
	}
}

func TestListenerClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Listen(nil)
		waiting, err := l.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		if _, err := waiting.Read(make([]byte, 1)); !isReset(err) {
			t.Fatalf("got %v, want a reset", err)
		}
		_, err = l.Accept()
		wantError(t, err, net.ErrClosed)
		if _, err := l.Dial(t.Context()); err == nil {
			t.Fatal("dialed a listener that is closed")
		}
	})
}

func TestLeakedOf(t *testing.T) {
	block := make(chan struct{})
	running := GoErr(t, func() error { <-block; return nil })
	leaked := strings.Join(leakedOf(allStacks()), "\n\n")
	if !strings.Contains(leaked, "rawpeer.Go[") {
		t.Fatalf("got %q, want the goroutine of Go", leaked)
	}
	close(block)
	running.Want()
}
