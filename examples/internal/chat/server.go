// Package chat is a chat room with its page, which examples/chat and examples/wasm
// serve. Package protocol describes the messages.
package chat

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
)

// Options are the limits of a chat.
type Options struct {
	Accept     websocket.AcceptOptions
	History    int           // number of messages shown to a person who joins
	Burst      int           // number of requests that a client may send at once
	Refill     time.Duration // time after which a client may send one more
	MaxRefused int           // number of requests in a row that may come too fast
}

// Defaults returns limits for a chat of people.
func Defaults() Options {
	return Options{
		Accept: websocket.AcceptOptions{
			CompressionMode: websocket.CompressionNoContextTakeover, // for the history
			ReadLimit:       protocol.MaxRequest,
			PingInterval:    25 * time.Second, // some proxies end connections that are idle for 30 s
			PingTimeout:     10 * time.Second,
			WriteTimeout:    10 * time.Second,
		},
		History:    100,
		Burst:      8,
		Refill:     time.Second,
		MaxRefused: 50,
	}
}

// Server is a room with its clients.
type Server struct {
	Clients websocket.Group // also those that have not joined

	opts Options
	log  *slog.Logger
	room *room
}

// NewServer returns a server of an empty room.
func NewServer(opts Options, log *slog.Logger) *Server {
	r := &room{id: rand.Text(), historyLimit: max(opts.History, 0), members: make(map[string]*client)}
	return &Server{opts: opts, log: log, room: r}
}

// Handler serves a page and, at ws beside it, the room. Several pages may share a room.
func (s *Server) Handler(p Page) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", p.handler())
	mux.HandleFunc("GET /ws", s.serveClient)
	return mux
}

func (s *Server) serveClient(w http.ResponseWriter, r *http.Request) {
	log := s.log.With("remote", r.RemoteAddr)
	conn, err := websocket.Accept(w, r, &s.opts.Accept)
	if err != nil { // the request has been answered
		log.Info("refused", "err", err)
		return
	}
	defer conn.Close(websocket.StatusNormalClosure, "") // waits for a Close that is under way
	if !s.Clients.Add(conn) {
		conn.Close(websocket.StatusGoingAway, "")
		return
	}
	log.Info("connected")
	c := &client{conn: conn, room: s.room, opts: &s.opts, bucket: bucket{size: s.opts.Burst, refill: s.opts.Refill}}
	err = c.readRequests(r.Context())
	s.room.leave(c)
	log.Info("disconnected", "err", err)
}

// Serve serves h on ln until ctx is done. It then closes all connections, with
// StatusGoingAway for clients, and returns nil after at most 1.5 seconds.
func (s *Server) Serve(ctx context.Context, ln net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second} // not of clients
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 1500*time.Millisecond)
	defer cancel()
	closed := make(chan error)
	srv.RegisterOnShutdown(func() { closed <- s.Clients.Close(ctx, websocket.StatusGoingAway, "") })
	if srv.Shutdown(ctx) != nil {
		srv.Close() // a request is still under way
	}
	if err := <-closed; err != nil {
		s.log.Warn("not all clients answered", "err", err)
	}
	return nil
}
