//go:build !js

package websocket

import (
	"context"
	"encoding/binary"
	"testing"
)

// versionBefore is the version of the read lock of a beginning.
const versionBefore = 7

// beginning is a connection that has read p, and a message before it that left
// something of everything behind.
func beginning(side role, limit int64, p []byte) *engine {
	e := &newConn(side, nil, extras{}).engine
	e.setReadLimit(limit)
	rd := &e.rd
	const before = 3
	rd.in.take()
	rd.in.r, rd.in.w = before, before+copy(rd.in.block.B[before:], p)
	rd.empty, rd.key = 5, 0xffffffff
	for range versionBefore {
		rd.lock.Advance()
	}
	rd.msg.deflated, rd.msg.ahead = true, 1
	rd.msg.text.Write([]byte{0xff})
	return e
}

// What begins at once is what parseHeader allows, with each first and second byte,
// and lengths in any form.
func TestBeginAtOnceAllowsWhatParseHeaderDoes(t *testing.T) {
	const limit = 4096
	for _, side := range []role{server, client} {
		rules := frameRules{masked: side == server, deflate: true}
		for _, length := range []uint16{0, 1, maxControl, maxControl + 1, limit, limit + 1, 0xffff} {
			for two := range 1 << 16 {
				p := binary.BigEndian.AppendUint16(nil, uint16(two))
				p = binary.BigEndian.AppendUint16(p, length)
				p = append(p, "0123456789"...)
				var h header
				n, err := parseHeader(&h, p, rules)
				want := err == nil && (h.op() == opText || h.op() == opBinary) && !h.rsv1() &&
					0 < h.length && h.length <= limit
				e := beginning(side, limit, p)
				r := e.rd.in.r
				got := e.beginAtOnce(t.Context())
				if got != want {
					t.Fatalf("side %d, % x: began is %v, want %v (%v)", side, p, got, want, err)
				}
				if got {
					wantBegun(t, e, h, limit)
					r += n
				}
				if e.rd.in.r != r || e.rd.msg.open != got {
					t.Fatalf("side %d, % x: at byte %d, open is %v", side, p, e.rd.in.r, e.rd.msg.open)
				}
				e.rd.in.release()
			}
		}
	}
}

// wantBegun wants the message to be that of the frame h, and nothing to be left of
// the one before.
func wantBegun(t *testing.T, e *engine, h header, limit int64) {
	t.Helper()
	rd, m := &e.rd, &e.rd.msg
	if rd.left != h.length || rd.key != h.key || rd.in.frame != h.length || rd.in.head != len(appendHeader(nil, h)) {
		t.Fatalf("%+v: left %d, key %#x, frame %d behind %d", h, rd.left, rd.key, rd.in.frame, rd.in.head)
	}
	if m.typ != MessageType(h.op()) || m.fin != h.fin() || m.deflated || m.budget != limit-h.length {
		t.Fatalf("%+v: %+v", h, *m)
	}
	if rd.empty != 0 || m.ahead != 0 || !m.text.Complete() || rd.lock.Version() != versionBefore+1 {
		t.Fatalf("%+v: something is left of the message before: %+v", h, *m)
	}
}

// Nothing begins at once where the slow way has to decide.
func TestBeginAtOnceHasItsTime(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	frame := append([]byte{byte(lastOf(opText)), bitMasked | maxControl}, make([]byte, maxHeader)...)
	for name, test := range map[string]struct {
		want    bool
		prepare func(e *engine)
		ctx     context.Context
	}{
		"all is well":       {want: true},
		"no limit":          {want: true, prepare: func(e *engine) { e.setReadLimit(-1) }},
		"in a message":      {prepare: func(e *engine) { e.rd.msg.open = true }},
		"closing":           {prepare: func(e *engine) { e.life.advance(phaseClosing, nil) }},
		"context ended":     {ctx: ended},
		"header may be cut": {prepare: func(e *engine) { e.rd.in.w = e.rd.in.r + maxHeader - 1 }},
		"nothing there":     {prepare: func(e *engine) { e.rd.in.release() }},
	} {
		e := beginning(server, 1000, frame)
		if test.prepare != nil {
			test.prepare(e)
		}
		if test.ctx == nil {
			test.ctx = t.Context()
		}
		r := e.rd.in.r
		if got := e.beginAtOnce(test.ctx); got != test.want {
			t.Errorf("%s: began is %v", name, got)
		}
		if !test.want && (e.rd.in.r != r || e.rd.lock.Version() != versionBefore) {
			t.Errorf("%s: something was done", name)
		}
		if test.want && (e.rd.msg.budget >= 0) != (e.rd.limit.Load() >= 0) {
			t.Errorf("%s: the budget is %d", name, e.rd.msg.budget)
		}
		e.rd.in.release()
	}
}
