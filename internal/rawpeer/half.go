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
	changed sync.Cond // L is mu; broadcast after every change of what follows

	// What is on its way.
	capacity int // 0 is a rendezvous
	buf      []byte
	off      int       // bytes of buf that were read
	delayed  []delayed // of the tail of buf, in order
	finished bool      // no more will be written: CloseWrite, Close
	finishAt time.Time // the reader learns of it then
	wasReset bool

	// The writer's side.
	writing       bool // a Write has its turn
	writerClosed  bool
	writeDeadline deadline
	writeStalls   int
	latency       time.Duration
	cutting       bool
	cutLeft       int // bytes that still pass
	cutErr        error
	writeTrip     trip
	writeCut      error

	// The reader's side.
	readerClosed bool
	readDeadline deadline
	readStalls   int
	chunk        int // most bytes one Read returns; 0 is no limit
	readTrip     trip
	readCut      error

	// Counts.
	reads, writes int
	taken         int64 // bytes read
	put           int64 // bytes that Writes took
	unread        int   // bytes in buf when the reader closed
	recording     bool
	recorded      [][]byte
}

// delayed says that the next n bytes can be read from a time on.
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

// readErrLocked returns why a Read fails whatever has come.
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

// endLocked returns why no byte will come after those that were read.
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
		// The rest moves down, so that a stream that is read as it is
		// written allocates nothing.
		h.buf = h.buf[:copy(h.buf, h.buf[h.off:])]
		h.off = 0
	}
	return n
}

// pendingLocked returns how many bytes were written and not read.
func (h *half) pendingLocked() int { return len(h.buf) - h.off }

// dropLocked drops the last n of the pending bytes, or all.
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

// writeErrLocked returns why a Write fails whatever room there is.
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
		return nil // what the peer did does not get here
	case h.readerClosed, h.finished:
		return os.NewSyscallError("write", ErrBrokenPipe)
	}
	return nil
}

// putLocked appends what there is room for and returns how much that is.
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
		return n // which is lost, if there is anything
	}
	h.buf = append(h.buf, p[:n]...)
	if h.latency > 0 || len(h.delayed) > 0 {
		h.delayed = append(h.delayed, delayed{n, time.Now().Add(h.latency)})
		time.AfterFunc(h.latency, h.wake)
	}
	h.changed.Broadcast()
	return n
}

// awaitReadLocked waits until the last n bytes, which are the tail of buf,
// were read. When it fails it takes back those that were not.
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

// setDeadline sets d, one of h's two.
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
		if d.timer == timer { // and not one that was set since
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
