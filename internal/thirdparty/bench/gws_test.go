package bench

import (
	"context"
	"net/http"
	"sync"

	"github.com/lxzan/gws"

	"github.com/bhojpur/api/internal/rawpeer"
)

var gwsLibrary = library{name: "gws", accept: acceptGws, client: dialGws, prepare: prepareGws, later: true}

// gwsUpgraders has one for each deflate. An Upgrader's compressors take 32 MB.
var gwsUpgraders = [...]func() *gws.Upgrader{
	plain: gwsUpgrader(gws.PermessageDeflate{}),
	takeover: gwsUpgrader(gws.PermessageDeflate{
		Enabled:               true,
		ServerContextTakeover: true,
		ClientContextTakeover: true,
	}),
	noTakeover: gwsUpgrader(gws.PermessageDeflate{Enabled: true}),
}

func gwsUpgrader(deflate gws.PermessageDeflate) func() *gws.Upgrader {
	return sync.OnceValue(func() *gws.Upgrader {
		return gws.NewUpgrader(gwsHandler{}, &gws.ServerOption{
			ReadMaxPayloadSize: 32 << 20,
			CheckUtf8Enabled:   true,
			PermessageDeflate:  deflate,
			NewSession:         func() gws.SessionStorage { return &gwsConn{} },
		})
	})
}

// gwsConn is the session storage of its connection: it is how the handler finds it
// for nothing.
type gwsConn struct {
	gws.SessionStorage // nil: it is not called
	c                  *gws.Conn

	each  func([]byte) bool
	ended bool
	err   error
}

func acceptGws(w http.ResponseWriter, r *http.Request, s settings) (conn, error) {
	c, err := gwsUpgraders[s.deflate]().Upgrade(w, r)
	if err != nil {
		return nil, err
	}
	g := c.Session().(*gwsConn)
	g.c = c
	return g, nil
}

// dialGws uses NewClientFromConn: a Dialer of gws is only another way to return a
// connection.
func dialGws(connect connector, s settings) dialer {
	opts := &gws.ClientOption{
		Addr:               rawpeer.URL,
		ReadMaxPayloadSize: 32 << 20,
		CheckUtf8Enabled:   true,
		NewSession:         func() gws.SessionStorage { return &gwsConn{} },
	}
	return func(context.Context) (conn, error) {
		tcp, err := connect()
		if err != nil {
			return nil, err
		}
		c, _, err := gws.NewClientFromConn(gwsHandler{}, opts, tcp)
		if err != nil {
			return nil, err
		}
		g := c.Session().(*gwsConn)
		g.c = c
		return g, nil
	}
}

// receive hands each message out from the buffer that gws has read it into. It
// closes the connection: ReadLoop has no other end.
func (c *gwsConn) receive(_ []byte, each func([]byte) bool) error {
	c.each = each
	c.c.ReadLoop()
	if c.ended {
		return nil
	}
	return c.err
}

func (c *gwsConn) write(op int, p []byte) error { return c.c.WriteMessage(gws.Opcode(op), p) }
func (c *gwsConn) close()                       { c.c.NetConn().Close() }

type gwsHandler struct{ gws.BuiltinEventHandler }

func (gwsHandler) OnMessage(c *gws.Conn, m *gws.Message) {
	g := c.Session().(*gwsConn)
	if !g.ended && !g.each(m.Bytes()) {
		g.ended = true
		c.NetConn().Close()
	}
	m.Close()
}

func (gwsHandler) OnClose(c *gws.Conn, err error) { c.Session().(*gwsConn).err = err }

type gwsPrepared struct{ b *gws.Broadcaster }

// prepareGws does not close the Broadcaster, which lives as long as the process.
func prepareGws(op int, p []byte) (prepared, error) {
	return gwsPrepared{gws.NewBroadcaster(gws.Opcode(op), p)}, nil
}

func (m gwsPrepared) writeTo(c conn) error { return m.b.Broadcast(c.(*gwsConn).c) }
