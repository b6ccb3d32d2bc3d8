//go:build !js

package websocket

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
	"weak"

	"github.com/bhojpur/api/internal/frame"
	"github.com/bhojpur/api/internal/liveness"
	"github.com/bhojpur/api/internal/sender"
	"github.com/bhojpur/api/internal/sendqueue"
)

// callbackTimeout bounds the contexts of callbacks, as in coder/websocket.
const callbackTimeout = 5 * time.Second

// pings are the pings that wait for their pongs. The payload of a ping is its sequence
// number in decimal.
type pings struct {
	mu      sync.Mutex          // a leaf
	sent    uint64              // the number of the last one
	at      [maxTimed]time.Time // when ping n was encoded, at n%maxTimed
	last    time.Duration       // the last round trip
	waiting []*pingCall
}

// maxTimed is the number of pings whose round trips are measured at a time.
const maxTimed = 8

// pingCall is a call of Ping.
type pingCall struct {
	number  uint64 // 0 until the frame is encoded
	payload []byte
	pong    chan struct{} // closed when the pong has arrived
}

// ping sends a ping and waits for its pong.
func (e *engine) ping(ctx context.Context) error {
	if err := e.checkWrite(ctx, MessageBinary); err != nil {
		return err
	}
	all := e.pings.Get()
	p := all.add()
	defer all.remove(p)
	err := e.sent(ctx, e.snd.Send(ctx, sendqueue.Control, &sender.Frame{Byte0: frame.Final(frame.Ping), Payload: p.payload}))
	switch {
	case err == nil:
	case err == ctx.Err() && e.life.state() != stateOpen:
		return e.life.err(underWay)
	default:
		return err
	}
	select {
	case <-p.pong:
		return nil
	case <-e.life.done():
		err = e.life.err(underWay)
	case <-ctx.Done():
		err = fmt.Errorf("%w: %w", errNoPong, ctx.Err())
		if e.life.state() != stateOpen {
			err = e.life.err(underWay) // a closing peer need not answer
		}
	}
	select {
	case <-p.pong: // it arrived before the connection ended
		return nil
	default:
		return err
	}
}

// pong sends an unsolicited pong.
func (e *engine) pong(ctx context.Context, payload []byte) error {
	if err := e.checkWrite(ctx, MessageBinary); err != nil {
		return err
	}
	return e.sent(ctx, e.snd.Send(ctx, sendqueue.Control, &sender.Frame{Byte0: frame.Final(frame.Pong), Payload: payload}))
}

// maxPingNumber is the length of the largest uint64 in decimal.
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

// number sets the payload of a ping to the next number. The Sender calls it when it
// encodes the frame, so numbers increase in the order of the frames.
func (ps *pings) number(payload []byte) []byte {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.sent++
	ps.at[ps.sent%maxTimed] = time.Now()
	for _, p := range ps.waiting {
		if &p.payload[0] == &payload[0] {
			p.number = ps.sent
		}
	}
	return strconv.AppendUint(payload[:0], ps.sent, 10)
}

// readHost implements receiveHost.
type readHost engine

// pingReceived sends a pong, unless OnPingReceived returns false.
func (h *readHost) pingReceived(ctx context.Context, payload []byte) {
	if h.answers(ctx, payload) {
		h.snd.PostPong(payload)
	}
}

func (h *readHost) answers(ctx context.Context, payload []byte) bool {
	onPing := h.opts.onPing
	if onPing == nil {
		return true
	}
	h.rcv.stream.ForgetRead() // no call of the stream is under way while onPing runs
	h.opts.running.begin()
	defer h.opts.running.end()
	ctx, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	return onPing(ctx, payload)
}

// pongReceived wakes the calls of Ping that a pong answers, and calls OnPongReceived.
func (h *readHost) pongReceived(ctx context.Context, payload []byte) {
	if waiting := h.pings.Peek(); waiting != nil {
		waiting.answered(payload)
	}
	onPong := h.opts.onPong
	if onPong == nil {
		return
	}
	h.rcv.stream.ForgetRead()
	h.opts.running.begin()
	defer h.opts.running.end()
	ctx, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	onPong(ctx, payload)
}

// callbackGate reports running callbacks to calls that must not wait for one.
type callbackGate struct {
	mu    sync.Mutex // a leaf
	runs  bool
	begun chan struct{} // closed when the next callback begins; nil if no call waits for that
}

func (g *callbackGate) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.runs = true
	if g.begun != nil {
		close(g.begun)
		g.begun = nil
	}
}

func (g *callbackGate) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.runs = false
}

// callbackBegun returns a channel that is closed if a callback runs, or once one
// begins. It is nil if the connection has no callbacks.
func (e *engine) callbackBegun() <-chan struct{} {
	g := e.opts.running
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.runs {
		closed := make(chan struct{})
		close(closed)
		return closed
	}
	if g.begun == nil {
		g.begun = make(chan struct{})
	}
	return g.begun
}

// answered wakes the calls whose pings a pong with this payload answers: the ping with the
// same payload and all earlier ones, since a peer may answer only the most recent ping
// (RFC 6455 section 5.5.3).
func (ps *pings) answered(payload []byte) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	last, err := strconv.ParseUint(string(payload), 10, 64)
	if err != nil || last > ps.sent || strconv.FormatUint(last, 10) != string(payload) {
		return // not the number of a ping that was sent
	}
	if at := &ps.at[last%maxTimed]; last+maxTimed > ps.sent && !at.IsZero() {
		ps.last, *at = time.Since(*at), time.Time{} // a second pong answers nothing
	}
	ps.waiting = slices.DeleteFunc(ps.waiting, func(p *pingCall) bool {
		if p.number == 0 || p.number > last {
			return false
		}
		close(p.pong)
		return true
	})
}

// errNoPong is wrapped by the error of a Ping that was not answered.
var errNoPong = errors.New("no pong: is a Read under way at the peer?")

// roundTrip returns the last round trip of a ping, or 0.
func (e *engine) roundTrip() time.Duration {
	ps := e.pings.Peek()
	if ps == nil {
		return 0
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.last
}

// startWatch starts the timer of the connection, if it has one. The timer does not
// keep the connection from being collected.
func (h *readHost) startWatch() {
	if h.opts.watch == nil {
		return
	}
	watched := weak.Make(h)
	h.opts.watch.Start(func() {
		if h := watched.Value(); h != nil {
			h.checkLiveness()
		}
	})
}

// checkLiveness is called by the timer. It sends a ping to a silent peer, and ends the
// connection if the peer is lost or does not read.
func (h *readHost) checkLiveness() {
	e := (*engine)(h)
	w := e.opts.watch
	if e.life.state() > stateWriteFailed {
		w.StopReads() // no ping can follow the close frame
	}
	unsent, known := 0, false
	if w.WriteTimeout > 0 {
		unsent, known = e.rcv.stream.Unsent()
	}
	if !known {
		unsent = liveness.Unknown
	}
	switch w.Look(unsent) {
	case liveness.Silent:
		e.snd.PostPing()
	case liveness.Gone:
		e.shut(endReason{byNetwork, ErrPingTimeout})
	case liveness.Stalled:
		e.shut(endReason{byNetwork, ErrWriteTimeout})
	}
}

// Writes returns the record of the calls that write to the stream.
func (h *sendHost) Writes() *liveness.Activity { return &h.opts.watch.Writes }
