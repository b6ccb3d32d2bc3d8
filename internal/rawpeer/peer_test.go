package rawpeer

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// failTB is a testing.TB for tests that should fail; failure is the message.
type failTB struct {
	testing.TB
	failure string
}

func (tb *failTB) Fatalf(format string, args ...any) {
	tb.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failureOf returns the failure message of test, or "".
func failureOf(tb testing.TB, test func(tb testing.TB)) string {
	f := &failTB{TB: tb}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(f)
	}()
	<-done
	return f.failure
}

// peers returns a client and a server connected to each other.
func peers(tb testing.TB, conns func() (net.Conn, net.Conn)) (client, server *Peer) {
	a, b := conns()
	return NewPeer(tb, a, Client), NewPeer(tb, b, Server)
}

// dialogues runs test from both sides, in memory and over TCP.
func dialogues(t *testing.T, test func(t *testing.T, p, other *Peer)) {
	for _, role := range []Role{Client, Server} {
		swap := func(client, server *Peer) (p, other *Peer) {
			if role == Client {
				return client, server
			}
			return server, client
		}
		t.Run(role.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := Listen(&PipeOptions{Capacity: Unbounded}) // one goroutine plays both sides
				p, other := swap(peers(t, func() (net.Conn, net.Conn) { return Connect(t, n) }))
				test(t, p, other)
			})
		})
		t.Run(role.String()+"/tcp", func(t *testing.T) {
			p, other := swap(peers(t, func() (net.Conn, net.Conn) { return Connect(t, ListenLoopback(t)) }))
			test(t, p, other)
		})
	}
}

func TestPeerFrames(t *testing.T) {
	dialogues(t, func(t *testing.T, p, other *Peer) {
		p.SendText("hello")
		other.WantText("hello")
		p.SendBinary(make([]byte, 70000))
		other.WantBinary(make([]byte, 70000))
		p.SendPing("1")
		other.SendPong(other.WantPing())
		p.WantPong("1")
		p.Send(Text("a").More(), Ping("between"), Continuation("b"))
		other.Want(Text("a").More(), Ping("between"), Continuation("b"))
		p.SendPieces(1, Text("slow"), Text("ly"))
		other.WantText("slow")
		other.WantText("ly")
		other.WantSilence(10 * time.Millisecond)
		p.SendClose(1000, "bye")
		if reason := other.WantClose(1000); reason != "bye" {
			t.Fatalf("got reason %q, want bye", reason)
		}
		other.SendClose(NoCode, "")
		p.WantClose(NoCode)
		p.CloseWrite()
		other.WantEOF()
		other.Close()
		p.WantEnd()
	})
}

func TestPeerMessages(t *testing.T) {
	dialogues(t, func(t *testing.T, p, other *Peer) {
		p.Send(Text("a").More(), Continuation("").More(), Continuation("b"))
		if m := other.WantMessage(OpText, []byte("ab")); len(m.Frames) != 3 {
			t.Fatalf("got %d frames, want 3", len(m.Frames))
		}
		other.Inflates(ContextTakeover)
		deflater := NewDeflater(ContextTakeover)
		for range 3 {
			p.Send(Binary(deflater.Message([]byte("again and again"))).WithRSV(RSV1))
			other.WantMessage(OpBinary, []byte("again and again"))
		}
		p.Send(Deflated(Text("alone")))
		other.WantMessage(OpText, []byte("alone"))
		p.SendText("plain")
		other.WantMessage(OpText, []byte("plain"))
	})
}

func TestPeerReset(t *testing.T) {
	dialogues(t, func(t *testing.T, p, other *Peer) {
		p.SendText("hello")
		other.WantText("hello")
		p.Reset()
		other.WantReset()
	})
}

func TestPeerFails(t *testing.T) {
	for _, test := range []struct {
		name string
		send func(p *Peer)
		want func(p *Peer)
		says string // in the failure
	}{
		{"nothing", func(p *Peer) {}, func(p *Peer) { p.WantText("x") }, os.ErrDeadlineExceeded.Error()},
		{"another text", func(p *Peer) { p.SendText("y") }, func(p *Peer) { p.WantText("x") }, `want text "x"`},
		{"another type", func(p *Peer) { p.SendPing("x") }, func(p *Peer) { p.WantPong("x") }, `got  ping "x"`},
		{"a fragment", func(p *Peer) { p.Send(Text("x").More()) }, func(p *Peer) { p.WantText("x") }, "(more)"},
		{"a reserved bit", func(p *Peer) { p.Send(Text("x").WithRSV(RSV1)) }, func(p *Peer) { p.WantText("x") }, "RSV 100"},
		{"another code", func(p *Peer) { p.SendClose(1002, "") }, func(p *Peer) { p.WantClose(1000) }, "close 1002"},
		{"another reason", func(p *Peer) { p.SendClose(1000, "a") }, func(p *Peer) { p.WantCloseReason(1000, "b") }, `close 1000 "a"`},
		{"no silence", func(p *Peer) { p.SendText("x") }, func(p *Peer) { p.WantSilence(time.Hour) }, "want silence"},
		{"no silence at the end", func(p *Peer) { p.Close() }, func(p *Peer) { p.WantSilence(time.Hour) }, "want silence"},
		{"no end", func(p *Peer) { p.SendText("x") }, func(p *Peer) { p.WantEOF() }, `text "x"`},
		{"reset at the end", func(p *Peer) { p.Reset() }, func(p *Peer) { p.WantEOF() }, "reset"},
		{"no reset", func(p *Peer) { p.Close() }, func(p *Peer) { p.WantReset() }, "EOF"},
		{"half a frame", func(p *Peer) { p.SendRaw([]byte{0x81}); p.Close() }, func(p *Peer) { p.WantEOF() }, io.ErrUnexpectedEOF.Error()},
		{"masked", func(p *Peer) { p.SendRaw(AppendFrame(nil, Text("x").WithKey([4]byte{1}))) }, func(p *Peer) { p.WantText("x") }, "masked"},
		{"a long length", func(p *Peer) { p.SendRaw([]byte{0x81, 126, 0, 1, 'x'}) }, func(p *Peer) { p.WantText("x") }, ErrNotShortest.Error()},
		{"a huge length", func(p *Peer) { p.SendRaw(AppendHeader(nil, Text(""), Length64, 1<<62)) }, func(p *Peer) { p.WantText("x") }, "declares"},
		{"a control frame in a message", func(p *Peer) { p.Send(Text("x").More(), Ping("")) }, func(p *Peer) { p.ReadMessage() }, "ping"},
		{"compression", func(p *Peer) { p.Send(Deflated(Text("x"))) }, func(p *Peer) { p.ReadMessage() }, "RSV 100"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				failure := failureOf(t, func(tb testing.TB) {
					client, server := peers(tb, func() (net.Conn, net.Conn) { return Connect(tb, Listen(nil)) })
					client.SendText("before")
					server.WantText("before")
					test.send(server)
					test.want(client)
				})
				if !strings.Contains(failure, test.says) || !strings.Contains(failure, `sent text "before"`) {
					t.Fatalf("got failure %q, want %q in it, and the frames so far", failure, test.says)
				}
			})
		})
	}
}

func TestPeerWantWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := peers(t, func() (net.Conn, net.Conn) { return Connect(t, Listen(nil)) })
		client.CountWrites()
		server.Send(Text("one"), Text("write"))
		client.WantText("one")
		client.WantText("write")
		client.WantWrites(1)
	})
}

func TestCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		call := Go(t, func() (int, error) {
			<-release
			return 1, io.EOF
		})
		synctest.Wait()
		if call.Returned() {
			t.Fatal("the call returned")
		}
		failure := failureOf(t, func(tb testing.TB) {
			call.tb = tb
			call.Result()
		})
		if failure == "" {
			t.Fatal("no failure for a call that does not return")
		}
		close(release)
		call.tb = t
		if n, err := call.Result(); n != 1 || err != io.EOF {
			t.Fatalf("got %d, %v, want 1, EOF", n, err)
		}
	})
}
