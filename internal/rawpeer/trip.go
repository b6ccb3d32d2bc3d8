package rawpeer

// A trip is what happens when one end of a stream has read, or written, so many
// bytes. It is guarded by its half's mu.
type trip struct {
	at      int64
	do      func() // nil when nothing is to happen
	running bool   // do is, and nothing passes meanwhile
}

// room returns how many of n bytes may pass, when so many have.
func (t *trip) room(n int, passed int64) int {
	switch {
	case t.running:
		return 0
	case t.do == nil:
		return n
	}
	return int(min(int64(n), max(0, t.at-passed)))
}

// AfterReading calls do when this end has read n bytes in all: the Read that
// reads the nth byte ends with it, and returns when do has. From then on the
// stream is as do left it. When n bytes have been read already, do is called
// before AfterReading returns. It takes the place of an earlier one.
func (s *Stream) AfterReading(n int64, do func()) {
	s.in.after(&s.in.readTrip, &s.in.taken, n, do)
}

// AfterWriting is AfterReading for the bytes that this end writes. The Write
// that writes the nth byte goes on when do has returned, with what is left, and
// the peer can read no byte before that.
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

// tripLocked begins what is to happen now that so many bytes have passed, on
// a goroutine of its own, for it may do anything with the stream.
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

// CutReads cuts the direction from the peer to this end at once. What is on its
// way is lost, and so is what the peer writes from now on, which it does not
// notice. Reads of this end return err, which is as for CutAfter.
func (s *Stream) CutReads(err error) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.readCut = err
	s.in.dropLocked(s.in.pendingLocked())
	s.in.changed.Broadcast()
}

// CutWrites makes Writes of this end fail with err from now on, those that
// wait too. What was written before still comes, and then nothing.
func (s *Stream) CutWrites(err error) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.writeCut = err
	s.out.changed.Broadcast()
}
