package rawpeer

import (
	"bytes"
	"compress/flate"
	"io"
)

// Takeover is whether a message may refer to earlier ones (RFC 7692 section 7.1.1).
type Takeover int

const (
	NoTakeover Takeover = iota + 1
	ContextTakeover
)

// window is the size of the LZ77 window (RFC 1951 section 2).
const window = 32 << 10

// tail ends the DEFLATE data of a message, and is removed from its payload (RFC 7692
// section 7.2.1).
const tail = "\x00\x00\xff\xff"

// A Deflater compresses the messages of one connection, with context takeover if that
// was negotiated.
type Deflater struct {
	takeover Takeover
	out      bytes.Buffer
	w        *flate.Writer
}

// NewDeflater returns a Deflater for the messages of one connection.
func NewDeflater(takeover Takeover) *Deflater {
	d := &Deflater{takeover: takeover}
	d.w, _ = flate.NewWriter(&d.out, flate.DefaultCompression) // the level is valid
	return d
}

// Message returns the payload of the next message.
func (d *Deflater) Message(p []byte) []byte {
	if d.takeover == NoTakeover {
		d.w.Reset(&d.out)
	}
	d.out.Reset()
	d.w.Write(p) // a bytes.Buffer returns no error
	d.w.Flush()
	return bytes.Clone(bytes.TrimSuffix(d.out.Bytes(), []byte(tail)))
}

// Deflated returns f with its payload compressed and RSV1 set. The payload does not
// refer to other messages.
func Deflated(f Frame) Frame {
	f.RSV |= RSV1
	f.Payload = NewDeflater(NoTakeover).Message(f.Payload)
	return f
}

// An Inflater decompresses the messages of one connection.
type Inflater struct {
	takeover Takeover
	dict     []byte // the last bytes of the inflated messages
}

// NewInflater returns an Inflater for the messages of one connection.
func NewInflater(takeover Takeover) *Inflater { return &Inflater{takeover: takeover} }

// Message inflates the payload of the next message.
func (i *Inflater) Message(payload []byte) ([]byte, error) {
	// An empty final block ends the DEFLATE stream, so that a truncated one is an
	// error.
	const last = "\x01\x00\x00\xff\xff"
	in := io.MultiReader(bytes.NewReader(payload), bytes.NewReader([]byte(tail+last)))
	p, err := io.ReadAll(flate.NewReaderDict(in, i.dict))
	if err == nil && i.takeover == ContextTakeover {
		i.dict = append(i.dict, p...)
		i.dict = bytes.Clone(i.dict[max(0, len(i.dict)-window):])
	}
	return p, err
}
