package browser

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
)

// A server does to its clients what the path of the URL says, and the query
// says how. A client that gives an id can ask /ended?id= how the connection
// ended for the server.
type server struct {
	*httptest.Server
	stop chan struct{} // closed at the end, for the handlers that wait

	mu    sync.Mutex
	ended map[string]chan string
}

func newServer(t *testing.T, files http.Handler) *server {
	s := &server{stop: make(chan struct{}), ended: make(map[string]chan string)}
	mux := http.NewServeMux()
	mux.Handle("/", files)
	mux.HandleFunc("/refuse", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "refused", http.StatusForbidden)
	})
	mux.HandleFunc("/stall", func(w http.ResponseWriter, r *http.Request) {
		<-s.stop
	})
	for path, serve := range map[string]func(*http.Request, *websocket.Conn) error{
		"/echo":  echo,
		"/close": sendAndClose,
		"/drop":  drop,
		"/deaf":  s.deaf,
		"/flood": flood,
		"/ping":  ping,
		"/sink":  sink,
		"/ended": s.tellEnd,
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.accept(w, r, serve) })
	}
	mux.HandleFunc("/hear", func(w http.ResponseWriter, r *http.Request) { s.end("hear " + r.FormValue("id")) <- "" })
	mux.HandleFunc("/raw", s.raw)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		close(s.stop)
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// accept serves a connection and notes how it ended.
func (s *server) accept(w http.ResponseWriter, r *http.Request, serve func(*http.Request, *websocket.Conn) error) {
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
		s.end(id) <- describe(err)
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

func (s *server) end(id string) chan string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended[id] == nil {
		s.ended[id] = make(chan string, 1)
	}
	return s.ended[id]
}

func (s *server) tellEnd(r *http.Request, c *websocket.Conn) error {
	select {
	case how := <-s.end(r.FormValue("of")):
		if err := c.Write(r.Context(), websocket.MessageText, []byte(how)); err != nil {
			return err
		}
		return c.Close(websocket.StatusNormalClosure, "")
	case <-s.stop:
		return nil
	}
}

// echo sends back what arrives, as binary messages if the query says so.
func echo(r *http.Request, c *websocket.Conn) error {
	for {
		typ, p, err := c.Read(r.Context())
		if err != nil {
			return err
		}
		if r.FormValue("as") == "binary" {
			typ = websocket.MessageBinary
		}
		if err := c.Write(r.Context(), typ, p); err != nil {
			return err
		}
	}
}

// sink discards what arrives.
func sink(r *http.Request, c *websocket.Conn) error {
	for {
		_, m, err := c.Reader(r.Context())
		if err != nil {
			return err
		}
		io.Copy(io.Discard, m)
	}
}

// sendAndClose sends some messages, in two frames each, then closes.
func sendAndClose(r *http.Request, c *websocket.Conn) error {
	for i := range number(r, "messages") {
		w, err := c.Writer(r.Context(), websocket.MessageText)
		if err != nil {
			return err
		}
		io.WriteString(w, strings.Repeat(strconv.Itoa(i), 5000))
		io.WriteString(w, ".")
		if err := w.Close(); err != nil {
			return err
		}
	}
	return c.Close(websocket.StatusCode(number(r, "code")), r.FormValue("reason"))
}

// drop ends the connection without a close frame.
func drop(r *http.Request, c *websocket.Conn) error {
	if r.FormValue("after") == "message" {
		if _, _, err := c.Read(r.Context()); err != nil {
			return err
		}
	}
	return c.CloseNow()
}

// deaf reads nothing, until the client asks for it through another connection
// or is gone.
func (s *server) deaf(r *http.Request, c *websocket.Conn) error {
	select {
	case <-s.end("hear " + r.FormValue("id")):
		return echo(r, c)
	case <-s.stop:
		return nil
	}
}

// flood sends messages as quickly as it can, until the client closes.
func flood(r *http.Request, c *websocket.Conn) error {
	ctx := c.CloseRead(r.Context())
	p := make([]byte, number(r, "size"))
	for i := range number(r, "messages") {
		if len(p) > 0 {
			p[0] = byte(i)
		}
		if err := c.Write(ctx, websocket.MessageBinary, p); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

// ping sends a message when the client has answered a ping.
func ping(r *http.Request, c *websocket.Conn) error {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	read := c.CloseRead(ctx)
	if err := c.Ping(ctx); err != nil {
		return err
	}
	if err := c.Write(ctx, websocket.MessageText, []byte("answered")); err != nil {
		return err
	}
	<-read.Done()
	return nil
}

// raw sends the bytes that the query has in hexadecimal behind its handshake,
// and reads nothing.
func (s *server) raw(w http.ResponseWriter, r *http.Request) {
	send, err := hex.DecodeString(r.FormValue("hex"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer nc.Close()
	accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n%s", base64.StdEncoding.EncodeToString(accept[:]), send)
	rw.Flush()
	<-s.stop
}

func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.FormValue(name))
	return n
}
