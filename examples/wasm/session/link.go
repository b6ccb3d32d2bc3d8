package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
	"github.com/bhojpur/api/wsjson"
)

const (
	openTimeout = 10 * time.Second // for a connection to open
	sendTimeout = 10 * time.Second // for one request

	// The pause before another attempt doubles from the first to the last
	// value. Half of it is left to chance, so that the clients of a server
	// that comes back don't all call at the same moment.
	firstPause = 500 * time.Millisecond
	lastPause  = 15 * time.Second

	// maxEvent bounds an event in bytes: a welcome has the history, of as many
	// messages as the server wants to keep.
	maxEvent = 16 << 20
)

// link is one connection, from the attempt to its end. A goroutine of its own
// dials and reads; what there is to tell goes to the session's.
type link struct {
	hangUp context.CancelFunc // closes the connection, and waits for nothing
	conn   *websocket.Conn    // owned by the session's goroutine: nil until it is open
}

// news is what a link tells, one thing at a time: that it is open, an event,
// or its end.
type news struct {
	from  *link
	conn  *websocket.Conn
	event protocol.Event
	err   error
}

// connect begins a link, if there is none.
func (s *Session) connect(ctx context.Context) {
	if s.link != nil {
		return
	}
	s.view.ShowState(Connecting)
	ctx, hangUp := context.WithCancel(ctx)
	l := &link{hangUp: hangUp}
	s.link = l
	s.links.Go(func() {
		defer hangUp()
		s.tell(ctx, news{from: l, err: s.converse(ctx, l)})
	})
}

// disconnect ends the link, or the wait for the next one.
func (s *Session) disconnect() {
	s.retry.Stop()
	if s.link != nil {
		s.link.hangUp()
	}
	s.out()
	s.view.ShowState(Offline)
}

// out notes that there is no link any more, and so no way to be in the room.
func (s *Session) out() {
	s.link, s.me, s.asked = nil, nil, ""
}

// tell hands news to the goroutine of Run, unless the link was hung up.
func (s *Session) tell(ctx context.Context, n news) {
	select {
	case s.news <- n:
	case <-ctx.Done():
	}
}

// converse dials and reads until the connection ends, and returns why.
func (s *Session) converse(ctx context.Context, l *link) error {
	conn, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxEvent)
	s.tell(ctx, news{from: l, conn: conn})
	for {
		var e protocol.Event
		err := wsjson.Read(ctx, conn, &e)
		if ctx.Err() != nil {
			return conn.Close(websocket.StatusNormalClosure, "")
		}
		if err != nil {
			return err
		}
		s.tell(ctx, news{from: l, event: e})
	}
}

func (s *Session) open(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, s.url, s.dial)
	return conn, err
}

// hear takes what a link tells.
func (s *Session) hear(ctx context.Context, n news) {
	switch {
	case n.from != s.link: // one that was hung up
	case n.err != nil:
		s.lost(ctx, n.err)
	case n.conn != nil:
		s.link.conn = n.conn
		s.view.ShowState(Connected)
		if s.name != "" {
			s.join(ctx)
		} else {
			s.view.HideTrouble() // only the name is missing
		}
	default:
		s.handle(ctx, n.event)
	}
}

// farewells say why the server closed the connection.
var farewells = map[websocket.StatusCode]string{
	websocket.StatusGoingAway:       "The server has gone away.",
	websocket.StatusPolicyViolation: "You sent too much at once and were disconnected.",
	websocket.StatusTryAgainLater:   "Messages came faster than they could be delivered to you.",
}

// lost decides what comes after the end of a link.
func (s *Session) lost(ctx context.Context, err error) {
	s.out()
	code := websocket.CloseStatus(err)
	if code == protocol.StatusReplaced {
		// Another tab has our key, being a copy of this one. It keeps the key.
		s.newKey()
		s.connect(ctx)
		return
	}
	text, ok := farewells[code]
	if !ok {
		text = "There is no connection to the server."
	}
	s.view.ShowState(Offline)
	switch code {
	case websocket.StatusInvalidFramePayloadData, websocket.StatusPolicyViolation:
		// It would be wrong to come back uninvited.
		s.view.ShowTrouble(text, time.Time{})
	default:
		pause := s.pause()
		s.retry.Reset(pause)
		s.view.ShowTrouble(text, time.Now().Add(pause))
	}
}

// pause returns how long to wait for the next attempt.
func (s *Session) pause() time.Duration {
	longest := lastPause
	if s.attempts < 8 { // further doubling is of no use
		longest = min(lastPause, firstPause<<s.attempts)
	}
	s.attempts++
	return longest/2 + rand.N(longest/2)
}

func (s *Session) isOpen() bool { return s.link != nil && s.link.conn != nil }

// send sends a request, if there is a connection.
func (s *Session) send(ctx context.Context, req protocol.Request) {
	if !s.isOpen() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	// The end of the connection is told by who reads.
	if err := wsjson.Write(ctx, s.link.conn, req); errors.Is(err, context.DeadlineExceeded) {
		s.link.conn.CloseNow()
	}
}
