//go:build !js

package websocket

import (
	"context"
	"io"
	"math"

	"github.com/bhojpur/api/internal/bufpool"
)

// read reads a whole message. What is allocated is in proportion to what has
// arrived, whatever the peer declares.
func (e *engine) read(ctx context.Context) (MessageType, []byte, error) {
	if err := e.lockRead(ctx); err != nil {
		return 0, nil, err
	}
	defer e.unlockRead()
	r := &e.rcv
	if e.life.state() != stateOpen || ctx.Err() != nil || !r.tryBegin() {
		if err := e.nextMessage(ctx); err != nil {
			return 0, nil, err
		}
	}
	typ := r.msg.typ
	var p []byte
	var err error
	if r.sizeKnown(0) {
		p, err = e.readFull(ctx, nil)
	} else {
		p, err = e.readGrowing(ctx)
	}
	if err != nil {
		return 0, nil, err
	}
	return typ, p, nil
}

// sizeKnown reports whether the length of the message is known, and not much more
// than the bytes of it that were read and that have arrived.
func (r *receiver) sizeKnown(read int) bool {
	m := &r.msg
	return m.fin && !m.deflated && r.left <= int64(max(read, r.in.W-r.in.R))
}

// readFull allocates the result and reads the rest of a message of known length
// behind its first bytes.
func (e *engine) readFull(ctx context.Context, head []byte) ([]byte, error) {
	p := make([]byte, len(head)+int(e.rcv.left))
	n := copy(p, head)
	for n < len(p) {
		k, err := e.readInside(ctx, p[n:])
		if err != nil {
			return nil, err
		}
		n += k
	}
	return p, nil
}

// readGrowing reads a message into blocks from the pool, and allocates the result
// once its size is known.
func (e *engine) readGrowing(ctx context.Context) ([]byte, error) {
	r := &e.rcv
	b := bufpool.Get(bufpool.MinBlock)
	defer func() { b.Free() }()
	n := 0
	for r.msg.open {
		if r.sizeKnown(n) {
			return e.readFull(ctx, b.B[:n])
		}
		if n == len(b.B) {
			if n > math.MaxInt/2 { // half of what 32 bits can address
				return nil, e.failRead(ctx, insideMessage, tooBig(math.MaxInt))
			}
			b = b.Grow(n, 2*n)
		}
		k, err := e.readInside(ctx, b.B[n:])
		n += k
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return append(make([]byte, 0, n), b.B[:n]...), nil
}

// readStream reads on from message to message, for NetConn. A context that ends
// changes nothing, inside a message too, and ctx.Err() is returned as it is.
func (e *engine) readStream(ctx context.Context, typ MessageType, p []byte) (int, error) {
	if err := e.lockRead(ctx); err != nil {
		return 0, err
	}
	defer e.unlockRead()
	r := &e.rcv
	for {
		if !r.msg.open {
			if err := e.nextMessage(ctx); err != nil {
				return 0, err
			}
			if r.msg.typ != typ {
				return 0, e.failRead(ctx, betweenMessages, &violation{code: StatusUnsupportedData, text: wrongMessage(r.msg.typ, typ)})
			}
			continue
		}
		if !e.life.state().reads() {
			return 0, e.life.err(later)
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, err := r.readMessage(ctx, p)
		switch {
		case err == io.EOF && n == 0:
		case err == nil || err == io.EOF:
			return n, nil
		default:
			return n, e.failRead(ctx, betweenMessages, err)
		}
	}
}
