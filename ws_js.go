package websocket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bhojpur/api/internal/lazy"
	"github.com/bhojpur/api/internal/wsjs"
)

// engine is a connection in a JavaScript environment: a page, a worker or Node. The
// WebSocket of the environment transfers whole messages and implements the rest of the
// protocol.
//
// The handlers of the socket's events (see package wsjs) do not block. They record the
// event and wake waiting calls. The socket is not called with a lock held.
type engine struct {
	// Set by Dial, then only read.
	socket     *wsjs.Socket
	url        string // for people: without the password
	protocol   string
	maxBacklog int64 // as the option
	exits      lazy.Value[exits]
	sending    chan struct{} // of capacity 1; full while a call sends or waits to send

	readLimit atomic.Int64 // negative when there is none

	life   lifetime
	unread unreadQueue
}

// Accept always fails in a browser, which can't be a server. The error is
// [errors.ErrUnsupported].
func Accept(w http.ResponseWriter, r *http.Request, opts *AcceptOptions) (*Conn, error) {
	return nil, opError("accept", fmt.Errorf("%w in a browser", errors.ErrUnsupported))
}

// Dial opens a connection to u by the WebSocket of a page, a worker or Node (version 20
// with the flag --experimental-websocket, version 22 by default).
//
// u is a ws or wss URL; http and https are synonyms. It may be relative to the location
// of the page or of the worker's script.
//
// ctx applies to Dial only, not to the connection. The response has status 101, the
// subprotocol and the extensions. It is nil with an error, since a browser does not
// report why a connection failed. Dial fails if the server selects none of the offered
// subprotocols.
func Dial(ctx context.Context, u string, opts *DialOptions) (*Conn, *http.Response, error) {
	checkContext(ctx)
	c, err := dial(ctx, u, opts.orDefault())
	if err != nil {
		return nil, nil, opError("dial", err)
	}
	return c, c.response(), nil
}

func dial(ctx context.Context, u string, opts *DialOptions) (*Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	target, err := socketURL(u, wsjs.BaseURL())
	if err != nil {
		return nil, err
	}
	subprotocols, err := opts.offeredSubprotocols()
	if err != nil {
		return nil, err
	}
	c := &Conn{engine: engine{
		url:        target.Redacted(),
		sending:    make(chan struct{}, 1),
		maxBacklog: opts.MaxBacklog,
		unread:     unreadQueue{max: opts.maxUnread()},
	}}
	c.readLimit.Store(readLimit(opts.ReadLimit))
	c.socket, err = wsjs.New(target.String(), subprotocols)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.url, withoutPassword(err, target))
	}
	c.socket.Listen((*socketEvents)(&c.engine))
	if err := c.awaitOpen(ctx); err != nil {
		c.abandon(endReason{byFailure, err})
		return nil, fmt.Errorf("%s: %w", c.url, err)
	}
	c.protocol = c.socket.Protocol()
	return c, nil
}

// awaitOpen waits until the socket is open or has failed.
func (e *engine) awaitOpen(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		now, changed := e.life.watch()
		switch now {
		case stateConnecting:
		case stateOpen:
			return nil
		default:
			return e.life.failure()
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// response returns a response with the parts of the server's that the browser reports.
func (e *engine) response() *http.Response {
	h := http.Header{}
	if e.protocol != "" {
		h.Set("Sec-WebSocket-Protocol", e.protocol)
	}
	if ext := e.socket.Extensions(); ext != "" {
		h.Set("Sec-WebSocket-Extensions", ext)
	}
	return &http.Response{
		Status:     "101 Switching Protocols",
		StatusCode: http.StatusSwitchingProtocols,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     h,
		Body:       http.NoBody,
	}
}

// socketURL returns the URL to connect to for u. base is the URL of the page, or "" if
// there is none. Errors do not contain the password.
func socketURL(u, base string) (*url.URL, error) {
	to, err := url.Parse(u)
	if err != nil {
		return nil, withoutURL(err)
	}
	if !to.IsAbs() {
		if base == "" {
			return nil, fmt.Errorf("relative URL %q without a page", to.Redacted())
		}
		// A worker made from a blob is at blob:https://host/id.
		from, err := url.Parse(strings.TrimPrefix(base, "blob:"))
		if err != nil {
			return nil, err
		}
		to = from.ResolveReference(to)
	}
	switch to.Scheme {
	case "ws", "wss":
	case "http":
		to.Scheme = "ws"
	case "https":
		to.Scheme = "wss"
	default:
		return nil, fmt.Errorf("scheme of URL is %q, not ws or wss", asTyped(to.Scheme, u))
	}
	if to.Host == "" {
		return nil, fmt.Errorf("%q: no host", to.Redacted())
	}
	to.Fragment, to.RawFragment = "", ""
	return to, nil
}

// withoutPassword removes the password from an error that may contain the URL.
func withoutPassword(err error, u *url.URL) error {
	text := err.Error()
	if redacted := strings.ReplaceAll(text, u.String(), u.Redacted()); redacted != text {
		return errors.New(redacted)
	}
	return err
}

// ping sends nothing: a page can't send pings.
func (e *engine) ping(ctx context.Context) error {
	return e.awaitUsable(ctx)
}

// roundTrip is always 0: a page can't send pings.
func (e *engine) roundTrip() time.Duration { return 0 }

// pong sends nothing: a page can't send pongs.
func (e *engine) pong(ctx context.Context, _ []byte) error {
	return e.awaitUsable(ctx)
}

// callbackBegun returns nil: there are no callbacks in a browser.
func (e *engine) callbackBegun() <-chan struct{} { return nil }

func (e *engine) setReadLimit(n int64)            { e.readLimit.Store(max(n, -1)) }
func (e *engine) subprotocol() string             { return e.protocol }
func (e *engine) addrs() (local, remote net.Addr) { return unknownAddr("unknown"), unknownAddr(e.url) }
