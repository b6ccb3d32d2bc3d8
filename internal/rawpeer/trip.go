package rawpeer

// A trip is an action triggered when one end of a stream has read, or written, a number
// of bytes. It is guarded by its half's mu.
type trip struct {
	at      int64
	do      func() // nil if there is none
	running bool   // do is running, and no byte passes meanwhile
}

// room returns how many of n bytes may pass, after passed bytes.
func (t *trip) room(n int, passed int64) int {
	switch {
	case t.running:
		return 0
	case t.do == nil:
		return n
	}
	return int(min(int64(n), max(0, t.at-passed)))
}

// AfterReading calls do when this end has read n bytes in all: the Read that reads the
// nth byte ends with it, and returns after do has returned. If n bytes have been read
// already, do is called before AfterReading returns. A second call of AfterReading
// replaces the first.
func (s *Stream) AfterReading(n int64, do func()) {
	s.in.after(&s.in.readTrip, &s.in.taken, n, do)
}

// AfterWriting is AfterReading for the bytes that this end writes. The Write that
// writes the nth byte continues with the rest after do has returned; the peer cannot
// read the nth byte before that.
func (s *Stream) AfterWriting(n int64, do func()) {
	s.out.after(&s.out.writeTrip, &s.out.put, n, do)
}

func (h *half) after(t *trip, passed *int64, n int64, do func()) {
	h.mu.Lock()
	reached := *passed >= n
	if t.do = do; reached {
		t.do = nil
	}
	t.at = n
	h.mu.Unlock()
	if reached {
		do()
	}
}

// tripLocked starts the action if passed bytes trigger it, on a new goroutine, since it
// may use the stream.
func (h *half) tripLocked(t *trip, passed int64) {
	if t.do == nil || passed < t.at {
		return
	}
	do := t.do
	t.do, t.running = nil, true
	go func() {
		do()
		h.mu.Lock()
		defer h.mu.Unlock()
		t.running = false
		h.changed.Broadcast()
	}()
}

// CutReads cuts the direction from the peer to this end at once. Bytes under way are
// lost, and so are the peer's later Writes, which succeed. Reads of this end return
// err, as for CutAfter.
func (s *Stream) CutReads(err error) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.readCut = err
	s.in.dropLocked(s.in.pendingLocked())
	s.in.changed.Broadcast()
}

// CutWrites makes blocked and later Writes of this end fail with err. Bytes written
// before still arrive; no end of stream follows.
func (s *Stream) CutWrites(err error) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.writeCut = err
	s.out.changed.Broadcast()
}
