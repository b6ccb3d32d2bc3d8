package main

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/serve"
)

//go:embed static
var static embed.FS

// options are the limits of a chat.
type options struct {
	history    int           // messages that someone who comes in is shown
	queue      int           // events that may wait for one client
	burst      int           // requests that one may send at once
	refill     time.Duration // after which one more is allowed
	maxRefused int           // requests in a row that may be refused

	writeTimeout time.Duration // for one event
	pingEvery    time.Duration
	pingTimeout  time.Duration
}

func defaults() options {
	return options{
		history:    100,
		queue:      64,
		burst:      8,
		refill:     time.Second,
		maxRefused: 50,

		writeTimeout: 10 * time.Second,
		pingEvery:    25 * time.Second, // many proxies drop what is silent for 30 s or 60 s
		pingTimeout:  10 * time.Second,
	}
}

// server serves the page and its WebSocket connections.
type server struct {
	opts  options
	log   *slog.Logger
	room  *room
	conns serve.Conns
}

func newServer(opts options, log *slog.Logger) *server {
	return &server{opts: opts, log: log, room: newRoom(opts.history)}
}

func (s *server) handler() http.Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the name is a constant
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", secured(http.FileServerFS(files)))
	mux.HandleFunc("GET /ws", s.serveSocket)
	return mux
}

// secured lets the page load nothing, and run no script, but its own.
func secured(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy",
			"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
				"base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache")
		h.ServeHTTP(w, r)
	})
}

// serveSocket makes a WebSocket connection of the request and serves it to
// its end.
//
// Accept refuses requests that a page of another site makes. Compression
// without takeover makes the history a few times smaller, and costs no memory
// while nothing is sent.
func (s *server) serveSocket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		CompressionMode: websocket.CompressionNoContextTakeover,
	})
	if err != nil { // the request has been answered
		s.log.Info("no handshake", "remote", r.RemoteAddr, "err", err)
		return
	}
	defer conn.CloseNow()
	if !s.conns.Add(conn) {
		return
	}
	defer s.conns.Remove(conn)
	conn.SetReadLimit(maxRequest)

	// The request's context is not of use any more: it belongs to HTTP. What
	// ends this connection is its peer, an error, or s.conns.
	s.log.Info("connected", "remote", r.RemoteAddr)
	err = newClient(conn, s.room, s.opts).run(context.Background())
	s.log.Info("disconnected", "remote", r.RemoteAddr, "status", websocket.CloseStatus(err), "err", err)
}
