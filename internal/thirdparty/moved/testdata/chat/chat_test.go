package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// limit bounds short operations, on a busy machine.
const limit = 20 * time.Second

// newRoom returns the URL of a room.
func newRoom(t *testing.T) string {
	t.Helper()
	hub := newHub()
	go hub.run()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serveWs(hub, w, r) }))
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http", "ws", 1)
}

// join enters a room. It returns when the hub has registered the client, that is, when
// the client's own message arrives.
func join(t *testing.T, url, hello string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetReadDeadline(time.Now().Add(limit))
	say(t, c, hello)
	want(t, c, hello)
	return c
}

func say(t *testing.T, c *websocket.Conn, s string) {
	t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(s)); err != nil {
		t.Fatal(err)
	}
}

// want expects the next lines that c receives to be lines. The room may put several into
// one message.
func want(t *testing.T, c *websocket.Conn, lines ...string) {
	t.Helper()
	var got []string
	for len(got) < len(lines) {
		typ, p, err := c.ReadMessage()
		if err != nil || typ != websocket.TextMessage {
			t.Fatalf("got %q, then a message of type %d, error %v", got, typ, err)
		}
		got = append(got, strings.Split(string(p), "\n")...)
	}
	if strings.Join(got, "\n") != strings.Join(lines, "\n") {
		t.Fatalf("got %q, want %q", got, lines)
	}
}

// All clients receive each message.
func TestRoom(t *testing.T) {
	url := newRoom(t)
	a := join(t, url, "a is here")
	b := join(t, url, "b is here")
	want(t, a, "b is here")
	say(t, b, "two\nlines")
	want(t, a, "two lines")
	say(t, a, "three")
	want(t, b, "two lines", "three")
}

// A client that leaves is removed from the room, and the others stay.
func TestLeaving(t *testing.T) {
	url := newRoom(t)
	a := join(t, url, "a is here")
	for name, leave := range map[string]func(c *websocket.Conn){
		"with a close frame": func(c *websocket.Conn) {
			c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""))
			if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
				t.Errorf("got %v", err)
			}
		},
		"without": func(c *websocket.Conn) { c.Close() },
	} {
		b := join(t, url, name)
		want(t, a, name)
		leave(b)
		say(t, a, "still here")
		want(t, a, "still here")
	}
}

// A message that is too long ends only its sender's connection.
func TestTooLong(t *testing.T) {
	url := newRoom(t)
	a := join(t, url, "a is here")
	b := join(t, url, "b is here")
	want(t, a, "b is here")
	say(t, b, strings.Repeat("x", maxMessageSize+1))
	if _, _, err := b.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("got %v", err)
	}
	say(t, a, "still here")
	want(t, a, "still here")
}

// A page of another site cannot join.
func TestOrigin(t *testing.T) {
	_, resp, err := websocket.DefaultDialer.Dial(newRoom(t), http.Header{"Origin": {"https://elsewhere.example"}})
	if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("got %v, error %v", resp, err)
	}
}
