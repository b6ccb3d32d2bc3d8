package thirdparty

import (
	"context"
	"errors"
	"go/format"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
	"github.com/bhojpur/api/wsjson"
)

// maxLines bounds the program of a page.
const maxLines = 60

// TestPages builds the programs of pages as they stand there, and runs each as a process.
func TestPages(t *testing.T) {
	tests := map[string]func(t *testing.T, path string){
		"keepalive": testKeepalive,
		"shutdown":  testShutdown,
		"broadcast": testBroadcast,
	}
	programs := make(map[string]string)
	for name := range tests {
		programs[name] = pageProgram(t, name)
	}
	bin := build(t, programs)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, bin+name)
		})
	}
}

// pageProgram returns the only program of docs/NAME.md.
func pageProgram(t *testing.T, name string) string {
	t.Helper()
	_, root := readme(t)
	page, err := os.ReadFile(filepath.Join(root, "docs", name+".md"))
	if err != nil {
		t.Fatal(err)
	}
	const begin = "\n```go\npackage main\n"
	before, rest, _ := strings.Cut(string(page), begin)
	code, after, ok := strings.Cut(rest, "\n```\n")
	if !ok || strings.Contains(after, begin) || strings.Contains(before, begin) {
		t.Fatalf("docs/%s.md does not have one program", name)
	}
	code = "package main\n" + code + "\n"
	if formatted, err := format.Source([]byte(code)); err != nil || string(formatted) != code {
		t.Errorf("the program of docs/%s.md is not formatted: %v", name, err)
	}
	if n := strings.Count(code, "\n"); n > maxLines {
		t.Errorf("the program of docs/%s.md has %d lines, want at most %d", name, n, maxLines)
	}
	return code
}

// flags returns the arguments with a flag for the address.
func flags(more ...string) func(addr string) []string {
	return func(addr string) []string { return append([]string{"-addr", addr}, more...) }
}

// peer connects a client that sends raw frames, and answers nothing by itself.
func (s *server) peer(path string) *rawpeer.Peer {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	return rawpeer.ClientHandshake(s.t, conn, &rawpeer.ClientOptions{RequestLine: "GET " + path + " HTTP/1.1"})
}

// dial connects a client. onPing, if not nil, is its OnPingReceived.
func (s *server) dial(path string, onPing func(context.Context, []byte) bool) *websocket.Conn {
	s.t.Helper()
	c, _, err := websocket.Dial(s.t.Context(), "ws://"+s.addr+path, &websocket.DialOptions{OnPingReceived: onPing})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.CloseNow() })
	return c
}

// wantGoingAway expects the server to have closed c with StatusGoingAway.
func wantGoingAway(t *testing.T, c *websocket.Conn) {
	t.Helper()
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("got %v, want a close with StatusGoingAway", err)
	}
}

// A client that answers pings stays. One that does not, and one that does not read, are
// dropped, each for its own reason.
func testKeepalive(t *testing.T, path string) {
	s := start(t, path, flags("-ping", "1s", "-timeout", "3s"))
	pings := make(chan struct{}, 1000)
	answers := s.dial("/", func(context.Context, []byte) bool {
		pings <- struct{}{}
		return true
	})
	reading := rawpeer.GoErr(t, func() error {
		_, _, err := answers.Read(t.Context())
		return err
	})
	name := answers.LocalAddr().String()

	vanishes, breaks, floods := s.peer("/"), s.peer("/"), s.peer("/")
	ends := map[string]bool{
		vanishes.Conn.LocalAddr().String() + " has vanished": true,
		floods.Conn.LocalAddr().String() + " does not read":  true,
	}
	breaks.Conn.(*net.TCPConn).SetLinger(0)
	breaks.Conn.Close()
	flooding := rawpeer.GoErr(t, func() error {
		message := rawpeer.AppendFrame(nil, rawpeer.Binary(make([]byte, 32<<10)).WithKey([4]byte{1}))
		for {
			if _, err := floods.Conn.Write(message); err != nil {
				return err
			}
		}
	})
	vanishes.WantPing()
	vanishes.WantEnd()
	flooding.Err()
	for len(ends) > 0 {
		line, ok := <-s.lines
		if !ok || strings.Contains(line, name) {
			t.Fatalf("stderr has %q before all of %v", line, ends)
		}
		for end := range ends {
			if strings.HasSuffix(line, end) {
				delete(ends, end)
			}
		}
	}
	for range 3 {
		<-pings
	}
	if reading.Returned() {
		t.Errorf("the client that answers got %v", reading.Err())
	}
	if err := answers.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	s.wantLine(name + " has closed the connection")
}

// The end reaches clients that answer, which is complete, and does not wait for one that
// does not.
func testShutdown(t *testing.T, path string) {
	for _, mute := range []bool{false, true} {
		s := start(t, path, flags())
		idle, talks := s.dial("/echo", nil), s.dial("/echo", nil)
		if err := talks.Write(t.Context(), websocket.MessageText, []byte("hi")); err != nil {
			t.Fatal(err)
		}
		if _, p, err := talks.Read(t.Context()); err != nil || string(p) != "hi" {
			t.Errorf("read %q, %v", p, err)
		}
		inside := s.peer("/echo")
		inside.Send(rawpeer.Text("and so").More())
		var silent *rawpeer.Peer
		if mute {
			silent = s.peer("/echo")
		}
		wantExit := s.terminate()
		wantGoingAway(t, idle)
		wantGoingAway(t, talks)
		inside.WantClose(1001)
		inside.SendClose(1001, "")
		inside.WantEOF()
		if mute {
			silent.WantClose(1001)
			silent.WantEnd()
		}
		wantExit()
		if line, printed := <-s.lines; printed != mute {
			t.Errorf("with a client that does not answer: %v, the server prints %q", mute, line)
		}
	}
}

// An event goes to all subscribers of its topic. Clients that do not read, that break and
// that vanish are dropped, and the others get everything. At the end they get a close frame.
func testBroadcast(t *testing.T, path string) {
	s := start(t, path, flags())
	ada, bob, other := s.dial("/news", nil), s.dial("/news", nil), s.dial("/weather", nil)
	slow, breaks := s.peer("/news"), s.peer("/news")
	breaks.Conn.(*net.TCPConn).SetLinger(0)
	breaks.Conn.Close()
	read := func(c *websocket.Conn) *rawpeer.Call[string] { // and answer pings
		return rawpeer.Go(t, func() (string, error) {
			_, p, err := c.Read(t.Context())
			return string(p), err
		})
	}
	reads := []*rawpeer.Call[string]{read(other)}

	// More than the buffers of the kernel and a backlog can hold.
	const events, size = 2000, 16 << 10
	type event struct {
		N   int    `json:"n"`
		Pad string `json:"pad"`
	}
	pad := strings.Repeat("x", size)
	for n := range events {
		if err := wsjson.Write(t.Context(), ada, event{n, pad}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []*websocket.Conn{ada, bob} {
			var e event
			if err := wsjson.Read(t.Context(), c, &e); err != nil || e.N != n || e.Pad != pad {
				t.Fatalf("event %d of %d bytes, %v; want event %d of %d", e.N, len(e.Pad), err, n, len(pad))
			}
		}
	}
	reads = append(reads, read(ada), read(bob))
	slow.Timeout = 5 * time.Second // less than pings and WriteTimeout take
	wantDropped(t, slow, events)
	vanishes := s.peer("/news")
	vanishes.WantPing()
	vanishes.WantEnd()

	late := s.peer("/news") // does not answer the close frame
	wantExit := s.terminate()
	for _, r := range reads {
		if got, err := r.Result(); websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("got %q, %v, want a close with StatusGoingAway", got, err)
		}
	}
	late.WantClose(1001)
	wantExit()
}

// wantDropped expects the connection to end without a close frame, after fewer than all
// events.
func wantDropped(t *testing.T, p *rawpeer.Peer, all int) {
	t.Helper()
	for n := 0; ; n++ {
		f, err := p.ReadFrame()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded), err == nil && f.Opcode == rawpeer.OpClose, n >= all:
			t.Errorf("got %v, %v after %d of %d events, want the end", f, err, n, all)
			return
		case err != nil:
			return
		}
	}
}
