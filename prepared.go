package websocket

import (
	"errors"

	"github.com/bhojpur/api/internal/utf8stream"
)

// PreparedMessage is a message that is encoded once and written to any number of
// connections by [Conn.WritePrepared]. Its text is validated once, its frame is made
// once, and it is compressed once for all connections with the same compression
// settings. It is immutable and safe for concurrent use.
//
// In a browser only the validation is shared: the browser makes the frames.
type PreparedMessage struct {
	typ MessageType
	preparedFrames
}

// NewPreparedMessage prepares a message. It copies p. It returns an error if typ is
// neither MessageText nor MessageBinary, or if text is not valid UTF-8.
//
// The message is compressed when it is first written to a connection on which it is
// to be compressed. The PreparedMessage keeps the result.
func NewPreparedMessage(typ MessageType, p []byte) (*PreparedMessage, error) {
	if err := checkMessage(typ, p); err != nil {
		return nil, opError("prepare", err)
	}
	m := &PreparedMessage{typ: typ}
	m.prepare(typ, p)
	return m, nil
}

// checkMessage returns an error if p can't be a message of the type.
func checkMessage(typ MessageType, p []byte) error {
	switch {
	case typ != MessageText && typ != MessageBinary:
		return wrongType(typ)
	case typ == MessageText && !utf8stream.Valid(p):
		return errTextNotUTF8
	}
	return nil
}

// ErrBacklog is wrapped by the error of a [Conn.Post] that queued nothing because more than
// MaxBacklog bytes of the options would have waited to be sent. The connection is open.
// The program drops the message or, with [Conn.CloseNow], the peer.
var ErrBacklog = errors.New("too many bytes are queued")

// defaultMaxBacklog lets a peer pause for a moment.
const defaultMaxBacklog = 1 << 20

// maxBacklog applies the default to a MaxBacklog.
func maxBacklog(n int64) int64 {
	if n == 0 {
		return defaultMaxBacklog
	}
	return max(n, -1)
}
