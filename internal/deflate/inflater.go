package deflate

import (
	"errors"
	"io"
)

// ErrAbandoned is returned for a message that cannot be inflated because one
// before it, whose bytes it may refer to, was not read to its end.
var ErrAbandoned = errors.New("an earlier message was not read to its end")

// An Inflater inflates the compressed messages of one direction of a
// connection. One goroutine at a time uses it.
//
// It inflates with a window of 32 KiB, whatever was negotiated: no peer can need
// a larger one. Of the messages before, it keeps what it was made for.
type Inflater struct {
	takeover bool

	// window is the end of the messages that were inflated. Empty without
	// takeover.
	window window

	// dec is lent for as long as a message is open.
	dec *decoder

	// idle is what Read returns when dec is nil.
	idle error
	lost bool
}

// NewInflater returns an Inflater for the window bits, 8 to 15, that were agreed
// on for its direction. With takeover messages may refer to those before them,
// and it holds their end, as they come: twice 1<<windowBits bytes, since there
// are peers that send farther references than they said, and 32 KiB at most;
// without, it holds nothing between messages.
func NewInflater(windowBits int, takeover bool) *Inflater {
	f := &Inflater{takeover: takeover, idle: io.EOF}
	if takeover {
		f.window.limit = min(2<<windowBits, maxDistance)
	}
	return f
}

// Begin opens a message: its compressed payload is what src has up to io.EOF.
// src is read 4 KiB at a time, straight into the Inflater's buffer, and only
// when all that was read before is inflated and taken. It is freed when the
// message ends. Begin ends a message that is still open, as [Inflater.End]
// does.
func (f *Inflater) Begin(src io.Reader) {
	f.End()
	if f.lost {
		f.idle = ErrAbandoned
		return
	}
	f.dec = getDecoder(src, &f.window)
}

// Read inflates into p. It returns what there is as soon as there is anything,
// without waiting for more of the source, and io.EOF after the last byte of the
// message.
//
// An error of the source comes back unchanged, after everything that came
// before it, and is not the end: the next Read asks the source again and goes
// on where this one stopped. An error that is [ErrCorrupt] is the end of the
// message, and of the stream if there is takeover.
func (f *Inflater) Read(p []byte) (int, error) {
	if f.dec == nil {
		return 0, f.idle
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := f.dec.Read(p)
	if n == 0 && f.dec.err != nil {
		f.idle = f.dec.err
		f.release()
	}
	return n, err
}

// End ends the open message, if there is one, and gives its memory back; after
// the message's io.EOF it does nothing. With takeover, a message that was not
// inflated up to its end leaves a window that is not the peer's: every later
// message then gives [ErrAbandoned].
func (f *Inflater) End() {
	if f.dec != nil {
		f.release()
	}
	f.idle = io.EOF
}

// Close ends the open message and drops the window. The Inflater may be used
// again, for a stream that begins.
func (f *Inflater) Close() {
	f.End()
	f.window.reset()
	f.lost = false
}

// release gives the decoder back and takes over what it has inflated.
func (f *Inflater) release() {
	d := f.dec
	if f.takeover {
		switch {
		case d.err != io.EOF:
			f.lost = true
			f.window.reset()
		case d.taken != &f.window:
			older, newer := d.own.parts()
			f.window.write(older)
			f.window.write(newer)
		}
	}
	f.dec = nil
	putDecoder(d)
}
