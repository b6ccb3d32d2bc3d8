package behaviour

import (
	"context"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// CloseNow returns after the goroutine of CloseRead has ended.
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

// Close returns after the goroutine of CloseRead has ended.
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

// A second Close, or a second CloseNow, returns an error.
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

// The reply to the peer's close frame has the same code.
func TestCloseIsAnswered(t *testing.T) {
	c, p := dial(t)
	reading := startRead(t, c, p)
	p.sendClose(4321)
	if code := p.wantClose(); code != 4321 {
		t.Errorf("got %v", code)
	}
	reading.err(t)
}

// A message after CloseRead closes the connection.
func TestCloseReadTakesNoMessage(t *testing.T) {
	c, p := dial(t)
	ctx := c.CloseRead(context.Background())
	p.send(frame(text, nil))
	if code := p.wantClose(); code != websocket.StatusPolicyViolation {
		t.Errorf("got %v", code)
	}
	p.sendClose(websocket.StatusPolicyViolation)
	select {
	case <-ctx.Done():
	case <-time.After(limit):
		t.Error("the context does not end")
	}
}

// A Read under way during Close returns the peer's code.
func TestReadDuringClose(t *testing.T) {
	c, p := dial(t)
	reading := startRead(t, c, p)
	closing := start(func() error { return c.Close(websocket.StatusNormalClosure, "bye") })
	p.wantClose()
	p.sendClose(websocket.StatusNormalClosure)
	if err := reading.err(t); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("got %v", err)
	}
	if err := closing.err(t); err != nil {
		t.Error(err)
	}
}

// A Close to which the peer replies with another code returns that code.
func TestCloseAnsweredOtherwise(t *testing.T) {
	c, p := dial(t)
	closing := start(func() error { return c.Close(websocket.StatusGoingAway, "bye") })
	p.wantClose()
	p.sendClose(4000)
	if err := closing.err(t); websocket.CloseStatus(err) != 4000 {
		t.Errorf("got %v", err)
	}
}

// A Close without a reply returns an error.
func TestCloseNotAnswered(t *testing.T) {
	c, p := dial(t)
	closing := start(func() error { return c.Close(websocket.StatusGoingAway, "bye") })
	p.wantClose()
	p.Close()
	if err := closing.err(t); err == nil {
		t.Error("no error")
	}
}
