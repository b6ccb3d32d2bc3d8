package interop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
)

// settings are a peer's settings of permessage-deflate (RFC 7692 section 7.1).
type settings struct {
	Deflate          bool `json:"deflate"`
	ServerNoTakeover bool `json:"serverNoTakeover"`
	ClientNoTakeover bool `json:"clientNoTakeover"`
	WindowBits       int  `json:"windowBits"` // of both sides; 0 sets no limit
}

// A behavior is how a peer responds to each message of a connection.
type behavior string

const (
	// echo echoes it.
	echo behavior = "echo"
	// fragments echoes it in fragments, with a ping between them.
	fragments behavior = "fragments"
	// ping sends a ping with the message as its payload, waits for the pong, and sends
	// "pong " and the payload.
	ping behavior = "ping"
	// closes sends a close frame with the code and reason in the message, a closing.
	closes behavior = "close"
)

// closing is a message that asks a peer to close.
type closing struct {
	Code   int    `json:"code"` // 0 for a close frame without a code
	Reason string `json:"reason"`
}

// job is a request to a client to connect.
type job struct {
	ID           string   `json:"id"`
	URL          string   `json:"url"`
	Behavior     behavior `json:"behavior"`
	Subprotocols []string `json:"subprotocols"`
}

// report is a peer's report of a connection that has ended.
type report struct {
	ID          string `json:"id"`
	Extensions  string `json:"extensions"` // in the server's response
	Subprotocol string `json:"subprotocol"`
	Code        int    `json:"code"` // of the received close frame
	Reason      string `json:"reason"`
	Error       string `json:"error"`
}

// A peer is an implementation to test against.
type peer struct {
	name string
	// install installs it, if it is missing.
	install func(context.Context) error
	// can reports whether it supports the settings.
	can func(settings) bool
	// server starts a server that handles messages at URL/BEHAVIOR?id=ID. It is stopped
	// at the end of the test.
	server func(*testing.T, settings) server
	client func(*testing.T, settings) client
}

type server interface {
	url() string
	// report waits for the end of a connection.
	report(ctx context.Context, id string) (report, error)
}

type client interface {
	dial(job) error
	report(ctx context.Context, id string) (report, error)
}

var peers = []peer{gorillaPeer, nodePeer, pythonPeer}

// reports passes each report to the goroutine that waits for it.
type reports struct {
	ended chan struct{} // closed after the last one

	mu   sync.Mutex
	byID map[string]chan report
}

func newReports() *reports {
	return &reports{ended: make(chan struct{}), byID: make(map[string]chan report)}
}

func (rs *reports) of(id string) chan report {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	c := rs.byID[id]
	if c == nil {
		c = make(chan report, 1)
		rs.byID[id] = c
	}
	return c
}

var errEnded = errors.New("the peer has ended")

// report waits for the report of a connection.
func (rs *reports) report(ctx context.Context, id string) (report, error) {
	c := rs.of(id)
	select {
	case r := <-c:
		return r, nil
	case <-rs.ended:
		select {
		case r := <-c:
			return r, nil
		default:
			return report{}, errEnded
		}
	case <-ctx.Done():
		return report{}, fmt.Errorf("no report of connection %s: %w", id, context.Cause(ctx))
	}
}
