//go:build !js

package websocket

import (
	"context"
	"encoding/binary"
)

// nextMessage reads to the first payload byte of the next message. The caller
// holds the read lock.
func (e *engine) nextMessage(ctx context.Context) error {
	if e.beginAtOnce(ctx) {
		return nil
	}
	return e.awaitMessage(ctx)
}

// beginAtOnce is awaitMessage where there is nothing to wait for and little to
// decide, as it is for most messages: between messages of an open connection, when
// a frame has arrived that begins one, is not compressed, not empty and not longer
// than 16 bits tell. It reports false, and has done nothing, where there is more to
// it: what is wrong with a frame is for parseHeader to say. (It saves 7 of the 49 ns
// that a short message takes without.)
func (e *engine) beginAtOnce(ctx context.Context) bool {
	rd := &e.rd
	in, m := &rd.in, &rd.msg
	if m.open || in.w-in.r < maxHeader || e.life.phase() != phaseOpen || ctx.Err() != nil {
		return false
	}
	b := in.block.B[in.r:in.w]
	first, size, n := lead(b[0]), int64(b[1]&bitsLen), 2
	typ := first &^ bitFin // and the reserved bits
	masked := b[1]&bitMasked != 0
	if typ != lead(opText) && typ != lead(opBinary) || masked != (e.role == server) || size == 0 {
		return false
	}
	if size > maxControl {
		size, n = int64(binary.BigEndian.Uint16(b[2:])), 4
		if size <= maxControl || b[1]&bitsLen != 126 {
			return false
		}
	}
	limit := rd.limit.Load()
	budget := limit
	if budget >= 0 {
		if budget -= size; budget < 0 {
			return false
		}
	}
	rd.key = 0
	if masked {
		rd.key = binary.LittleEndian.Uint32(b[n:])
		n += 4
	}
	in.r += n
	in.head, in.frame = n, size
	rd.left, rd.empty = size, 0
	m.typ, m.fin, m.deflated = MessageType(typ), first.fin(), false
	m.ahead, m.limit, m.budget = 0, limit, budget
	m.text.Reset()
	rd.begin()
	return true
}
