package autobahn

// history is the end of the earlier messages: the part that matches may refer to.
type history struct {
	size  int // the most bytes that matches may refer to
	bytes []byte
}

// last returns the last n bytes, or fewer, at most size. They are valid until the next
// append.
func (h *history) last(n int) []byte {
	return h.bytes[max(0, len(h.bytes)-min(n, h.size)):]
}

// append adds p at the end.
func (h *history) append(p []byte) {
	if len(p) >= h.size {
		h.bytes = append(h.bytes[:0], p[len(p)-h.size:]...)
		return
	}
	// The slice grows to twice the size before bytes are moved, so that short messages
	// do not each move the whole window.
	if len(h.bytes)+len(p) > 2*h.size {
		h.bytes = append(h.bytes[:0], h.last(h.size)...)
	}
	h.bytes = append(h.bytes, p...)
}

// forget empties the history.
func (h *history) forget() { h.bytes = h.bytes[:0] }
