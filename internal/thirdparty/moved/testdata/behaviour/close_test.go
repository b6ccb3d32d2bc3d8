package behaviour

import (
	"context"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// When CloseNow returns the goroutine of CloseRead has ended.
func TestCloseNowWaitsForCloseRead(t *testing.T) {
	for range 100 {
		c, _ := dial(t)
		ctx := c.CloseRead(context.Background())
		c.CloseNow()
		if ctx.Err() == nil {
			t.Fatal("CloseNow returned before CloseRead's goroutine")
		}
	}
}

// When Close returns the goroutine of CloseRead has ended.
func TestCloseWaitsForCloseRead(t *testing.T) {
	for range 100 {
		c, p := dial(t)
		ctx := c.CloseRead(context.Background())
		closing := start(func() error {
			err := c.Close(websocket.StatusNormalClosure, "")
			if ctx.Err() == nil {
				t.Error("Close returned before CloseRead's goroutine")
			}
			return err
		})
		p.wantClose()
		p.sendClose(websocket.StatusNormalClosure)
		if err := closing.err(t); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
}

// A second Close, and a second CloseNow, is an error.
func TestSecondClose(t *testing.T) {
	for name, again := range map[string]func(c *websocket.Conn) error{
		"Close":    func(c *websocket.Conn) error { return c.Close(websocket.StatusNormalClosure, "") },
		"CloseNow": (*websocket.Conn).CloseNow,
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := dial(t)
			if err := c.CloseNow(); err != nil {
				t.Fatal(err)
			}
			if err := again(c); err == nil {
				t.Error("no error")
			}
		})
	}
}

// The Close of a NetConn waits for the peer's close frame.
func TestNetConnCloseWaits(t *testing.T) {
	c, p := dial(t)
	nc := websocket.NetConn(context.Background(), c, websocket.MessageBinary)
	closing := start(nc.Close)
	p.wantClose()
	select {
	case err := <-closing.done:
		t.Fatalf("Close did not wait, and returned %v", err)
	case <-time.After(time.Second):
	}
	p.sendClose(websocket.StatusNormalClosure)
	if err := closing.err(t); err != nil {
		t.Fatal(err)
	}
}
