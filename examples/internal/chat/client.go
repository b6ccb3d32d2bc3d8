package chat

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
	"github.com/bhojpur/api/wsjson"
)

// client is a connection. The goroutine of its handler reads requests and handles them.
type client struct {
	protocol.Person // zero before join; room.mu guards the name
	conn            *websocket.Conn
	room            *room
	opts            *Options
	bucket          bucket
	refused         int // number of requests in a row that came too fast
}

// readRequests handles requests until the connection ends, and returns the cause.
func (c *client) readRequests(ctx context.Context) error {
	for {
		var req protocol.Request
		if err := wsjson.Read(ctx, c.conn, &req); err != nil {
			// If the connection has ended, Close has no effect.
			c.conn.Close(websocket.StatusInvalidFramePayloadData, "a request is a JSON object")
			return err
		}
		if wait := c.bucket.take(time.Now()); wait > 0 {
			c.refused++
			if c.refused > c.opts.MaxRefused {
				c.conn.Close(websocket.StatusPolicyViolation, "too many messages")
				return errors.New("too many requests in spite of refusals")
			}
			c.post(encode(protocol.Event{Type: protocol.Refused, Reason: protocol.ReasonRate, Ref: req.Ref,
				Text: "That was a little fast. Please wait a moment and send it again.", RetryMS: wait.Milliseconds() + 1}))
			continue
		}
		c.refused = 0
		if reason, text := c.handle(req); reason != "" {
			c.post(encode(protocol.Event{Type: protocol.Refused, Reason: reason, Ref: req.Ref, Text: text}))
		}
	}
}

// handle carries out a request, or returns a reason and a text for a refusal. It ignores
// requests of unknown types.
func (c *client) handle(req protocol.Request) (reason, text string) {
	switch {
	case c.ID == "" && req.Type != protocol.Join:
		return protocol.ReasonJoin, "Please join first."
	case c.ID == "" || req.Type == protocol.Rename:
		name := protocol.CleanName(req.Name)
		if name == "" || len(req.Key) > protocol.MaxKey {
			return protocol.ReasonName, "Please enter a name."
		}
		if c.ID == "" {
			c.room.join(c, name, req.Key)
		} else {
			c.room.rename(c, name)
		}
	case req.Type == protocol.Say:
		text := protocol.CleanText(req.Text)
		if text == "" {
			return protocol.ReasonEmpty, "There is nothing in that message."
		}
		if utf8.RuneCountInString(text) > protocol.MaxText || len(req.Ref) > protocol.MaxRef {
			return protocol.ReasonLength, fmt.Sprintf("That is too long: a message may have %d characters.", protocol.MaxText)
		}
		c.room.say(c, text, req.Ref)
	}
	return "", ""
}

// post sends an event without waiting. A client with too large a backlog is disconnected.
func (c *client) post(m *websocket.PreparedMessage) {
	if errors.Is(c.conn.Post(m), websocket.ErrBacklog) {
		go c.conn.Close(websocket.StatusTryAgainLater, "you read too slowly; connect again")
	}
}

// bucket is a token bucket. It holds up to size tokens and gains one each refill.
type bucket struct {
	size   int
	refill time.Duration
	full   time.Time // when it will hold size tokens
}

// take takes a token and returns 0, or returns the time until there is one.
func (b *bucket) take(now time.Time) (wait time.Duration) {
	if b.full.Before(now) {
		b.full = now
	}
	full := b.full.Add(b.refill)
	if wait := full.Sub(now) - time.Duration(b.size)*b.refill; wait > 0 {
		return wait
	}
	b.full = full
	return 0
}
