// Package serve is what the example servers share, and what any server of
// WebSockets needs around its handler: timeouts on the HTTP side, and a
// shutdown that reaches the connections which HTTP has handed over.
package serve

import (
	"context"
	"sync"

	websocket "github.com/bhojpur/api"
)

// Conns is the set of a server's open WebSocket connections. It exists for
// the shutdown: once [websocket.Accept] has taken a connection over,
// [net/http.Server] knows nothing of it, and its Shutdown leaves it open.
//
// The zero value is an empty set.
type Conns struct {
	mu      sync.Mutex
	open    map[*websocket.Conn]struct{}
	closing bool // set by Shutdown, for good
}

// shutdownReason is sent with StatusGoingAway.
const shutdownReason = "the server is shutting down"

// Add puts conn into the set. After a Shutdown it closes conn in place of
// that, and returns false.
func (s *Conns) Add(conn *websocket.Conn) bool {
	if s.add(conn) {
		return true
	}
	conn.Close(websocket.StatusGoingAway, shutdownReason)
	return false
}

func (s *Conns) add(conn *websocket.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	if s.open == nil {
		s.open = make(map[*websocket.Conn]struct{})
	}
	s.open[conn] = struct{}{}
	return true
}

// Remove takes conn out of the set, once it is closed.
func (s *Conns) Remove(conn *websocket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
}

// Shutdown closes all connections with StatusGoingAway, at the same time, and
// waits until each peer has answered. When ctx ends, it drops the connections
// that are left and returns the context's error.
func (s *Conns) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	conns := make([]*websocket.Conn, 0, len(s.open))
	for conn := range s.open {
		conns = append(conns, conn)
	}
	s.mu.Unlock()

	var closers sync.WaitGroup
	for _, conn := range conns {
		closers.Go(func() { conn.Close(websocket.StatusGoingAway, shutdownReason) })
	}
	stop := context.AfterFunc(ctx, func() {
		for _, conn := range conns {
			conn.CloseNow()
		}
	})
	closers.Wait()
	if stop() {
		return nil
	}
	return ctx.Err()
}
