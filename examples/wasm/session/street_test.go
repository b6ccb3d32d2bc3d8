package session

import (
	"context"
	"net"
	"os"
	"sync"

	"github.com/bhojpur/api/internal/rawpeer"
)

// street is a network on which the server can be replaced.
type street struct {
	net.Listener // nil: only a house listens

	mu      sync.Mutex
	house   rawpeer.Network // nil without a server
	last    *rawpeer.Stream // of the last client that dialed
	isHeld  bool            // streams of clients that dial are stalled
	release func()          // ends the stall of the last one
}

func (s *street) to(n rawpeer.Network) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.house = n
}

func (s *street) Dial(ctx context.Context) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.house == nil {
		return nil, &net.OpError{Op: "dial", Net: "mem", Err: os.NewSyscallError("connect", rawpeer.ErrRefused)}
	}
	conn, err := s.house.Dial(ctx)
	if err != nil {
		return nil, err
	}
	s.last = conn.(*rawpeer.Stream)
	if s.isHeld {
		s.release = s.last.StallReads()
	}
	return conn, nil
}

// hold stalls the stream of the last client that dialed, and those of clients that dial
// before cut or letGo.
func (s *street) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isHeld = true
	if s.last != nil {
		s.release = s.last.StallReads()
	}
}

// letGo ends hold.
func (s *street) letGo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isHeld = false
	s.release()
}

// cut resets the connection of the last client that dialed.
func (s *street) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isHeld = false
	s.last.Reset()
}
