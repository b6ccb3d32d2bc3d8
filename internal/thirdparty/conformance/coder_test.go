package conformance

import (
	"context"
	"io"
	"net/http"

	"github.com/coder/websocket"
)

// coderPeer ends with CloseNow, as recommended in coder/websocket's documentation. Its
// own run of the original suite, as a client, ends with Close, which continues to read
// behind a violation; a server that does so may leave TCP open for longer than the
// suite waits.
var coderPeer = peer{
	name:   "coder",
	module: "github.com/coder/websocket",
	serve: func(w http.ResponseWriter, r *http.Request) error {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			CompressionMode: websocket.CompressionContextTakeover,
		})
		if err != nil {
			return err
		}
		return coderEcho(context.WithoutCancel(r.Context()), c)
	},
	dial: func(ctx context.Context, url string, over dialer) error {
		c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{
			HTTPClient:      over.httpClient(),
			CompressionMode: websocket.CompressionContextTakeover,
		})
		if err != nil {
			return err
		}
		return coderEcho(ctx, c)
	},
}

func coderEcho(ctx context.Context, c *websocket.Conn) error {
	defer c.CloseNow()
	c.SetReadLimit(-1)
	for {
		typ, r, err := c.Reader(ctx)
		if err != nil {
			return err
		}
		w, err := c.Writer(ctx, typ)
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, r); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
}
