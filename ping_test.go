//go:build !js

package websocket_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// A pong that has arrived takes precedence over a later end of the connection or of the
// context.
func TestPingAnsweredBeforeTheEnd(t *testing.T) {
	for _, end := range []string{"connection", "context"} {
		t.Run(end, func(t *testing.T) {
			for range 20 { // which of the two wakes Ping is random
				conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					c.CloseRead(t.Context())
					stream := conntest.UnderTest(p)
					stream.RecordWrites()
					// Both have happened when the Write of the ping returns.
					stream.AfterWriting(stream.Stats().BytesWritten+int64(frameSize(p, 1)), func() {
						ping, _, err := rawpeer.ParseFrame(slices.Concat(stream.RecordedWrites()...))
						if err != nil {
							t.Error(err)
						}
						p.SendPong(string(ping.Payload))
						time.Sleep(time.Second)
						if end == "connection" {
							p.CloseWrite()
						} else {
							cancel()
						}
						time.Sleep(time.Second)
					})
					conntest.WantNoError(t, c.Ping(ctx))
				})
			}
		})
	}
}

// A pong of the program is sent at once, even between the frames of a message, and its
// payload is not retained.
func TestPong(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		pong := func(payload string) {
			t.Helper()
			mine := []byte(payload)
			call := rawpeer.GoErr(t, func() error { return c.Pong(t.Context(), mine) })
			p.WantPong(payload)
			call.Want()
			if string(mine) != payload {
				t.Error("the caller's payload was changed")
			}
		}
		pong("")
		pong(strings.Repeat("p", 125))
		w := conntest.MustWriter(t, c, t.Context())
		conntest.MustAdd(t, w, "parts")
		pong("between frames")
		end := rawpeer.GoErr(t, w.Close)
		p.WantMessage(rawpeer.OpText, []byte("parts"))
		end.Want()
		wantUsable(t, c, p)
	})
}

// goPings makes n calls of Ping, one after the other, and returns them with the
// payloads of their pings.
func goPings(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, n int) (pings []*rawpeer.Call[struct{}], payloads []string) {
	t.Helper()
	for range n {
		pings = append(pings, rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) }))
		payload := p.WantPing()
		if slices.Contains(payloads, payload) {
			t.Fatalf("two pings with payload %q", payload)
		}
		payloads = append(payloads, payload)
	}
	return pings, payloads
}

// wantWaiting expects these calls to be blocked.
func wantWaiting(t *testing.T, pings ...*rawpeer.Call[struct{}]) {
	t.Helper()
	for i, ping := range pings {
		if ping.Returned() {
			t.Fatalf("ping %d of %d returned before its pong: %v", i+1, len(pings), ping.Err())
		}
	}
}

// A pong answers its ping and all earlier ones, but no later one.
func TestPongAnswersEarlierPings(t *testing.T) {
	test := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		const n = 30
		read := conntest.GoRead(t, c)
		pings, payloads := goPings(t, c, p, n)
		for _, last := range []int{0, 1, 9, 10, n - 1} {
			wantWaiting(t, pings[last:]...)
			p.SendPong(payloads[last])
			for _, ping := range pings[:last+1] {
				ping.Want()
			}
		}
		p.SendPong(payloads[0]) // answers no pending ping
		p.SendText("behind")
		read.Want()
	}
	conntest.ForBothRoles(t, nil, test)
	conntest.OverTCP(t, nil, test)
}

// A pong that is too late for its own ping answers the earlier ones.
func TestPongOfEndedPingAnswersEarlier(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		pings, _ := goPings(t, c, p, 2)
		ctx, cancel := context.WithCancel(t.Context())
		ended := rawpeer.GoErr(t, func() error { return c.Ping(ctx) })
		payload := p.WantPing()
		later, _ := goPings(t, c, p, 1)
		cancel()
		conntest.WantInterrupted(t, ended.Err(), context.Canceled)
		p.SendPong(payload)
		for _, ping := range pings {
			ping.Want()
		}
		synctest.Wait()
		wantWaiting(t, later...)
		c.CloseNow()
		conntest.WantClosed(t, later[0].Err(), -1)
		conntest.WantClosed(t, read.Err(), -1)
	})
}

// A pong answers a ping only if it has the payload of that ping or of a later one.
func TestPongOfAnother(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		read := conntest.GoRead(t, c)
		pings, payloads := goPings(t, c, p, 1)
		last := payloads[0]
		for _, other := range []string{"", "x", last + "0", "0" + last, "+" + last, " " + last, last + "\x00", conntest.LongestPayload} {
			p.SendPong(other)
		}
		synctest.Wait()
		wantWaiting(t, pings...)
		p.SendPong(last)
		pings[0].Want()
		p.SendText("behind")
		read.Want()
	})
}

// Between two ends of this library all pings are answered during a long message,
// although only some of the pongs fit in.
func TestPingsDuringLongMessage(t *testing.T) {
	const pings, size = 40, 1 << 20
	synctest.Test(t, func(t *testing.T) {
		var server *websocket.Conn
		accepted := make(chan struct{})
		n := rawpeer.Listen(nil)
		rawpeer.Serve(t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(accepted)
			var err error
			if server, err = websocket.Accept(w, r, nil); err != nil {
				t.Error(err)
			}
		}))
		client, _, err := websocket.Dial(t.Context(), rawpeer.URL, &websocket.DialOptions{HTTPClient: rawpeer.HTTPClient(n)})
		conntest.WantNoError(t, err)
		<-accepted
		defer client.CloseNow()
		defer server.CloseNow()

		server.CloseRead(t.Context())
		client.SetReadLimit(-1)
		write := rawpeer.GoErr(t, func() error {
			return server.Write(t.Context(), websocket.MessageBinary, make([]byte, size))
		})
		synctest.Wait() // the stream is full
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var calls []*rawpeer.Call[struct{}]
		for range pings {
			calls = append(calls, rawpeer.GoErr(t, func() error { return client.Ping(ctx) }))
		}
		synctest.Wait() // the server has received the pings
		read := rawpeer.GoErr(t, func() error {
			if err := conntest.ReadErr(t.Context(), client); err != nil {
				return err
			}
			client.CloseRead(t.Context())
			return nil
		})
		write.Want()
		read.Want()
		for _, call := range calls {
			call.Want()
		}
	})
}

// A Ping that fails because the connection is being closed returns that error, even if
// its context has ended, so a loop of pings does not interrupt Close.
func TestPingWhileClosing(t *testing.T) {
	for name, open := range map[string]func(t *testing.T, c *websocket.Conn){
		"sent": func(*testing.T, *websocket.Conn) {},
		"waits for its turn": func(t *testing.T, c *websocket.Conn) {
			goWrite(t, c, conntest.Filler(200_000))
			synctest.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				open(t, c)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				ping := rawpeer.GoErr(t, func() error { return c.Ping(ctx) })
				synctest.Wait()
				closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
				conntest.WantClosed(t, ping.Err(), -1)
				if closing.Returned() {
					t.Error("Close returned before the peer's close frame")
				}
				conntest.WantClosed(t, c.Ping(t.Context()), -1)
				c.CloseNow()
				closing.Err()
			})
		})
	}
}

// keepAlive is a loop that programs have around Ping. It decides by the error of Ping
// whether to close the connection.
func keepAlive(ctx context.Context, c *websocket.Conn) {
	ticker := time.NewTicker(30 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		pong, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := c.Ping(pong)
		cancel()
		switch {
		case err == nil:
		case ctx.Err() != nil, errors.Is(err, net.ErrClosed):
			return // Close may be under way: do not interrupt it
		default:
			c.CloseNow() // no pong arrived
			return
		}
	}
}

// goKeepAlive runs keepAlive during a read.
func goKeepAlive(t *testing.T, c *websocket.Conn) (loop *rawpeer.Call[struct{}], end context.CancelFunc) {
	ctx, cancel := context.WithCancel(t.Context())
	c.CloseRead(t.Context())
	return rawpeer.GoErr(t, func() error { keepAlive(ctx, c); return nil }), cancel
}

// The loop pings while the peer answers, and closes the connection when it does not.
func TestKeepAlive(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Timeout = time.Hour
		start := time.Now()
		loop, cancel := goKeepAlive(t, c)
		defer cancel()
		for range 3 {
			p.SendPong(p.WantPing())
		}
		p.WantPing()
		p.WantEnd()
		loop.Want()
		if d := time.Since(start); d != 130*time.Second {
			t.Errorf("ended after %v", d)
		}
		conntest.WantEnded(t, c, -1)
	})
}

// The loop does not interrupt a Close under way, even if its ping is not answered.
func TestKeepAliveWhileClosing(t *testing.T) {
	for _, late := range []time.Duration{0, time.Second, 4 * time.Second} { // after the ping's timeout, or before
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			p.Timeout = time.Hour
			loop, cancel := goKeepAlive(t, c)
			defer cancel()
			p.WantPing()
			time.Sleep(9 * time.Second)
			closing := goClose(t, c, websocket.StatusGoingAway, "")
			p.WantClose(1001)
			time.Sleep(late)
			p.SendClose(1001, "")
			closing.Want()
			loop.Want()
			conntest.WantEnded(t, c, 1001)
		})
	}
}

// A program that ends the loop and then closes gets a regular close handshake.
func TestKeepAliveEnded(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Timeout = time.Hour
		loop, cancel := goKeepAlive(t, c)
		p.WantPing()
		cancel()
		loop.Want()
		closing := goClose(t, c, websocket.StatusGoingAway, "")
		p.WantClose(1001)
		p.SendClose(1001, "")
		closing.Want()
	})
}

// The timeouts of the tests below.
const (
	pingInterval = 30 * time.Second
	pingTimeout  = 10 * time.Second
	writeTimeout = 20 * time.Second
)

var livenessOptions = &conntest.Options{PingInterval: pingInterval, PingTimeout: pingTimeout}

// wantEndAt expects a call to end at a time, with an error that is not a timeout.
func wantEndAt(t *testing.T, end time.Time, call interface{ Err() error }, want error) {
	t.Helper()
	err := call.Err()
	if now := time.Now(); !now.Equal(end) {
		t.Errorf("the call ended %v after the time", now.Sub(end))
	}
	conntest.WantError(t, err, want)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		t.Errorf("%v is a timeout", err)
	}
}

// A silent peer is pinged after PingInterval, and the connection fails after
// PingTimeout.
func TestPingInterval(t *testing.T) {
	conntest.ForBothRoles(t, livenessOptions, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Timeout = time.Hour
		time.Sleep(7 * time.Second)
		start := time.Now()
		read := conntest.GoRead(t, c)
		p.WantSilence(pingInterval - 1)
		p.WantPing()
		if since := time.Since(start); since != pingInterval {
			t.Errorf("the ping came after %v", since)
		}
		wantEndAt(t, start.Add(pingInterval+pingTimeout), read, websocket.ErrPingTimeout)
		<-c.Done()
		conntest.WantError(t, c.Err(), websocket.ErrPingTimeout)
		conntest.WantError(t, c.Ping(t.Context()), websocket.ErrPingTimeout)
	})
}

// Any received bytes keep the connection open, and restart the interval.
func TestPingIntervalAnswered(t *testing.T) {
	for name, answer := range map[string]func(p *rawpeer.Peer, ping string){
		"pong":         func(p *rawpeer.Peer, ping string) { p.SendPong(ping) },
		"other pong":   func(p *rawpeer.Peer, ping string) { p.SendPong("hello") },
		"ping":         func(p *rawpeer.Peer, ping string) { p.SendPing(""); p.WantPong("") },
		"a first byte": func(p *rawpeer.Peer, ping string) { p.SendRaw([]byte{0x82}) },
	} {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, livenessOptions, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				p.Timeout = time.Hour
				read := conntest.GoRead(t, c)
				ping := p.WantPing()
				time.Sleep(pingTimeout - time.Second)
				answer(p, ping)
				start := time.Now()
				p.WantSilence(pingInterval - 1)
				p.WantPing()
				if name == "pong" && c.RoundTrip() != pingTimeout-time.Second {
					t.Errorf("the round trip is %v", c.RoundTrip())
				}
				wantEndAt(t, start.Add(pingInterval+pingTimeout), read, websocket.ErrPingTimeout)
			})
		})
	}
}

// The round trip is that of the ping that was answered, not of one before it that the peer
// has left out (RFC 6455 section 5.5.3), nor of the same ping again.
func TestRoundTrip(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		c.CloseRead(t.Context())
		want := func(d time.Duration) {
			t.Helper()
			synctest.Wait()
			if got := c.RoundTrip(); got != d {
				t.Fatalf("the round trip is %v, want %v", got, d)
			}
		}
		pings, payloads := goPings(t, c, p, 1)
		time.Sleep(10 * time.Second)
		more, last := goPings(t, c, p, 1)
		want(0)
		time.Sleep(time.Second)
		p.SendPong(last[0])
		want(time.Second)
		time.Sleep(time.Second)
		p.SendPong(last[0])
		want(time.Second)
		p.SendPong(payloads[0])
		want(12 * time.Second) // late, and no answer to a call
		for _, ping := range append(pings, more...) {
			ping.Want()
		}
	})
}

// Messages are received bytes too: a peer that sends them is not pinged.
func TestPingIntervalOfBusyPeer(t *testing.T) {
	conntest.ForBothRoles(t, livenessOptions, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Timeout = time.Hour
		go func() {
			for conntest.ReadErr(t.Context(), c) == nil {
			}
		}()
		for range 200 {
			p.SendText("hi")
			p.WantSilence(time.Second)
		}
		start := time.Now()
		p.WantPing()
		if since := time.Since(start); since < pingInterval-time.Second || since > pingInterval+pingInterval/4 {
			t.Errorf("the ping came after %v", since)
		}
		wantSoon := start.Add(pingInterval + pingInterval/4 + pingTimeout)
		<-c.Done()
		if time.Now().After(wantSoon) {
			t.Error("the end came late")
		}
	})
}

// The time between reads does not count as silence, before a ping and after it.
func TestPingIntervalWhileBusy(t *testing.T) {
	conntest.ForBothRoles(t, livenessOptions, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Timeout = 24 * time.Hour
		p.WantSilence(time.Hour)
		p.SendText("first")
		conntest.WantText(t, c, "first")
		p.WantSilence(time.Hour)

		p.Send(rawpeer.Text("in ").More())
		r := conntest.WantReader(t, c)
		conntest.WantRead(t, r, "in ")
		p.WantSilence(time.Hour)

		read := rawpeer.GoErr(t, func() error { _, err := r.Read(make([]byte, 10)); return err })
		p.WantPing()
		time.Sleep(pingTimeout - 1)
		p.SendRaw(rawpeer.AppendFrame(nil, p.Masked(rawpeer.Continuation("parts"))))
		read.Want()
		p.WantSilence(time.Hour) // without a pong, but there is no read
		start := time.Now()
		end := conntest.GoRead(t, c)
		p.WantPing()
		if since := time.Since(start); since != pingInterval {
			t.Errorf("the ping came after %v", since)
		}
		wantEndAt(t, start.Add(pingInterval+pingTimeout), end, websocket.ErrPingTimeout)
	})
}

// A lost peer is also detected by a program that reads with short timeouts.
func TestPingIntervalOfShortReads(t *testing.T) {
	conntest.ForBothRoles(t, livenessOptions, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Timeout = time.Hour
		start := time.Now()
		for {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			err := conntest.ReadErr(ctx, c)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				conntest.WantError(t, err, websocket.ErrPingTimeout)
				break
			}
			time.Sleep(time.Second / 2) // is not counted
		}
		if took := time.Since(start); took < 3*(pingInterval+pingTimeout)/2-time.Second || took > 2*(pingInterval+pingTimeout) {
			t.Errorf("the end came after %v", took)
		}
	})
}

// A blocked writer prevents the ping, but not the end of the connection.
func TestPingIntervalWhileWriterIsStuck(t *testing.T) {
	conntest.ForBothRoles(t, livenessOptions, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Timeout = time.Hour
		conntest.UnderTest(p).StallWrites()
		start := time.Now()
		write := rawpeer.GoErr(t, func() error { return c.Write(t.Context(), websocket.MessageBinary, make([]byte, 1<<20)) })
		read := conntest.GoRead(t, c)
		wantEndAt(t, start.Add(pingInterval+pingTimeout), read, websocket.ErrPingTimeout)
		conntest.WantError(t, write.Err(), websocket.ErrPingTimeout)
	})
}

// The connection fails after WriteTimeout if the peer sends but does not read,
// regardless of earlier writes and of received messages.
func TestWriteTimeout(t *testing.T) {
	for name, write := range map[string]func(t *testing.T, c *websocket.Conn) error{
		"Write": func(t *testing.T, c *websocket.Conn) error {
			return c.Write(t.Context(), websocket.MessageText, []byte("x"))
		},
		"large Write": func(t *testing.T, c *websocket.Conn) error {
			return c.Write(t.Context(), websocket.MessageBinary, make([]byte, 1<<20))
		},
		"Ping": func(t *testing.T, c *websocket.Conn) error { return c.Ping(t.Context()) },
		"short timeout": func(t *testing.T, c *websocket.Conn) error {
			var err error
			for err == nil || errors.Is(err, context.DeadlineExceeded) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				err = c.Write(ctx, websocket.MessageText, nil)
				cancel()
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{WriteTimeout: writeTimeout}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				p.Timeout = time.Hour
				go func() {
					for conntest.ReadErr(t.Context(), c) == nil {
					}
				}()
				for range 50 {
					conntest.MustWriteText(t, c, "hello")
					p.WantText("hello")
				}
				time.Sleep(time.Hour)
				conntest.UnderTest(p).StallWrites()
				start := time.Now()
				call := rawpeer.GoErr(t, func() error { return write(t, c) })
				for time.Since(start) < writeTimeout-time.Second {
					p.SendText("I am here")
					time.Sleep(time.Second / 4)
				}
				conntest.WantError(t, call.Err(), websocket.ErrWriteTimeout)
				if took := time.Since(start); took < writeTimeout || took > writeTimeout+writeTimeout/4 { // later by one check without a call under way
					t.Errorf("it took %v, want %v", took, writeTimeout)
				}
			})
		})
	}
}

// WriteTimeout also applies while the connection is being closed, however long CloseContext
// may take. Silence is of no importance then.
func TestWriteTimeoutWhileClosing(t *testing.T) {
	options := &conntest.Options{PingInterval: pingInterval, PingTimeout: pingTimeout, WriteTimeout: writeTimeout}
	for name, send := range map[string]func(t *testing.T, c *websocket.Conn){
		"close frame": func(t *testing.T, c *websocket.Conn) {},
		"Post":        func(t *testing.T, c *websocket.Conn) { conntest.WantNoError(t, c.Post(prepared(t, "stuck"))) },
		"Write": func(t *testing.T, c *websocket.Conn) {
			go c.Write(t.Context(), websocket.MessageBinary, make([]byte, 1<<20))
			synctest.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			conntest.ForBothRoles(t, options, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				p.Timeout = 2 * time.Hour
				conntest.UnderTest(p).StallWrites()
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				start := time.Now()
				send(t, c)
				wantEndAt(t, start.Add(writeTimeout), rawpeer.GoErr(t, func() error { return c.CloseContext(ctx, 1000, "") }), websocket.ErrWriteTimeout)
			})
		})
	}
	t.Run("a reader", func(t *testing.T) {
		conntest.ForBothRoles(t, options, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			closing := rawpeer.GoErr(t, func() error { return c.CloseContext(ctx, 1000, "") })
			p.WantClose(1000)
			time.Sleep(time.Hour - time.Second)
			p.SendClose(1000, "")
			conntest.WantNoError(t, closing.Err())
		})
	})
}

// A slow peer gets all bytes, as long as it reads.
func TestWriteTimeoutOfSlowPeer(t *testing.T) {
	opts := &conntest.Options{WriteTimeout: writeTimeout, Pipe: &rawpeer.PipeOptions{Capacity: 1 << 10}}
	conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.Stream().SetDeadline(time.Time{})
		message := make([]byte, 1<<20)
		call := rawpeer.GoErr(t, func() error { return c.Write(t.Context(), websocket.MessageBinary, message) })
		for buf := make([]byte, 32<<10); !call.Returned(); time.Sleep(writeTimeout - time.Second) {
			synctest.Wait()
			if _, err := io.ReadFull(p.Stream(), buf); err != nil {
				break
			}
			if synctest.Wait(); call.Returned() {
				break
			}
		}
		call.Want()
	})
}

// A socket whose buffer is full takes more when a third of it is free. A peer that reads
// at a constant rate is served however long that takes. An attempt counts if the peer
// has read in time, on a busy machine.
func TestWriteTimeoutOfSlowPeerOverTCP(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		return // parts of 16 KiB count there, as documented
	}
	const bound, piece, pause = time.Second, 8 << 10, 10 * time.Millisecond
	slowly := func(t *testing.T, c *websocket.Conn, p net.Conn) (longest time.Duration, call *rawpeer.Call[struct{}]) {
		call = rawpeer.GoErr(t, func() error { return c.Write(t.Context(), websocket.MessageBinary, make([]byte, 32<<20)) })
		ticks := time.NewTicker(pause)
		defer ticks.Stop()
		last := time.Now()
		for range 3 * bound / pause {
			now := <-ticks.C
			longest, last = max(longest, now.Sub(last)), now
			if _, err := io.ReadFull(p, make([]byte, piece)); err != nil || call.Returned() {
				break
			}
		}
		return longest, call
	}
	for name, conn := range map[string]func(t *testing.T) (*websocket.Conn, net.Conn){
		"tcp": func(t *testing.T) (*websocket.Conn, net.Conn) {
			ours, theirs := rawpeer.Connect(t, rawpeer.ListenLoopback(t))
			return acceptedOn(t, ours, bound), theirs
		},
		"tls": func(t *testing.T) (*websocket.Conn, net.Conn) {
			config, peerConfig := tlsPeerConfigs()
			ours, theirs := rawpeer.Connect(t, rawpeer.ListenLoopback(t))
			peer := tls.Client(theirs, peerConfig)
			handshake := rawpeer.GoErr(t, peer.Handshake)
			c := acceptedOn(t, tls.Server(ours, config), bound)
			handshake.Want()
			return c, peer
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 5 {
				c, p := conn(t)
				defer c.CloseNow()
				defer p.Close()
				longest, call := slowly(t, c, p)
				if call.Returned() && longest > bound/4 {
					continue
				}
				if call.Returned() {
					t.Fatalf("got %v of a write to a peer that reads every %v", call.Err(), longest)
				}
				conntest.WantNoError(t, c.Err())
				conntest.WantError(t, call.Err(), websocket.ErrWriteTimeout) // it reads no more
				return
			}
			t.Fatal("the machine is too busy")
		})
	}
}

// acceptedOn returns a connection over conn with a WriteTimeout.
func acceptedOn(t *testing.T, conn net.Conn, bound time.Duration) *websocket.Conn {
	t.Helper()
	return rawpeer.AcceptedOn(t, conn, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
		return websocket.Accept(w, r, &websocket.AcceptOptions{WriteTimeout: bound})
	})
}

// The timer does not prevent the collection of a connection.
func TestDroppedConnWithTimerIsCollected(t *testing.T) {
	collected := make(chan struct{})
	func() {
		ours, theirs := rawpeer.Connect(t, rawpeer.Listen(nil))
		c := rawpeer.AcceptedOn(t, ours, nil, func(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
			return websocket.Accept(w, r, &websocket.AcceptOptions{PingInterval: time.Hour, WriteTimeout: time.Hour})
		})
		p := rawpeer.NewPeer(t, theirs, rawpeer.Client)
		p.SendText("hello")
		conntest.WantText(t, c, "hello")
		conntest.MustWriteText(t, c, "hello")
		runtime.AddCleanup(c, func(c chan struct{}) { close(c) }, collected)
	}()
	limit := time.After(time.Minute)
	for {
		runtime.GC()
		select {
		case <-collected:
			return
		case <-limit:
			t.Fatal("the timer keeps the Conn")
		default:
			runtime.Gosched()
		}
	}
}
