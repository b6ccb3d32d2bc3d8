package conformance

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// gorillaPeer checks text itself, because gorilla/websocket leaves that to the program;
// its example for the original suite does the same.
var gorillaPeer = peer{
	name:   "gorilla",
	module: "github.com/gorilla/websocket",
	serve: func(w http.ResponseWriter, r *http.Request) error {
		upgrader := websocket.Upgrader{EnableCompression: true}
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return err
		}
		return gorillaEcho(c)
	},
	dial: func(ctx context.Context, url string, over dialer) error {
		d := websocket.Dialer{NetDialContext: over.to, EnableCompression: true}
		c, _, err := d.DialContext(ctx, url, nil)
		if err != nil {
			return err
		}
		return gorillaEcho(c)
	},
}

func gorillaEcho(c *websocket.Conn) error {
	defer c.Close()
	for {
		typ, r, err := c.NextReader()
		if err != nil {
			return err
		}
		if typ == websocket.TextMessage {
			r = &textReader{r: r}
		}
		w, err := c.NextWriter(typ)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, r)
		if errors.Is(err, errNotText) {
			wrong := websocket.FormatCloseMessage(websocket.CloseInvalidFramePayloadData, "")
			c.WriteControl(websocket.CloseMessage, wrong, time.Time{})
		}
		if err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
}

// textReader checks the UTF-8 text in r.
type textReader struct {
	r     io.Reader
	begun []byte // the start of an incomplete character
}

var errNotText = errors.New("text that is not UTF-8")

// Read returns errNotText as soon as the bytes of r are not a prefix of valid UTF-8.
func (t *textReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	rest := append(t.begun, p[:n]...)
	for utf8.FullRune(rest) {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			return 0, errNotText
		}
		rest = rest[size:]
	}
	if err == io.EOF && len(rest) > 0 {
		return 0, errNotText
	}
	t.begun = append(t.begun[:0], rest...)
	return n, err
}
