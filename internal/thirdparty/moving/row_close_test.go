package moving

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	gorilla "github.com/gorilla/websocket"
)

func TestFormatCloseMessage(t *testing.T) {
	c, peer := accepted(t, nil, nil)
	closed := make(chan error, 1)
	go func() {
		// row: FormatCloseMessage, WriteMessage(CloseMessage, …)
		err := c.Close(websocket.StatusGoingAway, "bye")
		// end
		closed <- err
	}()
	wantClose(t, peer)
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestCloseWithoutWaiting(t *testing.T) {
	c, peer := accepted(t, nil, nil)
	// row: WriteControl(CloseMessage, …) without waiting
	go c.Close(websocket.StatusGoingAway, "bye")
	// end
	wantClose(t, peer)
}

func wantClose(t *testing.T, peer *gorilla.Conn) {
	t.Helper()
	_, _, err := peer.ReadMessage()
	if closed, ok := err.(*gorilla.CloseError); !ok || closed.Code != gorilla.CloseGoingAway || closed.Text != "bye" {
		t.Errorf("got %v", err)
	}
}

// ends are the ways in which gorilla's end of a connection can end.
var ends = map[string]func(peer *gorilla.Conn){
	"going away": func(peer *gorilla.Conn) {
		peer.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(gorilla.CloseGoingAway, "bye"))
	},
	"policy": func(peer *gorilla.Conn) {
		peer.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(gorilla.ClosePolicyViolation, "no"))
	},
	"gone": func(peer *gorilla.Conn) { peer.Close() },
}

// readAfter returns the error of a Read after an end.
func readAfter(t *testing.T, end string) error {
	t.Helper()
	c, peer := accepted(t, nil, nil)
	ends[end](peer)
	_, _, err := c.Read(bounded(t))
	if err == nil {
		t.Fatal("no error")
	}
	return err
}

func TestUnexpectedClose(t *testing.T) {
	for end, want := range map[string]bool{"going away": false, "gone": false, "policy": true} {
		err := readAfter(t, end)
		// row: IsUnexpectedCloseError(err, CloseGoingAway, CloseAbnormalClosure)
		code := websocket.CloseStatus(err)
		unexpected := code != -1 && code != websocket.StatusGoingAway
		// end
		if unexpected != want {
			t.Errorf("%s is unexpected: %t", end, unexpected)
		}
	}
}

func TestAbnormalClosure(t *testing.T) {
	for end, want := range map[string]bool{"going away": false, "gone": true, "policy": false} {
		err := readAfter(t, end)
		// row: CloseAbnormalClosure (1006)
		gone := websocket.CloseStatus(err) == -1 && errors.Is(err, io.EOF)
		// end
		if gone != want {
			t.Errorf("%s is 1006: %t", end, gone)
		}
	}
}

func TestCloseHandler(t *testing.T) {
	for end, want := range map[string]string{"going away": "1001 bye", "gone": "", "policy": "1008 no"} {
		got := ""
		onClose := func(code websocket.StatusCode, reason string) {
			got = map[websocket.StatusCode]string{1001: "1001 ", 1008: "1008 "}[code] + reason
		}
		err := readAfter(t, end)
		// row: SetCloseHandler
		var closed websocket.CloseError
		if errors.As(err, &closed) {
			onClose(closed.Code, closed.Reason)
		}
		// end
		if got != want {
			t.Errorf("got %q for %s, want %q", got, end, want)
		}
	}
}

func TestReadLimit(t *testing.T) {
	c, peer := accepted(t, nil, nil)
	// row: No read limit
	c.SetReadLimit(-1)
	// end
	message := make([]byte, 1<<20)
	go peer.WriteMessage(gorilla.BinaryMessage, message)
	if _, p, err := c.Read(bounded(t)); err != nil || len(p) != len(message) {
		t.Errorf("got %d bytes, %v", len(p), err)
	}
}

func TestWriteControl(t *testing.T) {
	c, peer := accepted(t, nil, nil)
	c.CloseRead(t.Context())
	deadline := time.Now().Add(limit)
	go peer.ReadMessage()
	ping := func(ctx context.Context) error {
		// row: WriteControl(t, p, deadline)
		ctx, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		err := c.Ping(ctx)
		// end
		return err
	}
	if err := ping(t.Context()); err != nil {
		t.Error(err)
	}
	deadline = time.Now()
	if err := ping(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v after the deadline", err)
	}
}
