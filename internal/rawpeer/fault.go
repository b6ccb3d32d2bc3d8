package rawpeer

import (
	"slices"
	"sync"
	"time"
)

// StallReads makes Reads of this end wait, whatever has come, until release is
// called. Deadlines, Close and Reset still work. Stalls add up.
func (s *Stream) StallReads() (release func()) {
	return s.in.stall(&s.in.readStalls)
}

// StallWrites makes Writes of this end wait, whatever room there is, until
// release is called. Deadlines, Close and Reset still work. Stalls add up.
func (s *Stream) StallWrites() (release func()) {
	return s.out.stall(&s.out.writeStalls)
}

// stall counts one of h's two numbers of stalls up, and down on release.
func (h *half) stall(stalls *int) (release func()) {
	add := func(n int) {
		h.mu.Lock()
		defer h.mu.Unlock()
		*stalls += n
		h.changed.Broadcast()
	}
	add(1)
	return sync.OnceFunc(func() { add(-1) })
}

// ChunkReads makes each Read of this end return n bytes at most. Zero lifts
// the limit.
func (s *Stream) ChunkReads(n int) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.chunk = n
}

// SetCapacity changes how many bytes this end can have written that the peer
// has not read. n is as in [PipeOptions]. Bytes over it stay.
func (s *Stream) SetCapacity(n int) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.capacity = capacityOf(n)
	s.out.changed.Broadcast()
}

// SetLatency makes what this end writes from now on, and the end of it, come
// to the peer only after d.
func (s *Stream) SetLatency(d time.Duration) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.latency = d
}

// CutAfter cuts the direction from this end to the peer after n more bytes.
// Those still come; then the peer's Reads return err, which stands for what a
// broken line looks like: io.EOF, io.ErrUnexpectedEOF, ErrReset. A
// Write of this end that goes past the cut fails with ErrBrokenPipe.
func (s *Stream) CutAfter(n int, err error) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.cutting = true
	s.out.cutLeft = n
	s.out.cutErr = err
	s.out.changed.Broadcast()
}

// RecordWrites begins to keep a copy of the bytes of each Write of this end,
// and forgets those kept so far.
func (s *Stream) RecordWrites() {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.recording = true
	s.out.recorded = nil
}

// RecordedWrites returns the bytes of each Write of this end since
// RecordWrites, as given to Write, be they taken or not.
func (s *Stream) RecordedWrites() [][]byte {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return slices.Clone(s.out.recorded)
}

// Stats counts what one end of a stream did.
type Stats struct {
	Reads        int   // calls of Read, those that wait now included
	Writes       int   // calls of Write, those that wait now included
	BytesRead    int64 // bytes that Reads returned
	BytesWritten int64 // bytes that Writes took, those that wait now included
	Closed       bool  // Close or Reset was called
	HalfClosed   bool  // CloseWrite was called, or Close, or Reset
	Unread       int   // bytes that had come, not read, when it was closed
}

// Stats returns the counts of this end so far. [Stream.Peer] has the others.
func (s *Stream) Stats() Stats {
	stats := Stats{Closed: s.closed.Load()}

	s.in.mu.Lock()
	stats.Reads = s.in.reads
	stats.BytesRead = s.in.taken
	stats.Unread = s.in.unread
	s.in.mu.Unlock()

	s.out.mu.Lock()
	stats.Writes = s.out.writes
	stats.BytesWritten = s.out.put
	stats.HalfClosed = s.out.finished
	s.out.mu.Unlock()
	return stats
}
