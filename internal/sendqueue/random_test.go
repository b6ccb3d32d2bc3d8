package sendqueue

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var seedFlag = flag.Uint64("sendqueue.seed", 0, "the `seed` of the one random schedule to run")

// TestRandomSchedules runs goroutines that send in all ways at once, over a model of a
// sender, and checks the received frames. A wake-up that is lost is a deadlock of the bubble.
func TestRandomSchedules(t *testing.T) {
	if *seedFlag != 0 {
		runSchedule(t, *seedFlag)
		return
	}
	n := 3000
	if testing.Short() {
		n = 300
	}
	for range n {
		if seed := rand.Uint64(); !runSchedule(t, seed) {
			t.Fatalf("run it again with -sendqueue.seed %d", seed)
		}
	}
}

func runSchedule(t *testing.T, seed uint64) (ok bool) {
	defer func() {
		if !ok || t.Failed() {
			t.Logf("the seed is %d", seed)
		}
	}()
	synctest.Test(t, func(t *testing.T) { schedule(t, seed) })
	return !t.Failed()
}

// item is a frame of the model.
type item struct {
	id     int
	class  Class
	begun  int // the message that a part belongs to
	ticket int // of a request that was queued, or of the Begin of a part: the order
}

// fate is the outcome of a frame for its caller.
type fate uint8

const (
	onWire   fate = iota + 1 // sent
	nowhere                  // withdrawn, refused or failed
	anywhere                 // posted, or left by its caller
)

var errGone = errors.New("the stream is closed")

// modelSender is a sender whose frames have one byte each. The sent bytes are kept.
type modelSender struct {
	t       *testing.T
	q       Queue[item]
	gone    chan struct{} // closed with the stream
	leaders atomic.Int32
	drains  sync.WaitGroup

	// Guarded by the lead.
	batch Batch[item]
	out   []item
	sent  int
	wire  []item
	rand  *rand.Rand

	mu      sync.Mutex // guards the rest; held to queue a request, so that tickets have its order
	tickets int
	ids     int
	fates   map[int]fate

	current atomic.Pointer[modelMessage]
}

// modelMessage is an open message, owned by the goroutine that has it taken.
type modelMessage struct {
	done  <-chan struct{}
	taken atomic.Bool
}

func (s *modelSender) led() {
	if s.leaders.Add(1) != 1 {
		s.t.Error("two goroutines have the lead")
	}
}

func (s *modelSender) item(c Class) item {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids++
	return item{id: s.ids, class: c}
}

func (s *modelSender) note(f item, what fate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fates[f.id] != 0 {
		s.t.Errorf("frame %d has two outcomes", f.id)
	}
	s.fates[f.id] = what
}

// send sends a frame, and returns its fate. keep says that the rest of a batch is
// left to others when ctx ends.
func (s *modelSender) send(ctx context.Context, f item, keep bool) fate {
	if !s.q.ShouldYield() && s.q.TryLead(f.class) {
		s.led()
		own := len(s.out)
		s.out = append(s.out, f)
		what := s.flush(ctx, own)
		s.release()
		return what
	}
	s.mu.Lock()
	s.tickets++
	if f.class == Message {
		f.ticket = s.tickets
	}
	r := s.q.Enqueue(f.class, f)
	s.mu.Unlock()
	if r == nil {
		return nowhere
	}
	if s.q.ShouldYield() {
		s.q.Yield()
	}
	for {
		switch s.q.Wait(ctx, r, s.abandon) {
		case Sent:
			return onWire
		case Failed, Withdrawn:
			return nowhere
		case WithdrawnLeading:
			s.led()
			s.sendPosted()
			return nowhere
		case Overdue:
			if !keep {
				if ok, leading := s.q.CloseOverdue(r, errGone); ok {
					s.closeStream(leading)
					ctx = context.Background()
				}
			} else if ok, leading := s.q.Abandon(r); ok {
				if leading {
					s.led()
					s.release()
				}
				return anywhere
			}
		case Leading:
			s.led()
			what := s.lead(ctx, r)
			s.release()
			if what != 0 {
				return what
			}
		}
	}
}

// lead sends batches until the frame of r is out. It returns 0 if r has to wait.
func (s *modelSender) lead(ctx context.Context, r *Request[item]) (what fate) {
	for what == 0 || what == onWire && r.End == 0 {
		s.take(r)
		if len(s.out) == 0 {
			return 0
		}
		own := len(s.out)
		if r.End > 0 {
			own = int(r.Start)
		}
		what = s.flush(ctx, own)
	}
	s.q.Recycle(r)
	return what
}

// take moves requests from the queue to the batch.
func (s *modelSender) take(own *Request[item]) {
	for len(s.out) < 8 {
		r := s.q.Next(own)
		if r == nil {
			return
		}
		r.Start = int64(len(s.out))
		s.out = append(s.out, r.Frame)
		r.End = int64(len(s.out))
		s.batch.Add(r)
	}
}

// flush sends out, in which the frame at own is the caller's.
func (s *modelSender) flush(ctx context.Context, own int) fate {
	for s.sent < len(s.out) {
		if s.rand.IntN(4) == 0 {
			select {
			case <-time.After(time.Duration(s.rand.IntN(5)) * time.Millisecond):
			case <-s.gone:
			case <-ctx.Done():
				switch {
				case s.sent > own:
					return onWire
				case own < len(s.out):
					s.out = append(s.out[:own:own], s.out[own+1:]...)
					s.batch.Withdraw(int64(own), 1)
				}
				return nowhere
			}
		}
		select {
		case <-s.gone:
			out := s.sent > own
			s.fail()
			if out {
				return onWire
			}
			return nowhere
		default:
		}
		s.wireNext()
	}
	s.out, s.sent = nil, 0
	return onWire
}

func (s *modelSender) wireNext() {
	s.wire = append(s.wire, s.out[s.sent])
	s.sent++
	s.q.Settle(&s.batch, int64(s.sent), Sent)
}

// release gives up the lead.
func (s *modelSender) release() {
	for {
		unfinished := s.batch.First()
		if s.sent == len(s.out) {
			s.out, s.sent = nil, 0
		} else if unfinished == nil {
			s.drain()
			return
		}
		if unfinished == nil && s.leaders.Add(-1) == 0 && s.q.TryRelease() {
			return
		} else if unfinished != nil {
			s.leaders.Add(-1)
		}
		switch s.q.Release(unfinished) {
		case Released:
			return
		case Discard:
			s.led()
			s.fail()
			return
		case Drain:
			s.led()
			s.drain()
			return
		case SendPosted:
			s.led()
			s.take(nil)
			for s.sent < len(s.out) && s.rand.IntN(8) > 0 {
				s.wireNext()
			}
		}
	}
}

// drain leaves out to a goroutine.
func (s *modelSender) drain() {
	s.drains.Go(func() {
		s.flush(context.Background(), len(s.out))
		s.release()
	})
}

func (s *modelSender) sendPosted() {
	s.take(nil)
	s.release()
}

// fail ends the queue. The caller has the lead.
func (s *modelSender) fail() {
	s.q.Close(errGone)
	settle(&s.q, &s.batch, Failed)
	s.out, s.sent = nil, 0
}

// cut ends the queue and the stream.
func (s *modelSender) cut() { s.closeStream(s.q.Close(errGone)) }

// closeStream closes the stream after the queue, whose Close returned leading.
func (s *modelSender) closeStream(leading bool) {
	s.mu.Lock()
	select {
	case <-s.gone:
	default:
		close(s.gone)
	}
	s.mu.Unlock()
	if leading {
		s.led()
		s.fail()
	}
}

// abandon ends the open message if its context has ended.
func (s *modelSender) abandon(done <-chan struct{}) {
	if m := s.current.Load(); m != nil && m.done == done && m.taken.CompareAndSwap(false, true) {
		s.finish()
	}
}

func (s *modelSender) finish() {
	s.current.Store(nil)
	if s.q.Finish() {
		s.led()
		s.sendPosted()
	}
}

// message sends a message of several parts.
func (s *modelSender) message(ctx context.Context, rnd *rand.Rand) {
	s.mu.Lock()
	s.tickets++
	ticket := s.tickets
	r := s.q.Begin(ctx.Done())
	s.mu.Unlock()
	if r == nil {
		return
	}
	switch s.q.Wait(ctx, r, s.abandon) {
	case Sent:
	case WithdrawnLeading:
		s.led()
		s.sendPosted()
		return
	case Withdrawn, Failed:
		return
	default:
		s.t.Error("a Begin request has the outcome of another")
	}
	m := &modelMessage{done: ctx.Done()}
	m.taken.Store(true)
	s.current.Store(m)
	for range 1 + rnd.IntN(4) {
		f := s.item(Part)
		f.begun, f.ticket = ticket, ticket
		what := s.send(ctx, f, false)
		s.note(f, what)
		if what != onWire {
			break
		}
	}
	if ctx.Done() != nil && rnd.IntN(4) == 0 { // left open until a waiter ends it, or its context
		m.taken.Store(false)
		<-ctx.Done()
		if !m.taken.CompareAndSwap(false, true) {
			return
		}
	}
	s.finish()
}

// schedule runs one random schedule.
func schedule(t *testing.T, seed uint64) {
	s := &modelSender{t: t, gone: make(chan struct{}), fates: map[int]fate{}, rand: rand.New(rand.NewPCG(seed, 0))}
	rnd := rand.New(rand.NewPCG(seed, 1))
	var all sync.WaitGroup
	for i := range 2 + rnd.IntN(12) {
		own := rand.New(rand.NewPCG(seed, uint64(i)+2))
		all.Go(func() {
			for range 20 {
				s.step(own)
			}
		})
	}
	ending := rnd.IntN(3)
	if ending > 0 {
		<-time.After(time.Duration(rnd.IntN(60)) * time.Millisecond)
	}
	switch ending {
	case 1:
		s.end()
	case 2:
		s.cut()
	}
	all.Wait()
	s.drains.Wait()
	s.check(ending == 0)
}

// end sends the final frame.
func (s *modelSender) end() {
	f := s.item(Control)
	s.note(f, anywhere)
	if _, leading := s.q.End(f); leading {
		s.led()
		s.sendPosted()
	}
}

// step sends something.
func (s *modelSender) step(rnd *rand.Rand) {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if rnd.IntN(3) == 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rnd.IntN(12))*time.Millisecond)
	}
	defer cancel()
	switch rnd.IntN(8) {
	case 0:
		s.message(ctx, rnd)
	case 1:
		f := s.item(Control)
		s.note(f, s.send(ctx, f, true))
	case 2:
		f := s.item(Control)
		s.note(f, anywhere)
		if _, leading := s.q.PostControl(f, Pong, 3); leading {
			s.led()
			s.sendPosted()
		}
	case 3:
		f := s.item(Message)
		s.mu.Lock()
		s.tickets++
		f.ticket = s.tickets
		ok, leading := s.q.PostMessage(f, 10, 30)
		s.mu.Unlock()
		if ok {
			s.note(f, anywhere)
		} else {
			s.note(f, nowhere)
		}
		if leading {
			s.led()
			s.sendPosted()
		}
	case 4:
		<-time.After(time.Duration(rnd.IntN(4)) * time.Millisecond)
	default:
		f := s.item(Message)
		s.note(f, s.send(ctx, f, rnd.IntN(8) > 0))
	}
}

// check checks the received frames, once all goroutines have returned.
func (s *modelSender) check(usable bool) {
	t := s.t
	seen := map[int]bool{}
	var begun, last int     // the message of the last part, and the largest ticket
	ended := map[int]bool{} // messages whose parts were followed by other frames
	for _, f := range s.wire {
		if seen[f.id] {
			t.Errorf("frame %d arrived twice", f.id)
		}
		seen[f.id] = true
		if f.class == Control {
			continue
		}
		if f.ticket > 0 && f.ticket < last {
			t.Errorf("frame %d has the ticket %d, behind one with %d", f.id, f.ticket, last)
		}
		last = max(last, f.ticket)
		if f.begun != begun && begun != 0 {
			ended[begun] = true
		}
		if begun = f.begun; ended[begun] {
			t.Errorf("another message is between the parts of message %d", begun)
		}
	}
	closed := s.q.is(closed)
	for id, what := range s.fates {
		switch {
		case what == onWire && !seen[id]:
			t.Errorf("frame %d was sent, and did not arrive", id)
		case what == nowhere && seen[id]:
			t.Errorf("frame %d was not sent, and arrived", id)
		}
	}
	if w := s.q.more.Load(); w != nil {
		if w.posted != [kinds]int{} || w.postedBytes != 0 {
			t.Errorf("%d control frames and %d bytes are posted", w.posted, w.postedBytes)
		}
	}
	if s.q.Queued() || !closed && s.q.Held() || s.q.Open() {
		t.Errorf("the state is %04b in the end", s.q.state.Load())
	}
	if usable && !closed {
		f := s.item(Message)
		if what := s.send(context.Background(), f, false); what != onWire {
			t.Errorf("a later frame has the fate %d", what)
		}
	}
}
