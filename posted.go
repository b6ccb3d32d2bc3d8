//go:build !js

package websocket

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

// posted is what the read side, and Close, have to send, and do not wait for.
// Whoever holds the gate of the write side sends it before letting go.
type posted struct {
	waiting atomic.Bool // there is something

	mu      sync.Mutex     // a leaf
	pongs   [][]byte       // payloads, in order
	giveUp  *messageWriter // a message that was given up before its first frame
	closing bool           // a close frame
	code    StatusCode     // its payload
	reason  string
}

// hasPosted reports whether there is something to send that was posted.
func (w *writeSide) hasPosted() bool {
	p := w.posted.peek()
	return p != nil && p.waiting.Load()
}

// maxPongs is how many pongs wait to be sent. Past that the newest takes the
// place of the one before it: the peer needs no pong but to its last ping
// (RFC 6455 section 5.5.3).
const maxPongs = 16

// postPong answers a ping.
func (e *engine) postPong(payload []byte) {
	w := &e.wr
	if w.gate.tryLock() {
		e.takePosted()
		if !w.over() {
			e.addFrame(frame{lead: lastOf(opPong), payload: payload})
		}
		e.flushNow()
		e.unlockWrite()
		return
	}
	p := w.posted.get()
	p.mu.Lock()
	payload = bytes.Clone(payload)
	if len(p.pongs) < maxPongs {
		p.pongs = append(p.pongs, payload)
	} else {
		p.pongs[maxPongs-1] = payload
	}
	p.waiting.Store(true)
	p.mu.Unlock()
	e.kick()
}

// postClose posts the close frame, after which nothing is sent. It reports
// whether it is being sent, not waiting behind somebody else's frame.
func (e *engine) postClose(code StatusCode, reason string) (sending bool) {
	p := e.wr.posted.get()
	p.mu.Lock()
	p.closing, p.code, p.reason = true, code, reason
	p.waiting.Store(true)
	p.mu.Unlock()
	return e.kick()
}

// postGiveUp ends a message before its first frame, for who can't wait for the
// gate.
func (e *engine) postGiveUp(h *messageWriter) {
	p := e.wr.posted.get()
	p.mu.Lock()
	if p.giveUp == nil || p.giveUp.over.Load() {
		p.giveUp = h // else h is over, and the other is the current one
	}
	p.waiting.Store(true)
	p.mu.Unlock()
	e.kick()
}

// kick sends what was posted, if nobody holds the gate. Who holds it sends it
// otherwise. It reports whether that is nobody's write that may take long.
func (e *engine) kick() bool {
	if !e.wr.gate.tryLock() {
		return e.wr.resting.Load()
	}
	e.t.MendWrite()
	e.takePosted()
	e.flushNow()
	e.unlockWrite()
	return true
}

// takePosted moves what was posted into out. The caller holds the gate.
func (e *engine) takePosted() {
	if e.wr.hasPosted() {
		e.takeWaiting(e.wr.posted.get())
	}
}

func (e *engine) takeWaiting(p *posted) {
	w := &e.wr
	p.mu.Lock()
	pongs, giveUp, closing := p.pongs, p.giveUp, p.closing
	p.pongs, p.giveUp, p.closing = nil, nil, false
	p.waiting.Store(false)
	p.mu.Unlock()

	if giveUp != nil && giveUp == w.current() {
		e.dropMessage(nil)
	}
	if w.over() {
		return
	}
	for _, payload := range pongs {
		e.addFrame(frame{lead: lastOf(opPong), payload: payload})
	}
	if closing {
		var payload [maxControl]byte
		e.addFrame(frame{lead: lastOf(opClose), payload: appendClose(payload[:0], p.code, p.reason)})
		w.ended = true
	}
}

// pings are the pings that wait for their pongs. The payload of a ping is its
// number in the order in which pings are sent, in decimal.
type pings struct {
	mu      sync.Mutex // a leaf
	sent    uint64     // the number of the last one
	waiting []*pingCall
}

// pingCall is a call of Ping.
type pingCall struct {
	number  uint64 // 0 until the frame is ready to be sent
	payload []byte
	pong    chan struct{} // closed when the pong has come
}

// ping sends a ping and waits for its pong.
func (e *engine) ping(ctx context.Context) error {
	if e.life.phase() != phaseOpen {
		return e.life.err()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	waiting := e.pings.get()
	p := waiting.add()
	defer waiting.remove(p)
	f := frame{lead: lastOf(opPing), payload: p.payload}
	_, err := e.send(ctx, f, dropRest)
	switch {
	case err == nil:
	case err == ctx.Err() && e.life.phase() != phaseOpen:
		return e.life.err()
	default:
		return err
	}
	select {
	case <-p.pong:
		return nil
	case <-e.life.ended():
		err = e.life.err()
	case <-ctx.Done():
		err = e.noPong(ctx.Err())
	}
	select {
	case <-p.pong: // before the end, which is seen as well
		return nil
	default:
		return err
	}
}

// pong sends a pong that answers no ping.
func (e *engine) pong(ctx context.Context, payload []byte) error {
	if e.life.phase() != phaseOpen {
		return e.life.err()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := e.send(ctx, frame{lead: lastOf(opPong), payload: payload}, dropRest)
	return err
}

// noPong is the error of a ping whose context ended first, with err. On a
// connection that is closing it says so: the peer need not answer any more.
func (e *engine) noPong(err error) error {
	if e.life.phase() != phaseOpen {
		return e.life.err()
	}
	return fmt.Errorf("%w: %w", errNoPong, err)
}

// maxPingNumber is how long the decimal form of a number gets.
const maxPingNumber = 20

func (ps *pings) add() *pingCall {
	p := &pingCall{payload: make([]byte, maxPingNumber), pong: make(chan struct{})}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.waiting = append(ps.waiting, p)
	return p
}

func (ps *pings) remove(p *pingCall) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if i := slices.Index(ps.waiting, p); i >= 0 {
		ps.waiting = slices.Delete(ps.waiting, i, i+1)
	}
}

// numbered returns f with the next number as its payload. The holder of the
// gate of the write side calls it when no other frame can get ahead of f.
func (ps *pings) numbered(f frame) frame {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.sent++
	f.payload = strconv.AppendUint(f.payload[:0], ps.sent, 10)
	for _, p := range ps.waiting {
		if &p.payload[0] == &f.payload[0] {
			p.number = ps.sent
		}
	}
	return f
}

// answered wakes the calls whose pings a pong with this payload answers. A peer
// may send a pong to its last ping alone (RFC 6455 section 5.5.3), so it answers
// the ones before that as well.
func (ps *pings) answered(payload []byte) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	last, err := strconv.ParseUint(string(payload), 10, 64)
	if err != nil || last > ps.sent || strconv.FormatUint(last, 10) != string(payload) {
		return // to no ping of ours
	}
	ps.waiting = slices.DeleteFunc(ps.waiting, func(p *pingCall) bool {
		if p.number == 0 || p.number > last {
			return false
		}
		close(p.pong)
		return true
	})
}
