// Package session is somebody's side of the chat without the page: it
// connects, comes back when the connection was lost, and sees to it that what
// was said arrives. It knows nothing of a browser. The tests run it natively.
package session

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
)

// State is how far a session is from being connected.
type State int

const (
	Connecting State = iota
	Connected
	Offline
)

// View shows a session. Its methods are called one after the other, from the
// goroutine of [Session.Run], and must not wait for anything.
type View interface {
	ShowState(State)
	// ShowTrouble tells why there is no connection, and when the next attempt
	// will be: never, if that is the zero time. It stays until HideTrouble.
	ShowTrouble(text string, retryAt time.Time)
	HideTrouble()
	// ShowPeople lists who is here, me first.
	ShowPeople(people []protocol.Person, me protocol.Person)

	AddMessage(m protocol.Message, me protocol.Person)
	// AddHistory adds messages that were said before one came in.
	AddHistory(messages []protocol.Message, me protocol.Person)
	AddRemark(text string)

	// AddPending shows what was said and is not confirmed, which ref names.
	AddPending(ref, text string)
	ShowSending(ref string)
	ShowFailed(ref string)
	RemovePending(ref string)

	// Notice says something for a moment.
	Notice(text string)
	// AskName asks for a name, which SetName is told. why says what was wrong
	// with the last one, or is "".
	AskName(why string)

	// KeepName and KeepKey are told what to remember for the next session.
	KeepName(name string)
	KeepKey(key string)
}

// Options are what a session begins with.
type Options struct {
	URL  string // of the chat's socket; in a browser it may be relative
	Dial *websocket.DialOptions
	Name string // the one that was kept, or "" for asking
	Key  string // the one that was kept, or "" for a new person
}

// Session is somebody in the chat, or on the way there. All its methods may be
// called at once. Those that tell what the person does return at once; Run
// sees to it, in the same order.
type Session struct {
	// Set by New.
	view View
	url  string
	dial *websocket.DialOptions
	news chan news     // from links
	more chan struct{} // of capacity 1: there are deeds

	mu    sync.Mutex // a leaf
	deeds []deed     // that Run has not come to

	// Owned by the goroutine of Run.
	name     string // that the person wants
	asked    string // the one in a join under way, or ""
	key      string
	link     *link // the connection, or the attempt at one, or nil
	links    sync.WaitGroup
	attempts int // since the last welcome
	retry    *time.Timer

	// What is known of the room, owned by the goroutine of Run.
	me      *protocol.Person // nil while not in the room
	room    string           // which run of the server lastID belongs to
	lastID  int64            // of a message
	people  map[string]protocol.Person
	pending []*pending
}

// deed is something that the person does.
type deed func(ctx context.Context)

// pending is something said that the server has not confirmed.
type pending struct {
	ref, text string
	failed    bool // refused; the person decides what becomes of it
}

// New returns a session that Run begins.
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

// Run connects, and stays connected until ctx ends. When it returns, the
// connection is closed.
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

// newKey makes the person another one.
func (s *Session) newKey() {
	s.key = rand.Text()
	s.view.KeepKey(s.key)
}

// Connect connects now, if there is no connection.
func (s *Session) Connect() {
	s.do(s.connect)
}

// Disconnect leaves the room, until Connect.
func (s *Session) Disconnect() {
	s.do(func(context.Context) { s.disconnect() })
}

// SetName joins with a name, or changes it.
func (s *Session) SetName(name string) {
	s.do(func(ctx context.Context) {
		name := protocol.CleanName(name)
		switch {
		case name == "":
			s.view.AskName("Please tell a name.")
			return
		case s.me != nil && name == s.me.Name:
			return
		}
		s.name = name
		s.view.KeepName(name)
		switch {
		case s.me != nil:
			s.send(ctx, protocol.Request{Type: protocol.Rename, Name: name})
		case s.asked == "": // otherwise welcome sees to it
			s.join(ctx)
		}
	})
}

// Say says something, at once or when the connection is back.
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

// SendAgain tries once more to say what was refused.
func (s *Session) SendAgain(ref string) {
	s.do(func(ctx context.Context) {
		if p := s.pendingOf(ref); p != nil && p.failed {
			p.failed = false
			s.view.ShowSending(ref)
			s.transmit(ctx, p)
		}
	})
}

// Discard gives up what was refused.
func (s *Session) Discard(ref string) {
	s.do(func(context.Context) {
		if p := s.pendingOf(ref); p != nil && p.failed {
			s.settle(p)
		}
	})
}
