package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// raw is a client that writes valid and invalid frames itself.
type raw struct {
	*visit
	conn     *net.TCPConn
	in       *bufio.Reader
	inflater *rawpeer.Inflater // nil without compression
	stop     func() bool
}

// connect dials a connection, before the handshake.
func (v *visit) connect(dial dialer) (*raw, error) {
	ctx, cancel := v.patiently()
	defer cancel()
	conn, err := dial(ctx, "tcp", v.address)
	if err != nil {
		return nil, err
	}
	v.connections.Add(1)
	v.open.Add(1)
	r := &raw{visit: v, conn: conn.(*net.TCPConn), in: bufio.NewReader(conn)}
	r.stop = context.AfterFunc(v.ctx, func() { conn.Close() })
	r.patiently()
	return r, nil
}

// usually connects with the usual dialer.
func (v *visit) usually() (*raw, error) { return v.connect(usually) }

// gone closes the connection; it is deferred.
func (r *raw) gone() {
	r.stop()
	r.conn.Close()
	r.open.Add(-1)
}

// patiently sets a deadline for the next operations.
func (r *raw) patiently() {
	r.conn.SetDeadline(time.Now().Add(grace + 2*r.set.patience()))
}

// offer offers compression.
const offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n"

// handshakeRequest returns a valid request.
func handshakeRequest(path, lines string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + rawpeer.DefaultKey + "\r\n" + lines + "\r\n"
}

// shake connects and performs the handshake.
func (v *visit) shake(path, lines string) (*raw, error) {
	r, err := v.usually()
	if err != nil {
		return nil, err
	}
	if err := r.shake(path, lines); err != nil {
		r.gone()
		return nil, err
	}
	return r, nil
}

func (r *raw) shake(path, lines string) error {
	if _, err := io.WriteString(r.conn, handshakeRequest(path, lines)); err != nil {
		return err
	}
	answer, err := http.ReadResponse(r.in, nil)
	if err != nil {
		return err
	}
	switch agreed := answer.Header.Get("Sec-WebSocket-Extensions"); {
	case answer.StatusCode != http.StatusSwitchingProtocols:
		return fmt.Errorf("the server answers %s", answer.Status)
	case answer.Header.Get("Sec-WebSocket-Accept") != rawpeer.AcceptKey(rawpeer.DefaultKey):
		return errors.New("the server answers another key")
	case lines != offer:
	case !strings.HasPrefix(agreed, "permessage-deflate"):
		return fmt.Errorf("the server agrees to %q", agreed)
	default:
		r.inflater = rawpeer.NewInflater(rawpeer.ContextTakeover)
	}
	return nil
}

// masked returns the encoding of frames, with a key for each.
func (r *raw) masked(frames ...rawpeer.Frame) []byte {
	var b []byte
	for _, f := range frames {
		var key [4]byte
		binary.NativeEndian.PutUint32(key[:], r.random.Uint32())
		b = rawpeer.AppendFrame(b, f.WithKey(key))
	}
	return b
}

func (r *raw) send(frames ...rawpeer.Frame) error { return r.write(r.masked(frames...)) }

func (r *raw) write(b []byte) error {
	r.patiently()
	_, err := r.conn.Write(b)
	return err
}

// next returns the next frame, and answers pings.
func (r *raw) next() (rawpeer.Frame, error) {
	for {
		f, err := r.frame()
		if err != nil || f.Opcode != rawpeer.OpPing {
			return f, err
		}
		if err := r.send(rawpeer.Frame{Fin: true, Opcode: rawpeer.OpPong, Payload: f.Payload}); err != nil {
			return f, err
		}
	}
}

func (r *raw) frame() (rawpeer.Frame, error) {
	r.patiently()
	for n := 2; ; {
		head, err := r.in.Peek(n)
		if err != nil {
			return rawpeer.Frame{}, err
		}
		f, length, size, err := rawpeer.ParseHeader(head)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			n = size
			continue
		}
		if err != nil {
			return f, err
		}
		if f.Masked || length > longest {
			return f, fmt.Errorf("a server sends %v, masked %t, of %d bytes", f, f.Masked, length)
		}
		r.in.Discard(size)
		f.Payload = make([]byte, length)
		_, err = io.ReadFull(r.in, f.Payload)
		return f, err
	}
}

// wantEcho expects the text message p, in any number of frames.
func (r *raw) wantEcho(p []byte) error {
	var got []byte
	deflated := false
	for opcode := rawpeer.OpText; ; opcode = rawpeer.OpContinuation {
		f, err := r.next()
		if err != nil {
			return err
		}
		if opcode == rawpeer.OpText && r.inflater != nil && f.RSV == rawpeer.RSV1 {
			f, deflated = f.WithRSV(0), true
		}
		if f.Opcode != opcode || f.RSV != 0 {
			return fmt.Errorf("%w: %v", errBroken, f)
		}
		got = append(got, f.Payload...)
		if f.Fin {
			break
		}
	}
	if deflated {
		var err error
		if got, err = r.inflater.Message(got); err != nil {
			return err
		}
	}
	r.hear(len(got))
	if !bytes.Equal(got, p) {
		return errBroken
	}
	return nil
}

// wantClose expects a close frame with the code, after what was sent before.
func (r *raw) wantClose(code int) error {
	for {
		f, err := r.next()
		if err != nil {
			return fmt.Errorf("in place of a close frame with %d: %w", code, err)
		}
		if f.Opcode != rawpeer.OpClose {
			continue
		}
		if got, _ := f.CloseCode(); got != code {
			return fmt.Errorf("the server closes with %d, want %d", got, code)
		}
		return nil
	}
}

// wantEnd expects the server to end the connection; it ignores frames before that.
func (r *raw) wantEnd() error {
	r.patiently()
	_, err := io.Copy(io.Discard, r.in)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.New("the server does not end the connection")
	}
	return nil
}

// isGone reports whether a write failed because the server has ended the connection.
func isGone(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// reset resets the connection.
func (r *raw) reset() {
	r.conn.SetLinger(0)
	r.conn.Close()
}

// words returns some short text.
func (v *visit) words() []byte {
	return v.corpus.piece(v.random, websocket.MessageText, shortTalk)
}

// chat exchanges messages until the client is to leave.
func (r *raw) chat() error {
	for again := true; again; again = r.rest() {
		p := r.words()
		if err := r.send(text(p)); err != nil {
			return err
		}
		r.say(len(p))
		if err := r.wantEcho(p); err != nil {
			return err
		}
	}
	return nil
}

// text returns a message of one frame.
func text(p []byte) rawpeer.Frame {
	return rawpeer.Frame{Fin: true, Opcode: rawpeer.OpText, Payload: p}
}

// rudely connects, exchanges messages for a while, and then calls do.
func (v *visit) rudely(path, lines string, do func(r *raw) error) error {
	r, err := v.shake(path, lines)
	if err != nil {
		return err
	}
	defer r.gone()
	if err := r.chat(); err != nil {
		return err
	}
	return do(r)
}
