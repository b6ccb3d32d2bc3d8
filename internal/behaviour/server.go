// Package behaviour is a table of tests that a client passes both natively and in
// browsers, with the server that they run against. [Run] runs the table: natively in
// this package's tests, in browsers in those of the root package.
package behaviour

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	websocket "github.com/bhojpur/api"
)

// A Server treats its clients as the path of the URL says:
//
//	/echo     echoes messages, as binary ones with ?as=binary
//	/sink     discards messages
//	/count    discards messages, and notes their number for ?count at the end
//	/close    sends ?messages, then closes with ?code and ?reason
//	/drop     ends without a close frame, with ?after=message after a message
//	/deaf     reads nothing until the key ?hear is signaled, then is /echo
//	/flood    sends ?messages of ?size bytes
//	/ping     sends a ping, and a message after the pong
//	/raw      sends the bytes ?hex and reads nothing; with ?then it reads up to
//	          a close frame and sends these bytes
//	/refuse   responds with status 403
//	/stall    sends no response
//	/nobody   sends an address without a listener
//	/mute     sends an address whose listener sends nothing, and a message
//	          when a client has connected to it
//	/signal   signals ?key
//	/await    waits until something is recorded under ?key, and sends it
//
// All but /raw, /refuse and /stall agree to the first ?protocol that is offered, and to
// compression with ?compress=1. For a client with ?id the server records under this key
// how the connection ended, and for /stall that the request has arrived.
type Server struct {
	mux  http.ServeMux
	stop chan struct{} // closed by Close, for waiting handlers

	mu    sync.Mutex
	notes map[string]chan string
}

// NewServer returns a server, which must be closed with Close.
func NewServer() *Server {
	s := &Server{stop: make(chan struct{}), notes: make(map[string]chan string)}
	for path, serve := range map[string]serve{
		"/echo":   echo,
		"/sink":   sink,
		"/count":  s.count,
		"/close":  sendAndClose,
		"/drop":   drop,
		"/deaf":   s.deaf,
		"/flood":  flood,
		"/ping":   ping,
		"/nobody": nobody,
		"/mute":   mute,
		"/signal": s.signal,
		"/await":  s.await,
	} {
		s.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.accept(w, r, serve) })
	}
	s.mux.HandleFunc("/raw", s.raw)
	s.mux.HandleFunc("/stall", s.stall)
	s.mux.HandleFunc("/refuse", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "refused", http.StatusForbidden)
	})
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close ends the waits of handlers. It must be called once.
func (s *Server) Close() { close(s.stop) }

// serve handles a connection of one path. It returns the error that ended it.
type serve func(*http.Request, *websocket.Conn) error

// accept serves a connection and records how it ended.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, serve serve) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // Node sends a different origin
		Subprotocols:       r.URL.Query()["protocol"],
		CompressionMode:    websocket.CompressionMode(number(r, "compress")),
	})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	err = serve(r, c)
	if id := r.FormValue("id"); id != "" {
		s.note(id, describe(err))
	}
}

// describe describes the end of a connection: the code and the reason of the close
// frame, or that there was none.
func describe(err error) string {
	if ce, ok := errors.AsType[websocket.CloseError](err); ok {
		return fmt.Sprintf("%d %s", ce.Code, ce.Reason)
	}
	return "no close frame"
}

// note records what under a key, for a current or later waiter.
func (s *Server) note(key, what string) {
	select {
	case s.noted(key) <- what:
	case <-s.stop:
	}
}

func (s *Server) noted(key string) chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.notes[key] == nil {
		s.notes[key] = make(chan string, 1)
	}
	return s.notes[key]
}

func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.FormValue(name))
	return n
}
