//go:build !js

package wsjson_test

import (
	"encoding/json"
	"errors"
	"math"
	"net"
	"os"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
	"github.com/bhojpur/api/wsjson"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

type tick struct {
	Name  string
	Count int
	Tags  []string `json:",omitempty"`
}

func TestReadBothTypes(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		for _, f := range []rawpeer.Frame{
			rawpeer.Text(`{"Name":"a","Count":1}`),
			rawpeer.Binary([]byte(` {"Name":"a","Count":1} `)),
		} {
			p.Send(f)
			var got tick
			if err := wsjson.Read(t.Context(), c, &got); err != nil || got.Name != "a" || got.Count != 1 {
				t.Fatalf("read %+v, %v", got, err)
			}
		}
	})
}

// TestReadKeepsNothing: decoded values do not change when the buffer is reused.
func TestReadKeepsNothing(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendText(`{"Name":"first","Tags":["x","y"]}`)
		p.SendText(`{"Name":"other","Tags":["1","2"]}`)
		var first, second tick
		var raw json.RawMessage
		if err := wsjson.Read(t.Context(), c, &first); err != nil {
			t.Fatal(err)
		}
		if err := wsjson.Read(t.Context(), c, &second); err != nil {
			t.Fatal(err)
		}
		p.SendText(`[1,2,3]`)
		if err := wsjson.Read(t.Context(), c, &raw); err != nil {
			t.Fatal(err)
		}
		p.SendText(`"zzzzzzzzzzz"`)
		var s string
		if err := wsjson.Read(t.Context(), c, &s); err != nil {
			t.Fatal(err)
		}
		if first.Name != "first" || first.Tags[1] != "y" || string(raw) != "[1,2,3]" {
			t.Errorf("decoded values changed to %+v and %s", first, raw)
		}
	})
}

// TestReadBadJSON: the error is the decoder's, and the next message can be read.
func TestReadBadJSON(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendText(`{"Name":`)
		p.SendText(`{"Count":"many"}`)
		p.SendText(`{} {}`)
		p.SendText(``)
		p.SendText(`{"Count":7}`)
		var got tick
		err := wsjson.Read(t.Context(), c, &got)
		if _, ok := errors.AsType[*json.SyntaxError](err); !ok {
			t.Errorf("got error %v, want a json.SyntaxError", err)
		}
		err = wsjson.Read(t.Context(), c, &got)
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); !ok {
			t.Errorf("got error %v, want a json.UnmarshalTypeError", err)
		}
		for range 2 {
			if err := wsjson.Read(t.Context(), c, &got); err == nil || errors.Is(err, net.ErrClosed) {
				t.Errorf("got error %v, want one of the decoder", err)
			}
		}
		if err := wsjson.Read(t.Context(), c, &got); err != nil || got.Count != 7 {
			t.Errorf("read %+v, %v after messages that did not decode", got, err)
		}
	})
}

func TestReadLimit(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		c.SetReadLimit(10)
		p.SendText(`"` + strings.Repeat("x", 9) + `"`)
		read := rawpeer.GoErr(t, func() error {
			var s string
			return wsjson.Read(t.Context(), c, &s)
		})
		p.WantClose(1009)
		p.Close()
		if err := read.Err(); !errors.Is(err, websocket.ErrMessageTooBig) {
			t.Errorf("got error %v, want ErrMessageTooBig", err)
		}
	})
}

func TestReadClosed(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendClose(4000, "bye")
		var got any
		if err := wsjson.Read(t.Context(), c, &got); websocket.CloseStatus(err) != 4000 {
			t.Errorf("got error %v, want close status 4000", err)
		}
		if err := wsjson.Write(t.Context(), c, 1); websocket.CloseStatus(err) != 4000 {
			t.Errorf("got error %v, want close status 4000", err)
		}
	})
}

func TestWrite(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		for _, test := range []struct {
			v    any
			want string
		}{
			{tick{Name: "<a>", Count: 1}, `{"Name":"\u003ca\u003e","Count":1}`},
			{"text\n", `"text\n"`},
			{nil, "null"},
			{json.RawMessage("{ \"a\" : 1 }"), `{"a":1}`},
			{[]int{}, "[]"},
			{strings.Repeat("long ", 30000), `"` + strings.Repeat("long ", 30000) + `"`},
			{1, "1"},
		} {
			write := rawpeer.GoErr(t, func() error { return wsjson.Write(t.Context(), c, test.v) })
			p.Want(rawpeer.Text(test.want + "\n")) // the newline is added by json.Encoder
			write.Want()
		}
	})
}

// TestWriteBadValue: a value that cannot be encoded is an error, nothing is sent, and
// the connection stays open.
func TestWriteBadValue(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		err := wsjson.Write(t.Context(), c, math.NaN())
		if _, ok := errors.AsType[*json.UnsupportedValueError](err); !ok {
			t.Errorf("got error %v, want a json.UnsupportedValueError", err)
		}
		if err := wsjson.Write(t.Context(), c, "next"); err != nil {
			t.Fatal(err)
		}
		p.WantText("\"next\"\n")
	})
}
