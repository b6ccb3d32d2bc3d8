package rawpeer

import (
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

// A half is one direction of a stream. One end writes to it, the other reads.
type half struct {
	mu      sync.Mutex
	changed sync.Cond // L is mu; broadcast after each change of the fields below

	// The bytes under way.
	capacity int // 0 is a rendezvous
	buf      []byte
	off      int       // bytes of buf already read
	delayed  []delayed // delayed bytes at the end of buf, in order
	finished bool      // nothing more will be written: CloseWrite, Close
	finishAt time.Time // when the end becomes visible to the reader
	wasReset bool

	// The writer's side.
	writing       bool // a Write holds its turn
	writerClosed  bool
	writeDeadline deadline
	writeStalls   int
	latency       time.Duration
	cutting       bool
	cutLeft       int // bytes before the cut
	cutErr        error
	writeTrip     trip
	writeCut      error

	// The reader's side.
	readerClosed bool
	readDeadline deadline
	readStalls   int
	chunk        int // the most bytes that one Read returns; 0 is no limit
	readTrip     trip
	readCut      error

	// Counts.
	reads, writes int
	taken         int64 // bytes read
	put           int64 // bytes that Writes accepted
	unread        int   // bytes in buf when the reader closed
	recording     bool
	recorded      [][]byte
}

// delayed records from when on the next n bytes can be read.
type delayed struct {
	n  int
	at time.Time
}

// A deadline is guarded by its half's mu.
type deadline struct {
	timer   *time.Timer
	expired bool
}

func newHalf(capacity int) *half {
	h := &half{capacity: capacity}
	h.changed.L = &h.mu
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reads++
	for {
		if err := h.readErrLocked(); err != nil {
			return 0, err
		}
		if len(p) == 0 {
			return 0, nil
		}
		if h.readStalls == 0 {
			if n := h.takeLocked(p); n > 0 {
				h.changed.Broadcast()
				h.tripLocked(&h.readTrip, h.taken)
				for h.readTrip.running {
					h.changed.Wait()
				}
				return n, nil
			}
			if err := h.endLocked(); err != nil {
				return 0, err
			}
		}
		h.changed.Wait()
	}
}

// readErrLocked returns the error of a Read that fails even if bytes are available, or
// nil.
func (h *half) readErrLocked() error {
	switch {
	case h.readerClosed:
		return net.ErrClosed
	case h.readDeadline.expired:
		return os.ErrDeadlineExceeded
	case h.wasReset:
		return os.NewSyscallError("read", ErrReset)
	}
	return h.readCut
}

// endLocked returns the error of a Read after the last byte, or nil if more bytes may
// come.
func (h *half) endLocked() error {
	switch {
	case h.pendingLocked() > 0:
		return nil
	case h.cutting && h.cutLeft == 0:
		return h.cutErr
	case h.finished && !time.Now().Before(h.finishAt):
		return io.EOF
	}
	return nil
}

func (h *half) takeLocked(p []byte) int {
	now := time.Now()
	for len(h.delayed) > 0 && !now.Before(h.delayed[0].at) {
		h.delayed = h.delayed[1:]
	}
	ready := h.pendingLocked()
	for _, d := range h.delayed {
		ready -= d.n
	}
	if h.chunk > 0 {
		ready = min(ready, h.chunk)
	}
	if ready = h.readTrip.room(ready, h.taken); h.writeTrip.running {
		return 0
	}
	n := copy(p, h.buf[h.off:h.off+ready])
	h.taken += int64(n)
	h.off += n
	if h.off > len(h.buf)/2 {
		// Move the rest down, so that a stream with a reader that keeps up does not
		// allocate.
		h.buf = h.buf[:copy(h.buf, h.buf[h.off:])]
		h.off = 0
	}
	return n
}

// pendingLocked returns the number of bytes written and not yet read.
func (h *half) pendingLocked() int { return len(h.buf) - h.off }

// dropLocked drops the last n pending bytes, or all.
func (h *half) dropLocked(n int) {
	h.buf = h.buf[:max(h.off, len(h.buf)-n)]
	h.delayed = nil
}

func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writes++
	if h.recording {
		h.recorded = append(h.recorded, slices.Clone(p))
	}
	for h.writing {
		h.changed.Wait()
	}
	h.writing = true
	defer func() {
		h.writing = false
		h.changed.Broadcast()
	}()
	for {
		if err := h.writeErrLocked(); err != nil {
			return n, err
		}
		if h.writeStalls == 0 {
			m := h.putLocked(p[n:])
			n += m
			h.put += int64(m)
			h.tripLocked(&h.writeTrip, h.put)
			if n == len(p) {
				break
			}
			if h.cutting && h.cutLeft == 0 {
				return n, os.NewSyscallError("write", ErrBrokenPipe)
			}
		}
		h.changed.Wait()
	}
	for h.writeTrip.running {
		h.changed.Wait()
	}
	if h.capacity == 0 {
		n, err := h.awaitReadLocked(len(p))
		h.put -= int64(len(p) - n)
		return n, err
	}
	return n, nil
}

// writeErrLocked returns the error of a Write that fails even if there is space, or
// nil.
func (h *half) writeErrLocked() error {
	switch {
	case h.writerClosed:
		return net.ErrClosed
	case h.writeDeadline.expired:
		return os.ErrDeadlineExceeded
	case h.wasReset:
		return os.NewSyscallError("write", ErrReset)
	case h.writeCut != nil:
		return h.writeCut
	case h.writeStalls > 0:
		return nil // a stalled Write does not detect an action of the peer
	case h.readerClosed, h.finished:
		return os.NewSyscallError("write", ErrBrokenPipe)
	}
	return nil
}

// putLocked appends as many bytes as there is space for, and returns their number.
func (h *half) putLocked(p []byte) int {
	n := len(p)
	if h.capacity > 0 {
		n = min(n, max(0, h.capacity-h.pendingLocked()))
	}
	if h.cutting {
		n = min(n, h.cutLeft)
	}
	n = h.writeTrip.room(n, h.put)
	if h.cutting {
		h.cutLeft -= n
	}
	if n == 0 || h.readCut != nil {
		return n // lost, if n > 0
	}
	h.buf = append(h.buf, p[:n]...)
	if h.latency > 0 || len(h.delayed) > 0 {
		h.delayed = append(h.delayed, delayed{n, time.Now().Add(h.latency)})
		time.AfterFunc(h.latency, h.wake)
	}
	h.changed.Broadcast()
	return n
}

// awaitReadLocked waits until the last n bytes of buf have been read. If it fails, it
// removes those that have not.
func (h *half) awaitReadLocked(n int) (int, error) {
	end := h.taken + int64(h.pendingLocked())
	for h.taken < end {
		if err := h.writeErrLocked(); err != nil {
			unread := min(n, int(end-h.taken))
			h.dropLocked(unread)
			return n - unread, err
		}
		h.changed.Wait()
	}
	return n, nil
}

func (h *half) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changed.Broadcast()
}

func (h *half) closeReader() (unread int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.readerClosed {
		h.readerClosed = true
		h.unread = h.pendingLocked()
		h.dropLocked(h.unread)
		h.readDeadline.stopLocked()
		h.changed.Broadcast()
	}
	return h.unread
}

func (h *half) closeWriter() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writerClosed = true
	h.writeDeadline.stopLocked()
	h.finishLocked()
	h.changed.Broadcast()
}

func (h *half) finish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.finishLocked()
}

func (h *half) finishLocked() {
	if h.finished {
		return
	}
	h.finished = true
	h.finishAt = time.Now().Add(h.latency)
	if h.latency > 0 {
		time.AfterFunc(h.latency, h.wake)
	}
	h.changed.Broadcast()
}

func (h *half) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wasReset = true
	h.dropLocked(h.pendingLocked())
	h.changed.Broadcast()
}

// setDeadline sets d, one of h's two deadlines.
func (h *half) setDeadline(d *deadline, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.stopLocked()
	d.expired = false
	if !t.IsZero() {
		if wait := time.Until(t); wait <= 0 {
			d.expired = true
		} else {
			h.armLocked(d, wait)
		}
	}
	h.changed.Broadcast()
}

func (h *half) armLocked(d *deadline, wait time.Duration) {
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if d.timer == timer { // not reset since
			d.expired = true
			h.changed.Broadcast()
		}
	})
	d.timer = timer
}

func (d *deadline) stopLocked() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
