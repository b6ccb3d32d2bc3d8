//go:build !js

package websocket_test

import (
	"context"
	"fmt"
	"io"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// A ping is answered with its payload, between messages and inside them, in all ways to
// read.
func TestPingIsAnswered(t *testing.T) {
	test := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		payloads := []string{"", "x", "\x00\xff", conntest.LongestPayload}
		read := conntest.GoRead(t, c)
		for _, payload := range payloads {
			p.SendPing(payload)
			p.WantPong(payload)
		}
		p.Send(rawpeer.Text("hel").More())
		for _, payload := range payloads {
			p.SendPing(payload)
			p.WantPong(payload)
		}
		p.Send(rawpeer.Continuation("lo"))
		if got := read.Want(); got.Payload != "hello" {
			t.Fatalf("got %v, want hello", got)
		}

		// Several at once, in order.
		for i := range 10 {
			p.SendPing(fmt.Sprint(i))
		}
		p.SendText("behind")
		conntest.WantText(t, c, "behind")
		for i := range 10 {
			p.WantPong(fmt.Sprint(i))
		}
	}
	conntest.ForBothRoles(t, nil, test)
	conntest.OverTCP(t, nil, test)
}

// A ping in pieces is answered when it is complete.
func TestPingInPieces(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		all := conntest.Pieces(p, 1, []rawpeer.Frame{rawpeer.Ping("ping")})
		for _, piece := range all[:len(all)-1] {
			p.SendRaw(piece)
			p.WantSilence(time.Second)
		}
		p.SendRaw(all[len(all)-1])
		p.WantPong("ping")
		p.Close()
		read.Err()
	})
}

// A called has the arguments of a callback.
type called struct {
	key     any // the context's value for contextKey
	payload string
}

type contextKey struct{}

// OnPingReceived decides whether a pong is sent. It is called with the context of the
// read that received the ping, and the ping's payload.
func TestOnPingReceived(t *testing.T) {
	forBothRolesCalled(t, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, calls *[]called) {
		ctx := func(v string) context.Context { return context.WithValue(t.Context(), contextKey{}, v) }
		p.Send(rawpeer.Ping("yes 1"), rawpeer.Ping("no 2"), rawpeer.Text("one"))
		if err := conntest.ReadErr(ctx("Read"), c); err != nil {
			t.Fatal(err)
		}
		p.Send(rawpeer.Ping("no 3"), rawpeer.Pong("pong 4"), rawpeer.Text("t").More())
		_, r, err := c.Reader(ctx("Reader"))
		if err != nil {
			t.Fatal(err)
		}
		conntest.WantRead(t, r, "t")
		p.Send(rawpeer.Ping("yes 5"), rawpeer.Continuation("wo"), rawpeer.Ping("no 6"), rawpeer.Pong(conntest.LongestPayload), rawpeer.Text("three"))
		conntest.WantRest(t, r, "wo")
		if err := conntest.ReadErr(ctx("last"), c); err != nil {
			t.Fatal(err)
		}
		want := []called{
			{"Read", "yes 1"}, {"Read", "no 2"},
			{"Reader", "no 3"}, {"Reader", "pong 4"}, {"Reader", "yes 5"},
			{"last", "no 6"}, {"last", conntest.LongestPayload},
		}
		if !slices.Equal(*calls, want) {
			t.Fatalf("called with %v, want %v", *calls, want)
		}
		p.WantPong("yes 1")
		p.WantPong("yes 5")
		p.WantSilence(time.Second)
	})
}

// forBothRolesCalled runs test with callbacks that record their calls. Pings that begin
// with "yes" are answered.
func forBothRolesCalled(t *testing.T, test func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, calls *[]called)) {
	t.Helper()
	var calls []called
	note := func(ctx context.Context, payload []byte) bool {
		calls = append(calls, called{ctx.Value(contextKey{}), string(payload)})
		return strings.HasPrefix(string(payload), "yes")
	}
	conntest.ForBothRoles(t, &conntest.Options{
		OnPing: note,
		OnPong: func(ctx context.Context, payload []byte) { note(ctx, payload) },
	}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		calls = nil
		test(t, c, p, &calls)
	})
}

// The pong is sent after the callback has returned.
func TestOnPingReceivedPrecedesPong(t *testing.T) {
	var onPing func()
	opts := &conntest.Options{OnPing: func(context.Context, []byte) bool { onPing(); return true }}
	conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		onPing = func() {
			if err := c.Write(t.Context(), websocket.MessageText, []byte("from the callback")); err != nil {
				t.Error(err)
			}
		}
		read := conntest.GoRead(t, c)
		p.SendPing("ping")
		p.WantText("from the callback")
		p.WantPong("ping")

		onPing = func() { c.CloseNow() }
		p.Send(rawpeer.Ping("ping"), rawpeer.Text("late"))
		conntest.WantClosed(t, read.Err(), -1)
		p.WantEnd()
	})
}

// An unsolicited pong has no effect, whatever its payload.
func TestUnsolicitedPongs(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Send(rawpeer.Pong(""), rawpeer.Pong("1"), rawpeer.Pong(conntest.LongestPayload),
			rawpeer.Text("he").More(), rawpeer.Pong("2"), rawpeer.Continuation("llo"))
		conntest.WantText(t, c, "hello")

		ping := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
		read := conntest.GoRead(t, c)
		payload := p.WantPing()
		for _, other := range []string{"", payload + "x", "x" + payload, payload + "\x00", conntest.LongestPayload} {
			p.SendPong(other)
		}
		synctest.Wait()
		if ping.Returned() {
			t.Fatalf("got %v for another's pong", ping.Err())
		}
		p.Send(rawpeer.Pong(payload), rawpeer.Pong(payload), rawpeer.Text("behind"))
		ping.Want()
		if got := read.Want(); got.Payload != "behind" {
			t.Fatalf("got %v, want behind", got)
		}
	})
}

// If the context of a ping that was sent ends, the connection stays open, and its pong
// may arrive later.
func TestPingContextEnds(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		ping := rawpeer.GoErr(t, func() error { return c.Ping(ctx) })
		late := p.WantPing()
		conntest.WantInterrupted(t, ping.Err(), context.DeadlineExceeded)
		if d := time.Since(start); d != time.Second {
			t.Fatalf("ended after %v, want a second", d)
		}

		ping = rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
		payload := p.WantPing()
		p.SendPong(late)
		synctest.Wait()
		if ping.Returned() {
			t.Fatalf("got %v for the pong of an earlier ping", ping.Err())
		}
		p.SendPong(payload)
		ping.Want()
		p.SendText("hello")
		read.Want()
	})
}

// A Ping with an ended context sends nothing.
func TestPingContextEndedBefore(t *testing.T) {
	test := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		conntest.WantInterrupted(t, c.Ping(ctx), context.Canceled)
		if err := c.Write(t.Context(), websocket.MessageText, []byte("first")); err != nil {
			t.Fatal(err)
		}
		p.WantText("first")
	}
	conntest.ForBothRoles(t, nil, test)
	conntest.OverTCP(t, nil, test)
}

// A waiting Ping ends with the connection, however that ends.
func TestPingOnConnectionThatEnds(t *testing.T) {
	for _, end := range ends {
		t.Run(end.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				ping := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
				p.WantPing()
				read := conntest.GoRead(t, c)
				synctest.Wait()
				end.end(t, c, p)
				err := read.Err()
				end.want(t, ping.Err(), websocket.CloseStatus(err))
				conntest.WantEnded(t, c, websocket.CloseStatus(err))
			})
		})
	}
}

// While a write is blocked, reads continue: the pings that arrive are answered as soon
// as the write returns. Beyond 16, the newest pong replaces the previous one.
func TestPongsWhileWriteIsStuck(t *testing.T) {
	for pings, answered := range map[int][]string{
		1:  {"0"},
		16: {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"},
		17: {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "16"},
		99: {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "98"},
	} {
		t.Run(fmt.Sprint(pings), func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				release := p.Stream().Peer().StallWrites()
				defer release()
				write := rawpeer.GoErr(t, func() error {
					return c.Write(t.Context(), websocket.MessageText, []byte("stuck"))
				})
				synctest.Wait()
				for i := range pings {
					p.Send(rawpeer.Ping(fmt.Sprint(i)), rawpeer.Text("behind"))
					conntest.WantText(t, c, "behind")
				}
				p.WantSilence(time.Second)
				release()
				p.WantText("stuck")
				for _, payload := range answered {
					p.WantPong(payload)
				}
				write.Want()
				p.WantSilence(time.Second)

				// Afterwards the connection works as before.
				p.Send(rawpeer.Ping("again"), rawpeer.Text("behind"))
				conntest.WantText(t, c, "behind")
				p.WantPong("again")
			})
		})
	}
}

// Over TCP the call that reads a ping sends the pong, without a goroutine, unless the
// socket is full.
func TestPongsWithoutGoroutines(t *testing.T) {
	conntest.OverTCP(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		const pings = 1000
		created := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
		metrics.Read(created)
		before := created[0].Value.Uint64()
		for i := range pings {
			payload := fmt.Sprint(i)
			p.Send(rawpeer.Ping(payload), rawpeer.Text("behind"))
			conntest.WantText(t, c, "behind")
			p.WantPong(payload)
		}
		metrics.Read(created)
		if n := created[0].Value.Uint64() - before; n > pings/10 {
			t.Errorf("%d goroutines were started for %d pongs", n, pings)
		}
	})
}

// The same inside a long frame that the peer does not read.
func TestPongsWhilePeerDoesNotRead(t *testing.T) {
	const long = 300_000
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		write := rawpeer.GoErr(t, func() error {
			return c.Write(t.Context(), websocket.MessageBinary, make([]byte, long))
		})
		synctest.Wait()
		for i := range 5 {
			p.Send(rawpeer.Ping(fmt.Sprint(i)), rawpeer.Text("behind"))
			conntest.WantText(t, c, "behind")
		}
		p.WantBinary(make([]byte, long))
		for i := range 5 {
			p.WantPong(fmt.Sprint(i))
		}
		write.Want()
	})
	// On a socket, the write may begin after some of the pings.
	const longer = 8 << 20 // than the capacity of sockets
	conntest.OverTCP(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		write := rawpeer.GoErr(t, func() error {
			return c.Write(t.Context(), websocket.MessageBinary, make([]byte, longer))
		})
		for i := range 5 {
			p.Send(rawpeer.Ping(fmt.Sprint(i)), rawpeer.Text("behind"))
			conntest.WantText(t, c, "behind")
		}
		for pongs, messages := 0, 0; pongs < 5 || messages < 1; {
			switch f := p.WantFrame(); f.Opcode {
			case rawpeer.OpPong:
				if string(f.Payload) != fmt.Sprint(pongs) {
					t.Fatalf("got %v, want pong %d", f, pongs)
				}
				pongs++
			case rawpeer.OpBinary:
				if len(f.Payload) != longer {
					t.Fatalf("got %d bytes, want %d", len(f.Payload), longer)
				}
				messages++
			}
		}
		write.Want()
	})
}

// A pong does not wait for the end of a fragmented message.
func TestPongBetweenFrames(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		const first = 20_000 // more than a frame
		w, err := c.Writer(t.Context(), websocket.MessageBinary)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, first)); err != nil {
			t.Fatal(err)
		}
		f := p.WantFrame()
		if f.Opcode != rawpeer.OpBinary || f.Fin {
			t.Fatalf("got %v, want the first frame of several", f)
		}
		p.Send(rawpeer.Ping("ping"), rawpeer.Text("behind"))
		conntest.WantText(t, c, "behind")
		p.WantPong("ping")
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		p.Want(rawpeer.Continuation(strings.Repeat("\x00", first-len(f.Payload))))
	})
}

// Nothing is sent after this side's close frame, not even a pong. The peer's frames are
// still read, up to its close frame.
func TestPingBehindCloseFrame(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
		p.WantClose(1000)
		p.Send(rawpeer.Ping("late"), rawpeer.Text("late"), rawpeer.Text("la").More(), rawpeer.Ping("late"), rawpeer.Continuation("te"), rawpeer.Text(""))
		p.WantSilence(time.Second)
		p.SendClose(1000, "")
		p.WantEOF()
		closing.Want()
	})
}

// Pings that arrive between reads are answered by the next read.
func TestPingIsAnsweredByNextRead(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendPing("early")
		p.WantSilence(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		conntest.WantInterrupted(t, conntest.ReadErr(ctx, c), context.DeadlineExceeded)
		p.WantPong("early")

		// A message's reader answers them too.
		p.Send(rawpeer.Text("he").More(), rawpeer.Ping("inside"))
		r := conntest.WantReader(t, c)
		conntest.WantRead(t, r, "he")
		p.WantSilence(time.Hour)
		rest := rawpeer.Go(t, func() ([]byte, error) { return io.ReadAll(r) })
		p.WantPong("inside")
		p.Send(rawpeer.Continuation("llo"))
		rest.Want()
	})
}
