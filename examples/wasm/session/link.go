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
	openTimeout = 10 * time.Second // for the opening handshake
	sendTimeout = 10 * time.Second // for one request

	// The pause before the next attempt doubles from the first to the last value. Half of
	// it is random, so that the clients of a server that has restarted do not all connect
	// at the same moment.
	firstPause = 500 * time.Millisecond
	lastPause  = 15 * time.Second

	// maxEvent is the limit of an event in bytes: a welcome contains the whole history.
	maxEvent = 16 << 20
)

// link is a connection, from its attempt to its end. Its goroutine dials and reads, and
// reports to the goroutine of the session.
type link struct {
	hangUp context.CancelFunc // closes the connection, without waiting
	conn   *websocket.Conn    // owned by the session's goroutine; nil until it is open
}

// news is a report of a link: it is open, an event has arrived, or it has ended.
type news struct {
	from  *link
	conn  *websocket.Conn
	event protocol.Event
	err   error
}

// connect starts a link, if there is none.
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

// disconnect ends the link, or cancels the next attempt.
func (s *Session) disconnect() {
	s.retry.Stop()
	if s.link != nil {
		s.link.hangUp()
	}
	s.out()
	s.view.ShowState(Offline)
}

// out records that there is no link, and so no membership in the room.
func (s *Session) out() {
	s.link, s.me, s.asked = nil, nil, ""
}

// tell passes news to the goroutine of Run, unless the link was hung up.
func (s *Session) tell(ctx context.Context, n news) {
	select {
	case s.news <- n:
	case <-ctx.Done():
	}
}

// converse dials and reads until the connection ends, and returns the cause.
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

// hear handles news of a link.
func (s *Session) hear(ctx context.Context, n news) {
	switch {
	case n.from != s.link: // it was hung up
	case n.err != nil:
		s.lost(ctx, n.err)
	case n.conn != nil:
		s.link.conn = n.conn
		s.view.ShowState(Connected)
		if s.name != "" {
			s.join(ctx)
		} else {
			s.view.HideTrouble() // only the name is missing now
		}
	default:
		s.handle(ctx, n.event)
	}
}

// farewells are texts for the close codes of the server.
var farewells = map[websocket.StatusCode]string{
	websocket.StatusGoingAway:       "The server has shut down.",
	websocket.StatusPolicyViolation: "You were disconnected, because you sent too much at once.",
	websocket.StatusTryAgainLater:   "Messages arrived faster than they could be delivered to you.",
}

// lost handles the end of a link.
func (s *Session) lost(ctx context.Context, err error) {
	s.out()
	code := websocket.CloseStatus(err)
	if code == protocol.StatusReplaced {
		// Another tab has the same key, as a copy of this one. It keeps the key.
		s.newKey()
		s.connect(ctx)
		return
	}
	text, ok := farewells[code]
	if !ok {
		text = "The server can't be reached."
	}
	s.view.ShowState(Offline)
	switch code {
	case websocket.StatusInvalidFramePayloadData, websocket.StatusPolicyViolation:
		// The server forbids automatic attempts.
		s.view.ShowTrouble(text, time.Time{})
	default:
		pause := s.pause()
		s.retry.Reset(pause)
		s.view.ShowTrouble(text, time.Now().Add(pause))
	}
}

// pause returns the time until the next attempt.
func (s *Session) pause() time.Duration {
	longest := lastPause
	if s.attempts < 8 { // avoids an overflow
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
	// The goroutine that reads reports the end of the connection.
	if err := wsjson.Write(ctx, s.link.conn, req); errors.Is(err, context.DeadlineExceeded) {
		s.link.conn.CloseNow()
	}
}
