package behaviour

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

var postTests = []Test{
	{"post/order", testPostOrder},
	{"post/backlog", testPostBacklog},
	{"post/one message above the bound", testPostOne},
	{"post/no bound", testPostNoBound},
	{"post/not prepared", testPostNotPrepared},
	{"post/Close sends the queue", testPostClose},
	{"post/closed", testPostClosed},
	{"group/members", testGroupMembers},
	{"group/Close", testGroupClose},
	{"group/Close unanswered", testGroupCloseUnanswered},
}

// Prepared returns a prepared text message.
func Prepared(t *testing.T, text string) *websocket.PreparedMessage {
	t.Helper()
	m, err := websocket.NewPreparedMessage(websocket.MessageText, []byte(text))
	conntest.WantNoError(t, err)
	return m
}

// Messages are sent in the order of the calls of Post and Write.
func testPostOrder(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	const messages = 300
	for i := range messages {
		text := strconv.Itoa(i)
		if i%3 == 0 {
			MustWrite(t, c, websocket.MessageText, text)
		} else {
			conntest.WantNoError(t, c.Post(Prepared(t, text)))
		}
	}
	for i := range messages {
		conntest.WantText(t, c, strconv.Itoa(i))
	}
	WantOpen(t, c)
}

// A message that is one too many is not queued. Those before it arrive.
func testPostBacklog(t *testing.T, h *Host) {
	t.Parallel()
	key := h.NewKey()
	c, _ := h.DialWith(t, "/deaf?hear="+key, &websocket.DialOptions{MaxBacklog: 1 << 20, ReadLimit: -1})
	text := strings.Repeat("x", 100_000)
	m := Prepared(t, text)
	queued := 0
	for ; queued < much/len(text); queued++ {
		if err := c.Post(m); err != nil {
			conntest.WantError(t, err, websocket.ErrBacklog)
			if errors.Is(err, net.ErrClosed) {
				t.Fatal(err)
			}
			break
		}
	}
	if queued == much/len(text) {
		t.Fatal("all was queued, and nothing read")
	}
	conntest.WantNoError(t, c.Err())
	h.Signal(t, key)
	for range queued {
		conntest.WantText(t, c, text)
	}
	WantOpen(t, c)
	conntest.WantNoError(t, c.Post(m))
	conntest.WantText(t, c, text)
}

func testPostOne(t *testing.T, h *Host) {
	c, _ := h.DialWith(t, "/echo", &websocket.DialOptions{MaxBacklog: 10, ReadLimit: -1})
	text := strings.Repeat("x", 2<<20)
	conntest.WantNoError(t, c.Post(Prepared(t, text)))
	conntest.WantText(t, c, text)
	WantOpen(t, c)
}

func testPostNoBound(t *testing.T, h *Host) {
	t.Parallel()
	c, _ := h.DialWith(t, "/raw", &websocket.DialOptions{MaxBacklog: -1})
	m := Prepared(t, strings.Repeat("x", 1<<20))
	for range Some >> 20 {
		conntest.WantNoError(t, c.Post(m))
	}
}

func testPostNotPrepared(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	if err := c.Post(new(websocket.PreparedMessage)); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v for a message that was not prepared", err)
	}
	WantOpen(t, c)
}

// The server counts the messages that arrive before the close frame.
func testPostClose(t *testing.T, h *Host) {
	key, count := h.NewKey(), h.NewKey()
	c := h.Dial(t, "/count?id="+key+"&count="+count)
	m := Prepared(t, strings.Repeat("x", 10_000))
	for range 50 {
		conntest.WantNoError(t, c.Post(m))
	}
	conntest.WantNoError(t, c.Close(4000, "sent"))
	h.WantSeen(t, count, "50")
	h.WantSeen(t, key, h.Seen(4000, "sent"))
}

func testPostClosed(t *testing.T, h *Host) {
	m := Prepared(t, "late")
	c := h.Dial(t, "/echo")
	c.CloseNow()
	conntest.WantClosed(t, c.Post(m), -1)
	c = h.Dial(t, "/close?code=4000")
	conntest.WantCause(t, conntest.ReadErr(Bounded(t), c), 4000)
	conntest.WantClosed(t, c.Post(m), 4000)
}

// A connection may be in several groups, and leaves them when it ends.
func testGroupMembers(t *testing.T, h *Host) {
	var room, all websocket.Group
	one, two := h.Dial(t, "/echo"), h.Dial(t, "/echo")
	for range 2 { // adding a member again does nothing
		if !all.Add(one) || !all.Add(two) || !room.Add(one) {
			t.Fatal("an open group refuses a connection")
		}
	}
	for c := range all.All() {
		conntest.WantNoError(t, c.Post(Prepared(t, "hello")))
		all.Remove(c) // no lock is held
		all.Add(c)
	}
	conntest.WantText(t, one, "hello")
	conntest.WantText(t, two, "hello")
	room.Remove(two)
	all.Remove(two)
	if room.Len() != 1 || all.Len() != 1 {
		t.Errorf("%d and %d members, want 1 and 1", room.Len(), all.Len())
	}
	WantOpen(t, two)
	one.CloseNow()
	<-one.Done()
	if room.Len() != 0 || all.Len() != 0 {
		t.Errorf("%d and %d members after the end of one, want 0 and 0", room.Len(), all.Len())
	}
	if !all.Add(one) || all.Len() != 0 {
		t.Error("a connection that has ended is a member")
	}
}

func testGroupClose(t *testing.T, h *Host) {
	var g websocket.Group
	var keys []string
	var conns []*websocket.Conn
	for range 10 {
		key := h.NewKey()
		c := h.Dial(t, "/echo?id="+key)
		g.Add(c)
		keys, conns = append(keys, key), append(conns, c)
	}
	conntest.WantNoError(t, g.Close(Bounded(t), 4001, "bye"))
	for i, key := range keys {
		h.WantSeen(t, key, h.Seen(4001, "bye"))
		conntest.WantEnded(t, conns[i], 4001)
	}
	if g.Len() != 0 || g.Add(h.Dial(t, "/echo")) {
		t.Errorf("%d members, or the group takes more", g.Len())
	}
	conntest.WantNoError(t, g.Close(Bounded(t), 4001, ""))
}

// The end of the context ends the wait for those that do not answer.
func testGroupCloseUnanswered(t *testing.T, h *Host) {
	var g websocket.Group
	silent, c := h.Dial(t, "/raw"), h.Dial(t, "/echo")
	g.Add(silent)
	g.Add(c)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	conntest.WantError(t, g.Close(ctx, 4001, ""), context.DeadlineExceeded)
	conntest.WantEnded(t, silent, -1)
	conntest.WantEnded(t, c, 4001)
	if g.Len() != 0 {
		t.Errorf("%d members", g.Len())
	}
}

// Flush is for platforms that send parts. Everywhere the message arrives as a whole, and
// Flush of one that has ended is an error.
func testFlush(t *testing.T, h *Host) {
	for _, opts := range []*websocket.DialOptions{nil, {CompressionMode: websocket.CompressionContextTakeover, CompressionThreshold: -1}} {
		c, _ := h.DialWith(t, "/echo?compress=1", opts)
		w := conntest.MustWriter(t, c, Bounded(t))
		flush := w.(interface{ Flush() error }).Flush
		conntest.WantNoError(t, flush())
		for _, token := range []string{"to", "ken", "\xe6\x97", "\xa5"} {
			conntest.MustAdd(t, w, token)
			conntest.WantNoError(t, flush())
		}
		conntest.MustEnd(t, w)
		conntest.WantText(t, c, "token日")
		if err := flush(); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v of Flush after Close", err)
		}
		WantOpen(t, c)
		w = conntest.MustWriter(t, c, Bounded(t))
		c.CloseNow()
		conntest.WantClosed(t, w.(interface{ Flush() error }).Flush(), -1)
	}
}

// Liveness does no harm to a connection whose peer answers, or where it is ignored.
func testLiveness(t *testing.T, h *Host) {
	c, _ := h.DialWith(t, "/echo", &websocket.DialOptions{
		PingInterval: time.Millisecond,
		PingTimeout:  patience,
		WriteTimeout: patience,
	})
	call := rawpeer.GoErr(t, func() error {
		conntest.WantText(t, c, "hello")
		return nil
	})
	for h.Pings && c.RoundTrip() == 0 {
		select {
		case <-c.Done():
			t.Fatal(c.Err())
		case <-time.After(time.Millisecond):
		}
	}
	if d := c.RoundTrip(); (d > 0) != h.Pings {
		t.Errorf("the round trip is %v", d)
	}
	MustWrite(t, c, websocket.MessageText, "hello")
	call.Want()
	WantOpen(t, c)
}
