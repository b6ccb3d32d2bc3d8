package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/serve"
)

// options are what the server allows its clients.
type options struct {
	compression    websocket.CompressionMode
	readLimit      int64         // bytes of a message
	messageTimeout time.Duration // from a message's first byte until it is back
	pingEvery      time.Duration // how long a client may be silent
	pingTimeout    time.Duration
}

func defaults() options {
	return options{
		compression:    websocket.CompressionContextTakeover,
		readLimit:      32 << 20,
		messageTimeout: time.Minute,
		pingEvery:      30 * time.Second,
		pingTimeout:    10 * time.Second,
	}
}

// keptBuffer is the largest buffer that a connection keeps for its next
// message. A single large message should not cost memory for hours.
const keptBuffer = 64 << 10

// server is the http.Handler that echoes.
type server struct {
	opts  options
	log   *slog.Logger
	conns serve.Conns
}

func newServer(opts options, log *slog.Logger) *server {
	return &server{opts: opts, log: log}
}

// ServeHTTP accepts a WebSocket connection and echoes until it ends.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	log := s.log.With("remote", r.RemoteAddr)
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:    []string{"echo"},
		CompressionMode: s.opts.compression,
	})
	if err != nil { // the request has been answered
		log.Info("no handshake", "err", err)
		return
	}
	defer conn.CloseNow()
	if !s.conns.Add(conn) {
		return
	}
	defer s.conns.Remove(conn)
	conn.SetReadLimit(s.opts.readLimit)

	log.Info("connected", "subprotocol", conn.Subprotocol())
	// The request's context belongs to HTTP, which has let go of this
	// connection. Its peer, an error, or s.conns will end it.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	e := &echoer{conn: conn, opts: s.opts}
	go e.keepAlive(ctx)
	err = e.echo(ctx, cancel)

	// If this is the server's shutdown, its Close is still waiting for the
	// client's answer: wait with it, rather than cut it short.
	conn.Close(websocket.StatusNormalClosure, "")
	log.Info("disconnected", "status", websocket.CloseStatus(err), "err", err)
}

// echoer is one connection.
type echoer struct {
	conn   *websocket.Conn
	opts   options
	active atomic.Bool // a message came since keepAlive looked
}

// echo sends messages back until the connection ends, and returns why.
//
// A message is read to its end before its echo begins. Sending what has
// arrived while the rest is on its way needs less memory, but a client that
// reads only after it has sent everything would wait for the server, and the
// server for the client.
//
// ctx, which cancel ends, serves all messages. Waiting for one may take
// forever; from its first byte on a timer runs.
func (e *echoer) echo(ctx context.Context, cancel context.CancelFunc) error {
	timer := time.AfterFunc(e.opts.messageTimeout, cancel)
	defer timer.Stop()
	var buf bytes.Buffer
	for {
		timer.Stop()
		typ, r, err := e.conn.Reader(ctx)
		if err != nil {
			return err
		}
		timer.Reset(e.opts.messageTimeout)
		e.active.Store(true)
		if err := e.echoMessage(ctx, typ, r, &buf); err != nil {
			return err
		}
		e.active.Store(true)
	}
}

// echoMessage reads a message through r and sends it back.
func (e *echoer) echoMessage(ctx context.Context, typ websocket.MessageType, r io.Reader, buf *bytes.Buffer) error {
	if buf.Cap() > keptBuffer {
		*buf = bytes.Buffer{}
	}
	buf.Reset()
	if _, err := buf.ReadFrom(r); err != nil {
		return err
	}
	return e.conn.Write(ctx, typ, buf.Bytes())
}

// keepAlive pings a client that says nothing, and drops the connection when
// there is no answer. Other than by this, a peer that vanished without a word
// is never noticed.
func (e *echoer) keepAlive(ctx context.Context) {
	ticker := time.NewTicker(e.opts.pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if e.active.Swap(false) {
			continue
		}
		err := e.ping(ctx)
		// A pong behind a long message may be late: then the message counts.
		if errors.Is(err, context.DeadlineExceeded) && !e.active.Load() {
			e.conn.CloseNow()
			return
		}
	}
}

func (e *echoer) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.opts.pingTimeout)
	defer cancel()
	return e.conn.Ping(ctx)
}
