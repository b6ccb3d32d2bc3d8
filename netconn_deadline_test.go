//go:build !js

package websocket_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// A deadline passes with a frame half read: the stream goes on where it was.
func TestNetConnReadDeadline(t *testing.T) {
	const first, second = "the first message", "the second"
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			opts := &conntest.Options{Compression: mode.mode}
			forBothNetConns(t, opts, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
				deflater := rawpeer.NewDeflater(opts.Takeover())
				raw := func(s string) []byte {
					f := rawpeer.Binary([]byte(s))
					if mode.mode != websocket.CompressionDisabled {
						f = rawpeer.Binary(deflater.Message([]byte(s))).WithRSV(rawpeer.RSV1)
					}
					return rawpeer.AppendFrame(nil, p.Masked(f))
				}
				for i := range len(first) + 5 {
					b := append(raw(first), raw(second)...)
					cut := min(i, len(b)-1)
					p.SendRaw(b[:cut])
					start := time.Now()
					nc.SetReadDeadline(start.Add(time.Second))
					got, err := io.ReadAll(nc)
					conntest.WantTimeout(t, err)
					if took := time.Since(start); took != time.Second {
						t.Errorf("took %v", took)
					}
					_, err = nc.Read(make([]byte, 1))
					conntest.WantTimeout(t, err)
					nc.SetReadDeadline(time.Time{})
					p.SendRaw(b[cut:])
					conntest.WantRead(t, io.MultiReader(bytes.NewReader(got), nc), first+second)
				}
			})
		})
	}
}

// After a deadline that has passed nothing is read, be it there or not, and
// nothing written.
func TestNetConnPastDeadline(t *testing.T) {
	forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
		p.SendBinary([]byte("here"))
		conntest.WantRead(t, nc, "he") // the rest is in memory
		p.SendBinary([]byte("next"))
		p.CountWrites()
		for _, past := range []time.Time{time.Now().Add(-time.Hour), time.Unix(1, 0), time.Now()} {
			nc.SetDeadline(past)
			for range 2 {
				n, err := nc.Read(make([]byte, 10))
				conntest.WantTimeout(t, err)
				if n != 0 {
					t.Errorf("read %d bytes past the deadline", n)
				}
				for _, size := range []int{0, 10, 100_000} {
					n, err = nc.Write(make([]byte, size))
					conntest.WantTimeout(t, err)
					if n != 0 {
						t.Errorf("wrote %d bytes past the deadline", n)
					}
				}
			}
		}
		p.WantWrites(0)
		nc.SetDeadline(time.Time{})
		conntest.WantRead(t, nc, "renext")
		nc.Write([]byte("and on"))
		p.WantBinary([]byte("and on"))
	})
}

// A deadline may be moved while a call waits.
func TestNetConnMovedDeadline(t *testing.T) {
	const minute = time.Minute
	for _, test := range []struct {
		name       string
		begin, set time.Duration // 0 is never
		want       time.Duration
	}{
		{"later", minute, 3 * minute, 3 * minute},
		{"sooner", 3 * minute, 2 * minute, 2 * minute},
		{"first", 0, 2 * minute, 2 * minute},
		{"past", 3 * minute, -minute, minute / 2},
		{"past, first", 0, -minute, minute / 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
				start := time.Now()
				at := func(d time.Duration) time.Time {
					if d == 0 {
						return time.Time{}
					}
					return start.Add(d)
				}
				conntest.UnderTest(p).SetCapacity(10)
				nc.SetDeadline(at(test.begin))
				timed := func(call func() (int, error)) *rawpeer.Call[time.Duration] {
					return rawpeer.Go(t, func() (time.Duration, error) {
						_, err := call()
						return time.Since(start), err
					})
				}
				calls := []*rawpeer.Call[time.Duration]{
					timed(func() (int, error) { return nc.Read(make([]byte, 1)) }),
					timed(func() (int, error) { return nc.Write(make([]byte, 100_000)) }),
				}
				synctest.Wait()
				calls = append(calls, timed(func() (int, error) { return nc.Write(make([]byte, 10)) })) // waits for its turn
				time.Sleep(minute / 2)
				for _, call := range calls {
					if call.Returned() {
						t.Fatal("a call returned before its deadline")
					}
				}
				nc.SetDeadline(at(test.set))
				time.Sleep(5 * minute) // past all of them
				for i, call := range calls {
					took, err := call.Result()
					conntest.WantTimeout(t, err)
					if took != test.want {
						t.Errorf("call %d took %v, want %v", i, took, test.want)
					}
				}
			})
		})
	}

	t.Run("taken back", func(t *testing.T) {
		forBothNetConns(t, nil, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
			conntest.UnderTest(p).SetCapacity(10)
			nc.SetDeadline(time.Now().Add(time.Minute))
			reading := rawpeer.GoErr(t, func() error { _, err := nc.Read(make([]byte, 1)); return err })
			writing := rawpeer.GoErr(t, func() error { _, err := nc.Write([]byte(conntest.Filler(50_000))); return err })
			synctest.Wait()
			nc.SetDeadline(time.Time{})
			time.Sleep(time.Hour)
			if reading.Returned() || writing.Returned() {
				t.Fatal("a call ran into a deadline that was taken back")
			}
			p.SendBinary([]byte("x"))
			reading.Want()
			wantStream(t, p, rawpeer.NoTakeover, conntest.Filler(50_000))
			writing.Want()
		})
	})
}

// A Write that ran into its deadline says how many bytes the peer gets of it,
// which go out as soon as there is room, and the next Write follows them.
func TestNetConnWriteDeadline(t *testing.T) {
	for _, mode := range modes {
		sizes := []int{10, 5000, 16 << 10, 100_000}
		if testing.Short() {
			sizes = sizes[:3]
		}
		for _, size := range sizes {
			for _, room := range []int{1, 3, 9, 4000, 16<<10 + 4, 16<<10 + 8, 16<<10 + 10, 40_000} {
				compressed := mode.mode != websocket.CompressionDisabled && size >= 1000
				if room >= size || compressed && room > size/2 {
					continue // it goes out whole
				}
				t.Run(fmt.Sprintf("%s %d of %d", mode.name, room, size), func(t *testing.T) {
					opts := &conntest.Options{Compression: mode.mode}
					interrupted := func(t *testing.T, nc net.Conn, p *rawpeer.Peer) (sent int) {
						conntest.UnderTest(p).SetCapacity(room)
						start := time.Now()
						nc.SetWriteDeadline(start.Add(time.Second))
						sent, err := nc.Write([]byte(conntest.Filler(size)))
						conntest.WantTimeout(t, err)
						if took := time.Since(start); took != time.Second {
							t.Errorf("took %v", took)
						}
						if n, err := nc.Write([]byte("not now")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
							t.Errorf("got %d, %v past the deadline", n, err)
						}
						return sent
					}

					t.Run("and then nothing", func(t *testing.T) {
						forBothNetConns(t, opts, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
							sent := interrupted(t, nc, p)
							conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
							wantStream(t, p, opts.Takeover(), conntest.Filler(size)[:sent])
						})
					})
					t.Run("and then the rest", func(t *testing.T) {
						forBothNetConns(t, opts, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
							sent := interrupted(t, nc, p)
							nc.SetWriteDeadline(time.Time{})
							conntest.UnderTest(p).SetCapacity(max(room, 1000))
							rest := rawpeer.Go(t, func() (int, error) { return nc.Write([]byte(conntest.Filler(size)[sent:] + "and more")) })
							wantStream(t, p, opts.Takeover(), conntest.Filler(size)+"and more")
							rest.Want()
						})
					})
					t.Run("and then Close", func(t *testing.T) {
						forBothNetConns(t, opts, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
							sent := interrupted(t, nc, p)
							closing := rawpeer.GoErr(t, nc.Close)
							synctest.Wait()
							conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
							got := collect(t, p, opts.Takeover(), sent, 0)
							p.WantClose(1000)
							p.SendClose(1000, "")
							p.WantEOF()
							closing.Want()
							if got != conntest.Filler(size)[:sent] {
								t.Errorf("got %d bytes, want %d", len(got), sent)
							}
						})
					})
				})
			}
		}
	}
}

// A stream of many writes, each with a deadline that is too short, arrives
// whole.
func TestNetConnWriteDeadlines(t *testing.T) {
	stream := conntest.Filler(300_000)
	if testing.Short() {
		stream = conntest.Filler(100_000)
	}
	// write writes the stream, and counts the deadlines that it ran into.
	write := func(nc net.Conn, patience func(i int) time.Duration) (timeouts int, err error) {
		rest := stream
		for i := 0; rest != ""; i++ {
			nc.SetWriteDeadline(time.Now().Add(patience(i)))
			n, err := nc.Write([]byte(rest[:min(len(rest), 1+len(rest)/3)]))
			rest = rest[n:]
			if errors.Is(err, os.ErrDeadlineExceeded) {
				timeouts++
			} else if err != nil {
				return timeouts, err
			}
		}
		return timeouts, nil
	}
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			opts := &conntest.Options{Compression: mode.mode}
			forBothNetConns(t, opts, func(t *testing.T, nc net.Conn, p *rawpeer.Peer) {
				conntest.UnderTest(p).SetCapacity(1000)
				writing := rawpeer.Go(t, func() (int, error) {
					return write(nc, func(int) time.Duration { return 500 * time.Microsecond })
				})
				got := collect(t, p, opts.Takeover(), len(stream), 700*time.Microsecond)
				if timeouts := writing.Want(); timeouts == 0 {
					t.Error("no write ran into its deadline")
				}
				if got != stream {
					t.Error("the stream is not what was written")
				}
			})
			conntest.OverTCP(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				nc := websocket.NetConn(t.Context(), c, websocket.MessageBinary)
				writing := rawpeer.Go(t, func() (int, error) {
					// Longer with time, for what a write does before it begins to send.
					return write(nc, func(i int) time.Duration { return time.Duration(i%20<<min(i/20, 14)) * 50 * time.Microsecond })
				})
				if got := collect(t, p, opts.Takeover(), len(stream), 0); got != stream {
					t.Error("the stream is not what was written")
				}
				writing.Want()
			})
		})
	}
}
