// Package chat is a chat room for programs to serve: examples/chat with a page
// in JavaScript, and examples/wasm with one in Go beside it.
//
// Where to look:
//
//   - protocol: the messages that go over the wire
//   - server.go: from an HTTP request to a WebSocket connection
//   - client.go: one connection: a loop that reads, a goroutine that writes
//   - room.go: what all connections share
//   - page.go, page.html: the page, whatever runs on it
//   - static/chat.js: the other end, in the browser
package chat

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
	"github.com/bhojpur/api/examples/internal/serve"
)

// Options are the limits of a chat.
type Options struct {
	History    int           // messages that someone who comes in is shown
	Queue      int           // events that may wait for one client
	Burst      int           // requests that one may send at once
	Refill     time.Duration // after which one more is allowed
	MaxRefused int           // requests in a row that may be refused

	WriteTimeout time.Duration // for one event
	PingEvery    time.Duration
	PingTimeout  time.Duration
}

// Defaults returns limits that suit people.
func Defaults() Options {
	return Options{
		History:    100,
		Queue:      64,
		Burst:      8,
		Refill:     time.Second,
		MaxRefused: 50,

		WriteTimeout: 10 * time.Second,
		PingEvery:    25 * time.Second, // many proxies drop what is silent for 30 s or 60 s
		PingTimeout:  10 * time.Second,
	}
}

// Server is one room with its connections.
type Server struct {
	// Conns are the open connections, to be closed when the program ends.
	Conns serve.Conns

	opts Options
	log  *slog.Logger
	room *room
}

// NewServer returns a server of an empty room.
func NewServer(opts Options, log *slog.Logger) *Server {
	return &Server{opts: opts, log: log, room: newRoom(opts.History)}
}

// Handler serves the page and, at ws beside it, the connections to the room.
// Several pages of one server share its room.
func (s *Server) Handler(p Page) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", p.handler())
	mux.HandleFunc("GET /ws", s.serveSocket)
	return mux
}

// serveSocket makes a WebSocket connection of the request and serves it to
// its end.
//
// Accept refuses requests that a page of another site makes. Compression
// without takeover makes the history a few times smaller, and costs no memory
// while nothing is sent.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		CompressionMode: websocket.CompressionNoContextTakeover,
	})
	if err != nil { // the request has been answered
		s.log.Info("no handshake", "remote", r.RemoteAddr, "err", err)
		return
	}
	defer conn.CloseNow()
	if !s.Conns.Add(conn) {
		return
	}
	defer s.Conns.Remove(conn)
	conn.SetReadLimit(protocol.MaxRequest)

	// The request's context is not of use any more: it belongs to HTTP. What
	// ends this connection is its peer, an error, or s.Conns.
	s.log.Info("connected", "remote", r.RemoteAddr)
	err = newClient(conn, s.room, s.opts).run(context.Background())
	s.log.Info("disconnected", "remote", r.RemoteAddr, "status", websocket.CloseStatus(err), "err", err)
}
