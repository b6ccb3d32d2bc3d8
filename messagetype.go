package websocket

import "strconv"

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

// isValid reports whether t is one of the constants.
func (t MessageType) isValid() bool { return t == MessageText || t == MessageBinary }

// compressing says whether a message is compressed. A browser ignores it.
type compressing uint8

const (
	asAgreed compressing = iota // if compression was negotiated and the message is long enough
	never
)
