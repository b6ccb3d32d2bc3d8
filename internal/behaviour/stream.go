package behaviour

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
	"github.com/bhojpur/api/wsjson"
	"github.com/bhojpur/api/wspb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var streamTests = []Test{
	{"NetConn/stream", testNetConn},
	{"NetConn/deadlines", testNetConnDeadlines},
	{"NetConn/deadline is moved", testNetConnDeadlineMoved},
	{"NetConn/ends", testNetConnEnds},
	{"NetConn/message of the other type", testNetConnType},
	{"NetConn/Close", testNetConnClose},
	{"NetConn/context", testNetConnContext},
	{"wsjson/messages", testJSON},
	{"wsjson/not JSON", testBadJSON},
	{"wspb/messages", testProtobuf},
	{"wspb/text", testProtobufText},
}

func testNetConn(t *testing.T, h *Host) {
	nc := websocket.NetConn(t.Context(), h.Dial(t, "/echo"), websocket.MessageBinary)
	defer nc.Close()
	sent := AnyBytes(1 << 20)
	var wg sync.WaitGroup
	wg.Go(func() {
		for p := range slices.Chunk([]byte(sent), 40_000) {
			if n, err := nc.Write(p); n != len(p) || err != nil {
				t.Errorf("wrote %d of %d bytes, %v", n, len(p), err)
				return
			}
		}
	})
	conntest.WantRead(t, nc, sent)
	wg.Wait()
}

func testNetConnDeadlines(t *testing.T, h *Host) {
	nc := websocket.NetConn(t.Context(), h.Dial(t, "/echo"), websocket.MessageText)
	defer nc.Close()
	timesOut := func(call func([]byte) (int, error)) {
		t.Helper()
		n, err := call([]byte("late"))
		if n != 0 {
			t.Errorf("got %d bytes behind a deadline", n)
		}
		conntest.WantTimeout(t, err)
	}
	nc.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	timesOut(nc.Read)
	if _, err := io.WriteString(nc, "hello"); err != nil {
		t.Fatal(err)
	}
	nc.SetReadDeadline(time.Time{})
	conntest.WantRead(t, nc, "hel")
	// A deadline in the middle of a message loses no bytes.
	nc.SetDeadline(time.Now().Add(-time.Second))
	timesOut(nc.Read)
	timesOut(nc.Write)
	nc.SetDeadline(time.Now().Add(time.Hour))
	conntest.WantRead(t, nc, "lo")
}

// A changed deadline applies to calls under way.
func testNetConnDeadlineMoved(t *testing.T, h *Host) {
	nc := websocket.NetConn(t.Context(), h.Dial(t, "/echo"), websocket.MessageText)
	defer nc.Close()
	nc.SetReadDeadline(time.Now().Add(time.Hour))
	reading := rawpeer.GoErr(t, func() error { _, err := nc.Read(make([]byte, 1)); return err })
	nc.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	conntest.WantTimeout(t, reading.Err())
}

func testNetConnEnds(t *testing.T, h *Host) {
	for path, want := range map[string]error{
		"/close?code=1000&messages=1": io.EOF,
		"/close?code=1001":            io.EOF,
		"/close?code=1011":            websocket.CloseError{Code: 1011},
		"/drop":                       io.ErrUnexpectedEOF,
	} {
		nc := websocket.NetConn(t.Context(), h.Dial(t, path), websocket.MessageText)
		for range 2 {
			_, err := io.Copy(io.Discard, nc)
			if err == nil {
				err = io.EOF
			}
			if !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", path, err, want)
			}
		}
		nc.Close()
	}
}

func testNetConnType(t *testing.T, h *Host) {
	key := h.NewKey()
	c := h.Dial(t, "/echo?id="+key)
	conntest.MustWriteText(t, c, "text")
	nc := websocket.NetConn(t.Context(), c, websocket.MessageBinary)
	_, err := nc.Read(make([]byte, 1))
	conntest.WantCause(t, err, -1)
	_, err = nc.Read(make([]byte, 1))
	conntest.WantClosed(t, err, -1)
	if got, want := h.Await(t, key), h.Seen(websocket.StatusUnsupportedData, ""); !strings.HasPrefix(got, want) {
		t.Errorf("the server saw %q, want %q", got, want)
	}
}

func testNetConnClose(t *testing.T, h *Host) {
	key := h.NewKey()
	nc := websocket.NetConn(t.Context(), h.Dial(t, "/echo?id="+key), websocket.MessageBinary)
	reading := rawpeer.GoErr(t, func() error { _, err := nc.Read(make([]byte, 1)); return err })
	for range 2 {
		if err := nc.Close(); err != nil {
			t.Error(err)
		}
	}
	conntest.WantError(t, reading.Err(), net.ErrClosed)
	h.WantSeen(t, key, h.Seen(websocket.StatusNormalClosure, ""))
	_, err := nc.Write([]byte("late"))
	conntest.WantError(t, err, net.ErrClosed)
}

func testNetConnContext(t *testing.T, h *Host) {
	ctx, cancel := context.WithCancel(t.Context())
	nc := websocket.NetConn(ctx, h.Dial(t, "/echo"), websocket.MessageBinary)
	reading := rawpeer.GoErr(t, func() error { _, err := nc.Read(make([]byte, 1)); return err })
	cancel()
	conntest.WantError(t, reading.Err(), context.Canceled)
	_, err := nc.Write([]byte("late"))
	conntest.WantError(t, err, context.Canceled)
}

type point struct{ X, Y int }

func testJSON(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	want := point{1, -2}
	var got point
	if err := wsjson.Write(Bounded(t), c, want); err != nil {
		t.Fatal(err)
	}
	if err := wsjson.Read(Bounded(t), c, &got); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if err := wsjson.Write(Bounded(t), c, want); err != nil {
		t.Fatal(err)
	}
	conntest.WantText(t, c, `{"X":1,"Y":-2}`+"\n")
}

// The connection stays open after invalid JSON.
func testBadJSON(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	conntest.MustWriteText(t, c, `{"X":`)
	if err := wsjson.Read(Bounded(t), c, new(point)); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	WantOpen(t, c)
}

func testProtobuf(t *testing.T, h *Host) {
	c := h.Dial(t, "/echo")
	got := new(wrapperspb.StringValue)
	if err := wspb.Write(Bounded(t), c, wrapperspb.String("grüß")); err != nil {
		t.Fatal(err)
	}
	if err := wspb.Read(Bounded(t), c, got); err != nil || got.Value != "grüß" {
		t.Errorf("got %v, %v", got, err)
	}
}

func testProtobufText(t *testing.T, h *Host) {
	key := h.NewKey()
	c := h.Dial(t, "/echo?id="+key)
	conntest.MustWriteText(t, c, "text")
	conntest.WantError(t, wspb.Read(Bounded(t), c, new(wrapperspb.StringValue)), wspb.ErrMessageType)
	if got, want := h.Await(t, key), h.Seen(websocket.StatusUnsupportedData, ""); !strings.HasPrefix(got, want) {
		t.Errorf("the server saw %q, want %q", got, want)
	}
}
