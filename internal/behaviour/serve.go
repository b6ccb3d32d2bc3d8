package behaviour

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	websocket "github.com/bhojpur/api"
)

// pongTimeout bounds the wait for a pong, on a busy machine.
const pongTimeout = 10 * time.Second

// sendText sends one message.
func sendText(r *http.Request, c *websocket.Conn, text string) error {
	return c.Write(r.Context(), websocket.MessageText, []byte(text))
}

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

func sink(r *http.Request, c *websocket.Conn) error {
	for {
		_, m, err := c.Reader(r.Context())
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, m); err != nil {
			return err
		}
	}
}

// count discards messages, and notes their number at the end.
func (s *Server) count(r *http.Request, c *websocket.Conn) error {
	for n := 0; ; n++ {
		if _, _, err := c.Read(r.Context()); err != nil {
			s.note(r.FormValue("count"), strconv.Itoa(n))
			return err
		}
	}
}

// sendAndClose sends messages of two or more frames: each is its number, repeated
// 20,000 times, and a period.
func sendAndClose(r *http.Request, c *websocket.Conn) error {
	for i := range number(r, "messages") {
		w, err := c.Writer(r.Context(), websocket.MessageText)
		if err != nil {
			return err
		}
		io.WriteString(w, strings.Repeat(strconv.Itoa(i), 20_000))
		io.WriteString(w, ".")
		if err := w.Close(); err != nil {
			return err
		}
	}
	return c.Close(websocket.StatusCode(number(r, "code")), r.FormValue("reason"))
}

func drop(r *http.Request, c *websocket.Conn) error {
	if r.FormValue("after") == "message" {
		if _, _, err := c.Read(r.Context()); err != nil {
			return err
		}
	}
	return c.CloseNow()
}

func (s *Server) deaf(r *http.Request, c *websocket.Conn) error {
	select {
	case <-s.noted(r.FormValue("hear")):
		return echo(r, c)
	case <-s.stop:
		return nil
	}
}

// flood sends messages whose first byte is their number, and waits for the client to
// close.
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
	return c.Ping(context.Background()) // returns the error that ended the connection
}

func ping(r *http.Request, c *websocket.Conn) error {
	ctx, cancel := context.WithTimeout(r.Context(), pongTimeout)
	defer cancel()
	read := c.CloseRead(ctx)
	if err := c.Ping(ctx); err != nil {
		return err
	}
	if err := sendText(r, c, "answered"); err != nil {
		return err
	}
	<-read.Done()
	return nil
}

func (s *Server) signal(r *http.Request, c *websocket.Conn) error {
	s.note(r.FormValue("key"), "signaled")
	return c.Close(websocket.StatusNormalClosure, "")
}

func (s *Server) await(r *http.Request, c *websocket.Conn) error {
	select {
	case what := <-s.noted(r.FormValue("key")):
		if err := sendText(r, c, what); err != nil {
			return err
		}
		return c.Close(websocket.StatusNormalClosure, "")
	case <-s.stop:
		return nil
	}
}

// nobody sends an address without a listener: it was free a moment ago.
func nobody(r *http.Request, c *websocket.Conn) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l.Close()
	if err := sendText(r, c, l.Addr().String()); err != nil {
		return err
	}
	return c.Close(websocket.StatusNormalClosure, "")
}

func mute(r *http.Request, c *websocket.Conn) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	ctx := c.CloseRead(r.Context())
	defer context.AfterFunc(ctx, func() { l.Close() })()
	if err := sendText(r, c, l.Addr().String()); err != nil {
		return err
	}
	nc, err := l.Accept()
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := sendText(r, c, "connected"); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
