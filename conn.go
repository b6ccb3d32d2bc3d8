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
// All methods are safe for concurrent use. A message must be read to its end before
// the next Reader or Read.
//
// Keep a read in progress: pings are answered, and pongs and the peer's close frame
// are noticed, only during Read, AppendRead, Reader or the Read of a message's reader.
// A program that expects no messages calls [Conn.CloseRead].
//
// # Contexts
//
// If a context ends while a call waits between messages, for the next message or to
// write, only that call ends: nothing was read or written, and the connection stays
// open. If it ends inside a message, after a part was read or written, the connection
// fails, since neither side could use the rest. A context applies to the call that it
// is passed to, and to the reader or writer that the call returns.
//
// A blocked call is interrupted by a deadline on the network connection. Over TLS, and
// over other types of net.Conn that do not declare their writes resumable, an
// interrupted write always fails the connection. Over types whose deadlines do not
// work, every interrupt does.
//
// # Errors
//
// An error reports which side ended the connection, and why. If the peer sent a close
// frame, the error holds it as a [CloseError], and [CloseStatus] returns its code.
// Otherwise the error holds the cause: the peer's violation, the error of the stream,
// or the failure of this side.
//
// A call that is under way when the peer or the network ends the connection returns
// the cause, and its error is not [net.ErrClosed] for [errors.Is]: a program may
// connect again. The error of each call that begins later, or that Close or CloseNow
// of this side ends or precedes, is the cause and net.ErrClosed. So is the error of a
// context that fails the connection. A failed write ends the connection for writes.
// The next read may still return what has arrived, and counts as under way.
//
// If the stream ends without a close frame, the error is [io.EOF] between messages, and
// [io.ErrUnexpectedEOF] inside a message and in the Read of a message's reader.
//
// Every Conn must be closed by Close or CloseNow, also after an error.
type Conn struct {
	engine

	closeRead atomic.Pointer[closeReading] // nil before the first CloseRead
}

// Read waits for the next message and returns it in a newly allocated slice, which the
// caller owns. [Conn.AppendRead] and [Conn.Reader] read without allocating.
//
// A message above the read limit ([Conn.SetReadLimit]) fails the connection with
// StatusMessageTooBig, and Read returns an error that is [ErrMessageTooBig].
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

// AppendRead waits for the next message, appends it to dst and returns the extended
// slice. It allocates nothing if the message fits into the capacity of
// dst, so a loop that reads each message into the same slice, as
//
//	typ, buf, err = c.AppendRead(ctx, buf[:0])
//
// allocates only for a message longer than all before it. The caller owns the slice.
// dst may be nil. It must not be used by other goroutines during the call.
//
// If dst has no room, AppendRead extends it in proportion to the bytes that have arrived,
// not to the length that the peer declares. The capacity beyond the result may be
// overwritten.
//
// On an error AppendRead returns dst unchanged; the capacity beyond its length may hold
// a part of the message. The read limit and the context apply as for [Conn.Read].
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

// Reader waits for the next message and returns its type and a reader of its payload.
// The reader reads from the connection: the message is never in memory as a whole. It
// returns [io.EOF] at the end of the message, and another error once the next message
// has begun. ctx applies to its reads as well. The message must be read to its end
// before the next call of Reader, Read or AppendRead. An earlier call returns an error
// and has no effect; it may wait for the message's next frame, to find out whether that
// is empty.
//
// Text is validated as it arrives. The first invalid byte fails the connection with
// StatusInvalidFramePayloadData (RFC 6455 section 8.1). Pings that arrive are answered.
// After a violation by the peer, Reader sends a close frame with the violation's code
// and waits up to a second for the peer to close, then closes the connection.
//
// A browser receives a message as a whole before Reader returns it. It does not report
// violations by the peer: such a connection ends like one without a close frame.
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

// Write sends p as one message. It returns when the operating system has the bytes. It
// neither keeps nor changes p.
//
// If ctx ends while Write waits for other writes, nothing was sent and the connection
// stays open. If it ends while the bytes are being sent, alone or together with other
// messages, the connection may fail; the error is [net.ErrClosed] then. A program that
// gives up a peer that does not read calls CloseNow in any case.
//
// Messages of concurrent writes are sent one after the other, in the order in which the
// writes began to wait. Waiting messages are sent together. A write that was waiting for
// a Writer to be closed may be overtaken by one made after the Close. Text that is not
// valid UTF-8 is an error, and nothing is sent.
//
// In a browser Write waits while the browser has more than 1 MiB left to send, and
// returns when the browser has p. If ctx ends, nothing was sent.
func (c *Conn) Write(ctx context.Context, typ MessageType, p []byte) error {
	checkContext(ctx)
	return opError("write", c.write(ctx, typ, p, asAgreed))
}

// WriteUncompressed is [Conn.Write] without compression, whatever the CompressionMode.
// It is for messages with a secret, whose compressed length would depend on other text,
// and for messages that are compressed already. Later compressed messages do not refer
// to the message.
//
// In a browser it is Write: the browser decides which messages it compresses.
func (c *Conn) WriteUncompressed(ctx context.Context, typ MessageType, p []byte) error {
	checkContext(ctx)
	return opError("write", c.write(ctx, typ, p, never))
}

// WritePrepared is [Conn.Write] for a prepared message. Waiting, contexts and errors are
// those of Write. Sending one message to many connections costs little more than a
// system call for each.
//
// The message is compressed where Write would compress it, but without reference to
// earlier messages, so it may be longer. Later messages may refer to it.
func (c *Conn) WritePrepared(ctx context.Context, m *PreparedMessage) error {
	checkContext(ctx)
	return opError("write", c.writePrepared(ctx, m))
}

// Post queues a prepared message and returns without waiting. It is [Conn.WritePrepared]
// for a program that must not wait for a slow peer. Messages are sent in the order of the
// calls of Post and Write.
//
// Post sends what the network takes at once. A later call sends the rest, or one
// goroutine, which ends when the network has taken it: a connection whose peer keeps up
// has no goroutine. Over TLS, and over a net.Conn that is not a socket of package net, a
// write may block, and the goroutine also sends each message that finds none queued. The
// queue refers to m and does not copy it. The frames of a client are masked in a copy
// when they are sent.
//
// If the posted messages that were not sent would have more than MaxBacklog bytes with m,
// Post queues nothing and returns an error that is [ErrBacklog]. The connection stays
// open: the program drops the message or the peer. If none wait, a message of any size is
// queued. On a connection that has ended the error is [net.ErrClosed] and the cause.
//
// If sending fails later, the connection ends, which [Conn.Done] and later calls report.
// WriteTimeout of the options bounds the wait for a peer that does not read.
// [Conn.Close] sends the queue before its close frame, within its time, and
// [Conn.CloseNow] drops it. Messages behind an open Writer wait for its Close, and
// Conn.Close drops them.
//
// In a browser all bytes that the browser has not sent count against MaxBacklog, those of
// Write included, and Post overtakes a Write that waits.
func (c *Conn) Post(m *PreparedMessage) error { return opError("post", c.post(m)) }

// Writer returns a writer of one message. It sends each 16 KiB as a frame, and Close
// sends the last frame. Other messages wait until then: always close the writer. Pings,
// pongs and a close frame are still sent between its frames. ctx applies to the calls
// of the writer, which must not be used concurrently and returns an error after its
// Close.
//
// The writer has a method Flush() error, which sends the bytes written so far as a
// frame, such as each token of a text that is generated slowly:
//
//	w.(interface{ Flush() error }).Flush()
//
// Flush sends nothing if there are no such bytes. It retains an incomplete character of
// a text message. The peer can decompress the flushed part of a compressed message at
// once. A message that is flushed before it reaches CompressionThreshold is not
// compressed. Flush waits and fails like the writer's Write.
//
// Invalid UTF-8 in a text message is an error. It fails the connection, since a part of
// the message may have been sent.
//
// In a browser the writer collects the message, and Close sends it. Other messages do
// not wait, and Flush sends nothing.
func (c *Conn) Writer(ctx context.Context, typ MessageType) (io.WriteCloser, error) {
	checkContext(ctx)
	w, err := c.writer(ctx, typ, asAgreed)
	if err != nil {
		return nil, opError("write", err)
	}
	return w, nil
}

// WriterUncompressed is [Conn.Writer] without compression; see [Conn.WriteUncompressed].
func (c *Conn) WriterUncompressed(ctx context.Context, typ MessageType) (io.WriteCloser, error) {
	checkContext(ctx)
	w, err := c.writer(ctx, typ, never)
	if err != nil {
		return nil, opError("write", err)
	}
	return w, nil
}

// Ping sends a ping and waits until its pong arrives or ctx ends. The pong is noticed
// only if another goroutine reads from the connection, or CloseRead was called. Any
// number of pings may be under way. A pong answers its ping and earlier ones (RFC 6455
// sections 5.5.2 and 5.5.3). If ctx ends after the ping was sent, the connection stays
// open.
//
// An error that is [net.ErrClosed] means that this side closes the connection, or
// that it had ended before: the program need not close it. Any other error of a ping
// with a deadline means that the connection was lost, that the peer closed it, or that
// the peer does not answer.
//
// A page can't send pings. In a browser Ping returns nil while the connection is open.
func (c *Conn) Ping(ctx context.Context) error {
	checkContext(ctx)
	return opError("ping", c.ping(ctx))
}

// RoundTrip returns the time from the last ping that was answered to its pong, for pings
// of [Conn.Ping] and of PingInterval in the options. It is zero before the first pong. A
// pong belongs to the ping whose payload it has (RFC 6455 section 5.5.3). Of more than 8
// pings without a pong, the last 8 are measured.
//
// In a browser it is always zero.
func (c *Conn) RoundTrip() time.Duration { return c.roundTrip() }

// Pong sends an unsolicited pong, a heartbeat that expects no reply (RFC 6455 section
// 5.5.3). The peer's pings are answered automatically. The payload has at most 125
// bytes; it is neither retained nor changed. The context applies as for Write.
//
// A page can't send pongs. In a browser Pong sends nothing, and returns nil while the
// connection is open.
func (c *Conn) Pong(ctx context.Context, payload []byte) error {
	checkContext(ctx)
	if len(payload) > maxPongPayload {
		return opError("pong", errPongPayload)
	}
	return opError("pong", c.pong(ctx, payload))
}

// Close closes the connection with the close handshake (RFC 6455 section 7). It sends a
// close frame with code and reason, discards messages until the peer's close frame
// arrives, and closes the network connection. If that takes more than 5 seconds, Close
// closes the network connection and returns an error. Calls under way return an error;
// reads do so when the handshake has ended.
//
// Within the 5 seconds Close also waits for the goroutine of CloseRead to end, unless
// OnPingReceived or OnPongReceived runs, which may be the caller of Close.
//
// Later and concurrent calls wait until the connection is closed, and return nil. So
// does a first call after the peer has closed or the connection has failed, which
// another call has reported.
//
// The reason is valid UTF-8 of at most 123 bytes. A longer or invalid reason is
// truncated at a character. A code that must not be sent is replaced by
// StatusInternalError without a reason. In both cases Close returns an error.
// StatusNoStatusRcvd without a reason sends a close frame without a code.
//
// A page may send only the codes 1000 and 3000 to 4999. In a browser any other code is
// sent as the code plus 3000: StatusInternalError as 4011. This includes the codes that
// the library sends, such as StatusMessageTooBig.
func (c *Conn) Close(code StatusCode, reason string) error {
	return c.CloseContext(context.Background(), code, reason)
}

// CloseContext is [Conn.Close] with the deadline of ctx, which may be later, instead of 5
// seconds. If ctx has no deadline, the bound of 5 seconds applies. If ctx ends before the
// peer's close frame arrives, CloseContext closes the network connection and returns an
// error that is that of ctx, or [context.DeadlineExceeded] after the 5 seconds. Of several
// calls, the one whose bound is reached first closes the connection. WriteTimeout of the
// options also bounds the sending of the queue and of the close frame.
func (c *Conn) CloseContext(ctx context.Context, code StatusCode, reason string) error {
	checkContext(ctx)
	start := time.Now()
	err := c.close(ctx, code, reason)
	c.awaitCloseRead(ctx, start)
	return opError("close", err)
}

// Done returns a channel that is closed when the connection has ended: the network
// connection was closed, or a frame could not be sent. [Conn.Err] returns the cause. After
// a failed send, messages that have arrived can still be read. The connection must be
// closed by the program in either case.
//
// Done does not read, and PingInterval of the options sends pings only while a call reads.
// If no call reads, the end is noticed when the next write, [Conn.Post] or [Conn.Ping] fails;
// the first one after the peer is gone may succeed, since the system buffers it. A
// program that only writes calls [Conn.CloseRead], which notices the end at once.
//
// A browser notices the end without a call.
func (c *Conn) Done() <-chan struct{} { return c.life.ended() }

// Err returns nil while the connection is open, and then an error that holds the cause of
// the end, as the errors of later calls do: it is [net.ErrClosed], and for example the
// peer's [CloseError], [io.EOF] or [ErrPingTimeout]. It does not block. It is not nil once
// the channel of Done is closed, and may be before that, during the close handshake.
func (c *Conn) Err() error {
	if err := c.endErr(); err != nil {
		return fmt.Errorf("websocket: %w", err)
	}
	return nil
}

// CloseNow closes the network connection at once, without a close handshake. It is meant
// to be deferred: after Close it has no effect. Calls under way return an error. If the
// reply to the peer's close frame is being sent, it gets up to a second. CloseNow waits
// for the goroutine of CloseRead as Close does.
//
// A page can't close without a close frame. In a browser CloseNow sends one without a
// code, and does not wait for the reply.
func (c *Conn) CloseNow() error {
	err := c.closeNow()
	if c.closeRead.Load() != nil {
		c.awaitCloseRead(context.Background(), time.Now())
	}
	return opError("close", err)
}

// SetReadLimit sets the maximum size of a message in bytes, after decompression. It
// applies from the next message on. A message of more than n bytes fails the connection
// with StatusMessageTooBig. The default is 32768. A negative n means no limit.
//
// Frames without payload do not count against the limit. More than 1000 of them in a
// row, inside one message, fail the connection with StatusPolicyViolation, whatever the
// limit is. A browser has bounds of its own.
func (c *Conn) SetReadLimit(n int64) {
	c.setReadLimit(n)
}

// Subprotocol returns the negotiated subprotocol, or "" if there is none.
func (c *Conn) Subprotocol() string {
	return c.subprotocol()
}

// LocalAddr returns the local network address. It is never nil: if the address is not
// known, as in a browser, its Network is "websocket".
func (c *Conn) LocalAddr() net.Addr {
	local, _ := c.addrs()
	return local
}

// RemoteAddr returns the network address of the peer, or of a proxy between. It is never
// nil: if the address is not known, its Network is "websocket". In a browser its String
// is the URL without a password.
func (c *Conn) RemoteAddr() net.Addr {
	_, remote := c.addrs()
	return remote
}
