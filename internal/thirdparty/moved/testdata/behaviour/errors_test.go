package behaviour

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A call under way when the peer ends the connection returns the cause. It does not
// match net.ErrClosed, which programs take for their own Close.
func TestCauseWithoutErrClosed(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(p *peer)
		want func(err error) bool
	}{
		{"the peer is gone", func(p *peer) { p.Close() }, func(err error) bool { return errors.Is(err, io.EOF) }},
		{"the peer closes", func(p *peer) { p.sendClose(websocket.StatusGoingAway) }, func(err error) bool {
			return websocket.CloseStatus(err) == websocket.StatusGoingAway
		}},
		{"a violation", func(p *peer) { p.send([]byte{0xf1, 0}) }, func(err error) bool { return err != nil }},
		{"a message too big", func(p *peer) { p.send(frame(text, make([]byte, 40_000))) }, func(err error) bool {
			return errors.Is(err, websocket.ErrMessageTooBig)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, p := dial(t)
			reading := startRead(t, c, p)
			test.end(p)
			err := reading.err(t)
			if !test.want(err) || errors.Is(err, net.ErrClosed) {
				t.Errorf("got %v, which is net.ErrClosed: %t", err, errors.Is(err, net.ErrClosed))
			}
		})
	}
}

// A call made after the end returns an error that matches net.ErrClosed.
func TestErrClosedAfterTheEnd(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, c *websocket.Conn, p *peer){
		"the peer closes": func(t *testing.T, c *websocket.Conn, p *peer) {
			reading := startRead(t, c, p)
			p.sendClose(websocket.StatusNormalClosure)
			reading.err(t)
		},
		"CloseNow": func(t *testing.T, c *websocket.Conn, p *peer) { c.CloseNow() },
	} {
		t.Run(name, func(t *testing.T) {
			c, p := dial(t)
			end(t, c, p)
			if _, _, err := c.Read(bounded(t)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Read returns %v", err)
			}
			if err := c.Write(bounded(t), websocket.MessageText, nil); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Write returns %v", err)
			}
		})
	}
}

// A call that CloseNow ends returns an error that matches net.ErrClosed.
func TestErrClosedByCloseNow(t *testing.T) {
	c, p := dial(t)
	reading := startRead(t, c, p)
	c.CloseNow()
	if err := reading.err(t); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// If the connection is lost between messages, Read and Reader return io.EOF.
func TestGoneBetweenMessages(t *testing.T) {
	c, p := dial(t)
	p.Close()
	if _, _, err := c.Reader(bounded(t)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

// If the connection is lost inside a message, the message's reader returns io.EOF, as
// at the end of a complete message.
func TestGoneInsideAMessage(t *testing.T) {
	c, p := dial(t)
	p.send(frame(more, []byte("begun")))
	_, r, err := c.Reader(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if _, err := r.Read(make([]byte, 5)); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

// A context that ends while Read waits for a message closes the connection.
func TestContextEndsBetweenMessages(t *testing.T) {
	c, _ := dial(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, _, err := c.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if err := c.Write(bounded(t), websocket.MessageText, nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v from a Write after it", err)
	}
}

// The first error has the close code; the errors of later calls do not.
func TestCodeInFirstErrorOnly(t *testing.T) {
	c, p := dial(t)
	reading := startRead(t, c, p)
	p.sendClose(websocket.StatusGoingAway)
	reading.err(t)
	if code := websocket.CloseStatus(c.Write(bounded(t), websocket.MessageText, nil)); code != -1 {
		t.Errorf("the error of a Write has code %v", code)
	}
}

// A call whose context ends returns the context's error.
func TestContextError(t *testing.T) {
	c, _ := dial(t)
	c.CloseRead(context.Background())
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if err := c.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v from Ping", err)
	}
	if err := c.Write(bounded(t), websocket.MessageText, nil); err != nil {
		t.Errorf("got %v from a Write after it", err)
	}
	c, _ = dial(t)
	if _, _, err := c.Read(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v from Read", err)
	}
}
