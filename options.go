package websocket

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bhojpur/api/internal/httpheader"
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

	// PingInterval, if positive, is how long the connection may be silent: a
	// peer of which nothing has arrived for so long is pinged, and if nothing
	// arrives for PingTimeout after that, the connection fails with
	// [ErrPingTimeout]. Only the time counts in which a call reads, and it
	// counts from the beginning of that call or from the last bytes that
	// arrived, whichever is later: a program that is busy with a message finds
	// no peer dead. Where much has arrived, a ping may come later by a quarter
	// of the interval. Zero and negative values mean no pings. There is no
	// goroutine for it.
	PingInterval time.Duration

	// PingTimeout is how long after such a ping something has to arrive: a
	// pong, or anything else. Zero and negative values mean PingInterval.
	PingTimeout time.Duration

	// WriteTimeout, if positive, bounds the time in which a write, or what is
	// queued, makes no progress. The connection fails then, with
	// [ErrWriteTimeout]. A peer that reads slowly, but reads, is not affected:
	// parts of 16 KiB count. Zero and negative values mean no bound.
	WriteTimeout time.Duration

	// MaxBacklog bounds, in bytes, what [Conn.Post] queues for a peer that does
	// not keep up. Zero means 1 MiB; a negative number means no bound.
	MaxBacklog int64

	// OnPingReceived, if not nil, is called for each ping that arrives,
	// before the pong is sent, and decides whether it is. It is called by
	// the goroutine that reads from the connection, with the context of that
	// call, which is done after 5 seconds; payload is valid until it returns.
	// While it runs nothing is read: a call in it that waits for the peer,
	// Close among them, waits in vain. One that panics ends the read that
	// called it.
	OnPingReceived func(ctx context.Context, payload []byte) bool

	// OnPongReceived, if not nil, is called for each pong, unsolicited ones
	// included. The goroutine, the context and payload are as for
	// OnPingReceived.
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

	// PingInterval, if positive, is how long the connection may be silent: a
	// peer of which nothing has arrived for so long is pinged, and if nothing
	// arrives for PingTimeout after that, the connection fails with
	// [ErrPingTimeout]. Only the time counts in which a call reads, and it
	// counts from the beginning of that call or from the last bytes that
	// arrived, whichever is later: a program that is busy with a message finds
	// no peer dead. Where much has arrived, a ping may come later by a quarter
	// of the interval. Zero and negative values mean no pings. There is no
	// goroutine for it.
	//
	// In a browser it is ignored: a page can't send pings.
	PingInterval time.Duration

	// PingTimeout is how long after such a ping something has to arrive: a
	// pong, or anything else. Zero and negative values mean PingInterval.
	//
	// In a browser it is ignored.
	PingTimeout time.Duration

	// WriteTimeout, if positive, bounds the time in which a write, or what is
	// queued, makes no progress. The connection fails then, with
	// [ErrWriteTimeout]. A peer that reads slowly, but reads, is not affected:
	// parts of 16 KiB count. Zero and negative values mean no bound.
	//
	// In a browser it is ignored.
	WriteTimeout time.Duration

	// MaxBacklog bounds, in bytes, what [Conn.Post] queues for a peer that does
	// not keep up. Zero means 1 MiB; a negative number means no bound. In a
	// browser all that the browser has not sent counts.
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

// HandshakeError is the error of a handshake that failed with an HTTP status.
// [Accept] returns it for a request that it refuses, [Dial] for a response with another
// status than 101. Use [errors.As] to find it. A browser does not report the status, so
// Dial never returns a HandshakeError there.
type HandshakeError struct {
	// StatusCode is the status of the response.
	StatusCode int
	// Err is the reason.
	Err error
}

// Error returns the text of Err.
func (e *HandshakeError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *HandshakeError) Unwrap() error { return e.Err }

// IsUpgrade reports whether r requests a WebSocket connection, so that one URL can serve
// a page and a WebSocket. It returns true for a GET request to upgrade to websocket (RFC
// 6455 section 4.2.1), and for a CONNECT request with the :protocol websocket (RFC 8441
// section 4, RFC 9220 section 3). [Accept] may still refuse r.
func IsUpgrade(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet:
		return httpheader.Has(r.Header["Upgrade"], "websocket") && httpheader.Has(r.Header["Connection"], "upgrade")
	case http.MethodConnect:
		protocol := r.Header[":protocol"]
		return len(protocol) == 1 && httpheader.EqualFold(protocol[0], "websocket")
	}
	return false
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

// MessageType is the type of a message (RFC 6455 section 5.6).
type MessageType int

const (
	// MessageText is for UTF-8 text, such as JSON.
	MessageText MessageType = iota + 1
	// MessageBinary is for any bytes, such as protocol buffers.
	MessageBinary
)

// String returns the name of the constant, or MessageType(n) if there is none.
func (t MessageType) String() string {
	switch t {
	case MessageText:
		return "MessageText"
	case MessageBinary:
		return "MessageBinary"
	}
	return "MessageType(" + strconv.Itoa(int(t)) + ")"
}

// defaultReadLimit is small, since peers may be unknown.
const defaultReadLimit = 32768

// unknownAddr is the address of a connection whose network address is not known.
type unknownAddr string

func (unknownAddr) Network() string  { return "websocket" }
func (a unknownAddr) String() string { return string(a) }

// compressing says whether a message is compressed. A browser ignores it.
type compressing uint8

const (
	asAgreed compressing = iota // if compression was negotiated and the message is long enough
	never
)
