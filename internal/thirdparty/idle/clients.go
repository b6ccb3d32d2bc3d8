package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

// manyClients is the number of client connections of a process with -many.
const manyClients = 10_000

// measureClients measures client connections of each library, each in a separate
// process. Their server is another process, without a library.
func measureClients(ctx context.Context, set settings, w io.Writer) error {
	for _, l := range set.libraryNames() {
		if dialers[l] == nil {
			return fmt.Errorf("no client of %q", l)
		}
	}
	printMachine(w)
	for _, l := range set.libraryNames() {
		if err := measureClientsOf(ctx, set, l, w); err != nil {
			return fmt.Errorf("clients of %s: %w", l, err)
		}
	}
	return nil
}

func measureClientsOf(ctx context.Context, set settings, library string, w io.Writer) (err error) {
	server, err := startProcess(ctx, nil, "-role", "echo", "-address", set.address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	address, err := server.ask("address", 0, "")
	if err != nil {
		return err
	}
	clients, err := startProcess(ctx, nil, "-role", "dialer", "-libraries", library, "-address", address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clients.Stop()) }()
	before, err := memoryOf(clients, 0)
	if err != nil {
		return err
	}
	began := time.Now()
	if _, err := clients.ask("open", set.connections, ""); err != nil {
		return err
	}
	opened := time.Since(began)
	m, err := memoryOf(clients, set.rest)
	if err != nil {
		return err
	}
	began = time.Now()
	answered, err := clients.ask("echo", 0, "")
	if err != nil {
		return err
	}
	took := time.Since(began)
	each := m.minus(before).each(set.connections)
	if !set.many {
		fmt.Fprintf(w, "BenchmarkIdleClient/dialed/%s 1 %d heap-B/conn %d stack-B/conn\n", library, each.heap, each.stack)
		return nil
	}
	fmt.Fprintf(w, "BenchmarkManyClients/dialed/%s 1 %d conns %d rss-B/conn %d pss-B/conn %d heap-B/conn %d stack-B/conn %d rss-B/total %s answered %.1f open-s %.1f echo-s\n",
		library, set.connections, each.resident, each.pss, each.heap, each.stack, m.resident, answered, opened.Seconds(), took.Seconds())
	return nil
}

// dialerProcess is the process with the client connections.
type dialerProcess struct {
	dial  func(ctx context.Context, url string) (dialed, error)
	url   string
	conns []dialed
	round uint64

	mu      sync.Mutex
	changed sync.Cond // of mu
	right   int       // answers of this round
	err     error     // of a connection
}

// dialForParent runs the process with the client connections.
func dialForParent(set settings) error {
	dial := dialers[set.libraries]
	if dial == nil {
		return fmt.Errorf("no client of %q", set.libraries)
	}
	d := &dialerProcess{dial: dial, url: "ws://" + set.address + "/"}
	d.changed.L = &d.mu
	defer d.close()
	return obey(d.answer)
}

// answer executes the parent's commands.
func (d *dialerProcess) answer(command string, n int, _ string) (string, error) {
	switch command {
	case "open":
		d.conns = make([]dialed, n)
		if err := atOnce(n, d.open); err != nil {
			return "", err
		}
		return d.echo()
	case "echo":
		return d.echo()
	case "memory":
		time.Sleep(time.Duration(n) * time.Millisecond)
		m, err := readMemory()
		return m.String(), err
	}
	return "", errors.New("unknown command " + command)
}

func (d *dialerProcess) open(i int) error {
	c, err := d.dial(underWay, d.url)
	if err != nil {
		return err
	}
	d.conns[i] = c
	go func() {
		d.ended(c.read(func(p []byte) { d.got(i, p) }))
	}()
	return nil
}

// message returns the message of connection i in a round.
func (d *dialerProcess) message(i int, round uint64) []byte {
	return (&peer{seed: uint64(i), sent: round}).message(plainSize)
}

// echo sends a message on each connection, waits for all echoes, and returns their
// number.
func (d *dialerProcess) echo() (string, error) {
	d.mu.Lock()
	d.right = 0
	d.round++
	round := d.round
	d.mu.Unlock()
	if err := atOnce(len(d.conns), func(i int) error { return d.conns[i].write(d.message(i, round)) }); err != nil {
		return "", err
	}
	limit := time.AfterFunc(patience, func() { d.ended(errors.New("an answer is missing")) })
	defer limit.Stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.right < len(d.conns) && d.err == nil {
		d.changed.Wait()
	}
	return fmt.Sprint(d.right), d.err
}

// got checks and counts the echo of connection i.
func (d *dialerProcess) got(i int, p []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !bytes.Equal(p, d.message(i, d.round)) {
		d.err = cmp.Or(d.err, errBroken)
	}
	d.right++
	d.changed.Broadcast()
}

// ended records the end of a connection.
func (d *dialerProcess) ended(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = cmp.Or(d.err, err, io.EOF)
	d.changed.Broadcast()
}

func (d *dialerProcess) close() {
	for _, c := range d.conns {
		if c != nil {
			c.close()
		}
	}
}

// atOnce calls f for each number below n, several at a time, and returns the first
// error.
func atOnce(n int, f func(i int) error) error {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var done sync.WaitGroup
	for range workers {
		done.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1) - 1)
				if i >= n {
					return
				}
				if err := f(i); err != nil {
					err = fmt.Errorf("connection %d: %w", i, err)
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	done.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// echoForParent runs the process with the clients' server, without a library.
func echoForParent(set settings) error {
	l, err := net.Listen("tcp", set.address)
	if err != nil {
		return err
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go func() {
				defer c.Close()
				if err := echoRaw(c); err != nil && err != io.EOF {
					fmt.Fprintln(os.Stderr, "idle: server:", err)
				}
			}()
		}
	}()
	return obey(func(command string, _ int, _ string) (string, error) {
		if command != "address" {
			return "", errors.New("unknown command " + command)
		}
		return l.Addr().String(), nil
	})
}

// echoRaw accepts a handshake and echoes frames, one at a time.
func echoRaw(c net.Conn) error {
	p := make([]byte, 0, 1<<10)
	for !bytes.HasSuffix(p, []byte("\r\n\r\n")) {
		n, err := c.Read(p[len(p):cap(p)])
		if err != nil {
			return err
		}
		p = p[:len(p)+n]
	}
	_, err := io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "+rawpeer.AcceptKey(keyIn(p))+"\r\n\r\n")
	p = p[:0]
	for err == nil {
		var n int
		n, err = c.Read(p[len(p):cap(p)])
		if errors.Is(err, net.ErrClosed) || n == 0 {
			return io.EOF
		}
		p = p[:len(p)+n]
		h, length, head, perr := rawpeer.ParseHeader(p)
		if perr != nil || len(p) < head+int(length) {
			continue
		}
		payload := p[head:]
		for i := range payload {
			payload[i] ^= h.Key[i&3]
		}
		_, err = c.Write(rawpeer.AppendFrame(nil, rawpeer.Frame{Fin: h.Fin, Opcode: h.Opcode, Payload: payload}))
		p = p[:0]
	}
	return io.EOF // the clients end first
}

// keyIn returns the Sec-WebSocket-Key of a request.
func keyIn(request []byte) string {
	for line := range bytes.Lines(request) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Sec-WebSocket-Key")) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}
