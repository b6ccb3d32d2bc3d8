package websocket

import (
	"github.com/bhojpur/api/internal/utf8stream"
)

// PreparedMessage is a message that is made once and written to any number of
// connections, by [Conn.WritePrepared]: its text is checked once, its frame
// made once, and it is compressed once for all connections that agreed on the
// same. It never changes, and may be used by any number of goroutines at once.
//
// In a browser it saves the check of the text alone: the browser makes the
// frames.
type PreparedMessage struct {
	typ MessageType
	preparedFrames
}

// NewPreparedMessage prepares a message. p is copied. It returns an error for
// a type that is none, and for text that is not valid UTF-8.
//
// A message is compressed when it is first written to a connection that wants
// it compressed; what came out is kept with it.
func NewPreparedMessage(typ MessageType, p []byte) (*PreparedMessage, error) {
	if err := checkMessage(typ, p); err != nil {
		return nil, opError("prepare", err)
	}
	m := &PreparedMessage{typ: typ}
	m.prepare(typ, p)
	return m, nil
}

// checkMessage tells whether p can be a message of the type.
func checkMessage(typ MessageType, p []byte) error {
	switch {
	case typ != MessageText && typ != MessageBinary:
		return wrongType(typ)
	case typ == MessageText && !utf8stream.Valid(p):
		return errTextNotUTF8
	}
	return nil
}
