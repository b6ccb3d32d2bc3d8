package chat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
	"github.com/bhojpur/api/wsjson"
)

// client is one connection. Two goroutines work on it: the handler's own
// reads requests and carries them out, and a second one writes what comes
// through queue, so that a slow client keeps nobody waiting but itself. A
// third one looks from time to time whether the other end is still there.
type client struct {
	conn  *websocket.Conn
	room  *room
	opts  Options
	queue chan []byte // encoded events, bounded: a full one means too slow

	// Owned by the goroutine that reads.
	id      string // "" before join
	bucket  bucket
	refused int // requests in a row that came too fast
}

func newClient(conn *websocket.Conn, r *room, opts Options) *client {
	return &client{
		conn:   conn,
		room:   r,
		opts:   opts,
		queue:  make(chan []byte, opts.Queue),
		bucket: bucket{size: opts.Burst, refill: opts.Refill},
	}
}

// run serves the connection until it is closed, and returns what ended it.
func (c *client) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var others sync.WaitGroup
	others.Go(func() { c.writeQueue(ctx) })
	others.Go(func() { c.keepAlive(ctx) })

	err := c.readRequests(ctx)
	c.room.leave(c, c.id)

	// Another goroutine may be in the middle of Close, with a reason for the
	// client to know. This call waits for it; where there is none, it closes.
	// Only then does the context end: it would cut short a write under way.
	c.conn.Close(websocket.StatusNormalClosure, "")
	cancel()
	others.Wait()
	return err
}

var errFlood = errors.New("too many requests in spite of refusals")

// readRequests reads until the connection ends, and returns why.
func (c *client) readRequests(ctx context.Context) error {
	for {
		var req protocol.Request
		if err := wsjson.Read(ctx, c.conn, &req); err != nil {
			// Where the JSON is not the reason, the connection has ended, and Close
			// does nothing.
			c.conn.Close(websocket.StatusInvalidFramePayloadData, "a request is a JSON object")
			return err
		}
		if wait := c.bucket.take(time.Now()); wait > 0 {
			c.refused++
			if c.refused > c.opts.MaxRefused {
				c.conn.Close(websocket.StatusPolicyViolation, "too many messages")
				return errFlood
			}
			c.refuseRate(req, wait)
			continue
		}
		c.refused = 0
		c.handle(req)
	}
}

// handle carries a request out.
func (c *client) handle(req protocol.Request) {
	switch {
	case req.Type == protocol.Join && c.id == "":
		name := protocol.CleanName(req.Name)
		if name == "" || len(req.Key) > protocol.MaxKey {
			c.refuse(req, protocol.ReasonName, "Please tell a name.")
			return
		}
		c.id = c.room.join(c, name, req.Key)

	case c.id == "":
		c.refuse(req, protocol.ReasonJoin, "Please join first.")

	case req.Type == protocol.Say:
		text := protocol.CleanText(req.Text)
		switch {
		case text == "":
			c.refuse(req, protocol.ReasonEmpty, "There is nothing in that message.")
		case len([]rune(text)) > protocol.MaxText || len(req.Ref) > protocol.MaxRef:
			c.refuse(req, protocol.ReasonLength, fmt.Sprintf("That is too long: a message may have %d characters.", protocol.MaxText))
		default:
			c.room.say(c, c.id, text, req.Ref)
		}

	case req.Type == protocol.Rename:
		name := protocol.CleanName(req.Name)
		if name == "" {
			c.refuse(req, protocol.ReasonName, "Please tell a name.")
			return
		}
		c.room.rename(c, c.id, name)
	}
}

func (c *client) refuse(req protocol.Request, reason, text string) {
	c.send(protocol.Event{Type: protocol.Refused, Reason: reason, Text: text, Ref: req.Ref})
}

func (c *client) refuseRate(req protocol.Request, wait time.Duration) {
	c.send(protocol.Event{
		Type:    protocol.Refused,
		Reason:  protocol.ReasonRate,
		Text:    "That was a little fast. Please wait a moment and send it again.",
		Ref:     req.Ref,
		RetryMS: wait.Milliseconds() + 1,
	})
}

// send queues an event for this client alone.
func (c *client) send(e protocol.Event) { c.sendEncoded(encode(e)) }

// sendEncoded queues an event and never waits. A client whose queue is full
// is disconnected: it returns false.
func (c *client) sendEncoded(p []byte) bool {
	select {
	case c.queue <- p:
		return true
	default:
		c.disconnect(websocket.StatusTryAgainLater, "you read too slowly; connect again")
		return false
	}
}

// disconnect closes the connection, and tells the client why, without waiting
// for it. The read in readRequests then returns an error.
func (c *client) disconnect(code websocket.StatusCode, reason string) {
	go c.conn.Close(code, reason)
}

// writeQueue writes what is queued. Who takes nothing for WriteTimeout is
// dropped. After any other error there is nothing to do: the connection is
// over, or somebody is closing it, and the goroutine that reads learns it too.
func (c *client) writeQueue(ctx context.Context) {
	for {
		select {
		case p := <-c.queue:
			err := c.write(ctx, p)
			if errors.Is(err, context.DeadlineExceeded) {
				c.conn.CloseNow()
			}
			if err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (c *client) write(ctx context.Context, p []byte) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.WriteTimeout)
	defer cancel()
	return c.conn.Write(ctx, websocket.MessageText, p)
}

// keepAlive pings the client, so that one that vanished without a word is
// noticed, and proxies between see that the connection is used. The pong is
// seen by the goroutine that reads.
func (c *client) keepAlive(ctx context.Context) {
	ticker := time.NewTicker(c.opts.PingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if errors.Is(c.ping(ctx), context.DeadlineExceeded) {
			c.conn.CloseNow()
			return
		}
	}
}

func (c *client) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.PingTimeout)
	defer cancel()
	return c.conn.Ping(ctx)
}
