package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

func serveEcho(t *testing.T, opts options) rawpeer.Network {
	n := rawpeer.Listen(nil)
	rawpeer.Serve(t, n, newServer(opts, slog.New(slog.DiscardHandler)))
	return n
}

func dial(t *testing.T, n rawpeer.Network, opts websocket.DialOptions) *websocket.Conn {
	t.Helper()
	opts.HTTPClient = rawpeer.HTTPClient(n)
	conn, _, err := websocket.Dial(t.Context(), rawpeer.URL, &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	conn.SetReadLimit(-1)
	return conn
}

// peer connects in raw frames.
func peer(t *testing.T, n rawpeer.Network) *rawpeer.Peer {
	t.Helper()
	conn, err := n.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rawpeer.ClientHandshake(t, conn, nil)
}

func TestEcho(t *testing.T) {
	n := serveEcho(t, defaults())
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
					t.Errorf("mode %d: %v of %d bytes came back as %v of %d bytes, or others", mode, typ, size, gotType, len(got))
				}
			}
		}
		if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Error(err)
		}
	}
}

func TestSubprotocol(t *testing.T) {
	n := serveEcho(t, defaults())
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

func TestLimit(t *testing.T) {
	opts := defaults()
	opts.readLimit = 10
	p := peer(t, serveEcho(t, opts))
	p.Send(rawpeer.Text("0123456789"))
	p.WantText("0123456789")
	p.Send(rawpeer.Text("0123456789a"))
	p.WantClose(1009)
}

// TestInvalidText sends a byte that can't be UTF-8 in a message that goes on.
func TestInvalidText(t *testing.T) {
	p := peer(t, serveEcho(t, defaults()))
	p.Send(rawpeer.Text("a\xff").More())
	p.WantClose(1007)
}

// TestMessageTimeout begins a message and never ends it.
func TestMessageTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := defaults()
		p := peer(t, serveEcho(t, opts))
		p.Timeout = 2 * opts.messageTimeout
		p.WantSilence(opts.pingEvery - time.Second)
		p.Send(rawpeer.Text("and so").More())
		began := time.Now()
		for {
			f, err := p.ReadFrame()
			if err != nil {
				break
			}
			if f.Opcode == rawpeer.OpPing && time.Since(began) < opts.messageTimeout {
				p.Send(rawpeer.Pong(string(f.Payload)))
			}
		}
		if took := time.Since(began); took != opts.messageTimeout {
			t.Errorf("the connection ended after %v, want %v", took, opts.messageTimeout)
		}
	})
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := defaults()
		p := peer(t, serveEcho(t, opts))
		p.Timeout = time.Hour

		// One who talks is not asked.
		p.WantSilence(opts.pingEvery - time.Second)
		p.Send(rawpeer.Text("hi"))
		p.WantText("hi")
		p.WantSilence(opts.pingEvery)

		// One who is silent is asked, and may stay.
		p.Send(rawpeer.Pong(p.WantPing()))
		p.WantSilence(opts.pingEvery - time.Second)

		// One who does not answer may not.
		p.WantPing()
		began := time.Now()
		p.WantEnd()
		if took := time.Since(began); took != opts.pingTimeout {
			t.Errorf("the connection ended after %v, want %v", took, opts.pingTimeout)
		}
	})
}

// TestRun is the program from its first line to ctrl-C.
func TestRun(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, stdout := io.Pipe()
	defer out.Close()
	program := rawpeer.GoErr(t, func() error {
		return run(ctx, []string{"-addr", "127.0.0.1:0", "-compress", "off"}, stdout)
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	conn, _, err := websocket.Dial(t.Context(), strings.TrimSpace(line), &websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{}}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	interrupt()
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("got %v, want a close with StatusGoingAway", err)
	}
	if err := program.Err(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

func TestFlags(t *testing.T) {
	for name, want := range map[string]websocket.CompressionMode{
		"takeover":    websocket.CompressionContextTakeover,
		"no-takeover": websocket.CompressionNoContextTakeover,
		"off":         websocket.CompressionDisabled,
	} {
		if got, err := compressionMode(name); got != want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, want)
		}
	}
	if err := run(t.Context(), []string{"-compress", "zip"}, io.Discard); err == nil {
		t.Error("there is compression by zip")
	}
	if err := run(t.Context(), []string{"-addr", "nowhere:none"}, io.Discard); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("listening nowhere: %v", err)
	}
}

// A ping that is not answered any more does not cut short the close handshake of
// the server's shutdown.
func TestKeepAliveWhileClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := defaults()
		n := rawpeer.Listen(nil)
		s := newServer(opts, slog.New(slog.DiscardHandler))
		rawpeer.Serve(t, n, s)
		p := peer(t, n)
		p.Timeout = time.Hour
		p.WantPing()
		time.Sleep(opts.pingTimeout - time.Second)
		shutdown := rawpeer.GoErr(t, func() error { return s.conns.Shutdown(t.Context()) })
		p.WantClose(int(websocket.StatusGoingAway))
		time.Sleep(2 * time.Second)
		p.SendClose(int(websocket.StatusGoingAway), "")
		shutdown.Want()
		p.WantEOF()
	})
}
