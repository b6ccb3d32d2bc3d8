// Package bent has net.Conns that are wrong, or unusual, in one way each. Programs
// have such types: of SSH channels and multiplexed streams, of pipes to a process,
// of connections that are counted, limited or watched. The tests wrap a connection
// that is right into one of them.
//
// The types wait in channels, so that a testing/synctest bubble sees them as durably
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

// IgnoresDeadlines has deadlines that can be set and do nothing.
type IgnoresDeadlines struct{ net.Conn }

func (IgnoresDeadlines) SetDeadline(time.Time) error      { return nil }
func (IgnoresDeadlines) SetReadDeadline(time.Time) error  { return nil }
func (IgnoresDeadlines) SetWriteDeadline(time.Time) error { return nil }

// RefusesDeadlines has deadlines that can't be set.
type RefusesDeadlines struct{ net.Conn }

// ErrNoDeadlines is the error of the setters of RefusesDeadlines.
var ErrNoDeadlines = errors.New("deadlines are not supported")

func (RefusesDeadlines) SetDeadline(time.Time) error      { return ErrNoDeadlines }
func (RefusesDeadlines) SetReadDeadline(time.Time) error  { return ErrNoDeadlines }
func (RefusesDeadlines) SetWriteDeadline(time.Time) error { return ErrNoDeadlines }

// IdleTimeout sets a deadline of its own in each Read and Write, and waits in Enter,
// if that is not nil, before it does.
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

// WaitingSetters sets a deadline when no call of its direction is under way.
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

// OwnTimeouts returns an error of its own where a deadline has passed.
type OwnTimeouts struct{ net.Conn }

// Timeout is the error of OwnTimeouts: a net.Error, and not os.ErrDeadlineExceeded.
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

// LostPeer fails with ETIMEDOUT, as a TCP connection does whose peer does not
// answer, in each Read after Lose, and in those under way.
type LostPeer struct {
	net.Conn
	lost atomic.Bool
}

// Lose lets the peer be lost.
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

// EmptyReads returns neither bytes nor an error from Times calls of Read, after each
// one that returned bytes and at first.
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

// ShortWrites writes no more than Max bytes in each Write, and says so without an
// error.
type ShortWrites struct {
	net.Conn
	Max int
}

func (c ShortWrites) Write(p []byte) (int, error) {
	return c.Conn.Write(p[:min(len(p), c.Max)])
}

// Counted counts the calls of Close.
type Counted struct {
	net.Conn
	Closes *atomic.Int32
}

func (c Counted) Close() error {
	c.Closes.Add(1)
	return c.Conn.Close()
}

// Opaque is a connection inside another type, which has the methods of a net.Conn
// and no others.
type Opaque struct{ net.Conn }

// AnswersInRead writes inside a Read that follows a call of Ask, as TLS does when the
// peer asks for new keys. If that fails, writes fail for good.
type AnswersInRead struct {
	net.Conn
	asked, broken atomic.Bool
}

// Ask has the next Read answer.
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

// ErrBroken is the error of writes to an AnswersInRead that are broken.
var ErrBroken = errors.New("an answer could not be written")

func (c *AnswersInRead) Write(p []byte) (int, error) {
	if c.broken.Load() {
		return 0, ErrBroken
	}
	return c.Conn.Write(p)
}
