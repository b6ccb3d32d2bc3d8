package rawpeer

import (
	"slices"
	"sync"
	"time"
)

// StallReads blocks Reads of this end, even if bytes are available, until release is
// called. Deadlines, Close and Reset still work. Stalls are counted.
func (s *Stream) StallReads() (release func()) {
	return s.in.stall(&s.in.readStalls)
}

// StallWrites blocks Writes of this end, even if there is space, until release is
// called. Deadlines, Close and Reset still work. Stalls are counted.
func (s *Stream) StallWrites() (release func()) {
	return s.out.stall(&s.out.writeStalls)
}

// stall increments one of h's two stall counts; release decrements it.
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

// ChunkReads limits each Read of this end to n bytes. Zero removes the limit.
func (s *Stream) ChunkReads(n int) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.chunk = n
}

// SetCapacity sets the number of bytes written by this end that the stream holds until
// the peer reads them. n is as in [PipeOptions]. Bytes already held beyond that remain.
func (s *Stream) SetCapacity(n int) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.capacity = capacityOf(n)
	s.out.changed.Broadcast()
}

// SetLatency delays the bytes that this end writes from now on, and its end of stream,
// by d.
func (s *Stream) SetLatency(d time.Duration) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.latency = d
}

// CutAfter cuts the direction from this end to the peer after n more bytes. Those still
// arrive; then the peer's Reads return err, the error of a broken connection: io.EOF,
// io.ErrUnexpectedEOF or ErrReset. A Write of this end that goes past the cut fails
// with ErrBrokenPipe.
func (s *Stream) CutAfter(n int, err error) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.cutting = true
	s.out.cutLeft = n
	s.out.cutErr = err
	s.out.changed.Broadcast()
}

// RecordWrites starts recording a copy of the bytes of each Write of this end, and
// discards earlier records.
func (s *Stream) RecordWrites() {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.recording = true
	s.out.recorded = nil
}

// RecordedWrites returns the bytes passed to each Write of this end since RecordWrites,
// whether they were written or not.
func (s *Stream) RecordedWrites() [][]byte {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return slices.Clone(s.out.recorded)
}

// Stats counts the calls and bytes of one end of a stream.
type Stats struct {
	Reads        int   // calls of Read, including blocked ones
	Writes       int   // calls of Write, including blocked ones
	BytesRead    int64 // bytes that Reads returned
	BytesWritten int64 // bytes that Writes accepted, including blocked ones
	Closed       bool  // Close or Reset was called
	HalfClosed   bool  // CloseWrite was called, or Close, or Reset
	Unread       int   // received bytes that had not been read when it was closed
}

// Stats returns the counts of this end so far. Those of the other end are at
// [Stream.Peer].
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
