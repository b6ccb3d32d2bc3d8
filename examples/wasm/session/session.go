// Package session is a client of the chat without its page. It connects, connects again
// after a lost connection, and sends each message until it is confirmed. It does not
// depend on a browser, so its tests run natively.
package session

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
)

// State is the state of the connection.
type State int

const (
	Connecting State = iota
	Connected
	Offline
)

// View shows a session. Its methods are called one after the other, by the goroutine of
// [Session.Run], and must not block.
type View interface {
	ShowState(State)
	// ShowTrouble shows the reason of a lost connection and the time of the next attempt,
	// which is zero if there is none. It stays until HideTrouble.
	ShowTrouble(text string, retryAt time.Time)
	HideTrouble()
	// ShowPeople shows the people in the room, me first.
	ShowPeople(people []protocol.Person, me protocol.Person)

	AddMessage(m protocol.Message, me protocol.Person)
	// AddHistory adds messages from before this person joined.
	AddHistory(messages []protocol.Message, me protocol.Person)
	AddRemark(text string)

	// AddPending shows a message that is not confirmed. ref identifies it.
	AddPending(ref, text string)
	ShowSending(ref string)
	ShowFailed(ref string)
	RemovePending(ref string)

	// Notice shows a text for a short time.
	Notice(text string)
	// AskName prompts for a name, for SetName. why is the problem of the last name, or "".
	AskName(why string)

	// KeepName and KeepKey store the options of the next session.
	KeepName(name string)
	KeepKey(key string)
}

// Options are the options of New.
type Options struct {
	URL  string // of the room; in a browser it may be relative
	Dial *websocket.DialOptions
	Name string // as stored by KeepName; "" prompts for one
	Key  string // as stored by KeepKey; "" makes a new person
}

// Session is a client of the chat. All methods are safe for concurrent use. Except for
// Run they return at once, and Run executes them in their order.
type Session struct {
	// Set by New.
	view View
	url  string
	dial *websocket.DialOptions
	news chan news     // from links
	more chan struct{} // of capacity 1: deeds is not empty

	mu    sync.Mutex // a leaf
	deeds []deed     // not executed yet

	// Owned by the goroutine of Run.
	name     string // as chosen by the person
	asked    string // of a join under way, or ""
	key      string
	link     *link // the connection or the attempt, or nil
	links    sync.WaitGroup
	attempts int // number since the last welcome
	retry    *time.Timer

	// The state of the room, owned by the goroutine of Run.
	me      *protocol.Person // nil outside of the room
	room    string           // the run of the server that lastID belongs to
	lastID  int64            // of a message
	people  map[string]protocol.Person
	pending []*pending
}

// deed is an action of the person.
type deed func(ctx context.Context)

// pending is a message that the server has not confirmed.
type pending struct {
	ref, text string
	failed    bool // refused; the person sends it again or discards it
}

// New returns a session. Run starts it.
func New(opts Options, view View) *Session {
	return &Session{
		view:   view,
		url:    opts.URL,
		dial:   opts.Dial,
		news:   make(chan news),
		more:   make(chan struct{}, 1),
		name:   protocol.CleanName(opts.Name),
		key:    opts.Key,
		people: make(map[string]protocol.Person),
	}
}

// Run keeps the session connected until ctx is done. When it returns, the connection is
// closed.
func (s *Session) Run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer s.links.Wait()
	defer cancel()
	s.retry = time.NewTimer(0)
	s.retry.Stop()

	if s.key == "" {
		s.newKey()
	}
	s.connect(ctx)
	if s.name == "" {
		s.view.AskName("")
	}
	for {
		select {
		case <-s.more:
			for _, do := range s.takeDeeds() {
				do(ctx)
			}
		case n := <-s.news:
			s.hear(ctx, n)
		case <-s.retry.C:
			s.connect(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (s *Session) do(d deed) {
	s.mu.Lock()
	s.deeds = append(s.deeds, d)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *Session) takeDeeds() []deed {
	s.mu.Lock()
	defer s.mu.Unlock()
	deeds := s.deeds
	s.deeds = nil
	return deeds
}

// newKey makes the session that of another person.
func (s *Session) newKey() {
	s.key = rand.Text()
	s.view.KeepKey(s.key)
}

// Connect connects at once, if there is no connection.
func (s *Session) Connect() {
	s.do(s.connect)
}

// Disconnect leaves the room until Connect is called.
func (s *Session) Disconnect() {
	s.do(func(context.Context) { s.disconnect() })
}

// SetName joins with a name, or changes the name.
func (s *Session) SetName(name string) {
	s.do(func(ctx context.Context) {
		name := protocol.CleanName(name)
		switch {
		case name == "":
			s.view.AskName("Please enter a name.")
			return
		case s.me != nil && name == s.me.Name:
			return
		}
		s.name = name
		s.view.KeepName(name)
		switch {
		case s.me != nil:
			s.send(ctx, protocol.Request{Type: protocol.Rename, Name: name})
		case s.asked == "": // otherwise welcome does so
			s.join(ctx)
		}
	})
}

// Say sends a message at once, or when there is a connection again.
func (s *Session) Say(text string) {
	s.do(func(ctx context.Context) {
		text := protocol.CleanText(text)
		if text == "" {
			return
		}
		p := &pending{ref: rand.Text(), text: text}
		s.pending = append(s.pending, p)
		s.view.AddPending(p.ref, p.text)
		s.transmit(ctx, p)
	})
}

// SendAgain sends a refused message again.
func (s *Session) SendAgain(ref string) {
	s.do(func(ctx context.Context) {
		if p := s.pendingOf(ref); p != nil && p.failed {
			p.failed = false
			s.view.ShowSending(ref)
			s.transmit(ctx, p)
		}
	})
}

// Discard removes a refused message.
func (s *Session) Discard(ref string) {
	s.do(func(context.Context) {
		if p := s.pendingOf(ref); p != nil && p.failed {
			s.settle(p)
		}
	})
}
