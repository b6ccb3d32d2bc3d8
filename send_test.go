//go:build !js

package websocket_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// queue stalls the stream, and starts a Write of each message, each one after the
// previous one is blocked: the first one in the transport, the others in the queue.
func queue(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, messages ...string) (release func(), calls []*rawpeer.Call[struct{}]) {
	t.Helper()
	p.CountWrites()
	release = conntest.UnderTest(p).StallWrites()
	for _, m := range messages {
		calls = append(calls, goWrite(t, c, m))
		synctest.Wait()
	}
	return release, calls
}

// wantBatches expects the Writes of the connection under test to have contained these
// messages.
func wantBatches(t *testing.T, p *rawpeer.Peer, want ...[]string) {
	t.Helper()
	var got [][]string
	for _, write := range conntest.UnderTest(p).RecordedWrites() {
		frames, err := rawpeer.ParseFrames(write)
		if err != nil {
			t.Fatalf("a Write does not end where a frame does: %v", err)
		}
		var batch []string
		for _, f := range frames {
			batch = append(batch, string(f.Payload))
		}
		got = append(got, batch)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got the batches %.400v\nwant %.400v", got, want)
	}
}

// Writes that wait during another one are sent together, in the order in which they
// were queued.
func TestBatch(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		messages := strings.Fields("zero one two three four five six seven eight nine ten")
		release, calls := queue(t, c, p, messages...)
		for i, call := range calls {
			if call.Returned() {
				t.Fatalf("the write of %s returned before its bytes were taken", messages[i])
			}
		}
		release()
		for i, call := range calls {
			call.Want()
			p.WantText(messages[i])
		}
		wantBatches(t, p, messages[:1], messages[1:])
		wantUsable(t, c, p)
	})
}

// A large frame keeps its place in a batch, and is its last frame: its payload is not
// copied.
func TestBatchLargeInBetween(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		large := conntest.Filler(5000)
		messages := []string{"zero", "one", "two", large, "four", "five"}
		release, calls := queue(t, c, p, messages...)
		release()
		for i, call := range calls {
			call.Want()
			p.WantText(messages[i])
		}
		wantBatches(t, p, []string{"zero"}, []string{"one", "two", large}, []string{"four", "five"})
	})
}

// The largest frame that is copied into a batch has 4 KiB, and a batch has about 64 KiB
// at most.
func TestBatchSizes(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		const joins, most = 4 << 10, 70 << 10
		var messages []string
		for i := range 40 {
			messages = append(messages, fmt.Sprintf("%-*d", joins, i))
		}
		release, calls := queue(t, c, p, messages...)
		release()
		for i, call := range calls {
			p.WantText(messages[i])
			call.Want()
		}
		writes := conntest.UnderTest(p).RecordedWrites()
		for _, write := range writes {
			if len(write) > most {
				t.Errorf("%d bytes were sent together", len(write))
			}
		}
		if len(writes) > 5 {
			t.Errorf("%d writes for 40 messages of 4 KiB", len(writes))
		}
	})
}

// Compressed messages wait in the same queue.
func TestBatchCompressedInBetween(t *testing.T) {
	for _, mode := range modes[1:] {
		t.Run(mode.name, func(t *testing.T) {
			conntest.ForBothRoles(t, &conntest.Options{Compression: mode.mode, Threshold: 10}, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				messages := []string{"zero", "one", "two, which is compressed", "three", "four, which is compressed too", "five"}
				release, calls := queue(t, c, p, messages...)
				release()
				for i, call := range calls {
					call.Want()
					m := p.WantMessage(rawpeer.OpText, []byte(messages[i]))
					if compressed := m.Frames[0].RSV == rawpeer.RSV1; compressed != (len(messages[i]) >= 10) {
						t.Errorf("compressed is %t for %q", compressed, messages[i])
					}
				}
			})
		})
	}
}

// Pings are batched with messages, and precede waiting ones (RFC 6455 section 5.4).
func TestBatchPing(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		c.CloseRead(t.Context())
		release, calls := queue(t, c, p, "zero", "one")
		ping := rawpeer.GoErr(t, func() error { return c.Ping(t.Context()) })
		synctest.Wait()
		calls = append(calls, goWrite(t, c, "two"))
		synctest.Wait()
		release()
		p.WantText("zero")
		payload := p.WantPing()
		p.WantText("one")
		p.WantText("two")
		wantBatches(t, p, []string{"zero"}, []string{payload, "one", "two"})
		for _, call := range calls {
			call.Want()
		}
		synctest.Wait()
		if ping.Returned() {
			t.Error("the ping returned without its pong")
		}
		p.SendPong(payload)
		ping.Want()
	})
}

// A batch does not interrupt a fragmented message: waiting messages are sent after it,
// in their order, and pings before.
func TestBatchBehindWriter(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		w, err := c.Writer(t.Context(), websocket.MessageBinary)
		if err != nil {
			t.Fatal(err)
		}
		part := conntest.Filler(16 << 10)
		w.Write([]byte(part))
		release := conntest.UnderTest(p).StallWrites()
		more := rawpeer.Go(t, func() (int, error) { return w.Write([]byte(part)) })
		synctest.Wait()
		messages := []string{"one", conntest.Filler(5000), "three", "four"}
		var calls []*rawpeer.Call[struct{}]
		for i, m := range messages {
			call := goWrite
			if i == 2 {
				call = goWriteParts
			}
			calls = append(calls, call(t, c, m))
			synctest.Wait()
		}
		release()
		more.Want()
		synctest.Wait()
		for _, call := range calls {
			if call.Returned() {
				t.Fatal("a message was written in the middle of another")
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		p.WantMessage(rawpeer.OpBinary, []byte(part+part))
		for _, m := range messages {
			p.WantMessage(rawpeer.OpText, []byte(m))
		}
		for _, call := range calls {
			call.Want()
		}
	})
}

// traffic is many goroutines that write concurrently, in different ways.
type traffic struct {
	writers, rounds int
	opts            conntest.Options
}

// message returns the message of writer i in a round. Its contents identify it and show
// whether it is complete.
func (traffic) message(i, round int) string {
	size := []int{10, 300, 3000, 5000, 40_000}[(i+round)%5]
	return fmt.Sprintf("%d/%d/%s", i, round, conntest.Filler(size))
}

// write sends a message in one of several ways.
func (traffic) write(ctx context.Context, c *websocket.Conn, way int, message string) error {
	if way%3 > 0 {
		return c.Write(ctx, websocket.MessageText, []byte(message))
	}
	w, err := c.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	for len(message) > 0 {
		n := min(len(message), 7000)
		if _, err := w.Write([]byte(message[:n])); err != nil {
			return err
		}
		message = message[n:]
	}
	return w.Close()
}

func (tr traffic) run(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
	c.CloseRead(t.Context())
	var wg sync.WaitGroup
	for i := range tr.writers {
		wg.Go(func() {
			for round := range tr.rounds {
				if err := tr.write(t.Context(), c, i, tr.message(i, round)); err != nil {
					t.Errorf("writer %d, round %d: %v", i, round, err)
				}
			}
		})
		wg.Go(func() {
			for range tr.rounds {
				if err := c.Ping(t.Context()); err != nil {
					t.Errorf("ping: %v", err)
				}
			}
		})
	}
	tr.want(t, p)
	wg.Wait()
}

// want expects each message of each writer once, and in the writer's order. It answers
// pings in between.
func (tr traffic) want(t *testing.T, p *rawpeer.Peer) {
	t.Helper()
	inflater := rawpeer.NewInflater(tr.opts.Takeover())
	next := make([]int, tr.writers)
	messages, pings := tr.writers*tr.rounds, tr.writers*tr.rounds
	var payload []byte
	inMessage, compressed := false, false
	for messages > 0 || pings > 0 {
		f := p.WantFrame()
		if f.Opcode == rawpeer.OpPing {
			pings--
			p.SendPong(string(f.Payload))
			continue
		}
		if inMessage != (f.Opcode == rawpeer.OpContinuation) {
			t.Fatalf("inside a message is %t, and got %v", inMessage, f)
		}
		if !inMessage {
			payload, compressed = nil, f.RSV == rawpeer.RSV1
		}
		payload = append(payload, f.Payload...)
		if inMessage = !f.Fin; inMessage {
			continue
		}
		if compressed {
			var err error
			if payload, err = inflater.Message(payload); err != nil {
				t.Fatalf("inflating: %v", err)
			}
		}
		var i, round int
		if _, err := fmt.Sscanf(string(payload[:min(len(payload), 20)]), "%d/%d/", &i, &round); err != nil {
			t.Fatalf("%v in message %.40q", err, payload)
		}
		if round != next[i] || string(payload) != tr.message(i, round) {
			t.Fatalf("got message %.40q of %d bytes, want writer %d's number %d", payload, len(payload), i, next[i])
		}
		next[i]++
		messages--
	}
}

// Complete messages of many writers, small and large, compressed, in one frame and in
// many, with pings in between.
func TestConcurrentWrites(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			tr := traffic{writers: 12, rounds: 15, opts: conntest.Options{Compression: mode.mode}}
			if testing.Short() {
				tr.rounds = 5 // of each size, one
			}
			conntest.ForBothRoles(t, &tr.opts, tr.run)
			conntest.OverTCP(t, &tr.opts, tr.run)
		})
	}
}

// The context of a batch's sender ends. That affects only the sender, unless its own
// frame is partly sent. The others' frames are sent, and so is a close frame that was
// queued meanwhile.
func TestBatchSenderContextEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		out  func(frame int) int // of three frames of this size
		want func(t *testing.T, err error)
		sent []string
	}{
		{"nothing out", func(int) int { return 0 }, wantCanceled, []string{"two", "six"}},
		{"own frame out", func(n int) int { return n }, conntest.WantNoError, []string{"own", "two", "six"}},
		{"half of the second", func(n int) int { return n + n/2 }, conntest.WantNoError, []string{"own", "two", "six"}},
		{"half of the third", func(n int) int { return 2*n + n/2 }, conntest.WantNoError, []string{"own", "two", "six"}},
	} {
		senderLeaves := func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer, meanwhile, then func()) {
			calls, cancels := batch(t, c, p, test.out(frameSize(p, 3)))
			meanwhile()
			synctest.Wait()
			cancels[0]()
			synctest.Wait()
			if !calls[0].Returned() {
				t.Fatal("the write has not returned after its context ended")
			}
			test.want(t, calls[0].Err())
			conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
			p.WantText("before")
			for _, m := range test.sent {
				p.WantText(m)
			}
			then()
			calls[1].Want()
			calls[2].Want()
		}
		t.Run(test.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				senderLeaves(t, c, p, func() {}, func() { wantUsable(t, c, p) })
			})
		})
		t.Run(test.name+", closing", func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				var closing *rawpeer.Call[struct{}]
				senderLeaves(t, c, p, func() {
					closing = rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "after them") })
				}, func() {
					p.WantCloseReason(1000, "after them")
					p.SendClose(1000, "")
					p.WantEOF()
					closing.Want()
				})
			})
		})
	}

	t.Run("half of its own", func(t *testing.T) {
		conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
			calls, cancels := batch(t, c, p, 2)
			cancels[0]()
			for _, call := range calls {
				wantFailed(t, call.Err())
			}
			wantFailed(t, c.Write(t.Context(), websocket.MessageText, nil))
		})
	})
}

// A frame in another sender's batch cannot be withdrawn.
func TestBatchMemberContextEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		out  func(frame int) int
	}{
		{"nothing out", func(int) int { return 0 }},
		{"half of the first", func(n int) int { return n / 2 }},
		{"half of its own", func(n int) int { return 2*n + n/2 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				calls, cancels := batch(t, c, p, test.out(frameSize(p, 3)))
				cancels[2]()
				wantFailed(t, calls[2].Err())
				for _, call := range calls[:2] {
					if err := call.Err(); err != nil { // otherwise it was sent
						wantFailed(t, err)
					}
				}
				wantFailed(t, c.Write(t.Context(), websocket.MessageText, nil))
			})
		})
	}
}

// When the sender of a batch and its successor have returned, the next one continues,
// until the batch is sent.
func TestBatchSendersLeave(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		before, n := frameSize(p, len("before")), frameSize(p, 3)
		calls, cancels := batch(t, c, p, n)
		cancels[0]()
		calls[0].Want()
		conntest.UnderTest(p).SetCapacity(before + 2*n)
		synctest.Wait()
		cancels[1]()
		calls[1].Want()
		conntest.UnderTest(p).SetCapacity(before + 2*n + 1)
		synctest.Wait()
		if calls[2].Returned() {
			t.Fatal("a write returned with a part of its frame out")
		}
		conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
		calls[2].Want()
		p.WantText("before")
		p.WantText("own")
		p.WantText("two")
		p.WantText("six")
		wantUsable(t, c, p)
	})
}

// A successor of which no byte has been sent withdraws its frame when its context ends.
func TestBatchSuccessorContextEnds(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		calls, cancels := batch(t, c, p, frameSize(p, 3))
		cancels[0]()
		calls[0].Want()
		synctest.Wait()
		cancels[1]()
		wantCanceled(t, calls[1].Err())
		conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
		p.WantText("before")
		p.WantText("own")
		p.WantText("six")
		calls[2].Want()
		wantUsable(t, c, p)
	})
}

// A compressed frame that is withdrawn is not in the window of the next one, however
// the two came into one batch.
func TestBatchWithdrawsCompressed(t *testing.T) {
	text := "the same text, " + conntest.Filler(300)
	opts := &conntest.Options{Compression: websocket.CompressionContextTakeover, Threshold: 10}
	goSend := func(t *testing.T, send func(ctx context.Context) error) (*rawpeer.Call[struct{}], context.CancelFunc) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		call := rawpeer.GoErr(t, func() error { return send(ctx) })
		synctest.Wait()
		return call, cancel
	}
	write := func(ctx context.Context, c *websocket.Conn) error {
		return c.Write(ctx, websocket.MessageText, []byte(text))
	}
	m := mustPrepare(t, websocket.MessageText, text)
	writePrepared := func(ctx context.Context, c *websocket.Conn) error { return c.WritePrepared(ctx, m) }
	for _, test := range []struct {
		name   string
		inside bool // inside the batch of another message
		send   func(ctx context.Context, c *websocket.Conn) error
	}{
		{"by its own leader", false, write},
		{"by a later leader", true, write},
		{"prepared", false, writePrepared},
		{"prepared, by a later leader", true, writePrepared},
	} {
		t.Run(test.name, func(t *testing.T) {
			conntest.ForBothRoles(t, opts, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
				first := "a message that makes a compressor"
				conntest.MustWriteText(t, c, first)
				p.WantMessage(rawpeer.OpText, []byte(first))
				release, before := queue(t, c, p, "before")
				taken := frameSize(p, len("before"))
				var leader *rawpeer.Call[struct{}]
				var leaderLeaves context.CancelFunc
				if test.inside {
					leader, leaderLeaves = goSend(t, func(ctx context.Context) error {
						return c.Write(ctx, websocket.MessageText, []byte("own"))
					})
					taken += frameSize(p, len("own"))
				}
				withdrawn, leaves := goSend(t, func(ctx context.Context) error { return test.send(ctx, c) })
				behind := goWrite(t, c, text)
				synctest.Wait()
				conntest.UnderTest(p).SetCapacity(taken)
				release()
				before[0].Want()
				synctest.Wait()
				if test.inside {
					leaderLeaves()
					leader.Want()
					synctest.Wait()
				}
				leaves()
				wantCanceled(t, withdrawn.Err())
				conntest.UnderTest(p).SetCapacity(rawpeer.Unbounded)
				p.WantMessage(rawpeer.OpText, []byte("before"))
				if test.inside {
					p.WantMessage(rawpeer.OpText, []byte("own"))
				}
				p.WantMessage(rawpeer.OpText, []byte(text))
				behind.Want()
				conntest.MustWriteText(t, c, text)
				p.WantMessage(rawpeer.OpText, []byte(text))
			})
		})
	}
}

// The end of a Writer's context ends the sending of frames. A close frame that arrived
// before gets no reply then, and no call waits for the reply.
func TestPeerClosesBehindAbandonedWriter(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendPieces(1<<20, rawpeer.Text("first"), rawpeer.Close(1000, ""))
		conntest.WantText(t, c, "first")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := conntest.MustWriter(t, c, ctx)
		stream := conntest.UnderTest(p)
		part := frameSize(p, 16<<10)
		stream.AfterWriting(stream.Stats().BytesWritten+int64(part), cancel)
		conntest.MustAdd(t, w, conntest.Filler(17<<10))
		conntest.WantCause(t, conntest.ReadErr(t.Context(), c), websocket.StatusNormalClosure)
		closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
		synctest.Wait()
		if !closing.Returned() {
			t.Error("Close waits for a reply that cannot be sent")
		}
		closing.Err()
	})
}

// Writers that batch their messages do not lose a time slice of a busy machine for each
// one: beside goroutines that compute, two of them send at least a tenth of the
// messages that two writers with a mutex send.
func TestWritersOnBusyProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	defer compute(8)()
	ours, mutex := countWrites(t, 2, nil), countWrites(t, 2, new(sync.Mutex))
	t.Logf("%d messages, and %d with a mutex", ours, mutex)
	if ours < mutex/10 {
		t.Errorf("%d messages, want a tenth of the %d with a mutex", ours, mutex)
	}
}
