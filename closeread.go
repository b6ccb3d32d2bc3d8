package websocket

import (
	"context"
	"time"
)

// closeReading is the state of CloseRead.
type closeReading struct {
	ctx  context.Context // the result of CloseRead
	done chan struct{}   // closed when its goroutine ends
}

// CloseRead is for programs that only write. It starts a goroutine that reads until the
// connection is closed, so that pings are answered, pongs reach Ping, and the peer's
// close is noticed. It returns a context derived from ctx, which is canceled then. Its
// [context.Cause] is the error of a Read that was under way. A data message closes the
// connection with StatusPolicyViolation. When ctx is done, the connection is closed at
// once, as by CloseNow.
//
// After CloseRead, Read, AppendRead and Reader return an error. Further calls return the
// context of the first one.
func (c *Conn) CloseRead(ctx context.Context) context.Context {
	checkContext(ctx)
	if first := c.closeRead.Load(); first != nil {
		return first.ctx
	}
	began := c.life.beginRead()
	ctx, cancel := context.WithCancelCause(ctx)
	reading := &closeReading{ctx, make(chan struct{})}
	if !c.closeRead.CompareAndSwap(nil, reading) {
		cancel(nil)
		return c.closeRead.Load().ctx
	}
	go func() {
		defer close(reading.done)
		defer func() { cancel(opError("read", c.life.err(began))) }()
		c.readToEndOf(ctx)
	}()
	return ctx
}

// awaitCloseRead waits for the goroutine of CloseRead to end, after a call of Close or
// CloseNow that began at start. The wait is bounded by ctx, or by closeTimeout if ctx has
// no deadline. It ends if a callback runs, which may be the caller or wait for it.
func (c *Conn) awaitCloseRead(ctx context.Context, start time.Time) {
	reading := c.closeRead.Load()
	if reading == nil {
		return
	}
	end, ok := ctx.Deadline()
	if !ok {
		end = start.Add(closeTimeout)
	}
	timer := time.NewTimer(time.Until(end))
	defer timer.Stop()
	select {
	case <-reading.done:
	case <-c.callbackBegun():
	case <-ctx.Done():
	case <-timer.C:
	}
}

// readToEndOf is the goroutine of CloseRead. It ends the connection, also if a callback
// panics or calls runtime.Goexit.
func (c *Conn) readToEndOf(ctx context.Context) {
	ended := false
	defer func() {
		if !ended {
			c.closeNow()
		}
	}()
	_, _, err := c.reader(ctx)
	if err == nil || err == errBetweenMessages {
		err = c.refuse(ctx, StatusPolicyViolation, "unexpected data message")
	}
	ended = err == nil || ctx.Err() == nil
}

// readsTaken returns the error of a read after CloseRead.
func (c *Conn) readsTaken() error {
	if c.life.state() != stateOpen {
		return c.life.err(later)
	}
	return errReadsTaken
}
