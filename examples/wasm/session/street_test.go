package session

import (
	"context"
	"net"
	"os"
	"sync"

	"github.com/bhojpur/api/internal/rawpeer"
)

// street is the way to a server, which is another one after a restart.
type street struct {
	net.Listener // nil: one listens in a house, not on the street

	mu      sync.Mutex
	house   rawpeer.Network // nil when there is no server
	last    *rawpeer.Stream // of whoever dialed last
	isHeld  bool            // nothing arrives at clients that dial
	release func()          // has arrive what is held at the last one
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

// hold lets nothing arrive any more at the client that dialed last, and at
// those who dial until cut or letGo.
func (s *street) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isHeld = true
	if s.last != nil {
		s.release = s.last.StallReads()
	}
}

// letGo ends a hold.
func (s *street) letGo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isHeld = false
	s.release()
}

// cut breaks the connection of the client that dialed last.
func (s *street) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isHeld = false
	s.last.Reset()
}
