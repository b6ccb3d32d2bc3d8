package conformance

import (
	"compress/flate"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
	"github.com/gobwas/ws/wsutil"
)

// gobwasPeer uses wsutil's reader and writer and wsflate, as gobwas/ws's README and its
// example for the original suite do. Those check UTF-8 only in uncompressed messages;
// this one also checks compressed messages.
var gobwasPeer = peer{
	name:   "gobwas",
	module: "github.com/gobwas/ws",
	serve: func(w http.ResponseWriter, r *http.Request) error {
		deflate := wsflate.Extension{Parameters: wsflate.DefaultParameters}
		upgrader := ws.HTTPUpgrader{Negotiate: deflate.Negotiate}
		conn, rw, _, err := upgrader.Upgrade(r, w)
		if err != nil {
			return err
		}
		state := ws.StateServerSide
		if _, ok := deflate.Accepted(); ok {
			state = state.Set(ws.StateExtended)
		}
		return newGobwasEcho(conn, rw, state).run()
	},
	dial: func(ctx context.Context, url string, over dialer) error {
		d := ws.Dialer{
			NetDial:    over.to,
			Extensions: []httphead.Option{wsflate.DefaultParameters.Option()},
		}
		conn, early, shake, err := d.Dial(ctx, url)
		if err != nil {
			return err
		}
		state := ws.StateClientSide
		if len(shake.Extensions) > 0 {
			state = state.Set(ws.StateExtended)
		}
		var src io.Reader = conn
		if early != nil {
			src = early
		}
		return newGobwasEcho(conn, src, state).run()
	},
}

// gobwasEcho echoes on one connection.
type gobwasEcho struct {
	conn     net.Conn
	state    ws.State
	control  wsutil.FrameHandlerFunc
	r        wsutil.Reader
	w        *wsutil.Writer
	inflater *wsflate.Reader
	deflater *wsflate.Writer
	message  wsflate.MessageState
}

func newGobwasEcho(conn net.Conn, src io.Reader, state ws.State) *gobwasEcho {
	e := &gobwasEcho{
		conn:  conn,
		state: state,
		r:     wsutil.Reader{Source: src, State: state, CheckUTF8: !state.Extended()},
		w:     wsutil.NewWriter(conn, state, 0),
		inflater: wsflate.NewReader(nil, func(r io.Reader) wsflate.Decompressor {
			return flate.NewReader(r)
		}),
		deflater: wsflate.NewWriter(nil, func(w io.Writer) wsflate.Compressor {
			f, _ := flate.NewWriter(w, flate.BestSpeed) // the level is valid
			return f
		}),
	}
	handle := wsutil.ControlFrameHandler(conn, state)
	e.control = func(h ws.Header, r io.Reader) error {
		if err := handle(h, r); err != nil {
			return answered{err}
		}
		return nil
	}
	e.r.OnIntermediate = e.control
	if state.Extended() {
		e.r.Extensions = []wsutil.RecvExtension{&e.message}
		e.w.SetExtensions(&e.message)
	}
	return e
}

// answered is an error for which the handler of control frames has sent a close frame.
type answered struct{ error }

// run echoes until the connection ends. As in the example, it sends a close frame with
// the violation, or one in reply to the peer's.
func (e *gobwasEcho) run() error {
	const patience = 500 * time.Millisecond
	defer e.conn.Close()
	err := e.messages()
	var wrong ws.ProtocolError
	var code ws.StatusCode
	switch {
	case errors.Is(err, wsutil.ErrInvalidUTF8):
		code = ws.StatusInvalidFramePayloadData
	case errors.As(err, &wrong):
		code = ws.StatusProtocolError
	default:
		return err
	}
	f := ws.NewCloseFrame(ws.NewCloseFrameBody(code, ""))
	if e.state.ClientSide() {
		f = ws.MaskFrameInPlace(f)
	}
	if ws.WriteFrame(e.conn, f) != nil {
		return err
	}
	if c, ok := e.conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
	e.conn.SetReadDeadline(time.Now().Add(patience))
	io.Copy(io.Discard, e.conn)
	return err
}

func (e *gobwasEcho) messages() error {
	for {
		h, err := e.r.NextFrame()
		switch {
		case err != nil:
			return err
		case h.OpCode.IsControl():
			err = e.control(h, &e.r)
		default:
			err = e.echo(h.OpCode)
		}
		if err != nil {
			return err
		}
	}
}

// echo echoes a message as it arrives.
func (e *gobwasEcho) echo(op ws.OpCode) error {
	e.w.ResetOp(op)
	var src io.Reader = &e.r
	var dst io.Writer = e.w
	if e.message.IsCompressed() {
		e.inflater.Reset(src)
		e.deflater.Reset(dst)
		src, dst = e.inflater, e.deflater
	}
	text := wsutil.NewUTF8Reader(src)
	if op == ws.OpText && e.state.Extended() {
		src = text
	}
	if _, err := io.Copy(dst, src); err != nil {
		return err
	}
	if !text.Valid() {
		return wsutil.ErrInvalidUTF8
	}
	if e.message.IsCompressed() {
		if err := e.deflater.Close(); err != nil {
			return err
		}
	}
	return e.w.Flush()
}
