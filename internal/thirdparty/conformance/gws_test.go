package conformance

import (
	"context"
	"net/http"

	"github.com/lxzan/gws"
)

// gwsPeer has the settings of gws's examples for the original suite.
var gwsPeer = gwsServer(gws.PermessageDeflate{
	Enabled:               true,
	ServerContextTakeover: true,
	ClientContextTakeover: true,
})

// gwsServer returns a peer whose server has these settings. They must not limit the
// windows of clients.
func gwsServer(deflate gws.PermessageDeflate) peer {
	// The Upgrader has compressors of 32 MB, and is shared by many connections.
	upgrader := gws.NewUpgrader(gwsEcho{}, &gws.ServerOption{
		CheckUtf8Enabled:  true,
		PermessageDeflate: deflate,
	})
	return peer{
		name:   "gws",
		module: "github.com/lxzan/gws",
		serve: func(w http.ResponseWriter, r *http.Request) error {
			c, err := upgrader.Upgrade(w, r)
			if err != nil {
				return err
			}
			c.ReadLoop()
			return nil
		},
		dial: func(ctx context.Context, url string, over dialer) error {
			conn, err := over(ctx)
			if err != nil {
				return err
			}
			c, _, err := gws.NewClientFromConn(gwsEcho{}, &gws.ClientOption{
				Addr:              url,
				CheckUtf8Enabled:  true,
				PermessageDeflate: deflate,
			}, conn)
			if err != nil {
				return err
			}
			c.ReadLoop()
			return nil
		},
	}
}

type gwsEcho struct{ gws.BuiltinEventHandler }

func (gwsEcho) OnPing(c *gws.Conn, payload []byte) { c.WritePong(payload) }

func (gwsEcho) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	c.WriteMessage(m.Opcode, m.Bytes())
}
