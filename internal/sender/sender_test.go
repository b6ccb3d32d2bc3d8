package sender

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/internal/bent"
	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/liveness"
	"github.com/bhojpur/api/internal/netstream"
	"github.com/bhojpur/api/internal/rawpeer"
	"github.com/bhojpur/api/internal/sendqueue"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// end is a Sender, with the stream that it writes to. It is also the Host of the Sender
// and the owner of the stream, and records what the Sender reports.
type end struct {
	Sender
	stream *rawpeer.Stream
	watch  *liveness.Watch
	ended  atomic.Int32 // calls of SendEnded
	failed atomic.Pointer[error]
}

func (e *end) NumberPing(payload []byte) []byte { return append(payload[:0], '1') }
func (e *end) SendEnded()                       { e.ended.Add(1) }
func (e *end) SendFailed(err error)             { e.failed.Store(&err) }
func (e *end) SendPanicked()                    {}
func (e *end) Writes() *liveness.Activity       { return &e.watch.Writes }
func (e *end) ReadHeld() bool                   { return false }
func (e *end) WriteHeld() bool                  { return e.Busy() }

// forBothRoles runs test for the Sender of a server and of a client, each in a bubble.
// bend wraps the stream, unless it is nil.
func forBothRoles(t *testing.T, bend func(net.Conn) net.Conn, test func(t *testing.T, e *end, p *rawpeer.Peer)) {
	t.Helper()
	for name, role := range map[string]struct{ sends, receives any }{
		"server": {Server, rawpeer.Client},
		"client": {Client, rawpeer.Server},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stream, peer := rawpeer.Pipe(nil)
				e := &end{stream: stream, watch: liveness.New(liveness.Settings{WriteTimeout: time.Minute})}
				var conn net.Conn = stream
				if bend != nil {
					conn = bend(stream)
				}
				s := netstream.New(conn, nil, e)
				e.Init(role.sends.(Role), nil, e)
				e.Begin(s)
				defer func() {
					s.Close()
					e.Close()
				}()
				test(t, e, rawpeer.NewPeer(t, peer, role.receives.(rawpeer.Role)))
			})
		})
	}
}

func text(s string) *Frame { return &Frame{Byte0: frame.Final(frame.Text), Payload: []byte(s)} }

// send sends a message.
func (e *end) send(ctx context.Context, f *Frame) error { return e.Send(ctx, sendqueue.Message, f) }

// goSend sends a message on a goroutine, and waits until that blocks or has ended.
func (e *end) goSend(t *testing.T, ctx context.Context, f *Frame) *rawpeer.Call[struct{}] {
	call := rawpeer.GoErr(t, func() error { return e.send(ctx, f) })
	synctest.Wait()
	return call
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("got error %v, want %v", got, want)
	}
}

// Frames of each size class arrive whole, in the order of the calls, also if the Sender
// notes its writes and so sends a long frame in parts.
func TestSendSizes(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, e *end, p *rawpeer.Peer) {
		for range 2 {
			for _, n := range []int{0, 1, smallFrame - shortHeader, smallFrame - shortHeader + 1, frame.MaxControl + 1,
				maxCopied, maxCopied + 1, MaxFrame, MaxFrame + 1, rawpeer.DefaultCapacity, 3 * rawpeer.DefaultCapacity} {
				payload := pattern(n)
				call := e.goSend(t, t.Context(), text(payload))
				p.WantText(payload)
				call.Want()
			}
			e.Watch()
		}
	})
}

// pattern returns n bytes of text without a short period.
func pattern(n int) string {
	b := make([]byte, 0, n+10)
	for i := 0; len(b) < n; i++ {
		b = strconv.AppendInt(b, int64(i), 10)
	}
	return string(b[:n])
}

// Frames that wait while a write is blocked are sent as one batch, with one call.
func TestSendBatch(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, e *end, p *rawpeer.Peer) {
		release := e.stream.StallWrites()
		calls := []*rawpeer.Call[struct{}]{e.goSend(t, t.Context(), text("0"))}
		for i := 1; i < 10; i++ {
			calls = append(calls, e.goSend(t, t.Context(), text(string(rune('0'+i)))))
		}
		e.stream.RecordWrites()
		release()
		for i, call := range calls {
			p.WantText(string(rune('0' + i)))
			call.Want()
		}
		if n := len(e.stream.RecordedWrites()); n > 2 {
			t.Errorf("10 frames took %d writes, want at most 2", n)
		}
	})
}

// A long frame behind a short one in a batch arrives whole, if the first write of the
// batch ends inside it.
func TestSendBatchEndsInLongFrame(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, e *end, p *rawpeer.Peer) {
		e.Watch()
		release := e.stream.StallWrites()
		long := pattern(3 * MaxFrame)
		var calls []*rawpeer.Call[struct{}]
		for _, payload := range []string{"stuck", "short", long} {
			calls = append(calls, e.goSend(t, t.Context(), text(payload)))
		}
		release()
		for i, payload := range []string{"stuck", "short", long} {
			p.WantText(payload)
			calls[i].Want()
		}
	})
}

// If the context of a frame ends before any byte of it was sent, nothing of it is sent,
// whether its goroutine leads, leads a batch or waits.
func TestSendWithdrawn(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, e *end, p *rawpeer.Peer) {
		release := e.stream.StallWrites()
		goSend := func(name string) (call *rawpeer.Call[struct{}], cancel context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			return e.goSend(t, ctx, text(name)), cancel
		}
		single, cancelSingle := goSend("single")
		leading, cancelLeading := goSend("leading")
		waiting, cancelWaiting := goSend("waiting")
		var stay []*rawpeer.Call[struct{}]
		for _, name := range []string{"stays", "stays, too"} {
			stay = append(stay, e.goSend(t, t.Context(), text(name)))
		}
		cancelWaiting()
		wantError(t, waiting.Err(), ErrWithdrawn)
		cancelSingle()
		wantError(t, single.Err(), ErrWithdrawn)
		synctest.Wait() // until the next goroutine leads
		cancelLeading()
		wantError(t, leading.Err(), ErrWithdrawn)
		release()
		p.WantText("stays")
		p.WantText("stays, too")
		for _, call := range stay {
			call.Want()
		}
	})
}

// If the context ends inside a frame, the Sender ends with the context's error.
func TestSendCutInsideFrame(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, e *end, p *rawpeer.Peer) {
		e.stream.SetCapacity(100)
		ctx, cancel := context.WithCancel(t.Context())
		cut := e.goSend(t, ctx, text(strings.Repeat("x", 1000)))
		behind := e.goSend(t, t.Context(), text("behind"))
		cancel()
		for _, err := range []error{cut.Err(), behind.Err(), e.send(t.Context(), text("later"))} {
			var c *ContextError
			if !errors.As(err, &c) {
				t.Errorf("got error %v, want a ContextError", err)
			}
			wantError(t, err, context.Canceled)
		}
		if m, err := e.Open(t.Context(), frame.Text, Plain); m != nil || err == nil {
			t.Errorf("a message opens: %v", err)
		}
	})
}

// The rest of a frame with KeepFrame is sent ahead of other frames, from the memory of
// the Sender.
func TestSendKept(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, e *end, p *rawpeer.Peer) {
		e.stream.SetCapacity(100)
		payload := strings.Repeat("x", 1000)
		f := text(payload)
		f.OnCancel = KeepFrame
		ctx, cancel := context.WithCancel(t.Context())
		kept := e.goSend(t, ctx, f)
		cancel()
		wantError(t, kept.Err(), ErrCommitted)
		clear(f.Payload)
		behind := e.goSend(t, t.Context(), text("behind"))
		p.WantText(payload)
		p.WantText("behind")
		behind.Want()
	})
}

// An error of the stream ends the Sender: calls under way and later ones return it, and
// the host is notified of frames that no call waits for.
func TestSendFails(t *testing.T) {
	broken := errors.New("broken")
	forBothRoles(t, nil, func(t *testing.T, e *end, p *rawpeer.Peer) {
		e.stream.SetCapacity(100)
		leading := e.goSend(t, t.Context(), text(strings.Repeat("x", 1000)))
		waiting := e.goSend(t, t.Context(), text("waiting"))
		e.stream.CutWrites(broken)
		wantError(t, leading.Err(), broken)
		wantError(t, waiting.Err(), broken)
		wantError(t, e.send(t.Context(), text("later")), broken)
		if _, err := e.PostMessage(*text("posted"), -1); !errors.Is(err, broken) {
			t.Errorf("got error %v of a posted message", err)
		}
	})
	forBothRoles(t, nil, func(t *testing.T, e *end, p *rawpeer.Peer) {
		e.stream.CutWrites(broken)
		e.PostPong([]byte("pong"))
		synctest.Wait()
		if err := e.failed.Load(); err == nil || !errors.Is(*err, broken) {
			t.Errorf("the host was not notified of the error: %v", err)
		}
	})
}

// A stream that writes less than all, without an error, has failed.
func TestSendShortWrite(t *testing.T) {
	bend := func(c net.Conn) net.Conn { return bent.ShortWrites{Conn: c, Max: 20} }
	forBothRoles(t, bend, func(t *testing.T, e *end, p *rawpeer.Peer) {
		wantError(t, e.send(t.Context(), text(strings.Repeat("x", 100))), io.ErrShortWrite)
		wantError(t, e.send(t.Context(), text("later")), io.ErrShortWrite)
	})
}

// A close frame behind a blocked write waits without a goroutine of its caller, and is
// sent behind what is posted. Waiting messages fail, and nothing is sent after it.
func TestPostCloseBehindWrite(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, e *end, p *rawpeer.Peer) {
		e.stream.SetCapacity(100)
		payload := strings.Repeat("x", 1000)
		stuck := e.goSend(t, t.Context(), text(payload))
		e.PostPong([]byte("pong"))
		if ok, err := e.PostMessage(*text("posted"), 100); !ok || err != nil {
			t.Fatalf("got %v, %v of a posted message", ok, err)
		}
		waiting := e.goSend(t, t.Context(), text("waiting"))
		if e.PostClose([]byte{0x03, 0xe8}) {
			t.Error("the close frame is being sent behind a blocked write")
		}
		wantError(t, waiting.Err(), ErrEnded)
		wantError(t, e.send(t.Context(), text("later")), ErrEnded)
		p.WantText(payload)
		stuck.Want()
		p.Want(rawpeer.Pong("pong"))
		p.WantText("posted")
		p.WantClose(1000)
		synctest.Wait()
		if n := e.ended.Load(); n != 1 {
			t.Errorf("the host was notified %d times of the end, want once", n)
		}
		p.WantSilence(time.Second)
	})
}

// While a message is open, control frames pass between its frames and messages wait. The
// context of one that waits ends only the wait.
func TestOpenMessage(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, e *end, p *rawpeer.Peer) {
		m, err := e.Open(t.Context(), frame.Text, Plain)
		wantError(t, err, nil)
		wantError(t, m.Add([]byte("begun")), nil)
		wantError(t, m.Flush(), nil)
		p.Want(rawpeer.Text("begun").More())
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp, waiting := e.goSend(t, ctx, text("gave up")), e.goSend(t, t.Context(), text("waiting"))
		e.PostPong([]byte("pong"))
		p.Want(rawpeer.Pong("pong"))
		cancel()
		wantError(t, gaveUp.Err(), ErrBehindWriter)
		wantError(t, m.Finish(), nil)
		m.End()
		p.Want(rawpeer.Continuation(""))
		p.WantText("waiting")
		waiting.Want()
		wantError(t, m.Enter(), ErrOver)
	})
}

// blocksClose is a connection whose Close blocks until release is closed.
type blocksClose struct {
	net.Conn
	release chan struct{}
}

func (c *blocksClose) Close() error {
	<-c.release
	return c.Conn.Close()
}

// A message whose context has ended is over before the stream is closed, so that its own
// goroutine does not find it in use.
func TestOpenMessageEndsBeforeStream(t *testing.T) {
	var release chan struct{}
	bend := func(c net.Conn) net.Conn {
		release = make(chan struct{})
		return &blocksClose{c, release}
	}
	forBothRoles(t, bend, func(t *testing.T, e *end, p *rawpeer.Peer) {
		ctx, cancel := context.WithCancel(t.Context())
		m, err := e.Open(ctx, frame.Text, Plain)
		wantError(t, err, nil)
		wantError(t, m.Add([]byte("begun")), nil)
		wantError(t, m.Flush(), nil)
		m.Leave()
		p.Want(rawpeer.Text("begun").More())
		waiting := e.goSend(t, t.Context(), text("waiting"))
		synctest.Wait()
		cancel()
		synctest.Wait()
		wantError(t, m.Enter(), ErrOver)
		wantError(t, m.Err(), context.Canceled)
		close(release)
		wantError(t, waiting.Err(), context.Canceled)
		p.WantEOF()
	})
}

// A goroutine that meets the end of its message waits for it.
func TestEnterEndingMessage(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, e *end, p *rawpeer.Peer) {
		m, err := e.Open(t.Context(), frame.Text, Plain)
		wantError(t, err, nil)
		m.use.Store(ending)
		go m.End()
		wantError(t, m.Enter(), ErrOver)
	})
}

// Of more queued pongs than maxPongs the last are sent (RFC 6455 section 5.5.3).
func TestPostPongs(t *testing.T) {
	forBothRoles(t, nil, func(t *testing.T, e *end, p *rawpeer.Peer) {
		release := e.stream.StallWrites()
		stuck := e.goSend(t, t.Context(), text("stuck"))
		const more = 5
		for i := range maxPongs + more {
			e.PostPong([]byte{byte(i)})
		}
		release()
		p.WantText("stuck")
		stuck.Want()
		for i := range maxPongs - 1 {
			p.WantPong(string(rune(i)))
		}
		p.WantPong(string(rune(maxPongs + more - 1)))
		p.WantSilence(time.Second)
	})
}
