//go:build !js

package faults

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
	"github.com/bhojpur/api/wsjson"
	"github.com/bhojpur/api/wspb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

var (
	said     = "something to say, something"
	saidMore = conntest.Filler(5000)   // more than is copied after a frame header
	saidMost = conntest.Filler(17_000) // more than a frame of a Writer
	saidJSON = `"` + said + `"`
)

// sendsText returns the frames of a peer that sends one message.
func sendsText(s string) func(deflate bool) []rawpeer.Frame {
	return func(deflate bool) []rawpeer.Frame {
		if deflate {
			return []rawpeer.Frame{rawpeer.Deflated(rawpeer.Text(s))}
		}
		return []rawpeer.Frame{rawpeer.Text(s)}
	}
}

// sendsParts returns the frames of a peer that sends a message in three frames, with
// the frames of between before the last one.
func sendsParts(s string, between ...rawpeer.Frame) func(deflate bool) []rawpeer.Frame {
	return func(deflate bool) []rawpeer.Frame {
		f := sendsText(s)(deflate)[0]
		p := f.Payload
		third := len(p) / 3
		first, second := f.More(), rawpeer.Continuation("").More()
		first.Payload, second.Payload = p[:third], p[third:2*third]
		frames := append([]rawpeer.Frame{first, second}, between...)
		return append(frames, rawpeer.Continuation(string(p[2*third:])))
	}
}

func sends(frames ...rawpeer.Frame) func(deflate bool) []rawpeer.Frame {
	return func(bool) []rawpeer.Frame { return frames }
}

var operations = []operation{
	{
		name: "Read", order: []direction{inward}, sends: sendsText(said), got: said,
		run: runRead,
	},
	{
		name: "Read of a long message", order: []direction{inward}, sends: sendsText(saidMore), got: saidMore,
		run: runRead,
	},
	{
		name: "Read of fragments", order: []direction{inward}, sends: sendsParts(said), got: said,
		run: runRead,
	},
	{
		name: "Read with a ping inside", order: []direction{inward}, sends: sendsParts(said, rawpeer.Ping("are you there?")), got: said,
		run: runRead, loose: true,
	},
	{
		name: "Reader", order: []direction{inward}, sends: sendsParts(said), got: said,
		run: func(ctx context.Context, s *faultSession) error {
			_, r, err := s.c.Reader(ctx)
			if err != nil {
				return err
			}
			return s.readAll(r)
		},
	},
	{
		name: "Read of a close frame", order: []direction{inward}, sends: sends(rawpeer.Close(4000, "bye")), plain: true,
		run: runRead, ends: websocket.CloseError{Code: 4000, Reason: "bye"}, over: true, grace: 100 * time.Millisecond,
	},
	{
		name: "Read over the limit", order: []direction{inward}, sends: sends(rawpeer.Text(said)), plain: true,
		begin: func(s *faultSession) { s.c.SetReadLimit(int64(len(said)) - 1) },
		run:   runRead, ends: websocket.ErrMessageTooBig, over: true, grace: conntest.DrainTime,
		enough: func(masked bool) int64 {
			if masked {
				return 6
			}
			return 2
		},
	},
	{
		name: "Read of a violation", order: []direction{inward}, sends: sends(rawpeer.Text(said).WithRSV(rawpeer.RSV2)), plain: true,
		run: runViolation, ends: errViolation, over: true, grace: conntest.DrainTime,
		enough: func(bool) int64 { return 1 },
	},
	{
		name: "wsjson.Read", order: []direction{inward}, sends: sendsText(saidJSON), got: said,
		run: func(ctx context.Context, s *faultSession) error {
			var got string
			err := wsjson.Read(ctx, s.c, &got)
			s.got = []byte(got)
			return err
		},
	},
	{
		name: "wspb.Read", order: []direction{inward}, sends: func(deflate bool) []rawpeer.Frame {
			f := sendsText("\x0a\x1b" + said)(deflate)
			f[0].Opcode = rawpeer.OpBinary
			return f
		}, got: said,
		run: func(ctx context.Context, s *faultSession) error {
			var got wrapperspb.StringValue
			err := wspb.Read(ctx, s.c, &got)
			s.got = []byte(got.Value)
			return err
		},
	},
	{
		name: "CloseRead", order: []direction{inward}, sends: sends(rawpeer.Close(4000, "bye")), plain: true,
		run: func(ctx context.Context, s *faultSession) error {
			s.reads = true
			<-s.c.CloseRead(ctx).Done()
			synctest.Wait() // the end of ctx closes the connection asynchronously
			return s.c.Ping(ctx)
		},
		ends: websocket.CloseError{Code: 4000, Reason: "bye"}, over: true, grace: 100 * time.Millisecond,
		fails: func(f *fault, d direction, n int64) []error {
			if f.fails[d] == errStopped {
				return []error{net.ErrClosed} // the end of the context calls CloseNow
			}
			return streamErrors(f, d, n)
		},
	},
	{
		name: "Write", order: []direction{outward},
		run: func(ctx context.Context, s *faultSession) error {
			return s.c.Write(ctx, websocket.MessageText, []byte(said))
		},
	},
	{
		name: "Write of a long message", order: []direction{outward},
		run: func(ctx context.Context, s *faultSession) error {
			return s.c.Write(ctx, websocket.MessageText, []byte(saidMore))
		},
	},
	{
		name: "Writes at once", restarts: true, order: []direction{outward}, plain: true, run: runWrites,
	},
	{
		name: "Writer", order: []direction{outward},
		run: func(ctx context.Context, s *faultSession) error {
			return write(s.c, ctx, said[:9], said[9:])
		},
	},
	{
		name: "Writer of several frames", order: []direction{outward},
		run: func(ctx context.Context, s *faultSession) error {
			return write(s.c, ctx, saidMost[:10_000], saidMost[10_000:])
		},
	},
	{
		name: "WritePrepared", order: []direction{outward},
		run: func(ctx context.Context, s *faultSession) error {
			m, err := websocket.NewPreparedMessage(websocket.MessageText, []byte(said))
			if err != nil {
				return err
			}
			return s.c.WritePrepared(ctx, m)
		},
	},
	{
		name: "wsjson.Write", order: []direction{outward},
		run: func(ctx context.Context, s *faultSession) error {
			return wsjson.Write(ctx, s.c, said)
		},
	},
	{
		name: "wspb.Write", order: []direction{outward},
		run: func(ctx context.Context, s *faultSession) error {
			return wspb.Write(ctx, s.c, wrapperspb.String(said))
		},
	},
	{
		name: "Ping", order: []direction{outward, inward}, plain: true,
		begin: func(s *faultSession) {
			s.reads = true
			s.c.CloseRead(context.Background())
		},
		run:      func(ctx context.Context, s *faultSession) error { return s.c.Ping(ctx) },
		restarts: true,
		fails:    eitherError, // both readers and writers detect it
	},
	{
		name: "Write and Read", restarts: true, order: []direction{outward, inward}, got: noted,
		run: func(ctx context.Context, s *faultSession) error {
			s.peer.notes.Store(true)
			if err := s.c.Write(ctx, websocket.MessageText, []byte(said)); err != nil {
				return err
			}
			return runRead(ctx, s)
		},
	},
	{
		name: "Read and Write", order: []direction{inward, outward}, sends: sendsText(said), got: said,
		run: func(ctx context.Context, s *faultSession) error {
			if len(s.got) == 0 {
				if err := runRead(ctx, s); err != nil {
					return err
				}
			}
			return s.c.Write(ctx, websocket.MessageText, []byte(said))
		},
	},
	{
		name: "Close", restarts: true, order: []direction{outward, inward}, plain: true, over: true,
		run: func(_ context.Context, s *faultSession) error {
			return s.c.Close(websocket.StatusGoingAway, "bye")
		},
		bound: conntest.CloseTimeout, grace: conntest.CloseTimeout,
		fails: func(f *fault, d direction, n int64) []error {
			return append(eitherError(f, d, n), context.DeadlineExceeded) // without a sent frame there is no pong
		},
	},
	{
		name: "CloseNow", plain: true, over: true,
		run: func(_ context.Context, s *faultSession) error { return s.c.CloseNow() },
	},
	{
		name: "NetConn Read", order: []direction{inward}, sends: sendsParts(said), got: said, begin: beginNetConn,
		run: func(_ context.Context, s *faultSession) error {
			s.nc.SetReadDeadline(time.Now().Add(operationTimeout))
			for len(s.got) < len(said) {
				if err := s.readSome(s.nc); err != nil {
					return err
				}
			}
			return nil
		},
		early: true, fails: netConnErrors,
	},
	{
		name: "NetConn Read to its end", order: []direction{inward}, begin: beginNetConn, over: true, grace: 100 * time.Millisecond,
		sends: func(deflate bool) []rawpeer.Frame {
			return append(sendsText(said)(deflate), rawpeer.Close(1000, ""))
		}, got: said,
		run: func(_ context.Context, s *faultSession) error {
			s.nc.SetReadDeadline(time.Now().Add(operationTimeout))
			return s.readAll(s.nc)
		},
		fails: netConnErrors,
	},
	{
		name: "NetConn Write", order: []direction{outward}, begin: beginNetConn,
		run: runNetConnWrite(said), fails: netConnErrors,
	},
	{
		name: "NetConn Write of several frames", order: []direction{outward}, plain: true, begin: beginNetConn,
		run: runNetConnWrite(saidMost), fails: netConnErrors,
	},
	{
		name: "NetConn Close", plain: true, begin: beginNetConn, over: true, grace: 100 * time.Millisecond,
		run: func(_ context.Context, s *faultSession) error { return s.nc.Close() },
	},
}

func runRead(ctx context.Context, s *faultSession) error {
	_, p, err := s.c.Read(ctx)
	s.got = append(s.got, p...)
	return err
}

// readAll reads to the end in small pieces.
func (s *faultSession) readAll(r io.Reader) error {
	for {
		switch err := s.readSome(r); err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

func (s *faultSession) readSome(r io.Reader) error {
	b := make([]byte, 5)
	n, err := r.Read(b)
	s.got = append(s.got, b[:n]...)
	return err
}

// write writes a message in parts through a Writer.
func write(c *websocket.Conn, ctx context.Context, parts ...string) error {
	w, err := c.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := io.WriteString(w, part); err != nil {
			w.Close()
			return err
		}
	}
	return w.Close()
}

// errViolation means that a read found a protocol violation.
var errViolation = errors.New("a violation")

// runViolation is runRead, but returns errViolation for an error that is not that of a
// fault.
func runViolation(ctx context.Context, s *faultSession) error {
	err := runRead(ctx, s)
	for _, other := range []error{net.ErrClosed, io.EOF, io.ErrUnexpectedEOF, rawpeer.ErrReset, rawpeer.ErrBrokenPipe, syscall.ETIMEDOUT, context.DeadlineExceeded} {
		if err == nil || errors.Is(err, other) {
			return err
		}
	}
	return errViolation
}

// runWrites writes the same message from several goroutines.
func runWrites(ctx context.Context, s *faultSession) error {
	const writers = 4
	errs := make(chan error)
	for range writers {
		go func() { errs <- s.c.Write(ctx, websocket.MessageText, []byte(said)) }()
	}
	var first error
	for range writers {
		switch err := <-errs; {
		case err == nil:
		case first == nil, interrupted(first):
			first = err
		case errors.Is(first, net.ErrClosed) && !interrupted(err):
			first = err // a later one began after a failure
		}
	}
	return first
}

func beginNetConn(s *faultSession) {
	s.nc = websocket.NetConn(context.Background(), s.c, websocket.MessageText)
}

func runNetConnWrite(what string) func(context.Context, *faultSession) error {
	return func(_ context.Context, s *faultSession) error {
		if s.sent == len(what) {
			return nil // the rest of a frame is sent in the background
		}
		s.nc.SetWriteDeadline(time.Now().Add(operationTimeout))
		n, err := io.WriteString(s.nc, what[s.sent:])
		s.sent += n
		return err
	}
}

// streamErrors returns the errors that a Conn's methods may return after a fault.
func streamErrors(f *fault, d direction, n int64) []error {
	switch err := f.fails[d]; {
	case err == errStopped:
		return []error{context.DeadlineExceeded}
	case err == io.EOF && n > 0:
		return []error{io.ErrUnexpectedEOF}
	default:
		return []error{err}
	}
}

// eitherError is streamErrors for an operation that reads and writes concurrently.
func eitherError(f *fault, d direction, n int64) []error {
	errs := streamErrors(f, d, n)
	if other := 1 - d; f.fails[other] != nil {
		errs = append(errs, streamErrors(f, other, 0)...)
	}
	return errs
}

// netConnErrors is streamErrors for a net.Conn.
func netConnErrors(f *fault, d direction, _ int64) []error {
	switch f.fails[d] {
	case errStopped:
		return []error{os.ErrDeadlineExceeded}
	case io.EOF:
		return []error{io.ErrUnexpectedEOF}
	}
	return []error{f.fails[d]}
}
