package conformance

import (
	"context"
	"io"
	"net/http"

	websocket "github.com/bhojpur/api"
)

var ourPeer = peer{
	name:   "this",
	module: "github.com/bhojpur/api",
	serve: func(w http.ResponseWriter, r *http.Request) error {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			CompressionMode: websocket.CompressionContextTakeover,
		})
		if err != nil {
			return err
		}
		return ourEcho(context.WithoutCancel(r.Context()), c)
	},
	dial: func(ctx context.Context, url string, over dialer) error {
		c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{
			HTTPClient:      over.httpClient(),
			CompressionMode: websocket.CompressionContextTakeover,
		})
		if err != nil {
			return err
		}
		return ourEcho(ctx, c)
	},
}

func ourEcho(ctx context.Context, c *websocket.Conn) error {
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
