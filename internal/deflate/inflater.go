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
// a larger one. NewInflater sets how much it keeps of earlier messages.
type Inflater struct {
	takeover bool

	// window is the end of the messages that were inflated. Empty without
	// takeover.
	window window

	// dec comes from a pool while a message is open.
	dec *decoder

	// idle is the error of Read when dec is nil.
	idle error
	lost bool
}

// NewInflater returns an Inflater for the negotiated window bits, 8 to 15, of its
// direction. With takeover messages may refer to earlier ones, and it keeps their last
// 2<<windowBits bytes, since some peers exceed their window, and at most 32 KiB. Without
// takeover it keeps nothing between messages.
func NewInflater(windowBits int, takeover bool) *Inflater {
	f := &Inflater{takeover: takeover, idle: io.EOF}
	if takeover {
		f.window.limit = min(2<<windowBits, maxDistance)
	}
	return f
}

// Begin opens a message, whose compressed payload is the bytes of src up to io.EOF. It
// reads src 4 KiB at a time into the Inflater's buffer, and only when all earlier bytes
// were inflated and returned. It is freed when the
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

// Read inflates into p. It returns available bytes without waiting for more of the
// source, and io.EOF after the last byte of the message.
//
// Read returns an error of the source unchanged, after all bytes before it. It is not
// final: the next Read reads from the source again and continues. An error that is [ErrCorrupt] is the end of the
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

// End ends the open message, if there is one, and frees its memory. After the io.EOF of
// the message it has no effect. With takeover, a message that was not inflated to its end
// leaves a window that differs from the peer's: every later message then returns
// [ErrAbandoned].
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

// release adds the inflated bytes to the window and returns the decoder to its pool.
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
