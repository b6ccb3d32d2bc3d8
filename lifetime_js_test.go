package websocket

import (
	"context"
	"syscall/js"

	"github.com/bhojpur/api/internal/wsjs"
)

// Accessors for tests in a browser.

const (
	DefaultMaxUnread = defaultMaxUnread
	MessageCost      = messageCost
	MaxBuffered      = maxBuffered
)

var (
	SocketURL = socketURL
	IsOffline = wsjs.IsOffline
)

// Listeners returns the number of event listeners on the socket.
func (c *Conn) Listeners() int {
	return c.socket.Listeners()
}

// Buffered returns the number of bytes that the browser has not sent.
func (c *Conn) Buffered() int { return c.socket.Buffered() }

// IsOpen reports whether the socket is open, independently of received events.
func (c *Conn) IsOpen() bool { return c.socket.IsOpen() }

// Senders returns the number of goroutines that send or wait for the browser to send.
func (c *Conn) Senders() int { return len(c.sending) }

// AwaitUnread waits until n messages are unread, or the connection is no longer open.
func (c *Conn) AwaitUnread(ctx context.Context, n int) error {
	return c.await(ctx, func(s state) bool {
		c.unread.mu.Lock()
		defer c.unread.mu.Unlock()
		return len(c.unread.queue) >= n || s != stateOpen
	})
}

// AwaitEnd waits until the connection is no longer open.
func (c *Conn) AwaitEnd(ctx context.Context) error {
	return c.await(ctx, func(s state) bool { return s != stateOpen })
}

func (c *Conn) await(ctx context.Context, done func(state) bool) error {
	for {
		p, changed := c.life.watch()
		if done(p) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// AwaitOpened is the part of Dial after the socket has opened.
func AwaitOpened(ctx context.Context) error {
	e := &engine{}
	e.opened()
	return e.awaitOpen(ctx)
}

// NewReceiver returns a connection without a socket, and its handler of received
// messages.
func NewReceiver() (c *Conn, received func(data js.Value)) {
	c = &Conn{engine: engine{unread: unreadQueue{max: defaultMaxUnread}}}
	c.SetReadLimit(-1)
	c.opened()
	return c, func(data js.Value) { c.received(wsjs.DataOf(data)) }
}
