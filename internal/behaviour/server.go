// Package behaviour is the table of tests that a client passes natively and in a
// browser alike, and the server that they run against. [Run] runs the table:
// natively in this package's tests, in browsers in those of the root package.
package behaviour

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	websocket "github.com/bhojpur/api"
)

// A Server does to its clients what the path of the URL says:
//
//	/echo     sends back what arrives, as binary messages with ?as=binary
//	/sink     discards what arrives
//	/close    sends ?messages, then closes with ?code and ?reason
//	/drop     is gone without a close frame, with ?after=message after one
//	/deaf     reads nothing until the key ?hear is told, then does as /echo
//	/flood    sends ?messages of ?size bytes
//	/ping     pings, and tells in a message that it was answered
//	/raw      sends the bytes ?hex and reads nothing; with ?then it reads to
//	          the close frame and sends these
//	/refuse   answers with the status 403
//	/stall    does not answer
//	/nobody   tells an address at which nobody listens
//	/mute     tells an address at which somebody listens, but says nothing;
//	          then, when somebody has connected to it
//	/tell     tells ?key
//	/told     waits until ?key is told, and sends what was
//
// All but /raw, /refuse and /stall agree on the first ?protocol that is
// offered, and on compression with ?compress=1. A client with ?id can ask for
// what happened to it at the server: /told?key=ID is how the connection ended,
// and for /stall that the request has arrived.
type Server struct {
	mux  http.ServeMux
	stop chan struct{} // closed at the end, for the handlers that wait

	mu   sync.Mutex
	told map[string]chan string
}

// NewServer returns a server, which Close ends.
func NewServer() *Server {
	s := &Server{stop: make(chan struct{}), told: make(map[string]chan string)}
	for path, serve := range map[string]serve{
		"/echo":   echo,
		"/sink":   sink,
		"/close":  sendAndClose,
		"/drop":   drop,
		"/deaf":   s.deaf,
		"/flood":  flood,
		"/ping":   ping,
		"/nobody": nobody,
		"/mute":   mute,
		"/tell":   s.tell,
		"/told":   s.tellTold,
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

// ServeHTTP serves a client.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close ends what the handlers wait for. It is called once.
func (s *Server) Close() { close(s.stop) }

// serve is what a path does to a connection. It returns what ended that.
type serve func(*http.Request, *websocket.Conn) error

// accept serves a connection and tells how it ended.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, serve serve) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // Node sends an origin of its own
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

// describe says how a connection ended: with a close frame's code and reason,
// or without one.
func describe(err error) string {
	if ce, ok := errors.AsType[websocket.CloseError](err); ok {
		return fmt.Sprintf("%d %s", ce.Code, ce.Reason)
	}
	return "no close frame"
}

// note tells a key something, for whoever waits for it or will.
func (s *Server) note(key, what string) {
	select {
	case s.noted(key) <- what:
	case <-s.stop:
	}
}

func (s *Server) noted(key string) chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told[key] == nil {
		s.told[key] = make(chan string, 1)
	}
	return s.told[key]
}

func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.FormValue(name))
	return n
}
