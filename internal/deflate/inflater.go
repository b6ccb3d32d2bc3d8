package deflate

import (
	"errors"
	"io"
)

// ErrAbandoned is returned for a message that can't be inflated because an earlier message,
// which it may refer to, was not read to its end.
var ErrAbandoned = errors.New("an earlier message was not read to its end")

// An Inflater inflates the compressed messages of one direction of a connection. It is not
// safe for concurrent use.
//
// Inside a message its window is 32 KiB, the maximum, whatever was negotiated. NewInflater
// sets how much it keeps of earlier messages.
type Inflater struct {
	takeover bool

	// window has the last bytes of the inflated messages. It is empty without takeover.
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

// Begin opens a message whose compressed payload is the bytes of src up to io.EOF. The
// Inflater reads src, mostly 8 KiB at a time, only when all earlier bytes were inflated and
// returned. Begin ends a message that is still open, as [Inflater.End] does.
func (f *Inflater) Begin(src io.Reader) {
	f.End()
	if f.lost {
		f.idle = ErrAbandoned
		return
	}
	f.dec = getDecoder(src, &f.window)
}

// Read inflates into p. It returns available bytes without waiting for more of the
// source, and io.EOF with the last byte of the message or after it.
//
// Read returns an error of the source unchanged, after all bytes before it. The next Read
// reads from the source again and continues. An error that is [ErrCorrupt] ends the message,
// and with takeover the stream.
func (f *Inflater) Read(p []byte) (int, error) {
	if f.dec == nil {
		return 0, f.idle
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := f.dec.Read(p)
	if f.dec.err != nil && (n == 0 || err == io.EOF) {
		f.idle = f.dec.err
		f.release()
	}
	return n, err
}

// End ends the open message, if there is one, and frees its memory. It has no effect after
// the io.EOF of the message. With takeover, a message that was not inflated to its end
// leaves a window that differs from the peer's: every later message then returns
// [ErrAbandoned].
func (f *Inflater) End() {
	if f.dec != nil {
		f.release()
	}
	f.idle = io.EOF
}

// Close ends the open message and drops the window. The Inflater may then be used for a new
// stream.
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
