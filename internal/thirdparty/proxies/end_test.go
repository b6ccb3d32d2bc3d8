package proxies

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/bhojpur/api"
)

// TestKilled kills the proxy while a message is transferred.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, px := range proxies {
		for _, scheme := range schemes {
			for i, direction := range []string{"to the server", "to the client"} {
				t.Run(px.name+"/"+scheme+"/"+direction, func(t *testing.T) {
					t.Parallel()
					s := px.start(t, newProgram(t, nil))
					testKilled(t, s, s.connect(t, scheme, nil).directions()[i])
				})
			}
			t.Run(px.name+"/"+scheme+"/idle", func(t *testing.T) {
				t.Parallel()
				s := px.start(t, newProgram(t, nil))
				p := s.connect(t, scheme, nil)
				testPass(t, p)
				s.kill(t)
				testGone(t, p)
			})
		}
	}
}

// testKilled sends a message without an end, and kills the proxy when a part of it has
// arrived.
func testKilled(t *testing.T, s *site, d direction) {
	ctx := testContext(t)
	d.to.SetReadLimit(-1)
	var wg sync.WaitGroup
	wg.Go(func() {
		w, err := d.from.Writer(ctx, binary)
		for p := noise(100_000); err == nil; {
			_, err = w.Write(p)
		}
		wantGone(t, "Write", err, false, syscall.EPIPE, syscall.ECONNRESET)
		wantGone(t, "Write again", d.from.Write(ctx, text, nil), true, syscall.EPIPE, syscall.ECONNRESET)
	})
	_, r, err := d.to.Reader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, r, mebibyte); err != nil {
		t.Fatal(err)
	}
	s.kill(t)
	_, err = io.Copy(io.Discard, r)
	wantGone(t, "Read", err, false, io.ErrUnexpectedEOF, syscall.ECONNRESET)
	wg.Wait()
	for _, c := range []*websocket.Conn{d.from, d.to} {
		if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Errorf("Close: got %v, want nil after the end", err)
		}
	}
}

// TestReload reloads the configuration while connections are open, one of them in the
// middle of a message.
func TestReload(t *testing.T) {
	t.Parallel()
	for _, px := range proxies {
		for _, scheme := range schemes {
			t.Run(px.name+"/"+scheme, func(t *testing.T) {
				t.Parallel()
				testReload(t, px, px.start(t, newProgram(t, nil)), scheme)
			})
		}
	}
}

// TestReloadBounded expects connections from before a reload to be closed after the time
// that the page configures.
func TestReloadBounded(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, px := range proxies {
		if !strings.Contains(string(text), px.bounded.from) {
			t.Errorf("%s does not name %q", page, px.bounded.from)
		}
		for _, scheme := range schemes {
			t.Run(px.name+"/"+scheme, func(t *testing.T) {
				t.Parallel()
				s := px.start(t, newProgram(t, nil), px.bounded)
				p := s.connect(t, scheme, nil)
				testPass(t, p)
				s.signal(t, px.reload)
				testGone(t, p)
			})
		}
	}
}

func testReload(t *testing.T, px proxy, s *site, scheme string) {
	ctx := testContext(t)
	first, half := bytes.Repeat([]byte("first"), 10_000), bytes.Repeat([]byte("half"), 10_000)
	idle, busy := s.connect(t, scheme, nil), s.connect(t, scheme, nil)
	w, err := busy.client.Writer(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(first); err != nil {
		t.Fatal(err)
	}

	from := s.position()
	s.signal(t, px.reload)
	if err := s.await(ctx, from, px.reloaded...); err != nil {
		t.Fatal(err)
	}
	s.client.CloseIdleConnections()
	late := s.connect(t, scheme, nil)

	if _, err := w.Write(half); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	busy.server.SetReadLimit(mebibyte)
	_, got, err := busy.server.Read(ctx)
	if want := append(first, half...); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes and %v of the message begun before, want %d bytes", len(got), err, len(want))
	}
	for _, p := range []*pair{idle, busy, late} {
		testPass(t, p)
	}
	testEnd(t, idle)
	testEnd(t, busy)
	if err := s.await(ctx, from, px.gone); err != nil {
		t.Errorf("the old worker, without connections: %v", err)
	}
	testPass(t, late)
	testEnd(t, late)
}
