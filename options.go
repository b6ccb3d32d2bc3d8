package websocket

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// AcceptOptions are the options of [Accept]. A nil *AcceptOptions and the zero value
// mean the defaults. Accept does not modify them.
//
// A browser ignores them: Accept always fails there.
type AcceptOptions struct {
	// Subprotocols lists the supported subprotocols in order of preference.
	// Accept selects the first one that the client offers (RFC 6455 section
	// 4.2.2). If the client offers none of them, Accept accepts the connection
	// and [Conn.Subprotocol] returns "". Empty names are ignored. A name that
	// is not a token, or is a duplicate, is an error.
	//
	// If none of Subprotocols is selected, a Sec-WebSocket-Protocol header set
	// on the http.ResponseWriter is used. If the client does not offer it,
	// Accept returns an error.
	Subprotocols []string

	// InsecureSkipVerify accepts requests from any origin. Pages of any site
	// can then open a connection with the cookies of the user; prefer
	// OriginPatterns.
	InsecureSkipVerify bool

	// OriginPatterns lists further origins whose pages may connect. A request
	// is always accepted if its Origin header has the host of its Host header;
	// a default port, :80 or :443, may be missing in either. A request without
	// an Origin header, or with an empty one, is not from a browser and is
	// accepted as well.
	//
	// A pattern is matched against the host of the origin, with its port if it
	// has one. A pattern with "://" is matched against scheme://host. Letter
	// case is ignored. Patterns have the syntax of [path.Match], in which a
	// star matches any characters but a slash, including dots and a port:
	// "*.example.com" matches subdomains of example.com at any depth, but not
	// example.com; "*example.com" and "example.*" match hosts of others, too.
	// A malformed pattern makes every Accept return an error.
	//
	// Sandboxed frames send the origin "null", and pages from files
	// "file://". Such an origin has no host. It matches only the identical
	// pattern and the pattern "*", which matches every origin.
	OriginPatterns []string

	// CompressionMode selects how messages are compressed if the client offers
	// compression. The default is CompressionDisabled. A value that is not one
	// of the constants is an error.
	CompressionMode CompressionMode

	// CompressionThreshold is the minimum size in bytes of a message to be
	// compressed. Zero means 128 with CompressionContextTakeover and 512 with
	// CompressionNoContextTakeover. A negative threshold compresses every
	// message. Messages below 128 bytes gain little: up to level 6, and with
	// windows below 15 bits, they do not refer to earlier ones.
	CompressionThreshold int

	// CompressionLevel is 1 for the fastest compression to 9 for the smallest
	// messages. The levels are numbered as those of
	// github.com/klauspost/compress/flate. Zero means 2. With a
	// window below 15 bits for outgoing messages the level is ignored: such
	// windows have a level of their own. Any other number is an error.
	CompressionLevel int

	// CompressionWindowBits is the base-2 logarithm of the window that
	// compressed messages refer back to, 8 to 15: 256 bytes to 32 KiB. It limits
	// outgoing messages, and is requested of clients that offer the parameter
	// client_max_window_bits (RFC 7692 section 7.1.2.2). With context takeover a
	// connection keeps up to twice the window of the peer's messages, and at
	// most 32 KiB. Zero means 15, and requests nothing. Any other number is an
	// error.
	//
	// Some clients, such as those in Java, offer the parameter and fail if less
	// than 15 is requested; docs/compression.md lists them.
	CompressionWindowBits int

	// ReadLimit is the maximum size of a message in bytes; see
	// [Conn.SetReadLimit]. Zero means 32768; a negative number means no limit.
	ReadLimit int64

	// OnReject, if not nil, responds to a request that Accept refuses, in place
	// of the short text of Accept. It must write a response with the status
	// err.StatusCode. Headers that the status requires, such as Allow or
	// Sec-WebSocket-Version, are set on w before. err is the error that Accept
	// returns. Its text is meant for the log of the program, not for the client.
	OnReject func(w http.ResponseWriter, r *http.Request, err *HandshakeError)

	// PingInterval, if positive, is the time without bytes from the peer after
	// which the peer is pinged (RFC 6455 section 5.5.2). If no bytes arrive for
	// PingTimeout after that, the connection fails with [ErrPingTimeout]. Any
	// bytes count, not only the pong.
	//
	// Time counts only while a call reads, from the beginning of the call: a peer
	// is not lost while the program processes a message. Calls that follow one
	// another at once, such as reads with short timeouts, count as one. A ping
	// may be late by up to a quarter of the interval after bytes have arrived. A
	// write that is blocked delays the ping, not the failure. There is no
	// goroutine for it, and no timer if it is off. Zero and negative values mean
	// no pings.
	PingInterval time.Duration

	// PingTimeout is the time after such a ping within which bytes must arrive.
	// Zero and negative values mean PingInterval.
	PingTimeout time.Duration

	// WriteTimeout, if positive, is the time without progress after which a
	// write, or what is queued, fails the connection with [ErrWriteTimeout]. It
	// may be late by up to a quarter. A slow peer makes progress while its
	// system acknowledges bytes, however long a message takes. That is known of
	// the TCP and Unix sockets of package net, and of TLS over them, on Linux and
	// on Apple's systems. Elsewhere each 16 KiB that were written are progress.
	// Zero and negative values mean no bound.
	WriteTimeout time.Duration

	// MaxBacklog is the maximum number of bytes of messages that [Conn.Post]
	// queues. An empty message counts as one byte. Zero means 1 MiB; a negative
	// number means no limit. The queue takes 112 bytes of memory more for each
	// message: a program that posts very short messages sets a lower maximum.
	MaxBacklog int64

	// OnPingReceived, if not nil, is called for each ping that arrives, before the pong
	// is sent, and decides whether it is. It is called by the goroutine that reads from
	// the connection, with the context of that call, which is done after 5 seconds;
	// payload is valid until it returns. Nothing is read while it runs, so calls in it
	// that wait for the peer, such as Close, do not succeed. If it panics, the read
	// that called it ends.
	OnPingReceived func(ctx context.Context, payload []byte) bool

	// OnPongReceived, if not nil, is called for each pong, including unsolicited ones.
	// The goroutine, the context and payload are as for OnPingReceived.
	OnPongReceived func(ctx context.Context, payload []byte)
}

// DialOptions are the options of [Dial]. A nil *DialOptions and the zero value mean
// the defaults. Dial does not modify them.
type DialOptions struct {
	// HTTPClient makes the request of the handshake; nil means
	// [http.DefaultClient]. Its Transport determines proxies, TLS and dialing,
	// its Jar cookies, its CheckRedirect redirects. For status 101 the
	// Transport must return a Body that is an [io.ReadWriteCloser], as
	// [http.Transport] does. The Timeout applies to the handshake only.
	//
	// A browser ignores it.
	HTTPClient *http.Client

	// HTTPHeader is sent with the request of the handshake. Headers of the
	// handshake replace those given here, with two exceptions:
	// Sec-WebSocket-Protocol is used like Subprotocols, and Host like Host. To
	// set both the header and the field is an error, unless the hosts are the
	// same.
	//
	// A browser ignores it, except for Sec-WebSocket-Protocol: a page can't set
	// headers.
	HTTPHeader http.Header

	// Host, if not empty, is sent as the Host header in place of the host of
	// the URL.
	//
	// A browser ignores it.
	Host string

	// Subprotocols lists the subprotocols to offer in order of preference.
	// Empty strings are ignored. A name that is not a token, or is a duplicate,
	// is an error (RFC 6455 section 4.1).
	//
	// In a browser Dial fails if the server selects none of them.
	Subprotocols []string

	// CompressionMode selects how messages are compressed if the server accepts
	// compression. The default is CompressionDisabled.
	//
	// A browser ignores it, and decides itself.
	CompressionMode CompressionMode

	// CompressionThreshold is the minimum size in bytes of a message to be
	// compressed. Zero means 128 with CompressionContextTakeover and 512 with
	// CompressionNoContextTakeover. A negative threshold compresses every
	// message. Messages below 128 bytes gain little: up to level 6, and with
	// windows below 15 bits, they do not refer to earlier ones.
	//
	// A browser ignores it.
	CompressionThreshold int

	// CompressionLevel is 1 for the fastest compression to 9 for the smallest
	// messages. The levels are numbered as those of
	// github.com/klauspost/compress/flate. Zero means 2. With a
	// window below 15 bits for outgoing messages the level is ignored: such
	// windows have a level of their own. Any other number is an error.
	//
	// A browser ignores it.
	CompressionLevel int

	// CompressionWindowBits is the base-2 logarithm of the window that
	// compressed messages refer back to, 8 to 15: 256 bytes to 32 KiB. It limits
	// outgoing messages, and is requested of the server (RFC 7692 section
	// 7.1.2). Below 15, a second offer without windows follows, for servers that
	// decline the first one. With context takeover a connection keeps up to
	// twice the window of the peer's messages, and at most 32 KiB. Zero means
	// 15, and requests nothing. Any other number is an error.
	//
	// A browser ignores it.
	CompressionWindowBits int

	// ReadLimit is the maximum size of a message in bytes; see
	// [Conn.SetReadLimit]. Zero means 32768; a negative number means no limit.
	// A browser receives a longer message completely before a read fails.
	ReadLimit int64

	// PingInterval, if positive, is the time without bytes from the peer after
	// which the peer is pinged (RFC 6455 section 5.5.2). If no bytes arrive for
	// PingTimeout after that, the connection fails with [ErrPingTimeout]. Any
	// bytes count, not only the pong.
	//
	// Time counts only while a call reads, from the beginning of the call: a peer
	// is not lost while the program processes a message. Calls that follow one
	// another at once, such as reads with short timeouts, count as one. A ping
	// may be late by up to a quarter of the interval after bytes have arrived. A
	// write that is blocked delays the ping, not the failure. There is no
	// goroutine for it, and no timer if it is off. Zero and negative values mean
	// no pings.
	//
	// A browser ignores it: a page can't send pings.
	PingInterval time.Duration

	// PingTimeout is the time after such a ping within which bytes must arrive.
	// Zero and negative values mean PingInterval.
	//
	// A browser ignores it.
	PingTimeout time.Duration

	// WriteTimeout, if positive, is the time without progress after which a
	// write, or what is queued, fails the connection with [ErrWriteTimeout]. It
	// may be late by up to a quarter. A slow peer makes progress while its
	// system acknowledges bytes, however long a message takes. That is known of
	// the TCP and Unix sockets of package net, and of TLS over them, on Linux and
	// on Apple's systems. Elsewhere each 16 KiB that were written are progress.
	// Zero and negative values mean no bound.
	//
	// A browser ignores it.
	WriteTimeout time.Duration

	// MaxBacklog is the maximum number of bytes of messages that [Conn.Post]
	// queues. An empty message counts as one byte. Zero means 1 MiB; a negative
	// number means no limit. The queue takes 112 bytes of memory more for each
	// message: a program that posts very short messages sets a lower maximum.
	//
	// In a browser all bytes count that the browser has not sent.
	MaxBacklog int64

	// OnPingReceived is as in [AcceptOptions].
	//
	// A browser never calls it, and answers pings itself.
	OnPingReceived func(ctx context.Context, payload []byte) bool

	// OnPongReceived is as in [AcceptOptions].
	//
	// A browser never calls it.
	OnPongReceived func(ctx context.Context, payload []byte)

	// MaxUnread is, in a browser, the maximum number of bytes of messages that
	// have arrived and were not read, with 128 more for each message: a page
	// can't delay the peer. A message above it fails the connection with
	// StatusMessageTooBig. Messages before it can still be read; then reads
	// return an error that is [ErrMessageTooBig]. If no other message waits, a
	// message may have any size that [Conn.SetReadLimit] allows. Zero means
	// 16 MiB; a negative number means no limit.
	//
	// Other platforms ignore it: unread bytes are not received, and flow
	// control delays the peer.
	MaxUnread int64
}

// readLimit applies the default to a ReadLimit.
func readLimit(n int64) int64 {
	if n == 0 {
		return defaultReadLimit
	}
	return max(n, -1)
}

// CompressionMode selects how the messages of a connection are compressed by the
// permessage-deflate extension (RFC 7692).
type CompressionMode int

const (
	// CompressionDisabled neither offers nor accepts compression. It is the
	// default.
	CompressionDisabled CompressionMode = iota

	// CompressionContextTakeover compresses each message with the earlier
	// messages as its dictionary (RFC 7692 section 7.1.1), which makes small,
	// similar messages much smaller. Between messages a connection keeps up to
	// 2 KiB of its outgoing messages and up to 32 KiB of the incoming ones, or
	// 8 KiB if the peer agreed to a window of 12 bits (CompressionWindowBits).
	// Compressors, of about 1 MB each, and inflaters are pooled. With a peer
	// that refuses takeover it has the effect of CompressionNoContextTakeover.
	CompressionContextTakeover

	// CompressionNoContextTakeover compresses each message without reference to
	// others. A connection keeps nothing between messages.
	CompressionNoContextTakeover
)

var noDialOptions DialOptions

// orDefault returns o, or the default options if o is nil. The caller must not change
// the result.
func (o *DialOptions) orDefault() *DialOptions {
	if o == nil {
		return &noDialOptions
	}
	return o
}

// offeredSubprotocols returns the subprotocols to offer, from Subprotocols or from a
// header in HTTPHeader.
func (o *DialOptions) offeredSubprotocols() ([]string, error) {
	named := nonEmpty(o.Subprotocols)
	var inHeader []string
	for _, line := range linesOf(o.HTTPHeader, "Sec-Websocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			inHeader = append(inHeader, strings.Trim(name, " \t"))
		}
	}
	inHeader = nonEmpty(inHeader)
	if len(named) > 0 && len(inHeader) > 0 {
		return nil, errors.New("both Subprotocols and HTTPHeader name subprotocols; use Subprotocols")
	}
	return append(named, inHeader...), nil
}

// nonEmpty returns a copy of names without empty strings.
func nonEmpty(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
}

// linesOf returns the lines of the header with the given canonical name, in any letter
// case.
func linesOf(h http.Header, name string) []string {
	var keys, lines []string
	for key := range h {
		if http.CanonicalHeaderKey(key) == name {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		lines = append(lines, h[key]...)
	}
	return lines
}

// defaultReadLimit is small, since peers may be unknown.
const defaultReadLimit = 32768

// unknownAddr is the address of a connection whose network address is not known.
type unknownAddr string

func (unknownAddr) Network() string  { return "websocket" }
func (a unknownAddr) String() string { return string(a) }
