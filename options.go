package websocket

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/bhojpur/api/internal/httpheader"
)

// AcceptOptions are the settings of [Accept]. A nil *AcceptOptions and the
// zero value both mean the defaults. Accept only reads them.
//
// In a browser all of them are ignored: there Accept always fails.
type AcceptOptions struct {
	// Subprotocols lists the subprotocols that the server speaks, the
	// preferred one first. The first of them that the client offers is
	// agreed on (RFC 6455 section 4.2.2). When none is, the connection is
	// accepted all the same and [Conn.Subprotocol] returns "". Empty names
	// are ignored; a name that is listed twice makes Accept return an error.
	//
	// A Sec-WebSocket-Protocol header that is set on the
	// http.ResponseWriter counts where none of Subprotocols is agreed on. If
	// the client does not offer it, Accept returns an error.
	Subprotocols []string

	// InsecureSkipVerify accepts requests from any origin. Pages of any site
	// can then open a connection that carries the visitor's cookies; prefer
	// OriginPatterns.
	InsecureSkipVerify bool

	// OriginPatterns lists further origins whose pages may connect. A request
	// whose Origin header names the host that it was sent to is always
	// accepted; a default port, :80 or :443, may be missing on either side.
	// So is one without an Origin header, which no browser sends, or with an
	// empty one.
	//
	// A pattern is matched against the host of the origin, port included
	// where it has one; a pattern with "://" in it against scheme://host.
	// Letter case does not matter. Patterns have the syntax of [path.Match],
	// in which a star stands for anything but a slash, dots and a port
	// included: "*.example.com" matches each subdomain of example.com, and
	// theirs, on the scheme's own port, but not example.com; "*example.com"
	// and "example.*" match hosts of others too. A malformed pattern makes
	// Accept return an error, whatever the request.
	//
	// Sandboxed frames send the origin "null", and pages from files
	// "file://". Such an origin, which has no host, matches only the pattern
	// that spells it out, and "*", which matches every origin.
	OriginPatterns []string

	// CompressionMode says whether and how messages are compressed, where
	// the client offers it. The default is CompressionDisabled. A value that
	// is none of the constants makes Accept return an error.
	CompressionMode CompressionMode

	// CompressionThreshold is the size in bytes from which on a message is
	// compressed. Zero means 128 with CompressionContextTakeover and 512
	// with CompressionNoContextTakeover; a negative threshold compresses
	// every message. Below 128 bytes messages gain little: up to level 6,
	// and with windows below 15 bits, they do not refer to earlier ones.
	CompressionThreshold int

	// CompressionLevel is the effort put into compressing: 1 is the fastest,
	// 9 makes messages smallest. The levels are numbered as those of
	// github.com/klauspost/compress/flate. Zero means 2. Where a window below
	// 15 bits is agreed on for outgoing messages, the level is ignored: such
	// windows have a level of their own. Any other number makes Accept return an
	// error.
	CompressionLevel int

	// CompressionWindowBits is the base-2 logarithm of the window that
	// compressed messages refer back to, 8 to 15: 256 bytes to 32 KiB. It limits
	// outgoing messages, and is requested of clients that offer the parameter
	// client_max_window_bits (RFC 7692 section 7.1.2.2). With context takeover a
	// connection keeps up to twice the window of the peer's messages, and
	// 32 KiB at most. Zero means 15, and that nothing is requested. Any other
	// number makes Accept return an error.
	//
	// Some clients offer the parameter and fail when they are asked for less
	// than 15, those in Java among them; docs/compression.md lists them.
	CompressionWindowBits int

	// ReadLimit is the longest message in bytes, as [Conn.SetReadLimit] sets
	// it. Zero means 32768; a negative number means no limit.
	ReadLimit int64

	// OnReject, if not nil, answers a request that Accept refuses, in place of
	// the short text that Accept sends. It has to write the response, with
	// err.StatusCode as its status. Headers that the status asks for, such as
	// Allow or Sec-WebSocket-Version, are set on w before. err is the error
	// that Accept returns; its text is for the program's log and not for the
	// client.
	OnReject func(w http.ResponseWriter, r *http.Request, err *HandshakeError)

	// OnPingReceived, if not nil, is called for each ping that arrives,
	// before the pong is sent, and decides whether it is. It is called by
	// the goroutine that reads from the connection, with the context of that
	// call, which is done after 5 seconds; payload is valid until it returns.
	// While it runs nothing is read: a call in it that waits for the peer,
	// Close among them, waits in vain. One that panics ends the read that
	// called it.
	OnPingReceived func(ctx context.Context, payload []byte) bool

	// OnPongReceived, if not nil, is called for each pong that arrives, the
	// ones that no Ping asked for included. What OnPingReceived says of the
	// goroutine, the context and payload holds here too.
	OnPongReceived func(ctx context.Context, payload []byte)
}

// DialOptions are the settings of [Dial]. A nil *DialOptions and the zero
// value both mean the defaults. Dial only reads them.
type DialOptions struct {
	// HTTPClient makes the handshake's request; nil means
	// [http.DefaultClient]. Its transport decides about proxies, TLS and
	// dialing, its jar about cookies, its CheckRedirect about redirects. The
	// transport must return a Body that is an [io.ReadWriteCloser] for
	// status 101, as [http.Transport] does. Its Timeout bounds the handshake
	// alone.
	//
	// In a browser it is ignored.
	HTTPClient *http.Client

	// HTTPHeader is sent with the handshake's request. The headers that the
	// handshake itself needs replace those given here, with two exceptions:
	// Sec-WebSocket-Protocol is used like Subprotocols, and Host like Host. To
	// give them here and there is an error, unless Host is the same.
	//
	// In a browser it is ignored, except for Sec-WebSocket-Protocol: a page
	// can't set headers.
	HTTPHeader http.Header

	// Host, if not empty, is sent as the Host header in place of the URL's
	// host.
	//
	// In a browser it is ignored.
	Host string

	// Subprotocols lists the subprotocols to offer, the preferred one first.
	// Empty strings are ignored. A name that is not a token, or is there twice,
	// is an error (RFC 6455 section 4.1).
	//
	// In a browser a server that selects none of them makes Dial fail.
	Subprotocols []string

	// CompressionMode says whether and how messages are compressed, where
	// the server accepts it. The default is CompressionDisabled.
	//
	// In a browser it is ignored: the browser decides.
	CompressionMode CompressionMode

	// CompressionThreshold is the size in bytes from which on a message is
	// compressed. Zero means 128 with CompressionContextTakeover and 512
	// with CompressionNoContextTakeover; a negative threshold compresses
	// every message. Below 128 bytes messages gain little: up to level 6,
	// and with windows below 15 bits, they do not refer to earlier ones.
	//
	// In a browser it is ignored.
	CompressionThreshold int

	// CompressionLevel is the effort put into compressing: 1 is the fastest,
	// 9 makes messages smallest. The levels are numbered as those of
	// github.com/klauspost/compress/flate. Zero means 2. Where a window below
	// 15 bits is agreed on for outgoing messages, the level is ignored: such
	// windows have a level of their own. Any other number makes Dial return an
	// error.
	//
	// In a browser it is ignored.
	CompressionLevel int

	// CompressionWindowBits is the base-2 logarithm of the window that
	// compressed messages refer back to, 8 to 15: 256 bytes to 32 KiB. It limits
	// outgoing messages, and is requested of the server (RFC 7692 section
	// 7.1.2). Below 15, a second offer without windows follows, for servers that
	// decline the first one. With context takeover a connection keeps up to
	// twice the window of the peer's messages, and 32 KiB at most. Zero means
	// 15, and that nothing is requested. Any other number makes Dial return an
	// error.
	//
	// In a browser it is ignored.
	CompressionWindowBits int

	// ReadLimit is the longest message in bytes, as [Conn.SetReadLimit] sets
	// it. Zero means 32768; a negative number means no limit. A browser
	// receives a longer message as a whole before a read refuses it.
	ReadLimit int64

	// OnPingReceived is as in [AcceptOptions].
	//
	// In a browser it is never called: the browser answers pings by itself.
	OnPingReceived func(ctx context.Context, payload []byte) bool

	// OnPongReceived is as in [AcceptOptions].
	//
	// In a browser it is never called.
	OnPongReceived func(ctx context.Context, payload []byte)

	// MaxUnread bounds, in a browser, the bytes of the messages that have
	// arrived and were not read, with 128 more for each: a page can't tell a
	// peer to wait. The message that is over it fails the connection with
	// StatusMessageTooBig; those before it can still be read, then reads
	// return an error that is [ErrMessageTooBig]. A message that arrives
	// when no other waits may have any size that [Conn.SetReadLimit] allows.
	// Zero means 16 MiB; a negative number means no bound.
	//
	// Elsewhere it is ignored: what is not read is not received, and the
	// network makes the peer wait.
	MaxUnread int64
}

// HandshakeError is the error of a handshake that failed with an HTTP status:
// of [Accept] where it refused the request, and of [Dial] where the server did
// not answer with status 101. It is found with [errors.As]. In a browser, where a
// page does not learn the status, Dial never returns it.
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

// IsUpgrade reports whether r asks for a WebSocket connection, so that one URL can
// serve a page and a WebSocket. It is true for a GET request that asks to upgrade
// to websocket (RFC 6455 section 4.2.1), and for a CONNECT request with websocket
// as its :protocol (RFC 8441 section 4, RFC 9220 section 3). It does not mean that
// [Accept] will accept r.
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

// CompressionMode says how the messages of a connection are compressed with
// the permessage-deflate extension (RFC 7692).
type CompressionMode int

const (
	// CompressionDisabled neither offers nor accepts compression. It is the
	// default.
	CompressionDisabled CompressionMode = iota

	// CompressionContextTakeover compresses each message with what the
	// earlier ones held as its dictionary (RFC 7692 section 7.1.1), which
	// makes small, similar messages much smaller. Between messages a
	// connection keeps up to 2 KiB of what it sent, and up to 32 KiB of what it
	// received, or 8 KiB where the peer keeps to a window of 12 bits
	// (CompressionWindowBits). Compressors, of about 1 MB each, and inflaters come
	// from pools. A peer that refuses takeover gets CompressionNoContextTakeover.
	CompressionContextTakeover

	// CompressionNoContextTakeover compresses each message by itself. A
	// connection keeps nothing between messages.
	CompressionNoContextTakeover
)

var noDialOptions DialOptions

// orDefault returns the options that o stands for: never nil, not to be
// changed.
func (o *DialOptions) orDefault() *DialOptions {
	if o == nil {
		return &noDialOptions
	}
	return o
}

// offeredSubprotocols returns the subprotocols that o asks to offer: those of
// Subprotocols, or of a header in HTTPHeader.
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

// linesOf returns the lines of a header that a program set, in whatever case it
// spells the name.
func linesOf(h http.Header, name string) []string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(h)) {
		if http.CanonicalHeaderKey(key) == name {
			lines = append(lines, h[key]...)
		}
	}
	return lines
}

// MessageType says what a message holds (RFC 6455 section 5.6).
type MessageType int

const (
	// MessageText is for UTF-8 text, such as JSON.
	MessageText MessageType = iota + 1
	// MessageBinary is for any bytes, such as protocol buffers.
	MessageBinary
)

// String returns the constant's name, or MessageType(n).
func (t MessageType) String() string {
	switch t {
	case MessageText:
		return "MessageText"
	case MessageBinary:
		return "MessageBinary"
	}
	return "MessageType(" + strconv.Itoa(int(t)) + ")"
}

// defaultReadLimit keeps a message from an unknown peer small.
const defaultReadLimit = 32768

// unknownAddr is the address of a connection that does not tell it.
type unknownAddr string

func (unknownAddr) Network() string  { return "websocket" }
func (a unknownAddr) String() string { return string(a) }

// compressing says whether a message is compressed. In a browser that is not for the
// program to decide.
type compressing uint8

const (
	asAgreed compressing = iota // if both sides have agreed on it, and the message is long enough
	never
)
