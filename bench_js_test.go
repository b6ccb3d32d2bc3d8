package websocket_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"syscall/js"
	"testing"

	websocket "github.com/bhojpur/api"
)

func BenchmarkEcho(b *testing.B) {
	for _, typ := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		for _, size := range []int{16, 4 << 10, 256 << 10} {
			b.Run(fmt.Sprint(typ, "/", size), func(b *testing.B) {
				c := startHost(b).Dial(b, "/echo")
				ctx := context.Background()
				c.SetReadLimit(-1)
				p := make([]byte, size)
				for i := range p {
					p[i] = 'a' + byte(i%26)
				}
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if err := c.Write(ctx, typ, p); err != nil {
						b.Fatal(err)
					}
					if _, _, err := c.Read(ctx); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkReader(b *testing.B) {
	for _, size := range []int{16, 4 << 10, 256 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c := startHost(b).Dial(b, fmt.Sprintf("/flood?messages=%d&size=%d", 1<<30, size))
			ctx := context.Background()
			c.SetReadLimit(-1)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				_, r, err := c.Reader(ctx)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReceived measures what happens here to a message that arrives.
func BenchmarkReceived(b *testing.B) {
	for _, size := range []int{16, 4 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			c, received := websocket.NewReceiver()
			data := js.Global().Get("ArrayBuffer").New(size)
			target := js.Global().Get("EventTarget").New()
			f := js.FuncOf(func(_ js.Value, args []js.Value) any {
				args[0].Get("type")
				received(data)
				return nil
			})
			defer f.Release()
			target.Call("addEventListener", "message", f)
			event := js.Global().Get("Event").New("message")
			b.ReportAllocs()
			for b.Loop() {
				target.Call("dispatchEvent", event)
				if _, _, err := c.Read(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, typ := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		for _, size := range []int{16, 4 << 10, 256 << 10, 1 << 20} {
			b.Run(fmt.Sprint(typ, "/", size), func(b *testing.B) {
				c := startHost(b).Dial(b, "/sink")
				p := bytes.Repeat([]byte("a"), size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if err := c.Write(context.Background(), typ, p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
