package websocket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// StatusCode is the status code of a close frame (RFC 6455 section 7.4). In addition to
// the constants, codes 3000-3999 are for libraries and applications that register them
// with IANA, and 4000-4999 are for private use.
type StatusCode int

// The status codes that the protocol and the IANA registry define.
const (
	StatusNormalClosure   StatusCode = 1000
	StatusGoingAway       StatusCode = 1001
	StatusProtocolError   StatusCode = 1002
	StatusUnsupportedData StatusCode = 1003

	// StatusNoStatusRcvd means a close frame without a code. It is never sent:
	// Close sends a close frame without a code for it.
	StatusNoStatusRcvd StatusCode = 1005

	// StatusAbnormalClosure means that the connection ended without a close
	// frame. It is never sent.
	StatusAbnormalClosure StatusCode = 1006

	StatusInvalidFramePayloadData StatusCode = 1007
	StatusPolicyViolation         StatusCode = 1008
	StatusMessageTooBig           StatusCode = 1009
	StatusMandatoryExtension      StatusCode = 1010
	StatusInternalError           StatusCode = 1011
	StatusServiceRestart          StatusCode = 1012
	StatusTryAgainLater           StatusCode = 1013
	StatusBadGateway              StatusCode = 1014

	// StatusTLSHandshake means a failed TLS handshake. It is never sent.
	StatusTLSHandshake StatusCode = 1015
)

var statusNames = [...]string{
	StatusNormalClosure - 1000:           "StatusNormalClosure",
	StatusGoingAway - 1000:               "StatusGoingAway",
	StatusProtocolError - 1000:           "StatusProtocolError",
	StatusUnsupportedData - 1000:         "StatusUnsupportedData",
	StatusNoStatusRcvd - 1000:            "StatusNoStatusRcvd",
	StatusAbnormalClosure - 1000:         "StatusAbnormalClosure",
	StatusInvalidFramePayloadData - 1000: "StatusInvalidFramePayloadData",
	StatusPolicyViolation - 1000:         "StatusPolicyViolation",
	StatusMessageTooBig - 1000:           "StatusMessageTooBig",
	StatusMandatoryExtension - 1000:      "StatusMandatoryExtension",
	StatusInternalError - 1000:           "StatusInternalError",
	StatusServiceRestart - 1000:          "StatusServiceRestart",
	StatusTryAgainLater - 1000:           "StatusTryAgainLater",
	StatusBadGateway - 1000:              "StatusBadGateway",
	StatusTLSHandshake - 1000:            "StatusTLSHandshake",
}

// String returns the name of the constant, or StatusCode(n) if there is none.
func (code StatusCode) String() string {
	if i := int(code) - 1000; i >= 0 && i < len(statusNames) && statusNames[i] != "" {
		return statusNames[i]
	}
	return "StatusCode(" + strconv.Itoa(int(code)) + ")"
}

// onWire reports whether a close frame may carry the code (RFC 6455 sections
// 7.4.1 and 7.4.2; 1012 to 1014 are in the IANA registry).
func (code StatusCode) onWire() bool {
	switch code {
	case 1004, StatusNoStatusRcvd, StatusAbnormalClosure, StatusTLSHandshake:
		return false
	}
	return StatusNormalClosure <= code && code <= StatusBadGateway || 3000 <= code && code <= 4999
}

// CloseError is the status code and the reason of the peer's close frame. Every error
// after that frame wraps it, for [errors.As] and [CloseStatus].
type CloseError struct {
	// Code is StatusNoStatusRcvd when the peer's close frame had none.
	Code StatusCode
	// Reason is valid UTF-8 of at most 123 bytes.
	Reason string
}

// Error returns the code and the reason as text.
func (ce CloseError) Error() string {
	return fmt.Sprintf("status = %v and reason = %q", ce.Code, ce.Reason)
}

// CloseStatus returns the status code of the [CloseError] in err, or -1 if there is none,
// because err is nil or the peer sent no close frame.
func CloseStatus(err error) StatusCode {
	if ce, ok := errors.AsType[CloseError](err); ok {
		return ce.Code
	}
	return -1
}

// IsNormalClose reports whether err holds a close frame of the peer with
// StatusNormalClosure or StatusGoingAway. Programs that end, and pages that are left,
// close with these. After Close of this side, the errors that calls return once the
// peer has replied hold the code of the reply, which is usually the same. CloseNow, and a
// Close without a reply, are no normal close.
func IsNormalClose(err error) bool {
	code := CloseStatus(err)
	return code == StatusNormalClosure || code == StatusGoingAway
}

// ErrMessageTooBig is wrapped by the error of a read of a message above the limit of
// [Conn.SetReadLimit]. In a browser the errors of a connection with more unread bytes
// than MaxUnread of [DialOptions] wrap it, too.
var ErrMessageTooBig = errors.New("message too big")

// ErrPingTimeout is wrapped by the errors of a connection that failed because no bytes
// arrived from the peer within PingTimeout of the options after a ping. It is not a
// timeout in the sense of [net.Error], not even in the errors of a [NetConn], because a
// repeated call fails again.
var ErrPingTimeout = errors.New("no answer to a ping")

// ErrWriteTimeout is wrapped by the errors of a connection that failed because a write
// made no progress for WriteTimeout of the options. Like [ErrPingTimeout], it is not a
// timeout in the sense of [net.Error].
var ErrWriteTimeout = errors.New("a write made no progress")

// Conditions that the errors of the exported methods wrap, for errors.Is. Callers can
// distinguish the unexported ones only by their texts.
var (
	errBetweenMessages = errors.New("the previous message has not been read to its end")
	errStaleReader     = errors.New("use of a Reader after its message")
	errStaleWriter     = errors.New("use of a Writer after its Close")
	errReadsTaken      = errors.New("CloseRead was called")
	errMessageType     = errors.New("not MessageText or MessageBinary")
	errTextNotUTF8     = errors.New("text message is not valid UTF-8")
	errCloseCode       = errors.New("status code may not be sent")
	errReasonLength    = errors.New("close reason is too long")
	errReasonUTF8      = errors.New("close reason is not valid UTF-8")
	errPongPayload     = errors.New("pong payload is over 125 bytes")
)

// wrongType returns the error of a write with an invalid message type.
func wrongType(typ MessageType) error { return fmt.Errorf("%v is %w", typ, errMessageType) }

// wrongMessage returns the close reason for a message of the wrong type in a NetConn.
func wrongMessage(got, want MessageType) string {
	return fmt.Sprintf("got a message of type %v in a stream of %v", got, want)
}

// tooBig returns the violation of a message above the read limit (RFC 6455 section
// 7.4.1). Programs match the text.
func tooBig(limit int64) *violation {
	text := fmt.Sprintf("read limited at %d bytes", limit)
	return &violation{code: StatusMessageTooBig, text: text, err: ErrMessageTooBig, hint: setLimit}
}

// setLimit is the hint of tooBig.
const setLimit = "see Conn.SetReadLimit"

// closeTimeout bounds Close, and the reply to the peer's close frame.
const closeTimeout = 5 * time.Second

// errNoCloseFrame is the error of a Close without a close frame from the peer in time.
var errNoCloseFrame = fmt.Errorf("no close frame from the peer within %v: %w", closeTimeout, context.DeadlineExceeded)

// boundClose returns the context for a close handshake: ctx, with closeTimeout if ctx has
// no deadline.
func boundClose(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, closeTimeout, errNoCloseFrame)
}

// noCloseFrame returns the error of a close handshake whose context, from boundClose, has
// ended.
func noCloseFrame(ctx context.Context) error {
	if context.Cause(ctx) == errNoCloseFrame {
		return errNoCloseFrame
	}
	return fmt.Errorf("no close frame from the peer: %w", ctx.Err())
}

// maxCloseReason is the maximum length of a close reason: the 125 bytes of a control
// frame less two for the code (RFC 6455 section 5.5).
const maxCloseReason = 123

// maxPongPayload is the maximum payload of a control frame (RFC 6455 section 5.5).
const maxPongPayload = 125

// sendable returns a code and a reason that a close frame can carry. If they differ from
// the given ones, it returns an error as well.
func sendable(code StatusCode, reason string) (StatusCode, string, error) {
	if code == StatusNoStatusRcvd && reason == "" {
		return code, "", nil // a close frame without a code
	}
	if !code.onWire() {
		return StatusInternalError, "", fmt.Errorf("%w: %d; sent %d instead", errCloseCode, int(code), int(StatusInternalError))
	}
	n := 0
	for n < len(reason) {
		r, size := utf8.DecodeRuneInString(reason[n:])
		if r == utf8.RuneError && size == 1 {
			return code, reason[:n], fmt.Errorf("%w at byte %d; sent the %d bytes before it", errReasonUTF8, n, n)
		}
		if n+size > maxCloseReason {
			return code, reason[:n], fmt.Errorf("%w: %d bytes, the limit is %d; sent the first %d", errReasonLength, len(reason), maxCloseReason, n)
		}
		n += size
	}
	return code, reason, nil
}

// violation is a violation of the protocol, or of a limit of this side, by the peer.
type violation struct {
	code StatusCode // of the close frame
	text string     // also the reason of the close frame
	err  error      // for errors.Is, or nil
	hint string     // advice for the caller, or ""
}

func (v *violation) Error() string {
	text := v.text
	if v.err != nil {
		text = v.err.Error() + ": " + text
	}
	if v.hint != "" {
		text += "; " + v.hint
	}
	return fmt.Sprintf("%s (%d)", text, int(v.code))
}

func (v *violation) Unwrap() error { return v.err }

// party is the side, or the event, that ended a connection.
type party uint8

const (
	bySelf      party = iota + 1 // Close or CloseNow
	byFailure                    // this side failed
	byContext                    // a context ended inside a message
	byPeer                       // the peer's close frame
	byViolation                  // the peer broke the protocol, or a rule of this side
	byNetwork                    // the stream failed or ended
)

// endReason is the party that ended a connection, and the cause. It is zero if the
// connection had ended before.
type endReason struct {
	by    party
	cause error // of Close: its code and reason, as a CloseError; of CloseNow: nil
}

// A callTime says whether a call began before or after the end of the connection.
type callTime uint8

const (
	underWay callTime = iota // before the end
	later                    // after it
)

// closedError is the error of a call on a connection that has ended. It is
// net.ErrClosed if the call began after the end, or if Close, CloseNow or a context
// of this side ended the connection.
type closedError struct {
	why      endReason
	peer     error // the peer's CloseError, or nil
	isClosed bool
}

func (e *closedError) Error() string {
	cause := e.why.cause
	switch e.why.by {
	case byFailure:
		return "connection failed on this side: " + cause.Error()
	case byContext:
		return "connection failed, a context ended inside a message: " + cause.Error()
	case byPeer:
		return "connection closed by the peer: " + cause.Error()
	case byViolation:
		return "connection failed on the peer's violation: " + cause.Error()
	case byNetwork:
		return "connection lost: " + cause.Error()
	}
	if cause == nil {
		return "connection closed by this side"
	}
	return "connection closed by this side: " + cause.Error()
}

func (e *closedError) Unwrap() []error {
	var errs []error
	if e.isClosed {
		errs = append(errs, net.ErrClosed)
	}
	if e.why.by != bySelf {
		errs = append(errs, e.why.cause)
	}
	if e.peer != nil && e.why.by != byPeer {
		errs = append(errs, e.peer)
	}
	return errs
}

// checkContext panics if ctx is nil.
func checkContext(ctx context.Context) {
	if ctx == nil {
		panic("websocket: nil context")
	}
}

// opError returns err with the prefix of the exported functions, or nil if err is nil.
func opError(op string, err error) error {
	if err == nil {
		return nil
	}
	return prefixed(op, err)
}

// prefixed is opError for an error that is not nil. It is separate so that opError is
// inlined.
func prefixed(op string, err error) error { return fmt.Errorf("websocket: %s: %w", op, err) }

// withoutURL removes the URL, which may contain a password, from an error of url.Parse.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("parse URL: %w", e.Err)
	}
	return err
}

// asTyped returns the scheme of u in its original letter case, which url.Parse changes to
// lower case.
func asTyped(scheme, u string) string {
	if len(scheme) <= len(u) && strings.EqualFold(u[:len(scheme)], scheme) {
		return u[:len(scheme)]
	}
	return scheme
}

// exits are the sets that a connection leaves when it ends.
type exits struct {
	mu    sync.Mutex // held when Group.mu is acquired; guards the rest
	ended bool       // the connection has ended
	conn  any        // the connection, from the first set on
	sets  []set
	one   [1]set // the first memory of sets
}

// set is a set of connections.
type set interface {
	remove(conn any)
}

// add adds a set of the connection conn. The caller holds x.mu.
func (x *exits) add(conn any, s set) {
	x.conn = conn
	if x.sets == nil {
		x.sets = x.one[:0]
	}
	if x.sets = append(x.sets, s); len(x.sets) > len(x.one) {
		clear(x.one[:]) // not the memory of sets any more
	}
}

// run removes the connection from the sets. A nil exits has none.
func (x *exits) run() {
	if x == nil {
		return
	}
	x.mu.Lock()
	sets := x.sets
	x.sets, x.ended = nil, true
	x.mu.Unlock()
	for _, s := range sets {
		s.remove(x.conn)
	}
	clear(sets)
}
