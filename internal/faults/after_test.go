//go:build !js

package faults

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
)

// These methods check the state of a connection after a fault.

// mended clears the deadlines that ended an operation.
func (s *faultSession) mended() {
	if s.nc != nil {
		s.nc.SetDeadline(time.Time{})
	}
}

// after checks the connection after the operation has returned err.
func (k *faultCase) after(t *testing.T, s *faultSession, err error) {
	if k.fault.passes() && k.op.over && !s.stream.Stats().Closed {
		t.Error("the stream is open after the end of the conversation")
	}
	switch {
	case k.fault.passes() && !k.op.over:
		s.wantWorking(t)
	case err == nil || interrupted(err):
		s.wantBounded(t)
	default:
		s.wantRefused(t, k)
	}
	if k.n%2 == 0 {
		s.wantClosedAtOnce(t)
	} else {
		s.wantClosedSoon(t)
	}
	start := time.Now()
	for name, err := range s.calls(t) {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s on a closed connection: got error %v", name, err)
		}
	}
	if waited := time.Since(start); waited != 0 {
		t.Errorf("calls on a closed connection took %v", waited)
	}
	if !s.stream.Stats().Closed {
		t.Error("the stream is open")
	}
}

// callTimeout bounds each call made after the operation.
const callTimeout = time.Second

// calls makes a call of each kind and returns their errors.
func (s *faultSession) calls(t *testing.T) map[string]error {
	errs := map[string]error{}
	for name, call := range map[string]func(context.Context) error{
		"Read":   func(ctx context.Context) error { return conntest.ReadErr(ctx, s.c) },
		"Write":  func(ctx context.Context) error { return s.c.Write(ctx, websocket.MessageText, []byte(noted)) },
		"Ping":   s.c.Ping,
		"Writer": func(ctx context.Context) error { return write(s.c, ctx, noted) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
		errs[name] = call(ctx)
		cancel()
	}
	return errs
}

// wantWorking expects messages to be exchanged in both directions.
func (s *faultSession) wantWorking(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), operationTimeout)
	defer cancel()
	s.peer.notes.Store(true)
	var got []byte
	var err error
	switch {
	case s.reads:
		err, got = s.c.Ping(ctx), []byte(noted)
	case s.nc != nil:
		s.nc.SetDeadline(time.Now().Add(operationTimeout))
		_, err = s.nc.Write([]byte("x"))
		for err == nil && len(got) < len(noted) {
			var n int
			b := make([]byte, len(noted))
			n, err = s.nc.Read(b)
			got = append(got, b[:n]...)
		}
	default:
		err = s.c.Write(ctx, websocket.MessageText, []byte("x"))
		if err == nil {
			_, got, err = s.c.Read(ctx)
		}
	}
	if err != nil || string(got) != noted {
		t.Errorf("got %q and error %v from a connection that should work", got, err)
	}
}

// wantBounded expects each call to end with its context at the latest. Whether it
// succeeds depends on the fault.
func (s *faultSession) wantBounded(t *testing.T) {
	t.Helper()
	start := time.Now()
	calls := s.calls(t)
	if waited := time.Since(start); waited > time.Duration(len(calls))*callTimeout {
		t.Errorf("%d calls took %v", len(calls), waited)
	}
}

// wantRefused expects the calls that need the failed direction to fail at once.
func (s *faultSession) wantRefused(t *testing.T, k *faultCase) {
	t.Helper()
	d, _, hit := k.hit()
	if hit && d == outward && !s.stream.Stats().Closed {
		// The peer's close frame may be among the received bytes, so reads continue.
		// But nothing can follow a partial frame, even if the stream accepts writes
		// again.
		s.stream.CutWrites(nil)
		start := time.Now()
		err := s.c.Write(t.Context(), websocket.MessageText, []byte(noted))
		if !errors.Is(err, net.ErrClosed) || time.Since(start) != 0 {
			t.Errorf("got error %v after %v from a Write after one that failed", err, time.Since(start))
		}
		s.wantBounded(t)
		return
	}
	// The reply to a close frame is given some time, then the connection is closed.
	start := time.Now()
	for name, err := range s.calls(t) {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: got error %v, want net.ErrClosed", name, err)
		}
	}
	if waited := time.Since(start); waited != 0 {
		t.Errorf("calls on a connection that failed took %v", waited)
	}
}

// wantClosedAtOnce closes with CloseNow, which waits up to a second for a reply that is
// being sent.
func (s *faultSession) wantClosedAtOnce(t *testing.T) {
	t.Helper()
	start := time.Now()
	if err := s.c.CloseNow(); err != nil || time.Since(start) != 0 {
		t.Errorf("got error %v after %v from CloseNow", err, time.Since(start))
	}
	if !s.stream.Stats().Closed {
		time.Sleep(time.Second)
		synctest.Wait()
	}
	if s.nc != nil {
		s.nc.Close()
	}
}

// wantClosedSoon closes with a close handshake.
func (s *faultSession) wantClosedSoon(t *testing.T) {
	t.Helper()
	start := time.Now()
	if s.nc != nil {
		const patience = 100 * time.Millisecond
		if err := s.nc.Close(); err != nil || time.Since(start) > patience {
			t.Errorf("got error %v after %v from Close of a NetConn", err, time.Since(start))
		}
		time.Sleep(conntest.CloseTimeout)
		synctest.Wait()
		return
	}
	s.c.Close(websocket.StatusNormalClosure, "") // may return any error
	if took := time.Since(start); took > conntest.CloseTimeout {
		t.Errorf("Close took %v", took)
	}
	synctest.Wait()
}
