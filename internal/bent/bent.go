// Package bent has net.Conns that are each wrong, or unusual, in one way. Programs have
// such types: for SSH channels and multiplexed streams, for pipes to a process, and for
// connections that are counted, limited or monitored. Tests wrap a correct connection
// in one of them.
//
// The types block on channels, so that a testing/synctest bubble sees them as durably
// blocked.
package bent

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// IgnoresDeadlines accepts deadlines and ignores them.
type IgnoresDeadlines struct{ net.Conn }

func (IgnoresDeadlines) SetDeadline(time.Time) error      { return nil }
func (IgnoresDeadlines) SetReadDeadline(time.Time) error  { return nil }
func (IgnoresDeadlines) SetWriteDeadline(time.Time) error { return nil }

// RefusesDeadlines returns an error from its deadline setters.
type RefusesDeadlines struct{ net.Conn }

// ErrNoDeadlines is the error of RefusesDeadlines.
var ErrNoDeadlines = errors.New("deadlines are not supported")

func (RefusesDeadlines) SetDeadline(time.Time) error      { return ErrNoDeadlines }
func (RefusesDeadlines) SetReadDeadline(time.Time) error  { return ErrNoDeadlines }
func (RefusesDeadlines) SetWriteDeadline(time.Time) error { return ErrNoDeadlines }

// IdleTimeout sets a deadline in each Read and Write. Before that it calls
// Enter, if not nil.
type IdleTimeout struct {
	net.Conn
	Timeout time.Duration
	Enter   func()
}

func (c IdleTimeout) Read(p []byte) (int, error) {
	if c.Enter != nil {
		c.Enter()
	}
	c.Conn.SetReadDeadline(time.Now().Add(c.Timeout))
	return c.Conn.Read(p)
}

func (c IdleTimeout) Write(p []byte) (int, error) {
	if c.Enter != nil {
		c.Enter()
	}
	c.Conn.SetWriteDeadline(time.Now().Add(c.Timeout))
	return c.Conn.Write(p)
}

// WaitingSetters blocks a deadline setter until no call in its direction is under way.
type WaitingSetters struct {
	net.Conn
	reading, writing chan struct{}
}

// NewWaitingSetters wraps c.
func NewWaitingSetters(c net.Conn) *WaitingSetters {
	return &WaitingSetters{c, make(chan struct{}, 1), make(chan struct{}, 1)}
}

func (c *WaitingSetters) Read(p []byte) (int, error) {
	c.reading <- struct{}{}
	defer func() { <-c.reading }()
	return c.Conn.Read(p)
}

func (c *WaitingSetters) Write(p []byte) (int, error) {
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	return c.Conn.Write(p)
}

func (c *WaitingSetters) SetReadDeadline(t time.Time) error {
	c.reading <- struct{}{}
	defer func() { <-c.reading }()
	return c.Conn.SetReadDeadline(t)
}

func (c *WaitingSetters) SetWriteDeadline(t time.Time) error {
	c.writing <- struct{}{}
	defer func() { <-c.writing }()
	return c.Conn.SetWriteDeadline(t)
}

func (c *WaitingSetters) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// OwnTimeouts returns its own error after a deadline.
type OwnTimeouts struct{ net.Conn }

// Timeout is the error of OwnTimeouts: a net.Error that does not match
// os.ErrDeadlineExceeded.
type Timeout struct{}

func (Timeout) Error() string   { return "i/o deadline reached" }
func (Timeout) Timeout() bool   { return true }
func (Timeout) Temporary() bool { return true }

func (c OwnTimeouts) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, ownTimeout(err)
}

func (c OwnTimeouts) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, ownTimeout(err)
}

func ownTimeout(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return Timeout{}
	}
	return err
}

// LostPeer fails Reads with ETIMEDOUT after Lose, including those under way, as a TCP
// connection does when its peer no longer responds.
type LostPeer struct {
	net.Conn
	lost atomic.Bool
}

// Lose makes Reads fail.
func (c *LostPeer) Lose() {
	c.lost.Store(true)
	c.Conn.SetReadDeadline(time.Unix(1, 0))
}

func (c *LostPeer) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.lost.Load() && n == 0 {
		err = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}
	}
	return n, err
}

// EmptyReads returns 0, nil from the first Times calls of Read, and from as many after
// each Read that returned bytes.
type EmptyReads struct {
	net.Conn
	Times int
	done  int
}

func (c *EmptyReads) Read(p []byte) (int, error) {
	if c.done < c.Times {
		c.done++
		return 0, nil
	}
	c.done = 0
	return c.Conn.Read(p)
}

// Unwinds does not return from Writes after Unwind, like a type with a bug.
type Unwinds struct {
	net.Conn
	unwind atomic.Pointer[func()]
	// Entered has a value for each Write that waits for Go before it unwinds. Both may
	// be nil.
	Entered, Go chan struct{}
}

// Unwind sets the function that each later Write calls. It must panic or call
// runtime.Goexit.
func (c *Unwinds) Unwind(f func()) { c.unwind.Store(&f) }

func (c *Unwinds) Write(p []byte) (int, error) {
	f := c.unwind.Load()
	if f == nil {
		return c.Conn.Write(p)
	}
	if c.Entered != nil {
		c.Entered <- struct{}{}
		<-c.Go
	}
	(*f)()
	return len(p), nil
}

// ShortWrites writes at most Max bytes in each Write, and returns their number without
// an error.
type ShortWrites struct {
	net.Conn
	Max int
}

func (c ShortWrites) Write(p []byte) (int, error) {
	return c.Conn.Write(p[:min(len(p), c.Max)])
}

// ClosesWrites is a connection whose Close ends only its writes, as with a yamux stream. A
// Read continues until the peer closes or the read deadline passes.
type ClosesWrites struct{ net.Conn }

// Close closes the writing direction of the connection, which must have a CloseWrite.
func (c ClosesWrites) Close() error {
	c.Conn.SetWriteDeadline(time.Unix(1, 0))
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

// Counted counts calls of Close.
type Counted struct {
	net.Conn
	Closes *atomic.Int32
}

func (c Counted) Close() error {
	c.Closes.Add(1)
	return c.Conn.Close()
}

// Opaque hides the type of a connection: it has only the methods of net.Conn.
type Opaque struct{ net.Conn }

// AnswersInRead writes inside the next Read after Ask, as TLS does on a key update
// request. If that write fails, later writes fail too.
type AnswersInRead struct {
	net.Conn
	asked, broken atomic.Bool
}

// Ask makes the next Read write.
func (c *AnswersInRead) Ask() { c.asked.Store(true) }

func (c *AnswersInRead) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && c.asked.Swap(false) {
		if _, err := c.Conn.Write(nil); err != nil {
			c.broken.Store(true)
		}
	}
	return n, err
}

// ErrBroken is the error of writes to an AnswersInRead after a failed write.
var ErrBroken = errors.New("an answer could not be written")

func (c *AnswersInRead) Write(p []byte) (int, error) {
	if c.broken.Load() {
		return 0, ErrBroken
	}
	return c.Conn.Write(p)
}
