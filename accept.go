//go:build !js

package websocket

import (
	"bufio"
	"context"
	"errors"
	"github.com/bhojpur/api/internal/sendqueue"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/bhojpur/api/internal/bufpool"
)

// Accept answers a WebSocket handshake (RFC 6455 section 4.2) and returns the
// connection. Headers that were set on w, cookies for instance, are sent with
// the answer.
//
// Requests from pages of other origins are refused unless opts allow them. On
// an error Accept has answered the request; the handler only returns.
//
// The connection has left the HTTP server: its timeouts and its Shutdown do
// not reach it, and r.Context() says nothing about it. It may outlive the
// handler. w must allow to be hijacked, itself or what its Unwrap method
// returns; over HTTP/2 it can't.
func Accept(w http.ResponseWriter, r *http.Request, opts *AcceptOptions) (*Conn, error) {
	c, err := accept(w, r, opts.orDefault())
	if err != nil {
		return nil, opError("accept", err)
	}
	return c, nil
}

// accept keeps little on the stack: Hijack goes deep, and a stack that has to
// grow stays so for a handler that waits.
func accept(w http.ResponseWriter, r *http.Request, opts *AcceptOptions) (*Conn, error) {
	b := bufpool.Get(bufpool.MinBlock)
	defer b.Free()
	c, answer, refusal := negotiate(w, r, opts, b.B[:0])
	if refusal != nil {
		return nil, refusal.refuse(w)
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, refused(http.StatusNotImplemented, "WebSocket is not available here", err).refuse(w)
	}
	c.begin(conn, conn)
	if err := c.sendAnswer(answer); err != nil {
		c.rcv.stream.Close()
		return nil, err
	}
	c.rcv.in.add(takeBuffered(buffered.Reader))
	return c, nil
}

// negotiate checks the request and says what is agreed on: in a connection that
// has not begun, and in the answer, which it appends to dst.
func negotiate(w http.ResponseWriter, r *http.Request, opts *AcceptOptions, dst []byte) (*Conn, []byte, *refusal) {
	if err := opts.check(); err != nil {
		return nil, nil, misconfigured(err)
	}
	if err := checkRequest(r); err != nil {
		return nil, nil, err
	}
	if err := checkBounds(r.Header); err != nil {
		return nil, nil, err
	}
	if !opts.InsecureSkipVerify {
		if err := checkOrigin(r, opts.OriginPatterns); err != nil {
			return nil, nil, err
		}
	}
	protocol := chooseSubprotocol(r.Header, opts.Subprotocols)
	params, extensions := acceptDeflate(r.Header[headerExtensions], opts.compression())
	answer := appendAnswer(dst, w.Header(), answerHeaders{
		key:        strings.TrimSpace(r.Header[headerKey][0]),
		protocol:   protocol,
		extensions: extensions,
	})
	return newConn(server, params, connOptions{protocol, opts.OnPingReceived, opts.OnPongReceived}), answer, nil
}

// refusal is a handshake that was not accepted: what the client is told, and
// what the caller.
type refusal struct {
	status int
	text   string // for the client
	err    error  // for the caller
	header [2]string
}

func refused(status int, text string, err error) *refusal {
	return &refusal{status: status, text: text, err: err}
}

// misconfigured refuses a request because of the server's own options.
func misconfigured(err error) *refusal {
	return refused(http.StatusInternalServerError, "WebSocket is not available here", err)
}

// refuse sends the refusal and returns the caller's error.
func (f *refusal) refuse(w http.ResponseWriter) error {
	h := w.Header()
	if f.header[0] != "" {
		h[f.header[0]] = []string{f.header[1]}
	}
	if f.status == http.StatusUpgradeRequired {
		h["Connection"] = []string{"Upgrade"}
		h["Upgrade"] = []string{"websocket"}
	}
	http.Error(w, f.text, f.status)
	return f.err
}

// checkRequest is section 4.2.1: what a request needs to be a handshake.
func checkRequest(r *http.Request) *refusal {
	bad := func(status int, text string) *refusal {
		return refused(status, text, errors.New(text))
	}
	keys := r.Header[headerKey]
	switch {
	case r.Method != http.MethodGet:
		f := bad(http.StatusMethodNotAllowed, "a WebSocket handshake is a GET request")
		f.header = [2]string{"Allow", http.MethodGet}
		return f
	case r.ContentLength != 0:
		// It would be taken for frames.
		return bad(http.StatusBadRequest, "a WebSocket handshake has no body")
	case !r.ProtoAtLeast(1, 1):
		return bad(http.StatusUpgradeRequired, "a WebSocket handshake is HTTP/1.1")
	case !hasToken(r.Header, "Upgrade", "websocket"):
		return bad(http.StatusUpgradeRequired, "not a WebSocket handshake: no Upgrade header with websocket")
	case !hasToken(r.Header, "Connection", "upgrade"):
		return bad(http.StatusUpgradeRequired, "not a WebSocket handshake: no Connection header with Upgrade")
	case r.Host == "":
		return bad(http.StatusBadRequest, "the WebSocket handshake has no Host header")
	case len(r.Header[headerVersion]) != 1 || strings.TrimSpace(r.Header.Get(headerVersion)) != protocolVersion:
		f := bad(http.StatusUpgradeRequired, "the WebSocket version is not "+protocolVersion)
		f.header = [2]string{headerVersion, protocolVersion}
		return f
	case len(keys) != 1:
		return bad(http.StatusBadRequest, "the WebSocket handshake needs one Sec-WebSocket-Key")
	}
	if !isKey(strings.TrimSpace(keys[0])) {
		return bad(http.StatusBadRequest, "Sec-WebSocket-Key is not 16 bytes in base64")
	}
	return nil
}

// chooseSubprotocol returns the first of the server's subprotocols that the
// client offers, spelled as the client does (section 4.2.2).
func chooseSubprotocol(h http.Header, supported []string) string {
	for _, want := range supported {
		chosen := ""
		tokens(h, headerProtocol, func(offered string) bool {
			if isToken(offered) && equalFold(offered, want) {
				chosen = offered
			}
			return chosen == ""
		})
		if chosen != "" {
			return chosen
		}
	}
	return ""
}

// answerHeaders are the parts of the answer that differ.
type answerHeaders struct {
	key, protocol, extensions string
}

// notInAnswer are the headers that only the handshake itself sets, and those
// that describe a body.
var notInAnswer = map[string]bool{
	"Connection":        true,
	"Upgrade":           true,
	headerAccept:        true,
	headerProtocol:      true,
	headerExtensions:    true,
	headerKey:           true,
	headerVersion:       true,
	"Content-Length":    true,
	"Content-Type":      true,
	"Content-Encoding":  true,
	"Transfer-Encoding": true,
	"Trailer":           true,
}

// appendAnswer is the response with status 101, with the headers that the
// program set.
func appendAnswer(b []byte, set http.Header, a answerHeaders) []byte {
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	b = appendAcceptKey(b, a.key)
	if a.protocol != "" {
		b = append(b, "\r\nSec-WebSocket-Protocol: "...)
		b = append(b, a.protocol...)
	}
	if a.extensions != "" {
		b = append(b, "\r\nSec-WebSocket-Extensions: "...)
		b = append(b, a.extensions...)
	}
	b = append(b, "\r\n"...)
	if len(set) > 0 {
		var rest strings.Builder
		set.WriteSubset(&rest, leftOut(set))
		b = append(b, rest.String()...)
	}
	return append(b, "\r\n"...)
}

// leftOut is notInAnswer, and those of the names that were set which are the same
// in another spelling.
func leftOut(set http.Header) map[string]bool {
	names := notInAnswer
	for name := range set {
		if notInAnswer[http.CanonicalHeaderKey(name)] && !names[name] {
			names = maps.Clone(names)
			names[name] = true
		}
	}
	return names
}

// answerTimeout is how long the client has to take the answer.
const answerTimeout = 5 * time.Second

// sendAnswer sends the answer. Nobody else writes yet.
func (e *engine) sendAnswer(answer []byte) error {
	e.snd.queue.TryLead(sendqueue.Control)
	defer e.snd.release()
	n, err := e.rcv.stream.WriteNow(answer)
	if err != nil || n == len(answer) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	if _, err = e.rcv.stream.Write(ctx, answer[n:]); err != nil && ctx.Err() != nil {
		err = os.ErrDeadlineExceeded
	}
	return err
}

// takeBuffered returns what the client sent right behind its request. The HTTP
// server keeps the reader until the handler returns, and with it its 4 KiB: it
// is ours now, and gives them up.
func takeBuffered(r *bufio.Reader) []byte {
	early, _ := r.Peek(r.Buffered())
	*r = *spent
	return early
}

// spent is at its end. Its copies share its buffer, which nothing is put into.
var spent = bufio.NewReaderSize(nothing{}, 0)

// nothing is a reader at its end.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
