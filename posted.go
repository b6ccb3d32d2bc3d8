//go:build !js

package websocket

import (
	"bytes"
	"context"
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

// pings are the pings that wait for their pongs.
type pings struct {
	mu      sync.Mutex // a leaf
	last    uint64
	waiting map[string]chan struct{} // by payload; nil when there are none
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
	payload, pong := waiting.add()
	defer waiting.remove(payload)
	f := frame{lead: lastOf(opPing), payload: []byte(payload)}
	if _, err := e.send(ctx, f, dropRest); err != nil {
		return err
	}
	var err error
	select {
	case <-pong:
		return nil
	case <-e.life.ended():
		err = e.life.err()
	case <-ctx.Done():
		err = ctx.Err()
	}
	select {
	case <-pong: // before the end, which is seen as well
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

func (ps *pings) add() (payload string, pong chan struct{}) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.last++
	payload = strconv.FormatUint(ps.last, 10)
	pong = make(chan struct{})
	if ps.waiting == nil {
		ps.waiting = make(map[string]chan struct{})
	}
	ps.waiting[payload] = pong
	return payload, pong
}

func (ps *pings) remove(payload string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	delete(ps.waiting, payload)
	if len(ps.waiting) == 0 {
		ps.waiting = nil
	}
}

// answered wakes who waits for the pong with this payload.
func (ps *pings) answered(payload []byte) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if pong, ok := ps.waiting[string(payload)]; ok {
		close(pong)
		delete(ps.waiting, string(payload))
	}
}
