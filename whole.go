//go:build !js

package websocket

import (
	"context"
	"io"
	"math"

	"github.com/bhojpur/api/internal/bufpool"
)

// This is how messages are read as a whole, for Read, and as a stream that goes on
// from one to the next, for NetConn.

// read reads a whole message. What is allocated is in proportion to what has
// arrived, whatever the peer says will.
func (e *engine) read(ctx context.Context) (MessageType, []byte, error) {
	if err := e.lockRead(ctx); err != nil {
		return 0, nil, err
	}
	defer e.unlockRead()
	if err := e.nextMessage(ctx); err != nil {
		return 0, nil, err
	}
	rd := &e.rd
	typ := rd.msg.typ
	var p []byte
	var err error
	if rd.announced(0) {
		p, err = e.readFull(ctx, nil)
	} else {
		p, err = e.readGrowing(ctx)
	}
	if err != nil {
		return 0, nil, e.interruptedInside(ctx, err)
	}
	return typ, p, nil
}

// announced reports whether the message's length is known, and not much more
// than what has been read of it and has arrived.
func (rd *readSide) announced(read int) bool {
	m := &rd.msg
	return m.fin && !m.deflated && rd.left <= int64(max(read, rd.in.w-rd.in.r))
}

// readFull allocates the result and reads the rest of the message, whose length
// is known, behind what there is of it.
func (e *engine) readFull(ctx context.Context, head []byte) ([]byte, error) {
	p := make([]byte, len(head)+int(e.rd.left))
	n := copy(p, head)
	for n < len(p) {
		k, err := e.readMessage(ctx, p[n:])
		if err != nil {
			return nil, err
		}
		n += k
	}
	return p, nil
}

// readGrowing reads a message into blocks from the pools, and allocates the
// result when its size is known.
func (e *engine) readGrowing(ctx context.Context) ([]byte, error) {
	rd := &e.rd
	b := bufpool.Get(bufpool.MinBlock)
	defer func() { b.Free() }()
	n := 0
	for rd.msg.open {
		if rd.announced(n) {
			return e.readFull(ctx, b.B[:n])
		}
		if n == len(b.B) {
			if n > math.MaxInt/2 { // half of what 32 bits can address
				return nil, e.violated(ctx, tooBig(math.MaxInt))
			}
			b = b.Grow(n, 2*n)
		}
		k, err := e.readMessage(ctx, b.B[n:])
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

// readStream reads on from message to message, for NetConn. A context that
// ends leaves everything as it was, inside a message too, and ctx.Err() is
// returned as it is.
func (e *engine) readStream(ctx context.Context, typ MessageType, p []byte) (int, error) {
	if err := e.lockRead(ctx); err != nil {
		return 0, err
	}
	defer e.unlockRead()
	rd := &e.rd
	for {
		if !rd.msg.open {
			if err := e.nextMessage(ctx); err != nil {
				return 0, err
			}
			if rd.msg.typ != typ {
				return 0, e.violated(ctx, &violation{code: StatusUnsupportedData, text: wrongMessage(rd.msg.typ, typ)})
			}
			continue
		}
		if !e.life.reading() {
			return 0, e.life.err()
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, err := e.readMessage(ctx, p)
		if n > 0 || err != io.EOF {
			return n, err
		}
	}
}
