package websocket

import (
	"context"
	"syscall/js"

	"github.com/bhojpur/api/internal/wsjs"
)

// What tests in a browser look at.

const (
	DefaultMaxUnread = defaultMaxUnread
	MessageCost      = messageCost
	MaxBuffered      = maxBuffered
)

var (
	SocketURL = socketURL
	IsOffline = wsjs.IsOffline
)

// Listeners returns how many events of its socket the connection listens to.
func (c *Conn) Listeners() int {
	return c.socket.Listeners()
}

// Buffered returns how many bytes the browser has left to send.
func (c *Conn) Buffered() int { return c.socket.Buffered() }

// IsOpen reports whether the socket is open, whatever has been told of it.
func (c *Conn) IsOpen() bool { return c.socket.IsOpen() }

// Senders returns how many send, or wait for the browser to send.
func (c *Conn) Senders() int { return len(c.sending) }

// AwaitUnread waits until n messages wait to be read, or the connection is no
// longer open.
func (c *Conn) AwaitUnread(ctx context.Context, n int) error {
	return c.await(ctx, func(s state) bool {
		c.inbox.mu.Lock()
		defer c.inbox.mu.Unlock()
		return len(c.inbox.queue) >= n || s != stateOpen
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

// AwaitOpened is what Dial does when the socket has opened.
func AwaitOpened(ctx context.Context) error {
	e := &engine{}
	e.opened()
	return e.awaitOpen(ctx)
}

// NewReceiver returns a connection without a socket, and what a message that
// arrives does to it.
func NewReceiver() (c *Conn, received func(data js.Value)) {
	c = &Conn{engine: engine{inbox: inbox{max: defaultMaxUnread}}}
	c.SetReadLimit(-1)
	c.opened()
	return c, func(data js.Value) { c.received(wsjs.DataOf(data)) }
}
