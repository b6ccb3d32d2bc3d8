package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/thirdparty/child"
)

// serverRole is the role of the server process.
const serverRole = "server"

// roles are the roles of child processes, with a wrapper for the server's handler.
// Tests add faulty servers.
var roles = map[string]func(http.Handler) http.Handler{
	serverRole: func(h http.Handler) http.Handler { return h },
}

// The server's paths.
const (
	echoPath  = "/echo/"  // and the name of a compression mode
	newsPath  = "/news/"  // and the name of a compression mode
	closePath = "/close/" // and the code with which the server closes
)

// modes are the compression modes by their names in paths.
var modes = map[string]websocket.CompressionMode{
	"plain":    websocket.CompressionDisabled,
	"takeover": websocket.CompressionContextTakeover,
	"each":     websocket.CompressionNoContextTakeover,
}

// server is the server of the server process.
type server struct {
	patience time.Duration
	news     *news

	mu   sync.Mutex
	ends map[string]int // ends of connections, by kind
}

func newServer(set settings) *server {
	return &server{patience: set.patience(), news: newNews(set), ends: map[string]int{}}
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(echoPath+"{mode}", s.handleEcho)
	mux.HandleFunc(newsPath+"{mode}", s.handleNews)
	mux.HandleFunc(closePath+"{code}", s.handleClose)
	return mux
}

// serve responds to the parent's questions until the parent ends.
func serve(set settings, wrap func(http.Handler) http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := newServer(set)
	go s.news.publish()
	h := &http.Server{
		Handler:           wrap(s.handler()),
		ReadHeaderTimeout: s.patience,
		ErrorLog:          log.New(io.Discard, "", 0), // errors of clients are intended
	}
	go h.Serve(listener)
	defer h.Close()
	return child.Obey(os.Stdin, os.Stdout, func(line string) (string, error) {
		switch line {
		case "address":
			return listener.Addr().String(), nil
		case "reading":
			r, err := readProcess()
			return encoded(r, err)
		case "ends":
			s.mu.Lock()
			defer s.mu.Unlock()
			return encoded(s.ends, nil)
		}
		return "", errors.New("unknown question")
	})
}

func encoded(v any, err error) (string, error) {
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(v)
	return string(b), err
}

// handle accepts a connection, calls f, and counts how the connection ended.
func (s *server) handle(w http.ResponseWriter, r *http.Request, mode string, f func(c *websocket.Conn) error) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: modes[mode]})
	if err != nil {
		s.count("refused, or lost in the handshake")
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(longest)
	s.count(kindOf(f(c)))
}

func (s *server) count(kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends[kind]++
}

// handleEcho echoes until the client leaves.
func (s *server) handleEcho(w http.ResponseWriter, r *http.Request) {
	s.handle(w, r, r.PathValue("mode"), func(c *websocket.Conn) error {
		for {
			echo := s.echoWhole
			if rand.IntN(2) == 0 {
				echo = s.echoStream
			}
			if err := echo(c); err != nil {
				return err
			}
		}
	})
}

// ping closes the connection unless the client answers.
func (s *server) ping(c *websocket.Conn) {
	ctx, cancel := s.patiently()
	defer cancel()
	if c.Ping(ctx) != nil {
		c.CloseNow()
	}
}

func (s *server) patiently() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), s.patience)
}

// echoWhole echoes a message from memory. If none arrives in time, it pings the client
// and continues to read: no bytes are lost.
func (s *server) echoWhole(c *websocket.Conn) error {
	for {
		ctx, cancel := s.patiently()
		typ, p, err := c.Read(ctx)
		cancel()
		if isSilence(err) {
			go s.ping(c) // ends with the connection at the latest
			continue
		}
		if err != nil {
			return err
		}
		ctx, cancel = s.patiently()
		defer cancel()
		return c.Write(ctx, typ, p)
	}
}

// echoStream echoes a message as it arrives. A context that ended would end the
// message, so the read has no timeout: if it takes long, the server pings the client.
func (s *server) echoStream(c *websocket.Conn) error {
	late := time.AfterFunc(s.patience, func() { s.ping(c) })
	defer late.Stop()
	typ, r, err := c.Reader(context.Background())
	if err != nil {
		return err
	}
	ctx, cancel := s.patiently()
	defer cancel()
	w, err := c.Writer(ctx, typ)
	if err != nil {
		return err
	}
	const piece = 8 << 10
	if _, err := io.CopyBuffer(w, r, make([]byte, piece)); err != nil {
		return err
	}
	return w.Close()
}

// isSilence reports whether a read ended only because of its context.
func isSilence(err error) bool {
	return isContext(err) && !errors.Is(err, net.ErrClosed)
}

func isContext(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// handleClose waits for a message and closes with the code in the path.
func (s *server) handleClose(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	s.handle(w, r, "plain", func(c *websocket.Conn) error {
		ctx, cancel := s.patiently()
		defer cancel()
		if _, _, err := c.Read(ctx); err != nil {
			return err
		}
		reason := "as you like"
		if websocket.StatusCode(code) == websocket.StatusNoStatusRcvd {
			reason = ""
		}
		return c.Close(websocket.StatusCode(code), reason)
	})
}

// kindOf classifies the errors that end connections.
func kindOf(err error) string {
	is := func(target error) bool { return errors.Is(err, target) }
	code := websocket.CloseStatus(err)
	switch {
	case err == nil:
		return "closed by the server"
	case code != -1:
		return fmt.Sprintf("close frame %d", code)
	case is(websocket.ErrMessageTooBig):
		return "message too big"
	case isContext(err):
		return "too slow"
	case is(syscall.ECONNRESET), is(syscall.EPIPE):
		return "reset"
	case is(io.ErrUnexpectedEOF):
		return "lost inside a message"
	case is(io.EOF):
		return "lost without a close frame"
	}
	if closed, ok := err.(interface{ Unwrap() []error }); ok && len(closed.Unwrap()) == 1 {
		return "closed by the server"
	}
	return "violation"
}
