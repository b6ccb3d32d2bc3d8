package sender

import "github.com/bhojpur/api/internal/frame"

// Role is the side of the connection that sends. A client masks its frames.
type Role uint8

const (
	Server Role = iota
	Client
)

// Compression are the compression parameters of outgoing messages.
type Compression struct {
	Bits      int  // the base-2 logarithm of the window
	Level     int  // of the compressor
	Threshold int  // the minimum size of a message to be compressed
	Takeover  bool // a message may refer to earlier ones
}

// Frame is a frame to be sent. Its payload is not masked yet.
type Frame struct {
	frame.Byte0
	Encoding Encoding
	OnCancel OnCancel
	Payload  []byte
	Pre      *Preframed // the encoded frame of a prepared message, or nil
}

// single reports whether a Sender of role r can send the frame with one write, without
// copying a long payload that it does not mask and without a later frame that refers to it.
func (f *Frame) single(r Role) bool {
	switch {
	case f.Encoding != Plain:
		return false
	case f.Pre == nil && len(f.Payload) <= maxCopied:
		return true
	case r == Client:
		return f.Pre == nil && len(f.Payload) <= MaxFrame
	}
	return f.OnCancel == FailConn
}

// Encoding says how the payload of a message is sent.
type Encoding uint8

const (
	Plain     Encoding = iota
	Deflated           // compressed by the leader that sends it
	Undecided          // a Message that has not reached the compression threshold
)

// OnCancel says what happens to a frame whose context ends after a part of it was sent.
type OnCancel uint8

const (
	FailConn  OnCancel = iota // the connection fails
	KeepFrame                 // the rest is sent ahead of other frames
)

// Preframed is the encoded frame of a whole message.
type Preframed struct {
	Bytes   []byte // the frame as a server sends it
	Payload []byte // the end of Bytes

	// Text is the end of a receiver's window after the message, which has Size
	// bytes. It is nil if the frame is not compressed.
	Text []byte
	Size int
}

// Preframe encodes a frame. It copies p.
func Preframe(b frame.Byte0, p []byte) Preframed {
	h := frame.Header{Byte0: b, Length: int64(len(p))}
	f := frame.AppendHeader(make([]byte, 0, frame.MaxHeader+len(p)), h)
	n := len(f)
	f = append(f, p...)
	return Preframed{Bytes: f, Payload: f[n:]}
}
