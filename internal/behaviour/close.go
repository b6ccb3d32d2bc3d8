package behaviour

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

var closeTests = []Test{
	{"close/by the peer", testClosedByPeer},
	{"close/by the peer, behind messages", testClosedBehindMessages},
	{"close/the peer is gone", testPeerGone},
	{"close/the peer stays", testPeerStays},
	{"close/status", testCloseStatus},
	{"close/status of the peer", testPeerStatus},
	{"close/invalid status", testCloseInvalid},
	{"close/deferred", testCloseDeferred},
	{"close/concurrently", testCloseConcurrently},
	{"close/unanswered", testCloseUnanswered},
	{"close/discards messages", testCloseDiscards},
	{"close/inside messages", testCloseInside},
	{"close/CloseNow", testCloseNow},
	{"close/CloseNow during Close", testCloseNowDuringClose},
	{"close/CloseContext", testCloseContext},
	{"close/Done and Err", testDoneAndErr},
	{"close/a thousand connections", testThousand},
}

var maxReason = strings.Repeat("r", 123)

func testClosedByPeer(t *testing.T, h *Host) {
	for _, tt := range []struct {
		code   websocket.StatusCode
		reason string
	}{
		{websocket.StatusNormalClosure, ""},
		{websocket.StatusGoingAway, "away"},
		{websocket.StatusNoStatusRcvd, ""},
		{websocket.StatusInternalError, maxReason},
		{websocket.StatusServiceRestart, "grüß"},
		{websocket.StatusBadGateway, ""},
		{3000, ""},
		{4999, "last"},
	} {
		t.Run(tt.code.String(), func(t *testing.T) {
			c := h.Dial(t, "/close?code="+strconv.Itoa(int(tt.code))+"&reason="+tt.reason)
			err := conntest.ReadErr(t.Context(), c)
			ce, ok := errors.AsType[websocket.CloseError](err)
			if !ok || ce.Code != tt.code || ce.Reason != tt.reason {
				t.Errorf("got %v", err)
			}
			conntest.WantEnded(t, c, tt.code)
		})
	}
}

func testClosedBehindMessages(t *testing.T, h *Host) {
	c := h.Dial(t, "/close?code=4000&messages=2")
	for _, digit := range []string{"0", "1"} {
		conntest.WantText(t, c, strings.Repeat(digit, 20_000)+".")
	}
	conntest.WantCause(t, conntest.ReadErr(t.Context(), c), 4000)
	conntest.WantEnded(t, c, 4000)
}

func testPeerGone(t *testing.T, h *Host) {
	for _, path := range []string{"/drop", "/drop?after=message"} {
		c := h.Dial(t, path)
		if strings.Contains(path, "message") {
			conntest.MustWriteText(t, c, "message")
		}
		err := conntest.ReadErr(t.Context(), c)
		conntest.WantError(t, err, io.EOF)
		conntest.WantCause(t, err, -1)
		conntest.WantEnded(t, c, -1)
	}
}

// The peer's close frame ends the connection, even if the peer leaves the stream open.
func testPeerStays(t *testing.T, h *Host) {
	t.Parallel()
	c := h.Dial(t, "/raw?hex=88020fa0")
	err := c.Close(websocket.StatusNormalClosure, "")
	if h.NoticesClose {
		if err != nil {
			t.Error(err)
		}
		conntest.WantEnded(t, c, 4000)
		return
	}
	if err == nil {
		t.Error("got no error, and the peer's close frame was not noticed")
	}
	conntest.WantEnded(t, c, -1)
}

func testCloseStatus(t *testing.T, h *Host) {
	for _, tt := range []struct {
		code   websocket.StatusCode
		reason string
	}{
		{websocket.StatusNormalClosure, "bye"},
		{websocket.StatusNormalClosure, ""},
		{websocket.StatusGoingAway, "going"},
		{websocket.StatusPolicyViolation, strings.Repeat("é", 61) + "!"},
		{websocket.StatusInternalError, ""},
		{websocket.StatusBadGateway, ""},
		{3000, ""},
		{4999, maxReason},
		{websocket.StatusNoStatusRcvd, ""},
	} {
		t.Run(tt.code.String(), func(t *testing.T) {
			key := h.NewKey()
			c := h.Dial(t, "/echo?id="+key)
			if err := c.Close(tt.code, tt.reason); err != nil {
				t.Error(err)
			}
			h.WantSeen(t, key, h.Seen(tt.code, tt.reason))
			conntest.WantEnded(t, c, h.OnWire(tt.code)) // the peer answers with the same
		})
	}
}

// The peer's reply may have a different code.
func testPeerStatus(t *testing.T, h *Host) {
	c := h.Dial(t, "/raw?then=88050fa2746f6f")
	if err := c.Close(websocket.StatusNormalClosure, "bye"); err != nil {
		t.Error(err)
	}
	err := conntest.ReadErr(t.Context(), c)
	if ce, ok := errors.AsType[websocket.CloseError](err); !ok || ce.Reason != "too" {
		t.Errorf("got %v", err)
	}
	conntest.WantEnded(t, c, 4002)
}

// An invalid code or reason is an error, but the connection is closed.
func testCloseInvalid(t *testing.T, h *Host) {
	for name, tt := range map[string]struct {
		code   websocket.StatusCode
		reason string
	}{
		"0":               {0, ""},
		"999":             {999, ""},
		"1004":            {1004, ""},
		"1006":            {websocket.StatusAbnormalClosure, ""},
		"1015":            {websocket.StatusTLSHandshake, ""},
		"2000":            {2000, ""},
		"5000":            {5000, ""},
		"65536":           {65536 + 1000, ""},
		"-1":              {-1, ""},
		"1005 and reason": {websocket.StatusNoStatusRcvd, "reason"},
	} {
		t.Run(name, func(t *testing.T) {
			key := h.NewKey()
			c := h.Dial(t, "/echo?id="+key)
			if err := c.Close(tt.code, tt.reason); err == nil || errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v", err)
			}
			h.WantSeen(t, key, h.Seen(websocket.StatusInternalError, ""))
			conntest.WantEnded(t, c, h.OnWire(websocket.StatusInternalError))
		})
	}
}

// A deferred CloseNow works on all platforms.
func testCloseDeferred(t *testing.T, h *Host) {
	key := h.NewKey()
	c := h.Dial(t, "/echo?id="+key)
	func() {
		defer c.Close(websocket.StatusInternalError, "the program gave up")
		WantOpen(t, c)
	}()
	h.WantSeen(t, key, h.Seen(websocket.StatusInternalError, "the program gave up"))
	conntest.WantEnded(t, c, h.OnWire(websocket.StatusInternalError))
}

func testCloseConcurrently(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
				t.Errorf("got %v from Close", err)
			}
			// Close returns when the connection is closed.
			if err := c.Write(t.Context(), websocket.MessageText, nil); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
				t.Errorf("got %v from Write", err)
			}
		})
	}
	wg.Go(func() {
		if err := conntest.ReadErr(t.Context(), c); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v from Read", err)
		}
	})
	wg.Wait()
	conntest.WantEnded(t, c, websocket.StatusNormalClosure)
}

// Close waits for the peer's close frame, but only for a limited time.
func testCloseUnanswered(t *testing.T, h *Host) {
	t.Parallel()
	c, soon := h.Dial(t, "/raw"), h.Dial(t, "/raw")
	if err := websocket.NetConn(t.Context(), soon, websocket.MessageText).Close(); err != nil {
		t.Error(err)
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err == nil || websocket.CloseStatus(err) != -1 {
		t.Errorf("got %v", err)
	}
	conntest.WantEnded(t, c, -1)
	conntest.WantEnded(t, soon, -1)
}

func testCloseDiscards(t *testing.T, h *Host) {
	c := h.Dial(t, "/flood?messages=10&size=100000")
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	conntest.WantEnded(t, c, websocket.StatusNormalClosure)
}

func testCloseInside(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	conntest.MustWriteText(t, c, "message")
	r := conntest.WantReader(t, c)
	conntest.WantRead(t, r, "mess")
	w := conntest.MustWriter(t, c, Bounded(t))
	conntest.MustAdd(t, w, "cut")
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	_, err := r.Read(make([]byte, 1))
	conntest.WantError(t, err, net.ErrClosed)
	_, err = io.WriteString(w, "off")
	conntest.WantError(t, err, net.ErrClosed)
	conntest.WantError(t, w.Close(), net.ErrClosed)
}

func testCloseNow(t *testing.T, h *Host) {
	c := h.Dial(t, "/raw")
	var calls []*rawpeer.Call[struct{}]
	for range 3 {
		calls = append(calls, rawpeer.GoErr(t, func() error { return conntest.ReadErr(t.Context(), c) }))
	}
	if err := c.CloseNow(); err != nil {
		t.Error(err)
	}
	for _, call := range calls {
		conntest.WantClosed(t, call.Err(), -1)
	}
	conntest.WantEnded(t, c, -1)
}

func testCloseNowDuringClose(t *testing.T, h *Host) {
	c := h.Dial(t, "/raw")
	closing := rawpeer.GoErr(t, func() error { return c.Close(websocket.StatusNormalClosure, "") })
	// Wait until Close has begun: pings fail then.
	for c.Ping(Ended(t)) == nil || !errors.Is(c.Ping(Ended(t)), net.ErrClosed) {
		runtime.Gosched()
	}
	c.CloseNow()
	conntest.WantError(t, closing.Err(), net.ErrClosed)
	conntest.WantEnded(t, c, -1)
}

// testThousand opens and closes connections in all ways, and expects no goroutines left.
func testThousand(t *testing.T, h *Host) {
	conns := 1000
	if testing.Short() {
		conns = 100
	}
	ways := []func(*websocket.Conn) error{
		func(c *websocket.Conn) error { return c.Close(websocket.StatusNormalClosure, "") },
		func(c *websocket.Conn) error { return c.CloseNow() },
		func(c *websocket.Conn) error {
			c.CloseRead(t.Context())
			return c.Close(websocket.StatusInternalError, "")
		},
		func(c *websocket.Conn) error {
			if err := websocket.NetConn(t.Context(), c, websocket.MessageBinary).Close(); err != nil {
				return err
			}
			return c.Close(websocket.StatusNormalClosure, "") // returns when the connection has ended
		},
	}
	wantReleased, goroutines := h.CountCallbacks(t), runtime.NumGoroutine()
	for i := range conns {
		c, _, err := websocket.Dial(Bounded(t), h.URL("/echo"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 {
			WantOpen(t, c)
		}
		if err := ways[i%len(ways)](c); err != nil {
			t.Fatal(err)
		}
	}
	wantGoroutines(t, goroutines)
	wantReleased()
}

// wantGoroutines expects at most this number of goroutines, after a moment.
func wantGoroutines(t *testing.T, most int) {
	t.Helper()
	for ctx := Bounded(t); runtime.NumGoroutine() > most; {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, want %d\n%s", runtime.NumGoroutine(), most, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// The context bounds CloseContext if the peer does not reply, and has no effect if it
// does.
func testCloseContext(t *testing.T, h *Host) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	silent := h.Dial(t, "/raw")
	conntest.WantError(t, silent.CloseContext(ctx, websocket.StatusNormalClosure, ""), context.DeadlineExceeded)
	conntest.WantEnded(t, silent, -1)

	c := h.Dial(t, "/echo")
	conntest.WantNoError(t, c.CloseContext(Bounded(t), websocket.StatusNormalClosure, ""))
	conntest.WantEnded(t, c, websocket.StatusNormalClosure)
}

// Done and Err report that a connection has ended, and why.
func testDoneAndErr(t *testing.T, h *Host) {
	c := h.Dial(t, "/close?code=4000")
	conntest.WantCause(t, conntest.ReadErr(Bounded(t), c), 4000)
	<-c.Done()
	conntest.WantClosed(t, c.Err(), 4000)

	c = h.Dial(t, "/echo")
	select {
	case <-c.Done():
		t.Error("Done is closed on an open connection")
	default:
		conntest.WantNoError(t, c.Err())
	}
	done := c.Done()
	c.CloseNow()
	<-done
	conntest.WantClosed(t, c.Err(), -1)
}
