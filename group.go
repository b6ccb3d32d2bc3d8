package websocket

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Group is a set of connections, such as those of a server, or of a room. The zero Group
// is empty and ready for use. All methods are safe for concurrent use, and only Close
// blocks. A Group must not be copied after first use.
//
// A connection may be in several groups, and is removed from them when it ends: after
// [Conn.Done] is closed, it is not a member. A Group keeps its members from being
// collected.
type Group struct {
	mu     sync.Mutex // a leaf; guards the rest
	conns  map[*Conn]struct{}
	closed bool
}

// Add adds c to the group. It reports false, and adds nothing, after Close was called: the
// program closes c then. Otherwise it reports true. It does nothing if c is a member or
// has ended.
func (g *Group) Add(c *Conn) bool {
	x := c.exits.Get()
	x.mu.Lock()
	defer x.mu.Unlock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	// If c has ended before x was allocated, life reports it.
	if _, member := g.conns[c]; member || x.ended || c.life.hasEnded() {
		return true
	}
	if g.conns == nil {
		g.conns = make(map[*Conn]struct{})
	}
	g.conns[c] = struct{}{}
	x.add(c, g)
	return true
}

// Remove removes c from the group, and does not close it. It does nothing if c is not a
// member.
func (g *Group) Remove(c *Conn) {
	x := c.exits.Peek()
	if x == nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if i := slices.Index(x.sets, set(g)); i >= 0 {
		x.sets = slices.Delete(x.sets, i, i+1)
		g.remove(c)
	}
}

// remove implements set.
func (g *Group) remove(conn any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, conn.(*Conn))
}

// Len returns the number of members.
func (g *Group) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.conns)
}

// All returns an iterator over the connections that are members when an iteration begins,
// in no order. It takes a snapshot and holds no lock: the loop may call any method and may
// wait. A connection may have ended when the loop gets to it.
func (g *Group) All() iter.Seq[*Conn] {
	return func(yield func(*Conn) bool) {
		for _, c := range g.snapshot() {
			if !yield(c) {
				return
			}
		}
	}
}

// snapshot returns the members.
func (g *Group) snapshot() []*Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.AppendSeq(make([]*Conn, 0, len(g.conns)), maps.Keys(g.conns))
}

// Close closes the group permanently, and its members with the close handshake (RFC 6455
// section 7), as [Conn.CloseContext] does. It sends all close frames before it waits, and
// then waits for all members at once. If ctx has no deadline, the bound is 5 seconds.
//
// When ctx is done, the members that are left are closed as by [Conn.CloseNow], and Close
// returns an error that is that of ctx. A lost connection is not an error. A code or a
// reason that can't be sent is an error, and replaced, as in [Conn.Close]. Later and
// concurrent calls wait, too, and all calls wait for members that another call is
// closing.
//
// [net/http.Server.Shutdown] does not close the connections. A server calls Close in a
// function registered with RegisterOnShutdown, and waits for that function after Shutdown,
// which does not wait for it.
func (g *Group) Close(ctx context.Context, code StatusCode, reason string) error {
	checkContext(ctx)
	start := time.Now()
	ctx, cancel := boundClose(ctx)
	defer cancel()
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	conns := g.snapshot()
	first := make([]bool, len(conns))
	_, _, invalid := sendable(code, reason)
	for i, c := range conns {
		first[i], _ = c.startClose(code, reason)
	}
	var left atomic.Int64
	var closing sync.WaitGroup
	for i, c := range conns {
		closing.Go(func() {
			if !c.endsWithin(ctx, first[i]) {
				left.Add(1)
			}
			c.awaitCloseRead(ctx, start)
		})
	}
	closing.Wait()
	var unanswered error
	if n := left.Load(); n > 0 {
		unanswered = fmt.Errorf("%d of %d connections: %w", n, len(conns), noCloseFrame(ctx))
	}
	return opError("close", errors.Join(invalid, unanswered))
}

// endsWithin waits for the end of a connection after startClose. It reports false if ctx
// is done before, and has closed the connection then.
func (c *Conn) endsWithin(ctx context.Context, first bool) bool {
	if first {
		err := c.endClose(ctx, first)
		return err == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err())
	}
	select {
	case <-c.life.done():
	case <-ctx.Done():
		select {
		case <-c.life.done():
		default:
			c.endClose(ctx, first)
			return false
		}
	}
	return true
}
