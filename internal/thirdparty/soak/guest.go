package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	websocket "github.com/bhojpur/api"
)

// errBroken is the error of a wrong echo.
var errBroken = errors.New("the echo differs from the message")

// guest is a client that uses the library.
type guest struct {
	*visit
	c *websocket.Conn
}

// dial connects to a path. If the path ends with a slash, a random compression mode is
// appended.
func (v *visit) dial(path string, client *http.Client) (*guest, error) {
	opts := &websocket.DialOptions{HTTPClient: client}
	if path[len(path)-1] == '/' {
		names := slices.Sorted(maps.Keys(modes))
		name := names[v.random.IntN(len(names))]
		path += name
		opts.CompressionMode = modes[name]
	}
	ctx, cancel := v.patiently()
	defer cancel()
	c, _, err := websocket.Dial(ctx, "ws://"+v.address+path, opts)
	if err != nil {
		return nil, err
	}
	v.connections.Add(1)
	v.open.Add(1)
	c.SetReadLimit(longest)
	return &guest{v, c}, nil
}

// patiently returns a context with a timeout for a short operation.
func (v *visit) patiently() (context.Context, context.CancelFunc) {
	return context.WithTimeout(v.ctx, grace+2*v.set.patience())
}

// gone closes the connection; it is deferred.
func (g *guest) gone() {
	g.c.CloseNow()
	g.open.Add(-1)
}

// leave performs the close handshake.
func (g *guest) leave() error {
	return g.c.Close(websocket.StatusNormalClosure, "bye")
}

func (g *guest) anyType() websocket.MessageType {
	return websocket.MessageType(1 + g.random.IntN(2))
}

// exchange sends a message with write, reads the echo with read, and compares. Both run
// concurrently, because the server may echo before the end of the message.
func (g *guest) exchange(most int, write writingAs, read readingAs) error {
	ctx, cancel := g.patiently()
	defer cancel()
	typ := g.anyType()
	p := g.corpus.piece(g.random, typ, most)
	sizes := g.random.Perm(len(pieceSizes))
	sent := make(chan error, 1)
	go func() {
		sent <- write(ctx, g.c, typ, p, pieceSizes[sizes[0]])
	}()
	gotType, got, err := read(ctx, g.c, pieceSizes[sizes[1]])
	if err != nil {
		g.c.CloseNow()
		return errors.Join(err, <-sent)
	}
	if err := <-sent; err != nil {
		return err
	}
	g.say(len(p))
	g.hear(len(got))
	if gotType != typ || !bytes.Equal(got, p) {
		return fmt.Errorf("%w: %v of %d bytes for %v of %d", errBroken, gotType, len(got), typ, len(p))
	}
	return nil
}

// Ways to write and to read a message, in pieces of about n bytes if they use pieces.
type (
	writingAs func(ctx context.Context, c *websocket.Conn, typ websocket.MessageType, p []byte, n int) error
	readingAs func(ctx context.Context, c *websocket.Conn, n int) (websocket.MessageType, []byte, error)
)

var pieceSizes = []int{700, 4 << 10, 16 << 10, 100_000}

func writeWhole(ctx context.Context, c *websocket.Conn, typ websocket.MessageType, p []byte, _ int) error {
	return c.Write(ctx, typ, p)
}

func readWhole(ctx context.Context, c *websocket.Conn, _ int) (websocket.MessageType, []byte, error) {
	return c.Read(ctx)
}

func writePieces(ctx context.Context, c *websocket.Conn, typ websocket.MessageType, p []byte, n int) error {
	w, err := c.Writer(ctx, typ)
	if err != nil {
		return err
	}
	for piece := range slices.Chunk(p, n) {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return w.Close()
}

func readPieces(ctx context.Context, c *websocket.Conn, n int) (websocket.MessageType, []byte, error) {
	typ, r, err := c.Reader(ctx)
	if err != nil {
		return 0, nil, err
	}
	var all bytes.Buffer
	_, err = io.CopyBuffer(struct{ io.Writer }{&all}, r, make([]byte, n))
	return typ, all.Bytes(), err
}

// talks connects, exchanges messages until the client is to leave, and closes.
func (v *visit) talks(client *http.Client, exchange func(g *guest) error) error {
	g, err := v.dial(echoPath, client)
	if err != nil {
		return err
	}
	defer g.gone()
	for again := true; again; again = g.rest() {
		if err := exchange(g); err != nil {
			return err
		}
	}
	return g.leave()
}

func echoes(v *visit) error {
	return v.talks(v.usual, func(g *guest) error { return g.exchange(longest, writeWhole, readWhole) })
}

func fragments(v *visit) error {
	return v.talks(v.usual, func(g *guest) error { return g.exchange(longest, writePieces, readPieces) })
}

// pings sends pings while it exchanges messages, because pongs arrive only during
// reads.
func pings(v *visit) error {
	return v.talks(v.usual, func(g *guest) error {
		ctx, cancel := g.patiently()
		defer cancel()
		const several = 3
		ponged := make(chan error, several)
		for range several {
			go func() { ponged <- g.c.Ping(ctx) }()
		}
		// Pongs after the echo are read together with the next one.
		for pongs := 0; pongs < several; {
			if err := g.exchange(shortTalk, writeWhole, readWhole); err != nil {
				return err
			}
			for again := true; again && pongs < several; {
				select {
				case err := <-ponged:
					if err != nil {
						return err
					}
					pongs++
				default:
					again = false
				}
			}
		}
		return nil
	})
}

// readsSlowly reads with a small receive buffer, and with pauses.
func readsSlowly(v *visit) error {
	pause := v.set.patience() / 64
	slowly := func(ctx context.Context, c *websocket.Conn, _ int) (websocket.MessageType, []byte, error) {
		typ, r, err := c.Reader(ctx)
		if err != nil {
			return 0, nil, err
		}
		const pieces = 16
		piece := make([]byte, longest/pieces)
		var all []byte
		for {
			n, err := io.ReadFull(r, piece)
			all = append(all, piece[:n]...)
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return typ, all, nil
			}
			if err != nil {
				return 0, nil, err
			}
			wait(ctx, pause)
		}
	}
	return v.talks(v.narrow, func(g *guest) error { return g.exchange(longest, writeWhole, slowly) })
}

// idles sends nothing for three times as long as others stay. It reads, and so answers
// pings.
func idles(v *visit) error {
	g, err := v.dial(echoPath, v.usual)
	if err != nil {
		return err
	}
	defer g.gone()
	if err := g.exchange(shortTalk, writeWhole, readWhole); err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(v.ctx, v.until.Add(2*v.set.life))
	defer cancel()
	if _, _, err := g.c.Read(ctx); !isSilence(err) {
		return fmt.Errorf("while no frame is expected: %w", err)
	}
	if err := g.exchange(shortTalk, writeWhole, readWhole); err != nil {
		return err
	}
	return g.leave()
}

// listens compares the news.
func listens(v *visit) error {
	g, err := v.dial(newsPath, v.usual)
	if err != nil {
		return err
	}
	defer g.gone()
	for last := -1; time.Now().Before(v.until); {
		ctx, cancel := g.patiently()
		_, p, err := g.c.Read(ctx)
		cancel()
		if err != nil {
			return err
		}
		g.hear(len(p))
		number, err := checkIssue(g.corpus, p)
		if err != nil {
			return err
		}
		if number <= last {
			return fmt.Errorf("number %d follows %d", number, last)
		}
		last = number
	}
	return g.leave()
}

// codes are those allowed in a close frame, and that of a frame without a code.
var codes = []websocket.StatusCode{
	1000, 1001, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
	3000, 3999, 4000, 4999,
}

// anyCode returns a random code, with a reason if the code allows one.
func (v *visit) anyCode() (websocket.StatusCode, string) {
	code := codes[v.random.IntN(len(codes))]
	if code == websocket.StatusNoStatusRcvd {
		return code, ""
	}
	return code, "на выход"[:2*v.random.IntN(3)]
}

// closes performs the close handshake with a random code.
func closes(v *visit) error {
	g, err := v.dial(echoPath, v.usual)
	if err != nil {
		return err
	}
	defer g.gone()
	for again := true; again; again = g.rest() {
		if err := g.exchange(shortTalk, writeWhole, readWhole); err != nil {
			return err
		}
	}
	return g.c.Close(g.anyCode())
}

// isClosed has the server close with a random code.
func isClosed(v *visit) error {
	code, _ := v.anyCode()
	g, err := v.dial(fmt.Sprint(closePath, int(code)), v.usual)
	if err != nil {
		return err
	}
	defer g.gone()
	v.rest()
	ctx, cancel := g.patiently()
	defer cancel()
	p := g.corpus.piece(g.random, websocket.MessageText, shortTalk)
	if err := g.c.Write(ctx, websocket.MessageText, p); err != nil {
		return err
	}
	g.say(len(p))
	if _, _, err := g.c.Read(ctx); websocket.CloseStatus(err) != code {
		return fmt.Errorf("waiting for the server to close with %d: %w", code, err)
	}
	return nil
}
