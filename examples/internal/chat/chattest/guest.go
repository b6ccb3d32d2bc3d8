// Package chattest has clients of the chat, for tests.
package chattest

import (
	"context"
	"net/http"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
	"github.com/bhojpur/api/internal/rawpeer"
	"github.com/bhojpur/api/wsjson"
)

// Guest is a client of the chat. Its methods fail the test if an unexpected event
// arrives.
type Guest struct {
	Conn *websocket.Conn
	You  protocol.Person // after Join

	t *testing.T
}

const (
	patience = time.Minute
	maxEvent = 1 << 20
)

// Dial connects to the chat without joining.
func Dial(t *testing.T, url string, client *http.Client) *Guest {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	conn.SetReadLimit(maxEvent)
	return &Guest{Conn: conn, t: t}
}

// Visit is Dial for a chat on n.
func Visit(t *testing.T, n rawpeer.Network) *Guest {
	t.Helper()
	return Dial(t, "ws://chat.test/ws", rawpeer.HTTPClient(n))
}

// Send sends a request.
func (g *Guest) Send(req protocol.Request) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	if err := wsjson.Write(ctx, g.Conn, req); err != nil {
		g.t.Fatalf("%s sending %+v: %v", g.You.Name, req, err)
	}
}

// Read returns the next event.
func (g *Guest) Read() (e protocol.Event, err error) {
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	err = wsjson.Read(ctx, g.Conn, &e)
	return e, err
}

// Want returns the next event, which must have the given type.
func (g *Guest) Want(eventType string) protocol.Event {
	g.t.Helper()
	e, err := g.Read()
	if err != nil {
		g.t.Fatalf("%s got %v, want %s", g.You.Name, err, eventType)
	}
	if e.Type != eventType {
		g.t.Fatalf("%s got %+v, want %s", g.You.Name, e, eventType)
	}
	return e
}

// WantClose discards events until the server closes the connection with the given code.
func (g *Guest) WantClose(code websocket.StatusCode) {
	g.t.Helper()
	for {
		_, err := g.Read()
		if err == nil {
			continue
		}
		if got := websocket.CloseStatus(err); got != code {
			g.t.Fatalf("%s got %v, want a close with %v", g.You.Name, err, code)
		}
		return
	}
}

// Join joins with a key derived from the name.
func (g *Guest) Join(name string) (welcome protocol.Event) {
	g.t.Helper()
	return g.JoinWith(protocol.Request{Type: protocol.Join, Name: name, Key: "the key of " + name})
}

// JoinWith joins by the given request.
func (g *Guest) JoinWith(req protocol.Request) (welcome protocol.Event) {
	g.t.Helper()
	g.Send(req)
	welcome = g.Want(protocol.Welcome)
	g.You = *welcome.You
	return welcome
}

// Say sends a message with a ref derived from the text.
func (g *Guest) Say(text string) {
	g.t.Helper()
	g.Send(protocol.Request{Type: protocol.Say, Text: text, Ref: "ref of " + text})
}

// Hear wants the next event to be a message of another guest.
func (g *Guest) Hear(from *Guest, text string) {
	g.t.Helper()
	got := *g.Want(protocol.Said).Message
	want := protocol.Message{ID: got.ID, From: from.You.ID, Name: from.You.Name, Text: text, Time: got.Time, Ref: "ref of " + text}
	if got != want || got.ID == 0 || got.Time.IsZero() {
		g.t.Fatalf("%s got  %+v\nwant %+v with an ID and a time", g.You.Name, got, want)
	}
}
