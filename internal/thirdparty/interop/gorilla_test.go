package interop

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// gorillaPeer runs in this process. It supports compression only without context
// takeover.
var gorillaPeer = peer{
	name:    "gorilla",
	install: func(context.Context) error { return nil },
	can: func(s settings) bool {
		return s == settings{} || s == settings{Deflate: true, ServerNoTakeover: true, ClientNoTakeover: true}
	},
	server: newGorillaServer,
	client: newGorillaClient,
}

// fragmentBytes is the size of the frames in which gorilla/websocket sends a fragmented
// message.
const fragmentBytes = 1000

type gorillaServer struct {
	*reports
	http *httptest.Server
}

func (s *gorillaServer) url() string { return "ws" + strings.TrimPrefix(s.http.URL, "http") }

func newGorillaServer(t *testing.T, settings settings) server {
	upgrader := websocket.Upgrader{
		WriteBufferSize:   fragmentBytes,
		Subprotocols:      []string{"interop"},
		EnableCompression: settings.Deflate,
	}
	s := &gorillaServer{reports: newReports()}
	var running sync.WaitGroup
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Its response is not accessible here, but only one is possible.
		report := report{ID: r.URL.Query().Get("id")}
		if settings.Deflate && strings.Contains(r.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate") {
			report.Extensions = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
		}
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return // the client gets the error
		}
		running.Go(func() {
			runGorilla(c, behavior(strings.TrimPrefix(r.URL.Path, "/")), &report)
			s.of(report.ID) <- report
		})
	}))
	t.Cleanup(func() {
		s.http.Close()
		running.Wait()
	})
	return s
}

type gorillaClient struct {
	*reports
	settings settings
	running  *sync.WaitGroup
}

func newGorillaClient(t *testing.T, s settings) client {
	c := gorillaClient{newReports(), s, new(sync.WaitGroup)}
	t.Cleanup(c.running.Wait)
	return c
}

func (c gorillaClient) dial(j job) error {
	dialer := websocket.Dialer{
		WriteBufferSize:   fragmentBytes,
		Subprotocols:      j.Subprotocols,
		EnableCompression: c.settings.Deflate,
		HandshakeTimeout:  timeout,
	}
	c.running.Go(func() {
		report := report{ID: j.ID}
		conn, resp, err := dialer.Dial(j.URL, nil)
		if err != nil {
			report.Error = err.Error()
		} else {
			report.Extensions = resp.Header.Get("Sec-WebSocket-Extensions")
			runGorilla(conn, j.Behavior, &report)
		}
		c.of(j.ID) <- report
	})
	return nil
}

// runGorilla handles messages until the connection ends.
func runGorilla(c *websocket.Conn, b behavior, report *report) {
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(timeout))
	c.SetWriteDeadline(time.Now().Add(timeout))
	c.SetPongHandler(func(payload string) error {
		if b != ping {
			return nil
		}
		return c.WriteMessage(websocket.TextMessage, []byte("pong "+payload))
	})
	report.Subprotocol = c.Subprotocol()
	for {
		typ, p, err := c.ReadMessage()
		if err == nil {
			err = answerGorilla(c, b, typ, p)
		}
		switch ce, ok := errors.AsType[*websocket.CloseError](err); {
		case ok:
			report.Code, report.Reason = ce.Code, ce.Text
			return
		case err != nil:
			report.Error = err.Error()
			return
		}
	}
}

func answerGorilla(c *websocket.Conn, b behavior, typ int, p []byte) error {
	switch b {
	case echo:
		return c.WriteMessage(typ, p)
	case fragments:
		return fragmentGorilla(c, typ, p)
	case ping:
		return c.WriteControl(websocket.PingMessage, p, time.Now().Add(timeout))
	case closes:
		var cl closing
		if err := json.Unmarshal(p, &cl); err != nil {
			return err
		}
		var payload []byte
		if cl.Code != 0 {
			payload = websocket.FormatCloseMessage(cl.Code, cl.Reason)
		}
		return c.WriteControl(websocket.CloseMessage, payload, time.Now().Add(timeout))
	}
	return errors.New("unknown behavior " + string(b))
}

// fragmentGorilla sends p in frames of the write buffer's size.
func fragmentGorilla(c *websocket.Conn, typ int, p []byte) error {
	w, err := c.NextWriter(typ)
	if err != nil {
		return err
	}
	half := len(p) / 2
	if _, err := w.Write(p[:half]); err != nil {
		return err
	}
	if err := c.WriteControl(websocket.PingMessage, []byte("between"), time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := w.Write(p[half:]); err != nil {
		return err
	}
	return w.Close()
}
