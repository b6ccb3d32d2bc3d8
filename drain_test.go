//go:build !js

package websocket_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// countedNetwork counts the reads of the code under test, whose connections are
// not sockets to it.
type countedNetwork struct {
	rawpeer.Network
	dials bool // the code under test dials
	reads *atomic.Int64
}

func (n countedNetwork) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := n.Network.Dial(ctx)
	if n.dials && err == nil {
		conn = &countedConn{conn, n.reads}
	}
	return conn, err
}

func (n countedNetwork) Accept() (net.Conn, error) {
	conn, err := n.Network.Accept()
	if !n.dials && err == nil {
		conn = &countedConn{conn, n.reads}
	}
	return conn, err
}

type countedConn struct {
	net.Conn
	reads *atomic.Int64
}

func (c *countedConn) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return c.Conn.Read(p)
}

// maxReads bounds how many reads it may take to discard n bytes.
func maxReads(n int) int64 { return int64(n>>14 + 64) }

// inBubble runs a subtest in a bubble.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// A discarding is a reason to discard what a peer sends.
type discarding struct {
	name  string
	begin func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}]
	code  int
}

func closing(t *testing.T, c *websocket.Conn) *rawpeer.Call[struct{}] {
	return rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
}

var discardings = []discarding{
	{"Close", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		return closing(t, c)
	}, 1000},
	{"Close while Read waits", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		read := readingAll(t, c) // a message may come before Close is called
		close := closing(t, c)
		return rawpeer.GoErr(t, func() error {
			if err := read.Err(); !errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("got %w of Read, want net.ErrClosed", err)
			}
			return close.Err()
		})
	}, 1000},
	{"Close inside a message", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		p.Send(rawpeer.Text("a").More())
		conntest.WantRead(t, conntest.WantReader(t, c), "a")
		p.Send(rawpeer.Continuation("b"))
		return closing(t, c)
	}, 1000},
	{"NetConn", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		nc := websocket.NetConn(context.Background(), c, websocket.MessageBinary)
		return rawpeer.GoErr(t, nc.Close)
	}, 1000},
	{"CloseRead", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		ctx := c.CloseRead(t.Context())
		return rawpeer.GoErr(t, func() error { <-ctx.Done(); return nil })
	}, 1008},
	{"violation", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		p.Send(rawpeer.Text("x").WithRSV(rawpeer.RSV3))
		return rawpeer.GoErr(t, func() error {
			if err := conntest.ReadErr(t.Context(), c); !errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("got %w, want a violation", err)
			}
			return nil
		})
	}, 1002},
	{"violation while closing", func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) *rawpeer.Call[struct{}] {
		closing := closing(t, c)
		p.Send(rawpeer.Text("x").WithRSV(rawpeer.RSV3))
		return rawpeer.GoErr(t, func() error {
			if closing.Err() == nil {
				return errors.New("got no error of Close after a violation")
			}
			return nil
		})
	}, 1000},
}

// What is discarded takes few reads, and the close frame is read, however long
// the frames are that come in.
func TestDiscardInFewReads(t *testing.T) {
	const size = 2 << 20
	frames := map[string]func() []rawpeer.Frame{
		"one frame": func() []rawpeer.Frame { return []rawpeer.Frame{rawpeer.Binary(make([]byte, size))} },
		"frames of 5000 bytes": func() []rawpeer.Frame {
			return conntest.Fragmented(rawpeer.Binary(make([]byte, size)), 5000)
		},
		"messages of 70000 bytes": func() (frames []rawpeer.Frame) {
			for range size / 70_000 {
				frames = append(frames, rawpeer.Binary(make([]byte, 70_000)))
			}
			return frames
		},
	}
	for _, role := range conntest.Roles {
		for _, d := range discardings {
			for name, frames := range frames {
				inBubble(t, strings.Join([]string{role.Name, d.name, name}, "/"), func(t *testing.T) {
					var reads atomic.Int64
					pipe := &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded, ResetUnread: true}
					n := countedNetwork{rawpeer.Listen(pipe), role.Name == "client", &reads}
					c, p := role.Connect(t, n, new(conntest.Options))
					defer c.CloseNow()
					c.SetReadLimit(-1)
					call := d.begin(t, c, p)
					before := reads.Load()
					p.Send(frames()...)
					p.WantClose(d.code)
					p.SendClose(1000, "")
					call.Want()
					if got := reads.Load() - before; got > maxReads(size) {
						t.Errorf("took %d reads, want %d at most", got, maxReads(size))
					}
				})
			}
		}
	}
}

// A frame of which the first bytes were read is discarded in few reads, too.
func TestDiscardRestInFewReads(t *testing.T) {
	const size = 2 << 20
	for _, role := range conntest.Roles {
		inBubble(t, role.Name, func(t *testing.T) {
			var reads atomic.Int64
			pipe := &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded, ResetUnread: true}
			n := countedNetwork{rawpeer.Listen(pipe), role.Name == "client", &reads}
			c, p := role.Connect(t, n, new(conntest.Options))
			defer c.CloseNow()
			c.SetReadLimit(-1)
			p.SendBinary(make([]byte, size))
			conntest.WantRead(t, conntest.WantReader(t, c), "\x00")
			before := reads.Load()
			call := closing(t, c)
			p.WantClose(1000)
			p.SendClose(1000, "")
			call.Want()
			if got := reads.Load() - before; got > maxReads(size) {
				t.Errorf("took %d reads, want %d at most", got, maxReads(size))
			}
		})
	}
}

// tlsPeerConfigs are those of a server and of a client that trusts it. Records are of
// full length.
func tlsPeerConfigs() (server, client *tls.Config) {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	s.Close()
	server = s.TLS.Clone()
	server.DynamicRecordSizingDisabled = true
	client = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.DynamicRecordSizingDisabled = true
	client.ServerName = "example.com"
	return server, client
}

// overTLSPeer runs test for both roles with a raw peer over TLS, in real time.
func overTLSPeer(t *testing.T, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer)) {
	t.Helper()
	server, client := tlsPeerConfigs()
	for _, role := range conntest.Roles {
		t.Run(role.Name+"/tls", func(t *testing.T) {
			c, p := role.Connect(t, tlsPeerNetwork{rawpeer.ListenLoopback(t), server, client}, new(conntest.Options))
			defer c.CloseNow()
			test(t, c, p)
		})
	}
}

// Over TLS a record takes one read.
func TestDiscardInFewReadsOverTLS(t *testing.T) {
	const size = 4 << 20
	server, client := tlsPeerConfigs()
	for _, role := range conntest.Roles {
		t.Run(role.Name, func(t *testing.T) {
			var reads atomic.Int64
			pipe := &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded, ResetUnread: true}
			n := countedNetwork{rawpeer.Listen(pipe), role.Name == "client", &reads}
			c, p := role.Connect(t, tlsPeerNetwork{n, server, client}, new(conntest.Options))
			defer c.CloseNow()
			p.SendBinary(make([]byte, size))
			before := reads.Load()
			call := closing(t, c)
			p.WantClose(1000)
			p.SendClose(1000, "")
			call.Want()
			if got := reads.Load() - before; got > maxReads(size) {
				t.Errorf("took %d reads, want %d at most", got, maxReads(size))
			}
		})
	}
}

// tlsPeerNetwork is a network with TLS on each connection.
type tlsPeerNetwork struct {
	rawpeer.Network
	server, client *tls.Config
}

func (n tlsPeerNetwork) Dial(ctx context.Context) (net.Conn, error) {
	conn, err := n.Network.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return tls.Client(conn, n.client), nil
}

func (n tlsPeerNetwork) Accept() (net.Conn, error) {
	conn, err := n.Network.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(conn, n.server), nil
}

// A peer that sends a long message before it reads, gets to read why it was
// refused.
func TestViolationIsReadBehindLongMessage(t *testing.T) {
	const size = 5 << 20
	test := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		p.SendBinary(make([]byte, size)) // returns when all is with the network
		p.WantClose(1009)
		p.SendClose(1009, "")
		conntest.WantError(t, read.Err(), websocket.ErrMessageTooBig)
	}
	conntest.OverTCP(t, nil, test)
	overTLSPeer(t, test)
}

// A peer that breaks the rules while this side closes, and goes on sending, gets
// to read the close frame.
func TestCloseIsReadDespiteViolation(t *testing.T) {
	const size = 5 << 20
	test := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		call := closing(t, c)
		p.Send(rawpeer.Text("x").WithRSV(rawpeer.RSV3), rawpeer.Binary(make([]byte, size)))
		p.WantClose(1000)
		p.SendClose(1000, "")
		if call.Err() == nil {
			t.Error("got no error of a Close that ended with a violation")
		}
	}
	conntest.OverTCP(t, nil, test)
	overTLSPeer(t, test)
}

// What is discarded takes no memory.
func TestDrainAllocatesLittle(t *testing.T) {
	const size, most = 8 << 20, 1 << 20
	conntest.ForBothRoles(t, &conntest.Options{Pipe: &rawpeer.PipeOptions{Capacity: rawpeer.Unbounded}}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Text("x").WithRSV(rawpeer.RSV3), rawpeer.Binary(make([]byte, size)), rawpeer.Close(1000, ""))
		n := conntest.Allocated(func() { conntest.WantClosed(t, conntest.ReadErr(t.Context(), c), -1) })
		if n > most {
			t.Errorf("allocated %d bytes while %d were discarded, want %d at most", n, size, most)
		}
		p.WantClose(1002)
	})
}
