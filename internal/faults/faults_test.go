//go:build !js

package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/poolcheck"
	"github.com/bhojpur/api/internal/rawpeer"
)

// These tests break the stream under a connection, in each of several ways, at each
// byte of a short conversation. The operation under test reads and writes known bytes
// in a known order, so for each byte the test can tell whether a fault there affects the
// operation, and with which error.

var allFaults = flag.Bool("faults.all", false, "break the stream at every byte, of long messages too")

// direction is a direction of a stream, seen from the end under test.
type direction uint8

const (
	inward direction = iota
	outward
)

func (d direction) String() string { return [...]string{"in", "out"}[d] }

// fault is a failure of a stream.
type fault struct {
	name   string
	fails  [2]error // the later errors of Reads and Writes at the end under test; nil where they keep working
	gently func(s *rawpeer.Stream)
}

// errStopped marks a direction whose calls block without end.
var errStopped = errors.New("stopped")

// passing is the duration of a temporary fault, less than any timeout.
const passing = 50 * time.Millisecond

var faults = []fault{
	{name: "a call ends", gently: func(*rawpeer.Stream) {}},
	{name: "byte by byte", gently: func(s *rawpeer.Stream) {
		s.ChunkReads(1)
		s.SetCapacity(1)
	}},
	{name: "a delay", gently: func(s *rawpeer.Stream) {
		reads, writes := s.StallReads(), s.StallWrites()
		time.AfterFunc(passing, func() { reads(); writes() })
	}},
	{name: "reads stop", fails: [2]error{errStopped, nil}},
	{name: "writes stop", fails: [2]error{nil, errStopped}},
	{name: "all stops", fails: [2]error{errStopped, errStopped}},
	{name: "the peer half-closes", fails: [2]error{io.EOF, nil}},
	{name: "the peer is gone", fails: [2]error{io.EOF, rawpeer.ErrBrokenPipe}},
	{name: "reads are reset", fails: [2]error{rawpeer.ErrReset, nil}},
	{name: "writes are reset", fails: [2]error{nil, rawpeer.ErrReset}},
	{name: "all is reset", fails: [2]error{rawpeer.ErrReset, rawpeer.ErrReset}},
	{name: "no reader", fails: [2]error{nil, rawpeer.ErrBrokenPipe}},
	{name: "the line is dead", fails: [2]error{syscall.ETIMEDOUT, syscall.ETIMEDOUT}},
}

// passes reports whether the connection survives the fault.
func (f *fault) passes() bool { return f.gently != nil }

func (f *fault) stops() bool { return f.fails[inward] == errStopped || f.fails[outward] == errStopped }

// strike injects the fault. mend resumes stalled directions.
func (f *fault) strike(s *rawpeer.Stream) (mend func()) {
	if f.gently != nil {
		f.gently(s)
		return func() {}
	}
	var release []func()
	switch f.fails[inward] {
	case nil:
	case errStopped:
		release = append(release, s.StallReads())
	default:
		s.CutReads(f.fails[inward])
	}
	switch f.fails[outward] {
	case nil:
	case errStopped:
		release = append(release, s.StallWrites())
	default:
		s.CutWrites(f.fails[outward])
	}
	return func() {
		for _, r := range release {
			r()
		}
	}
}

// operation is an operation on a connection whose stream breaks.
type operation struct {
	name  string
	plain bool                                       // compression makes no difference
	sends func(deflate bool) []rawpeer.Frame         // sent by the peer beforehand
	begin func(s *faultSession)                      // prepares the connection for run
	run   func(context.Context, *faultSession) error // called again after a timeout, it continues

	restarts bool // called again after a timeout, run starts over

	// Without a fault:
	ends error  // the error it returns
	got  string // the payload it delivers
	over bool   // whether the connection has ended

	// The result depends on:
	order  []direction             // the directions it depends on, in order
	enough func(masked bool) int64 // how many of the peer's bytes it needs; nil means all
	early  bool                    // the last written bytes may be missing
	loose  bool                    // it also writes in the background, at any time

	// With a fault that affects it, in direction d after n bytes:
	fails func(f *fault, d direction, n int64) []error // the errors of which it returns one; nil means streamErrors, an empty slice any error
	bound time.Duration                                // the longest it blocks while both directions are stalled; 0 means operationTimeout
	grace time.Duration                                // how much longer it may take after its end or failure
}

// operationTimeout is the timeout of the operations' contexts and deadlines.
const operationTimeout = 10 * time.Second

// faultSession is one conversation.
type faultSession struct {
	c      *websocket.Conn
	nc     net.Conn // if not nil, the NetConn of c
	reads  bool     // CloseRead was called
	stream *rawpeer.Stream
	peer   *answering
	got    []byte // received by the operation so far
	sent   int    // accepted by the NetConn's Writes
}

// faultCase is an operation with a fault. The zero fault is none.
type faultCase struct {
	op    *operation
	mode  websocket.CompressionMode
	conn  conntest.Connect
	first []rawpeer.Frame // sent by the peer beforehand

	fault *fault
	at    direction // the fault happens after n bytes in this direction
	n     int64

	// Measured in the conversation without a fault:
	passes [2]int64 // bytes read and written
	needs  [2]int64 // bytes without which the operation fails
	wire   string
}

func (k *faultCase) String() string {
	return fmt.Sprintf("%s after %d bytes %v of %v", k.fault.name, k.n, k.at, k.passes)
}

// hit reports whether the fault affects the operation, and if so, in which direction
// and after how many bytes in it.
func (k *faultCase) hit() (d direction, n int64, hit bool) {
	at := len(k.op.order) // the step during which the fault happens
	if k.n == 0 {
		at = 0
	} else if i := slices.Index(k.op.order, k.at); i >= 0 {
		at = i
		if k.n >= k.needs[k.at] {
			at++
		}
	}
	for i := at; i < len(k.op.order); i++ {
		d := k.op.order[i]
		if k.fault.fails[d] == nil {
			continue
		}
		if i == at && d == k.at {
			return d, k.n, true
		}
		return d, 0, true
	}
	return 0, 0, false
}

// wantFailure returns the errors of which the operation must return one.
func (k *faultCase) wantFailure(d direction, n int64) []error {
	if k.op.fails != nil {
		return k.op.fails(k.fault, d, n)
	}
	return streamErrors(k.fault, d, n)
}

// isOneOf reports whether err matches one of targets, or is any error if there are
// none.
func isOneOf(err error, targets []error) bool {
	if len(targets) == 0 {
		return err != nil
	}
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// open starts the conversation.
func (k *faultCase) open(t *testing.T) *faultSession {
	opts := &conntest.Options{Compression: k.mode, Threshold: 16}
	c, p := k.conn(t, rawpeer.Listen(nil), opts)
	s := &faultSession{c: c, stream: conntest.UnderTest(p), peer: &answering{p: p}}
	go s.peer.run(k.first)
	synctest.Wait()
	return s
}

// do runs the operation once.
func (k *faultCase) do(t *testing.T, s *faultSession) (took time.Duration, err error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), operationTimeout)
	defer cancel()
	err = k.op.run(ctx, s)
	return time.Since(start), err
}

// learn runs the conversation without a fault and records it.
func (k *faultCase) learn(t *testing.T) {
	s := k.open(t)
	defer s.c.CloseNow()
	before := s.stream.Stats()
	if k.op.begin != nil {
		k.op.begin(s)
	}
	took, err := k.do(t, s)
	synctest.Wait()
	if !errors.Is(err, k.op.ends) || string(s.got) != k.op.got || took > k.op.grace {
		t.Errorf("got error %v, %.80q after %v, want %v, %.80q", err, s.got, took, k.op.ends, k.op.got)
	}
	after := s.stream.Stats()
	k.passes = [2]int64{after.BytesRead - before.BytesRead, after.BytesWritten - before.BytesWritten}
	k.needs = k.passes
	if k.op.enough != nil {
		k.needs[inward] = k.op.enough(conntest.PeerIsClient(s.peer.p))
	}
	k.wire = s.peer.unmasked()
	if s.nc != nil {
		s.nc.Close()
	}
}

// play runs the conversation with the fault.
func (k *faultCase) play(t *testing.T) {
	s := k.open(t)
	defer s.c.CloseNow()
	passed := s.stream.Stats()
	mend := func() {}
	strike := func() { mend = k.fault.strike(s.stream) }
	if k.at == inward {
		s.stream.AfterReading(passed.BytesRead+k.n, strike)
	} else {
		s.stream.AfterWriting(passed.BytesWritten+k.n, strike)
	}
	if k.op.begin != nil {
		k.op.begin(s)
	}
	took, err := k.do(t, s)
	synctest.Wait()
	k.judge(t, s, took, err)
	if t.Failed() {
		return
	}
	// A call that timed out has lost nothing, unless its error says that the connection
	// failed.
	if k.fault.stops() && interrupted(err) {
		mend()
		s.mended()
		if _, err := k.do(t, s); !errors.Is(err, k.op.ends) || string(s.got) != k.op.got {
			t.Errorf("when it continues: got error %v, %.80q, want %v, %.80q", err, s.got, k.op.ends, k.op.got)
		}
		synctest.Wait()
		wire := s.peer.unmasked()
		if wire != k.wire && !k.op.restarts && !(s.nc != nil && stream(t, wire) == stream(t, k.wire)) {
			t.Errorf("when it continues: the peer got %.80q, want %.80q", wire, k.wire)
		}
	}
	k.after(t, s, err)
}

// interrupted reports whether err is only that of a deadline or a context.
func interrupted(err error) bool {
	ended := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
	return ended && !errors.Is(err, net.ErrClosed)
}

// judge checks the result of the operation.
func (k *faultCase) judge(t *testing.T, s *faultSession, took time.Duration, err error) {
	d, n, hit := k.hit()
	whole := errors.Is(err, k.op.ends) && string(s.got) == k.op.got
	want := []error{k.op.ends}
	if hit {
		want = k.wantFailure(d, n)
	}
	switch {
	case hit && !isOneOf(err, want) && !(k.op.early && whole):
		t.Errorf("got error %v, want one of %q", err, want)
	case !hit && !whole && !(k.op.loose && isOneOf(err, append(k.wantFailure(inward, 1), k.wantFailure(outward, 1)...))):
		t.Errorf("got error %v, %.80q, want %v, %.80q", err, s.got, k.op.ends, k.op.got)
	case hit && k.fault.fails[d] != errStopped && k.op.ends != err && errors.Is(err, net.ErrClosed) && k.op.fails == nil:
		t.Errorf("got error %v, which is net.ErrClosed, want only the cause", err)
	}
	bound := k.op.grace
	switch {
	case k.fault.passes():
		bound += passing
	case hit && k.fault.stops():
		bound += operationTimeout
		if k.op.bound > 0 {
			bound = k.op.bound
		}
	}
	if took > bound {
		t.Errorf("took %v, want no more than %v", took, bound)
	}
	if len(s.got) > len(k.op.got) || string(s.got) != k.op.got[:len(s.got)] {
		t.Errorf("got %.80q, want a prefix of %.80q", s.got, k.op.got)
	}
	if wire := s.peer.unmasked(); len(wire) > len(k.wire) || wire != k.wire[:len(wire)] {
		t.Errorf("the peer got %.80q, want a prefix of %.80q", wire, k.wire)
	}
}

// offsets are the offsets, in a conversation of n bytes, at which it breaks.
func offsets(n int64) []int64 {
	dense, steps := int64(8), int64(4)
	switch {
	case *allFaults:
		dense, steps = 300, 100
	case testing.Short(), poolcheck.On: // with the race detector
		dense, steps = 2, 2
	}
	var at []int64
	for i := int64(0); i <= n; i++ {
		if i <= dense || i >= n-dense || i%max(1, n/steps) == 0 {
			at = append(at, i)
		}
	}
	return at
}

// TestFaults runs each operation with each fault at each byte, in both roles,
// with and without compression.
func TestFaults(t *testing.T) {
	cases := 0
	for i := range operations {
		op := &operations[i]
		for _, role := range conntest.Roles {
			for _, mode := range []websocket.CompressionMode{websocket.CompressionDisabled, websocket.CompressionContextTakeover} {
				if op.plain && mode != websocket.CompressionDisabled {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%d", op.name, role.Name, mode), func(t *testing.T) {
					k := faultCase{op: op, mode: mode, conn: role.Connect}
					if op.sends != nil {
						k.first = op.sends(mode != websocket.CompressionDisabled)
					}
					synctest.Test(t, k.learn)
					cases += k.playEach(t, k.play)
				})
			}
		}
	}
	t.Logf("%d cases", cases)
}

// playEach calls play in a bubble for each fault at each byte, and returns the number
// of calls.
func (k *faultCase) playEach(t *testing.T, play func(t *testing.T)) (cases int) {
	defer func() {
		if v := recover(); v != nil {
			panic(fmt.Sprintf("%s: %v: %v", t.Name(), k, v)) // a bubble that cannot end
		}
	}()
	for i := range faults {
		k.fault = &faults[i]
		for _, k.at = range []direction{inward, outward} {
			for _, k.n = range offsets(k.passes[k.at]) {
				cases++
				synctest.Test(t, func(t *testing.T) {
					defer func() {
						if t.Failed() {
							t.Log(k)
						}
					}()
					play(t)
				})
			}
		}
	}
	return cases
}
