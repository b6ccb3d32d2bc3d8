package proxies

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bhojpur/api"
)

// pingInterval is shorter than the timeout of the proxies.
const pingInterval = 400 * time.Millisecond

// TestIdle leaves connections idle for longer than the proxy allows, all of them
// concurrently. Those on which one end has a PingInterval stay open.
func TestIdle(t *testing.T) {
	t.Parallel()
	for _, px := range proxies {
		t.Run(px.name, func(t *testing.T) {
			t.Parallel()
			s := px.start(t, newProgram(t, nil), px.impatient)
			pinging := px.start(t, newProgram(t, &websocket.AcceptOptions{PingInterval: pingInterval}), px.impatient)
			var wg sync.WaitGroup
			for _, scheme := range schemes {
				pings, pongs := make(chan struct{}, 100), make(chan struct{}, 100)
				byServer := pinging.connect(t, scheme, &websocket.DialOptions{
					OnPingReceived: func(context.Context, []byte) bool { pings <- struct{}{}; return true },
				})
				wg.Go(func() { testKeptAlive(t, byServer, pings) })
				byClient := s.connect(t, scheme, &websocket.DialOptions{
					PingInterval:   pingInterval,
					OnPongReceived: func(context.Context, []byte) { pongs <- struct{}{} },
				})
				wg.Go(func() { testKeptAlive(t, byClient, pongs) })
				p := s.connect(t, scheme, nil)
				wg.Go(func() { testGone(t, p) })
			}
			wg.Wait()
		})
	}
}

// testKeptAlive expects the connection to be open after pings, or their pongs, have arrived for
// longer than the proxy's timeout.
func testKeptAlive(t *testing.T, p *pair, pinged <-chan struct{}) {
	const pings = 8 // for one and a half times the proxy's timeout
	ctx := testContext(t)
	var wg sync.WaitGroup
	for _, d := range p.directions() {
		wg.Go(func() {
			if _, got, err := d.to.Read(ctx); err != nil || string(got) != hello {
				t.Errorf("Read %s, with pings: got %q and %v, want %q", d.name, got, err, hello)
			}
		})
	}
	for range pings {
		select {
		case <-pinged:
		case <-ctx.Done():
			t.Error("the pings have ended")
		}
	}
	for _, d := range p.directions() {
		if err := d.from.Write(ctx, text, []byte(hello)); err != nil {
			t.Errorf("Write %s: %v", d.name, err)
		}
	}
	wg.Wait()
	testEnd(t, p)
}

// testGone expects both ends to get an error after the proxy has closed an idle
// connection without a close frame. HAProxy resets the connection to the server when it
// closes it by itself.
func testGone(t *testing.T, p *pair) {
	t.Helper()
	ctx := testContext(t)
	var wg sync.WaitGroup
	for _, d := range p.directions() {
		wg.Go(func() {
			_, _, err := d.to.Read(ctx)
			wantGone(t, "Read "+d.name, err, false, io.EOF, syscall.ECONNRESET)
			err = d.to.Write(ctx, text, []byte(hello))
			wantGone(t, "Write after it", err, true, io.EOF, syscall.ECONNRESET)
		})
	}
	wg.Wait()
}

// wantGone checks the error of a connection that ended without a close frame: it
// matches one of the causes, and net.ErrClosed if the call is a later one.
func wantGone(t *testing.T, what string, err error, later bool, causes ...error) {
	t.Helper()
	if errors.Is(err, net.ErrClosed) != later || websocket.CloseStatus(err) != -1 {
		t.Errorf("%s: got %v, want no close frame, and net.ErrClosed: %t", what, err, later)
	}
	if !slices.ContainsFunc(causes, func(cause error) bool { return errors.Is(err, cause) }) {
		t.Errorf("%s: got %v, want one of %v", what, err, causes)
	}
}
