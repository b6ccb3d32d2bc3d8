package main

import (
	"context"
	"net/http"

	bhojpur "github.com/bhojpur/api"
	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"
)

// dialed is a client connection of a library.
type dialed interface {
	write(p []byte) error
	// read calls got with each message until the connection ends. The message is in a
	// buffer that is returned afterwards.
	read(got func(p []byte)) error
	close()
}

// dialers are the clients of the libraries, with their defaults.
var dialers = map[string]func(ctx context.Context, url string) (dialed, error){
	"bhojpur": dialBhojpur,
	"coder":   dialCoder,
	"gorilla": dialGorilla,
	"gws":     dialGws,
}

// usualDialers are measured by default.
const usualDialers = "bhojpur,coder,gorilla,gws"

// underWay is the context of all calls. It could be canceled.
var underWay, _ = context.WithCancel(context.Background())

type bhojpurClient struct{ *bhojpur.Conn }

func dialBhojpur(ctx context.Context, url string) (dialed, error) {
	c, _, err := bhojpur.Dial(ctx, url, nil)
	return bhojpurClient{c}, err
}

func (c bhojpurClient) write(p []byte) error {
	return c.Write(underWay, bhojpur.MessageText, p)
}

func (c bhojpurClient) read(got func(p []byte)) error {
	for {
		_, r, err := c.Reader(underWay)
		if err != nil {
			return err
		}
		p := messages.Get().(*[maxMessage]byte)
		n, err := fill(p[:], r)
		if err == nil {
			got(p[:n])
		}
		messages.Put(p)
		if err != nil {
			return err
		}
	}
}

func (c bhojpurClient) close() { c.CloseNow() }

type coderClient struct{ *coder.Conn }

func dialCoder(ctx context.Context, url string) (dialed, error) {
	c, _, err := coder.Dial(ctx, url, nil)
	return coderClient{c}, err
}

func (c coderClient) write(p []byte) error { return c.Write(underWay, coder.MessageText, p) }

func (c coderClient) read(got func(p []byte)) error {
	for {
		_, r, err := c.Reader(underWay)
		if err != nil {
			return err
		}
		p := messages.Get().(*[maxMessage]byte)
		n, err := fill(p[:], r)
		if err == nil {
			got(p[:n])
		}
		messages.Put(p)
		if err != nil {
			return err
		}
	}
}

func (c coderClient) close() { c.CloseNow() }

type gorillaClient struct{ *gorilla.Conn }

func dialGorilla(ctx context.Context, url string) (dialed, error) {
	c, _, err := gorilla.DefaultDialer.DialContext(ctx, url, nil)
	return gorillaClient{c}, err
}

func (c gorillaClient) write(p []byte) error { return c.WriteMessage(gorilla.TextMessage, p) }

func (c gorillaClient) read(got func(p []byte)) error {
	for {
		_, r, err := c.NextReader()
		if err != nil {
			return err
		}
		p := messages.Get().(*[maxMessage]byte)
		n, err := fill(p[:], r)
		if err == nil {
			got(p[:n])
		}
		messages.Put(p)
		if err != nil {
			return err
		}
	}
}

func (c gorillaClient) close() { c.Close() }

// gwsClient is the session storage of its connection, in which the handler finds it.
type gwsClient struct {
	gws.SessionStorage // nil: not used
	*gws.Conn
	got func(p []byte)
	err error
}

type gwsReceiver struct{ gws.BuiltinEventHandler }

func (gwsReceiver) OnMessage(c *gws.Conn, m *gws.Message) {
	c.Session().(*gwsClient).got(m.Bytes())
	m.Close()
}

func (gwsReceiver) OnClose(c *gws.Conn, err error) { c.Session().(*gwsClient).err = err }

func dialGws(_ context.Context, url string) (dialed, error) {
	g := &gwsClient{}
	c, _, err := gws.NewClient(gwsReceiver{}, &gws.ClientOption{
		Addr:          url,
		RequestHeader: http.Header{},
		NewSession:    func() gws.SessionStorage { return g },
	})
	g.Conn = c
	return g, err
}

func (c *gwsClient) write(p []byte) error { return c.WriteMessage(gws.OpcodeText, p) }

func (c *gwsClient) read(got func(p []byte)) error {
	c.got = got
	c.ReadLoop()
	return c.err
}

func (c *gwsClient) close() { c.NetConn().Close() }
