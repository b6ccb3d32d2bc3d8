package websocket

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// Conn is a WebSocket connection, made by [Accept] or [Dial].
//
// All methods may be called at once, from any number of goroutines, but for
// one thing: a message must be read to its end before the next Reader or
// Read.
//
// Somebody has to read. Pings are answered, pongs noticed and the peer's
// close frame seen only by a call of Reader or Read, or of the Read of a
// message's reader. A program that expects no messages calls [Conn.CloseRead].
//
// # Contexts
//
// A context that ends while a call waits between messages, for the next one
// to arrive or for its turn to write, ends that call alone: nothing was read
// or written, and the connection stays as it was. A context that ends inside
// a message, when a part has been read or written, fails the connection,
// since nobody could make sense of the rest. A context counts for the call
// that it is given to, and for the reader or writer that the call returns.
//
// A call is interrupted by a deadline on the network connection. Over TLS, and over
// types of one's own that do not declare that their writes can go on after that, a
// write that is interrupted fails the connection wherever it is, and so does every
// interrupt over types whose deadlines do not work.
//
// # Errors
//
// An error says which side ended the connection, and why. If the peer sent a
// close frame, the error holds it as a [CloseError], and [CloseStatus] returns its
// code. Otherwise the error holds the cause: the peer's violation, the error of the
// stream, or the failure of this side.
//
// A call that is under way when the peer or the network ends the connection returns
// the cause, and its error is not [net.ErrClosed] for [errors.Is]: a program may
// connect again. The error of each call that begins later, or that Close or CloseNow
// of this side ends or precedes, is the cause and net.ErrClosed. So is the error of a
// context that fails the connection. A failed write ends the connection for writes.
// The next read may still return what has arrived, and counts as under way.
//
// A peer that is gone without a close frame is [io.EOF] between messages, and
// [io.ErrUnexpectedEOF] inside a message and in the Read of a message's reader.
//
// Whoever has a Conn calls Close or CloseNow in the end, also after an error.
type Conn struct {
	engine

	closeRead atomic.Pointer[closeReading] // nil before the first CloseRead
}

// closeReading is what CloseRead leaves behind.
type closeReading struct {
	ctx  context.Context // what it returns
	done chan struct{}   // closed when its goroutine ends
}

// Read waits for the next message and returns the whole of it. The slice is
// newly allocated and the caller's. [Conn.AppendRead] and [Conn.Reader] read without
// allocating.
//
// A message longer than the limit of SetReadLimit fails the connection with
// StatusMessageTooBig and returns an error that is [ErrMessageTooBig].
func (c *Conn) Read(ctx context.Context) (MessageType, []byte, error) {
	checkContext(ctx)
	if c.closeRead.Load() != nil {
		return 0, nil, prefixed("read", c.readsTaken())
	}
	typ, p, err := c.read(ctx)
	if err != nil {
		return 0, nil, prefixed("read", err)
	}
	return typ, p, nil
}

// AppendRead waits for the next message, appends the whole of it to dst and returns
// the extended slice. It allocates nothing if the message fits into the capacity of
// dst, so a loop that reads each message into the same slice, as
//
//	typ, buf, err = c.AppendRead(ctx, buf[:0])
//
// allocates only for a message that is longer than all before it. The slice is the
// caller's. dst may be nil. It must not be used by other goroutines during the call.
//
// If dst has no room, it is extended in proportion to the bytes that have arrived,
// not to the length that the peer declares. The capacity beyond the result may be
// overwritten.
//
// On an error AppendRead returns dst at its old length; a part of the message may be
// in the capacity behind it. The limit of SetReadLimit and the context count as they
// do for [Conn.Read].
func (c *Conn) AppendRead(ctx context.Context, dst []byte) (MessageType, []byte, error) {
	checkContext(ctx)
	if c.closeRead.Load() != nil {
		return 0, dst, prefixed("read", c.readsTaken())
	}
	typ, p, err := c.appendRead(ctx, dst)
	if err != nil {
		return 0, p, prefixed("read", err)
	}
	return typ, p, nil
}

// Reader waits for the next message and returns its type and a reader of its
// bytes, which arrive as the reader is read: a message is never held in
// memory as a whole. The reader returns [io.EOF] at the message's end, is
// bounded by ctx, and ends with its message: used later it returns an error.
// It must be read to its end before the next call of Reader or Read; an
// earlier call returns an error and changes nothing.
//
// Text is checked as it arrives; the first byte that can't be UTF-8 fails the
// connection with StatusInvalidFramePayloadData (RFC 6455 section 8.1). Pings
// that arrive meanwhile are answered. After a protocol error of the peer,
// Reader sends a close frame that names it and waits up to a second for the
// peer to read that, then closes.
//
// In a browser a message is in memory as a whole before Reader returns it, and
// what the browser finds wrong with the peer it does not tell: such a connection
// ends as if the peer were gone.
func (c *Conn) Reader(ctx context.Context) (MessageType, io.Reader, error) {
	checkContext(ctx)
	if c.closeRead.Load() != nil {
		return 0, nil, prefixed("read", c.readsTaken())
	}
	typ, r, err := c.reader(ctx)
	if err != nil {
		return 0, nil, prefixed("read", err)
	}
	return typ, r, nil
}

// Write sends p as one message. It returns when the bytes are with the
// operating system. p is not kept, and never changed.
//
// A context that ends while Write waits for its turn leaves the connection
// open, and nothing was sent. Once the bytes are on their way, alone or together
// with other messages, the end of the context may fail the connection, which
// the error tells: it is [net.ErrClosed] then. A program for which a peer that
// does not read is gone calls CloseNow in any case.
//
// Concurrent writes go out whole, one after the other, in the order in which
// they began to wait; those that wait go out together. Only who waited for a
// Writer's message to end may see a write go first that came after that end. A
// text message that is not valid UTF-8 is refused and nothing is sent.
//
// In a browser Write waits while more than 1 MiB of what was written before is
// with the browser, and returns when the browser has p. A context that ends
// has sent nothing.
func (c *Conn) Write(ctx context.Context, typ MessageType, p []byte) error {
	checkContext(ctx)
	return opError("write", c.write(ctx, typ, p, asAgreed))
}

// WriteUncompressed is [Conn.Write] of a message that is never compressed,
// whatever CompressionMode says: one with a secret, whose length on the wire
// must not depend on other text, or one that is compressed already. Later
// compressed messages do not refer to it.
//
// In a browser it is Write: the browser decides which messages it compresses.
func (c *Conn) WriteUncompressed(ctx context.Context, typ MessageType, p []byte) error {
	checkContext(ctx)
	return opError("write", c.write(ctx, typ, p, never))
}

// WritePrepared is [Conn.Write] of a message that was prepared: what is said
// there of waiting, contexts and errors holds here too. A message for many
// connections, such as a chat's, costs each of them little more than the
// system call.
//
// It is compressed where Write would compress it, without reference to the
// messages before it, which makes it longer than Write would. The messages
// after it may refer to it.
func (c *Conn) WritePrepared(ctx context.Context, m *PreparedMessage) error {
	checkContext(ctx)
	return opError("write", c.writePrepared(ctx, m))
}

// Writer returns a writer of one message, of which each 16 KiB go out as a
// frame of their own, and Close the last one. Other messages wait until then:
// always close the writer. Pings, pongs and a close frame still go out
// between its frames. The writer is bounded by ctx, must not be used by
// several goroutines at once, and returns an error after its Close.
//
// The writer has a method Flush() error, which sends what was written so far as a
// frame, such as each token of a text that is generated slowly:
//
//	w.(interface{ Flush() error }).Flush()
//
// In a text message the first byte that can't be UTF-8 is an error, and since
// a part of the message may have been sent, it fails the connection.
//
// In a browser the message is collected, and sent as a whole by Close; until
// then other messages do not wait, and Flush sends nothing.
func (c *Conn) Writer(ctx context.Context, typ MessageType) (io.WriteCloser, error) {
	checkContext(ctx)
	w, err := c.writer(ctx, typ, asAgreed)
	if err != nil {
		return nil, opError("write", err)
	}
	return w, nil
}

// WriterUncompressed is [Conn.Writer] of a message that is never compressed. What
// [Conn.WriteUncompressed] says of such a message holds here too.
func (c *Conn) WriterUncompressed(ctx context.Context, typ MessageType) (io.WriteCloser, error) {
	checkContext(ctx)
	w, err := c.writer(ctx, typ, never)
	if err != nil {
		return nil, opError("write", err)
	}
	return w, nil
}

// Ping sends a ping and waits until its pong arrives or ctx ends. Some other
// goroutine must read from the connection, in Reader or by CloseRead, for the
// pong to be seen. Any number of pings may be under way; a pong answers its ping
// and the ones sent before it (RFC 6455 sections 5.5.2 and 5.5.3). A context that
// ends after the ping was sent leaves the connection open.
//
// An error that is [net.ErrClosed] means that this side closes the connection, or
// that it had ended before: a program that pings has nothing left to do. Any other
// error of a ping with a deadline means that the connection was lost, that the peer
// closed it, or that the peer, or its program, does not answer.
//
// In a browser, where a page can't send pings, Ping returns nil while the
// connection is open.
func (c *Conn) Ping(ctx context.Context) error {
	checkContext(ctx)
	return opError("ping", c.ping(ctx))
}

// Pong sends a pong that answers no ping, a heartbeat that expects no answer
// (RFC 6455 section 5.5.3). Pings of the peer are answered without it. The
// payload has at most 125 bytes; it is not kept, and never changed. Contexts
// count as for Write.
//
// In a browser, where a page can't send pongs, Pong sends nothing. It returns nil
// while the connection is open.
func (c *Conn) Pong(ctx context.Context, payload []byte) error {
	checkContext(ctx)
	if len(payload) > maxPongPayload {
		return opError("pong", errPongPayload)
	}
	return opError("pong", c.pong(ctx, payload))
}

// Close closes the connection with the close handshake (RFC 6455 section 7):
// it sends a close frame with code and reason, reads until the peer's arrives,
// discarding messages, and closes the network connection. A handshake that is
// not over after 5 seconds ends all the same, with an error. Calls under way
// elsewhere return an error, those of reads when the handshake is over.
//
// Close waits for the goroutine of CloseRead to end, within the 5 seconds, unless a
// callback runs, OnPingReceived or OnPongReceived: the callback may be the caller.
//
// Later and concurrent calls wait for the connection to be closed and return
// nil, and so does a first call after the peer has closed, or the connection
// has failed, which was told by another call.
//
// The reason is UTF-8 of at most 123 bytes. A longer one, or one that is not
// valid, is cut at a character. A code that may not be sent is replaced by
// StatusInternalError, without the reason. In both cases Close returns an error
// that says so. StatusNoStatusRcvd with no reason sends a close frame without a
// code.
//
// In a browser, where a page may send the codes 1000 and 3000 to 4999 alone,
// any other one goes out as the code plus 3000: StatusInternalError as 4011. So
// do the codes with which the library closes, such as StatusMessageTooBig.
func (c *Conn) Close(code StatusCode, reason string) error {
	return c.CloseContext(context.Background(), code, reason)
}

// CloseContext is [Conn.Close] with another bound: the close handshake may take
// until ctx is done. A ctx without a deadline allows 5 seconds, as Close does. When
// ctx is done first, the connection is closed without the peer's close frame, and
// the error is that of ctx. Of several calls, the one whose time ends first closes
// the connection.
func (c *Conn) CloseContext(ctx context.Context, code StatusCode, reason string) error {
	checkContext(ctx)
	start := time.Now()
	err := c.close(ctx, code, reason)
	c.awaitCloseRead(ctx, start)
	return opError("close", err)
}

// Done returns a channel that is closed when the connection has ended and the
// network connection is closed. It does not read: a connection on which no call is
// under way notices its end no later than its next ping or write. A program that
// only writes calls [Conn.CloseRead], or reads, to notice it at once.
//
// A browser notices the end whether a call is under way or not.
func (c *Conn) Done() <-chan struct{} { return c.done() }

// Err returns nil while the connection is open, and then an error that holds what
// ended it, as the errors of all calls do: [net.ErrClosed], the peer's [CloseError],
// [io.EOF] and so on. It is not nil once the channel of Done is closed, and may be
// before that, while the close handshake goes on.
func (c *Conn) Err() error {
	if err := c.endErr(); err != nil {
		return fmt.Errorf("websocket: %w", err)
	}
	return nil
}

// CloseNow closes the network connection at once, with no close handshake.
// It is what a deferred call wants: after Close it does nothing. Calls under
// way elsewhere return an error. Where the peer has closed, and the reply to its
// close frame is on its way, that has a second to get out. CloseNow waits for the
// goroutine of CloseRead as Close does.
//
// In a browser, where a page has no other way, it sends a close frame without a
// code, and does not wait for the answer.
func (c *Conn) CloseNow() error {
	start := time.Now()
	err := c.closeNow()
	c.awaitCloseRead(context.Background(), start)
	return opError("close", err)
}

// CloseRead is for programs that only write: it starts a goroutine that reads
// until the connection is closed, so that pings are answered, pongs reach
// Ping, and the peer's close is noticed. The context that it returns, a child
// of ctx, is canceled then, and [context.Cause] of it is the error of a Read that was
// under way. A data message closes the connection with StatusPolicyViolation.
// When ctx ends, the connection is closed at once, as by CloseNow.
//
// After it, Read and Reader return an error. Further calls return the first
// one's context.
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

// awaitCloseRead waits for the goroutine of CloseRead, on a connection that was
// closed by a call that began at start. ctx bounds the wait, or closeTimeout where it
// has no deadline. awaitCloseRead does not wait while a callback runs: that may be the
// caller, or wait for it.
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

// readToEndOf is the goroutine of CloseRead. The connection has ended when it
// returns, or is left by a callback.
func (c *Conn) readToEndOf(ctx context.Context) {
	ended := false
	defer func() {
		if !ended {
			c.closeNow()
		}
	}()
	_, _, err := c.reader(ctx)
	if err == nil || err == errBetweenMessages {
		c.refuse(ctx, StatusPolicyViolation, "unexpected data message")
		err = nil
	}
	ended = err == nil || ctx.Err() == nil
}

// readsTaken is the error of a read after CloseRead.
func (c *Conn) readsTaken() error {
	if c.life.state() != stateOpen {
		return c.life.err(later)
	}
	return errReadsTaken
}

// SetReadLimit sets how many bytes a message may have, after it was inflated,
// from the next message on. A message of n bytes is allowed, a longer one
// fails the connection with StatusMessageTooBig. It is 32768 at first; -1
// means no limit. Other negative numbers mean the same.
//
// Frames without payload do not count against the limit. A peer that sends more
// than 1000 of them in a row, inside one message, fails the connection with
// StatusPolicyViolation, whatever the limit is. A browser has bounds of its own.
func (c *Conn) SetReadLimit(n int64) {
	c.setReadLimit(n)
}

// Subprotocol returns the subprotocol that was agreed on, or "" if none was.
func (c *Conn) Subprotocol() string {
	return c.subprotocol()
}

// LocalAddr returns the local network address. It is never nil: where the
// address is not known, as in a browser, its Network is "websocket".
func (c *Conn) LocalAddr() net.Addr {
	local, _ := c.addrs()
	return local
}

// RemoteAddr returns the peer's network address, or a proxy's in between. It
// is never nil: where the address is not known, its Network is "websocket",
// and in a browser its String is the URL, without a password.
func (c *Conn) RemoteAddr() net.Addr {
	_, remote := c.addrs()
	return remote
}
