package deflate

// windowStep is the minimum by which a window grows, so that not every small message
// allocates.
const windowStep = 1 << 10

// A window holds the last bytes of a stream, at most limit. It grows by doubling, and is a
// ring when it is full.
type window struct {
	limit int

	// ring has the bytes, the oldest at start; start is 0 until ring has limit
	// of them.
	ring  []byte
	start int
}

func (w *window) len() int {
	return len(w.ring)
}

// reset drops the bytes and the memory that held them.
func (w *window) reset() {
	w.ring, w.start = nil, 0
}

// clear drops the bytes and keeps the memory.
func (w *window) clear() {
	w.ring, w.start = w.ring[:0], 0
}

// write adds p, which it does not keep, to the end.
func (w *window) write(p []byte) {
	if len(p) >= w.limit {
		w.clear()
		p = p[len(p)-w.limit:]
	}
	if n := min(w.limit-len(w.ring), len(p)); n > 0 {
		w.grow(n)
		w.ring = append(w.ring, p[:n]...)
		p = p[n:]
	}
	for len(p) > 0 {
		n := copy(w.ring[w.start:], p)
		w.start = (w.start + n) % w.limit
		p = p[n:]
	}
}

// grow makes room for n more bytes, which fit in the limit.
func (w *window) grow(n int) {
	need := len(w.ring) + n
	if need <= cap(w.ring) {
		return
	}
	room := max(2*cap(w.ring), (need+windowStep-1)/windowStep*windowStep)
	ring := make([]byte, len(w.ring), min(room, w.limit))
	copy(ring, w.ring)
	w.ring = ring
}

// parts returns the bytes, in two pieces.
func (w *window) parts() (older, newer []byte) {
	return w.ring[w.start:], w.ring[:w.start]
}

// appendLast appends the last n bytes, or all when there are fewer, to dst.
func (w *window) appendLast(dst []byte, n int) []byte {
	n = min(n, len(w.ring))
	older, newer := w.parts()
	if n <= len(newer) {
		return append(dst, newer[len(newer)-n:]...)
	}
	dst = append(dst, older[len(older)-(n-len(newer)):]...)
	return append(dst, newer...)
}

// copyBack copies the bytes that begin back bytes before the end to dst, and returns their
// number, at most back.
// 0 < back <= w.len().
func (w *window) copyBack(dst []byte, back int) int {
	older, newer := w.parts()
	if back <= len(newer) {
		return copy(dst, newer[len(newer)-back:])
	}
	n := copy(dst, older[len(older)-(back-len(newer)):])
	return n + copy(dst[n:], newer)
}
