package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"

	bhojpur "github.com/bhojpur/api"
	coder "github.com/coder/websocket"
	"github.com/gobwas/ws"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"
)

// situation is the state of a server at rest.
type situation string

const (
	inHandler situation = "handler"   // its HTTP handler reads from the connection
	returned  situation = "returned"  // its handler has returned, and a separate goroutine reads
	deflated  situation = "deflate"   // as inHandler, with context takeover in both directions, and windows of 15 bits
	narrow    situation = "deflate12" // the same, with windows of 12 bits
)

// windowBits are the window bits of both directions, 0 without compression.
func (s situation) windowBits() int {
	switch s {
	case deflated:
		return 15
	case narrow:
		return 12
	}
	return 0
}

// situationsNamed parses names separated by commas.
func situationsNamed(names string) ([]situation, error) {
	var all []situation
	for name := range strings.SplitSeq(names, ",") {
		s := situation(name)
		if !slices.Contains([]situation{inHandler, returned, deflated, narrow}, s) {
			return nil, fmt.Errorf("no situation %q", name)
		}
		all = append(all, s)
	}
	return all, nil
}

// library is a server that echoes each message. Its handlers hold no message while they
// wait for one: their read buffers come from messages, and are returned before the next
// read.
type library struct {
	name       string
	situations []situation
	handler    func(situation) http.HandlerFunc
	silent     bool // sends no response to the handshake: its connections only wait
}

// usual are the libraries that are measured by default.
const usual = "bhojpur,coder,gobwas,gorilla,gws,nethttp"

// libraries have their default settings; a name with a second part has another setting.
var libraries = []library{
	{name: "bhojpur", situations: []situation{inHandler, returned, deflated, narrow}, handler: bhojpurHandler},
	{name: "coder", situations: []situation{inHandler, returned, deflated}, handler: coderHandler},
	{name: "gobwas", situations: []situation{inHandler, returned}, handler: gobwasHandler},
	{name: "gorilla", situations: []situation{inHandler, returned}, handler: gorillaHandler},
	{name: "gorilla-pool", situations: []situation{inHandler, returned}, handler: gorillaPoolHandler},
	{name: "gws", situations: []situation{inHandler, returned, deflated, narrow}, handler: gwsHandler},
	{name: "nethttp", situations: []situation{inHandler}, handler: nethttpHandler, silent: true},
	{name: "nethttp-hijacked", situations: []situation{inHandler}, handler: hijackedHandler, silent: true},
}

// librariesNamed returns libraries by their names, separated by commas.
func librariesNamed(names string) ([]library, error) {
	var all []library
	for name := range strings.SplitSeq(names, ",") {
		l, err := libraryNamed(name)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func libraryNamed(name string) (library, error) {
	for _, l := range libraries {
		if l.name == name {
			return l, nil
		}
	}
	return library{}, fmt.Errorf("no library %q", name)
}

func (l library) knows(s situation) bool {
	return slices.Contains(l.situations, s)
}

// maxMessage is larger than any message of the client.
const maxMessage = 4 << 10

// messages has the buffers of messages being echoed.
var messages = sync.Pool{New: func() any { return new([maxMessage]byte) }}

var errTooLong = errors.New("message is too long")

// fill reads a message into p and returns its length.
func fill(p []byte, r io.Reader) (int, error) {
	n := 0
	for n < len(p) {
		k, err := r.Read(p[n:])
		n += k
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
	return n, errTooLong
}

// Each handler accepts, and then either loops or starts a goroutine that does, with a
// context that could be canceled. No other calls are in between: the call depth above a
// library determines whether the stack has to grow.

func bhojpurHandler(s situation) http.HandlerFunc {
	opts := &bhojpur.AcceptOptions{}
	if s.windowBits() != 0 {
		opts.CompressionMode = bhojpur.CompressionContextTakeover
	}
	if s == narrow {
		opts.CompressionWindowBits = s.windowBits()
	}
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := bhojpur.Accept(w, r, opts)
		switch {
		case err != nil:
		case s == returned:
			ctx, cancel := context.WithCancel(context.Background())
			go bhojpurLoop(ctx, cancel, c)
		default:
			bhojpurLoop(r.Context(), func() {}, c)
		}
	}
}

func bhojpurLoop(ctx context.Context, cancel func(), c *bhojpur.Conn) {
	defer cancel()
	defer c.CloseNow()
	for {
		typ, r, err := c.Reader(ctx)
		if err != nil {
			return
		}
		p := messages.Get().(*[maxMessage]byte)
		n, err := fill(p[:], r)
		if err == nil {
			err = c.Write(ctx, typ, p[:n])
		}
		messages.Put(p)
		if err != nil {
			return
		}
	}
}

func coderHandler(s situation) http.HandlerFunc {
	opts := &coder.AcceptOptions{}
	if s == deflated {
		opts.CompressionMode = coder.CompressionContextTakeover
	}
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := coder.Accept(w, r, opts)
		switch {
		case err != nil:
		case s == returned:
			ctx, cancel := context.WithCancel(context.Background())
			go coderLoop(ctx, cancel, c)
		default:
			coderLoop(r.Context(), func() {}, c)
		}
	}
}

func coderLoop(ctx context.Context, cancel func(), c *coder.Conn) {
	defer cancel()
	defer c.CloseNow()
	for {
		typ, r, err := c.Reader(ctx)
		if err != nil {
			return
		}
		p := messages.Get().(*[maxMessage]byte)
		n, err := fill(p[:], r)
		if err == nil {
			err = c.Write(ctx, typ, p[:n])
		}
		messages.Put(p)
		if err != nil {
			return
		}
	}
}

func gorillaHandler(s situation) http.HandlerFunc {
	return gorillaServer(s, &gorilla.Upgrader{})
}

func gorillaPoolHandler(s situation) http.HandlerFunc {
	return gorillaServer(s, &gorilla.Upgrader{WriteBufferPool: new(sync.Pool)})
}

func gorillaServer(s situation, u *gorilla.Upgrader) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := u.Upgrade(w, r, nil)
		switch {
		case err != nil:
		case s == returned:
			go gorillaLoop(c)
		default:
			gorillaLoop(c)
		}
	}
}

func gorillaLoop(c *gorilla.Conn) {
	defer c.Close()
	for {
		typ, r, err := c.NextReader()
		if err != nil {
			return
		}
		p := messages.Get().(*[maxMessage]byte)
		n, err := fill(p[:], r)
		if err == nil {
			err = c.WriteMessage(typ, p[:n])
		}
		messages.Put(p)
		if err != nil {
			return
		}
	}
}

// gwsEcho echoes each message and closes it, which returns it to the library's pool.
type gwsEcho struct{ gws.BuiltinEventHandler }

func (gwsEcho) OnMessage(c *gws.Conn, m *gws.Message) {
	if c.WriteMessage(m.Opcode, m.Bytes()) != nil {
		c.NetConn().Close()
	}
	m.Close()
}

// gwsHandler sets the windows of the situation. Windows of 12 bits are the library's
// default.
func gwsHandler(s situation) http.HandlerFunc {
	opts := &gws.ServerOption{}
	if bits := s.windowBits(); bits != 0 {
		opts.PermessageDeflate = gws.PermessageDeflate{
			Enabled:               true,
			ServerContextTakeover: true,
			ClientContextTakeover: true,
			ServerMaxWindowBits:   bits,
			ClientMaxWindowBits:   bits,
		}
	}
	u := gws.NewUpgrader(gwsEcho{}, opts)
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := u.Upgrade(w, r)
		switch {
		case err != nil:
		case s == returned:
			go c.ReadLoop()
		default:
			c.ReadLoop()
		}
	}
}

// gobwasHandler reads from the connection itself and drops the bufio.ReadWriter, which
// is empty: clients wait for the response.
func gobwasHandler(s situation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, _, _, err := ws.UpgradeHTTP(r, w)
		switch {
		case err != nil:
		case s == returned:
			go gobwasLoop(c)
		default:
			gobwasLoop(c)
		}
	}
}

func gobwasLoop(c net.Conn) {
	defer c.Close()
	for {
		h, err := ws.ReadHeader(c)
		if err != nil || !h.Fin || h.Length > maxMessage {
			return
		}
		p := messages.Get().(*[maxMessage]byte)
		_, err = io.ReadFull(c, p[:h.Length])
		if err == nil {
			ws.Cipher(p[:h.Length], h.Mask, 0)
			err = ws.WriteFrame(c, ws.NewFrame(h.OpCode, true, p[:h.Length]))
		}
		messages.Put(p)
		if err != nil {
			return
		}
	}
}

// entries counts the connections that have reached the handler of a silent library,
// which the client cannot observe.
var entries = newCounter()

// nethttpHandler measures a handler that only waits. Meanwhile net/http reads on a
// goroutine of its own.
func nethttpHandler(situation) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		entries.add()
		<-r.Context().Done()
	}
}

// hijackedHandler measures a hijacked connection, which every library uses, read
// without a buffer.
func hijackedHandler(situation) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		entries.add()
		var p [1]byte
		c.Read(p[:])
		c.Close()
	}
}
