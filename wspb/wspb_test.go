//go:build !js

package wspb_test

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
	"github.com/bhojpur/api/wspb"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

func marshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRead: messages are decoded one by one, and do not refer to the buffer.
func TestRead(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendBinary(marshal(t, wrapperspb.Bytes([]byte("first"))))
		p.SendBinary(marshal(t, wrapperspb.Bytes([]byte("other"))))
		p.SendBinary(nil)
		first, second, empty := new(wrapperspb.BytesValue), new(wrapperspb.BytesValue), wrapperspb.Bytes([]byte("old"))
		for _, m := range []proto.Message{first, second, empty} {
			if err := wspb.Read(t.Context(), c, m); err != nil {
				t.Fatal(err)
			}
		}
		if string(first.Value) != "first" || string(second.Value) != "other" || len(empty.Value) != 0 {
			t.Errorf("read %q, %q and %q", first.Value, second.Value, empty.Value)
		}
	})
}

// TestReadBadMessage: the error wraps the decoder's, and the next message can be read.
func TestReadBadMessage(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendBinary([]byte{0x0a, 0x7f, 'x'})
		p.SendBinary(marshal(t, wrapperspb.String("fine")))
		got := new(wrapperspb.StringValue)
		err := wspb.Read(t.Context(), c, got)
		if !errors.Is(err, proto.Error) || errors.Is(err, net.ErrClosed) {
			t.Errorf("got error %v, want one of protobuf", err)
		}
		if err := wspb.Read(t.Context(), c, got); err != nil || got.Value != "fine" {
			t.Errorf("read %q, %v", got.Value, err)
		}
	})
}

func TestReadText(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		p.SendText("{}")
		read := rawpeer.GoErr(t, func() error { return wspb.Read(t.Context(), c, new(wrapperspb.StringValue)) })
		p.WantClose(1003)
		p.SendClose(1003, "")
		if err := read.Err(); !errors.Is(err, wspb.ErrMessageType) {
			t.Errorf("got error %v, want ErrMessageType", err)
		}
		if err := wspb.Write(t.Context(), c, wrapperspb.String("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got error %v, want net.ErrClosed", err)
		}
	})
}

func TestReadLimit(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		c.SetReadLimit(10)
		p.SendBinary(make([]byte, 11))
		read := rawpeer.GoErr(t, func() error { return wspb.Read(t.Context(), c, new(wrapperspb.StringValue)) })
		p.WantClose(1009)
		p.Close()
		if err := read.Err(); !errors.Is(err, websocket.ErrMessageTooBig) {
			t.Errorf("got error %v, want ErrMessageTooBig", err)
		}
	})
}

func TestWrite(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		value, err := structpb.NewStruct(map[string]any{"a": []any{1.0, "b"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []proto.Message{
			wrapperspb.String("hello"),
			value,
			wrapperspb.String(strings.Repeat("long ", 30000)),
			new(wrapperspb.StringValue),
			wrapperspb.String("short again"),
		} {
			write := rawpeer.GoErr(t, func() error { return wspb.Write(t.Context(), c, m) })
			got := proto.Clone(m)
			if err := proto.Unmarshal(p.ReadMessage().Payload, got); err != nil || !proto.Equal(got, m) {
				t.Errorf("wrote %v, %v, want %v", got, err, m)
			}
			write.Want()
		}
	})
}

// TestWriteBadMessage: a message that cannot be encoded is an error, nothing is sent,
// and the connection stays open.
func TestWriteBadMessage(t *testing.T) {
	conntest.ForBothRoles(t, nil, func(t *testing.T, c *websocket.Conn, p *rawpeer.Peer) {
		if err := wspb.Write(t.Context(), c, wrapperspb.String("\xff")); err == nil || errors.Is(err, net.ErrClosed) {
			t.Errorf("got error %v, want one of protobuf", err)
		}
		if err := wspb.Write(t.Context(), c, wrapperspb.Bool(true)); err != nil {
			t.Fatal(err)
		}
		p.Want(rawpeer.Binary(marshal(t, wrapperspb.Bool(true))))
	})
}
