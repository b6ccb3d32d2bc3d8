package nettest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestDeadlines copies streams in both directions concurrently, with deadlines that
// expire inside frames and are then extended. All bytes must arrive.
func TestDeadlines(t *testing.T) {
	// The same over bare sockets shows that the test expects no more than a net.Conn
	// guarantees.
	t.Run("bare tcp", func(t *testing.T) {
		t.Parallel()
		ln, dial := listenTCP(t)
		defer ln.Close()
		a, err := dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		testDeadlines(t, a, b)
	})
	for _, n := range networks {
		for _, c := range compressions {
			t.Run(n.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				tn := newTunnel(t, n, c.mode)
				defer tn.stop()
				client, server, err := tn.pair(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				testDeadlines(t, client, server)
			})
		}
	}
}

func testDeadlines(t *testing.T, a, b net.Conn) {
	const size = 2 << 20
	stop := time.AfterFunc(timeout, func() {
		t.Error("timed out")
		a.Close()
		b.Close()
	})
	defer stop.Stop()
	defer a.Close()
	defer b.Close()

	ends := []*impatient{{Conn: a}, {Conn: b}}
	streams := [][]byte{noise(1, size), noise(2, size)}
	var wg sync.WaitGroup
	for i, end := range ends {
		wg.Go(func() {
			if err := send(end, streams[i]); err != nil {
				t.Errorf("end %d: %v", i, err)
			}
		})
		wg.Go(func() {
			var got bytes.Buffer
			_, err := io.CopyN(&got, end, size)
			if want := streams[1-i]; err != nil || !bytes.Equal(got.Bytes(), want) {
				t.Errorf("end %d: got %d bytes and %v, want the %d that were sent", i, got.Len(), err, size)
			}
		})
	}
	wg.Wait()
	for i, end := range ends {
		t.Logf("end %d: deadlines passed in %d reads and %d writes, %d of which had sent a part",
			i, end.readTimeouts.Load(), end.writeTimeouts.Load(), end.partialWrites.Load())
		if end.readTimeouts.Load() == 0 || end.writeTimeouts.Load() == 0 {
			t.Errorf("end %d: want deadlines to pass in both directions", i)
		}
	}
}

// send writes stream in chunks of random sizes. The last byte has no deadline: the rest
// of a frame that timed out is sent before it.
func send(end *impatient, stream []byte) error {
	last := len(stream) - 1
	if _, err := io.Copy(end, struct{ io.Reader }{&chunks{stream[:last]}}); err != nil {
		return err
	}
	if err := end.SetWriteDeadline(time.Time{}); err != nil {
		return err
	}
	_, err := end.Conn.Write(stream[last:])
	return err
}

// chunks reads in pieces of random sizes.
type chunks struct {
	rest []byte
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:1+rand.IntN(len(p))], c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// impatient is a connection that sets a deadline for each call, mostly too short, and
// continues after a timeout.
type impatient struct {
	net.Conn
	readTimeouts, writeTimeouts, partialWrites atomic.Int64
}

// patience returns the deadline of a call: sometimes it has passed, and sometimes there
// is none.
func patience() time.Time {
	const most = 300 * time.Microsecond
	switch rand.IntN(8) {
	case 0:
		return time.Now().Add(-time.Second)
	case 1:
		return time.Time{}
	}
	return time.Now().Add(rand.N(most))
}

func (c *impatient) Read(p []byte) (int, error) {
	for {
		if err := c.SetReadDeadline(patience()); err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(p[:1+rand.IntN(len(p))])
		if !isTimeout(err) {
			return n, err
		}
		c.readTimeouts.Add(1)
		if n > 0 {
			return n, fmt.Errorf("%d bytes and a timeout", n)
		}
	}
}

func (c *impatient) Write(p []byte) (sent int, err error) {
	for sent < len(p) {
		if err := c.SetWriteDeadline(patience()); err != nil {
			return sent, err
		}
		n, err := c.Conn.Write(p[sent:])
		sent += n
		switch {
		case err == nil && sent < len(p):
			return sent, io.ErrShortWrite
		case err == nil:
		case !isTimeout(err):
			return sent, err
		default:
			c.writeTimeouts.Add(1)
			if n > 0 {
				c.partialWrites.Add(1)
			}
		}
	}
	return sent, nil
}

// isTimeout reports whether err is that of a deadline, by the rules of net.Conn.
func isTimeout(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return errors.Is(err, os.ErrDeadlineExceeded) && ok && ne.Timeout()
}
