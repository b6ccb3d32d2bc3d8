package main

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/wstest"
	"github.com/bhojpur/api/wsjson"
)

// serveChat serves a chat on a network in memory that buffers nothing: a
// write waits until the other side reads.
func serveChat(t *testing.T, opts options) wstest.Network {
	n := wstest.Listen(&wstest.PipeOptions{Capacity: wstest.Rendezvous})
	wstest.Serve(t, n, newServer(opts, slog.New(slog.DiscardHandler)).handler())
	return n
}

// guest is a client of the chat, whose methods fail the test when something
// else comes than what is wanted.
type guest struct {
	t    *testing.T
	conn *websocket.Conn
	you  person
}

const patience = time.Minute

func dial(t *testing.T, url string, client *http.Client) *guest {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	conn.SetReadLimit(1 << 20)
	return &guest{t: t, conn: conn}
}

// visit connects to the chat on n, and does not join it.
func visit(t *testing.T, n wstest.Network) *guest {
	t.Helper()
	return dial(t, "ws://chat.test/ws", wstest.HTTPClient(n))
}

func (g *guest) send(req request) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	if err := wsjson.Write(ctx, g.conn, req); err != nil {
		g.t.Fatalf("%s sending %+v: %v", g.you.Name, req, err)
	}
}

func (g *guest) read() (e event, err error) {
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	err = wsjson.Read(ctx, g.conn, &e)
	return e, err
}

// want wants the next event to be of that type.
func (g *guest) want(eventType string) event {
	g.t.Helper()
	e, err := g.read()
	if err != nil {
		g.t.Fatalf("%s got %v, want %s", g.you.Name, err, eventType)
	}
	if e.Type != eventType {
		g.t.Fatalf("%s got %+v, want %s", g.you.Name, e, eventType)
	}
	return e
}

// wantClose wants the server to close the connection, after whatever else it
// sends.
func (g *guest) wantClose(code websocket.StatusCode) {
	g.t.Helper()
	for {
		_, err := g.read()
		if err == nil {
			continue
		}
		if got := websocket.CloseStatus(err); got != code {
			g.t.Fatalf("%s got %v, want a close with %v", g.you.Name, err, code)
		}
		return
	}
}

// join comes in, with a key that follows from the name.
func (g *guest) join(name string) event {
	g.t.Helper()
	return g.joinWith(request{Type: "join", Name: name, Key: "the key of " + name})
}

func (g *guest) joinWith(req request) event {
	g.t.Helper()
	g.send(req)
	welcome := g.want("welcome")
	g.you = *welcome.You
	return welcome
}

func (g *guest) say(text string) {
	g.t.Helper()
	g.send(request{Type: "say", Text: text, Ref: "ref of " + text})
}

// hear wants the next event to be that message.
func (g *guest) hear(from *guest, text string) {
	g.t.Helper()
	got := *g.want("message").Message
	want := message{ID: got.ID, From: from.you.ID, Name: from.you.Name, Text: text, Time: got.Time, Ref: "ref of " + text}
	if got != want || got.ID == 0 || got.Time.IsZero() {
		g.t.Fatalf("%s got  %+v\nwant %+v with an ID and a time", g.you.Name, got, want)
	}
}

func TestMessagesReachEveryone(t *testing.T) {
	n := serveChat(t, defaults())
	ada, bob := visit(t, n), visit(t, n)
	ada.join("Ada")
	bob.join("Bob")
	ada.want("joined")

	ada.say("hello")
	ada.hear(ada, "hello")
	bob.hear(ada, "hello")
	bob.say("<b>hi</b>\nthere")
	ada.hear(bob, "<b>hi</b>\nthere")
	bob.hear(bob, "<b>hi</b>\nthere")
}

func TestHistory(t *testing.T) {
	opts := defaults()
	opts.history = 3
	n := serveChat(t, opts)
	ada := visit(t, n)
	if welcome := ada.join("Ada"); len(welcome.History) != 0 {
		t.Errorf("the first one in is shown %v", welcome.History)
	}
	for _, text := range []string{"1", "2", "3", "4", "5"} {
		ada.say(text)
		ada.hear(ada, text)
	}
	welcome := visit(t, n).join("Bob")
	var got []string
	for i, m := range welcome.History {
		got = append(got, m.Text)
		if m.ID != welcome.History[0].ID+int64(i) || m.From != ada.you.ID || m.Name != "Ada" {
			t.Errorf("history has %+v", m)
		}
	}
	if want := []string{"3", "4", "5"}; !slices.Equal(got, want) {
		t.Errorf("history is %q, want %q", got, want)
	}
}

func TestPresence(t *testing.T) {
	n := serveChat(t, defaults())
	ada, bob := visit(t, n), visit(t, n)
	ada.join("Ada")
	welcome := bob.join("Bob")
	if want := []person{ada.you, bob.you}; !slices.Equal(welcome.People, want) {
		t.Errorf("here are %v, want %v", welcome.People, want)
	}
	if got := *ada.want("joined").Person; got != bob.you {
		t.Errorf("%v joined, want %v", got, bob.you)
	}

	bob.send(request{Type: "rename", Name: "Robert"})
	for _, g := range []*guest{ada, bob} {
		if e := g.want("renamed"); e.Person.ID != bob.you.ID || e.Person.Name != "Robert" || e.Was != "Bob" {
			t.Errorf("got %+v of %+v", e, e.Person)
		}
	}

	if err := bob.conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	if got := *ada.want("left").Person; got.ID != bob.you.ID {
		t.Errorf("%v left, want %v", got, bob.you)
	}

	// One who is gone without a word is gone too.
	carol := visit(t, n)
	carol.join("Carol")
	ada.want("joined")
	carol.conn.CloseNow()
	if got := *ada.want("left").Person; got != carol.you {
		t.Errorf("%v left, want %v", got, carol.you)
	}
}

func TestNames(t *testing.T) {
	n := serveChat(t, defaults())
	var last *guest
	for i, tt := range []struct{ asked, want string }{
		{"Ada", "Ada"},
		{"  ada ", "ada 2"},
		{"Ada", "Ada 3"},
		{"A\u200dda", "A\u200dda 4"}, // looks like Ada
		{"Ada 2", "Ada 2 2"},
		{"a\tb\x00\u202ec", "a bc"},
		{"Grace  Brewster\nMurray Hopper", "Grace Brewster Murray Ho"},
		{"Grace Brewster Murray Hopper", "Grace Brewster Murray 2"},
		{"محمد", "محمد"},
	} {
		last = visit(t, n)
		last.joinWith(request{Type: "join", Name: tt.asked})
		if last.you.Name != tt.want {
			t.Errorf("guest %d asked to be %q and is %q, want %q", i, tt.asked, last.you.Name, tt.want)
		}
	}

	// Taking one's own name in another case is no conflict.
	last.send(request{Type: "rename", Name: "Zoe"})
	last.want("renamed")
	last.send(request{Type: "rename", Name: "ZOE"})
	if e := last.want("renamed"); e.Person.Name != "ZOE" {
		t.Errorf("the name is %q, want ZOE", e.Person.Name)
	}
	last.send(request{Type: "rename", Name: "Ada"})
	if e := last.want("renamed"); e.Person.Name != "Ada 5" {
		t.Errorf("the name is %q, want Ada 5", e.Person.Name)
	}
}

func TestRefusals(t *testing.T) {
	opts := defaults()
	opts.burst = 100
	n := serveChat(t, opts)
	g := visit(t, n)
	long := strings.Repeat("é", maxText)
	for _, tt := range []struct {
		req  request
		want string // "" to be carried out
	}{
		{request{Type: "say", Text: "early"}, "join"},
		{request{Type: "join", Name: " \u200d\t"}, "name"},
		{request{Type: "join", Name: "Ada", Key: strings.Repeat("k", maxKey+1)}, "name"},
		{request{Type: "join", Name: "Ada"}, ""},
		{request{Type: "rename", Name: "\n"}, "name"},
		{request{Type: "say", Text: " \x00\n"}, "empty"},
		{request{Type: "say", Text: long}, ""},
		{request{Type: "say", Text: long + "é"}, "length"},
		{request{Type: "say", Text: "a", Ref: strings.Repeat("r", maxRef+1)}, "length"},
		{request{Type: "of the future"}, "-"},
		{request{Type: "say", Text: "still here"}, ""},
	} {
		g.send(tt.req)
		if tt.want == "-" {
			continue // no answer: the next one is to the next request
		}
		e, err := g.read()
		if err != nil {
			t.Fatalf("%+v: %v", tt.req, err)
		}
		if e.Reason != tt.want || (e.Type == "refused") != (tt.want != "") {
			t.Errorf("%+v was answered with %+v, want reason %q", tt.req, e, tt.want)
		}
		if e.Type == "refused" && (e.Text == "" || e.Ref != tt.req.Ref) {
			t.Errorf("%+v was refused with %+v, want a text and the ref", tt.req, e)
		}
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := defaults()
		opts.burst = 3 // join takes one
		opts.refill = time.Second
		n := serveChat(t, opts)
		ada := visit(t, n)
		ada.join("Ada")
		ada.say("1")
		ada.hear(ada, "1")
		ada.say("2")
		ada.hear(ada, "2")

		ada.say("3")
		e := ada.want("refused")
		if e.Reason != "rate" || e.Ref != "ref of 3" || e.Text == "" || e.RetryMS <= 0 || e.RetryMS > 1001 {
			t.Fatalf("refused with %+v", e)
		}
		time.Sleep(time.Duration(e.RetryMS) * time.Millisecond)
		ada.say("3")
		ada.hear(ada, "3")
		ada.say("4")
		ada.want("refused")

		// Others have their own limit.
		bob := visit(t, n)
		bob.join("Bob")
		ada.want("joined")
		bob.say("hi")
		bob.hear(bob, "hi")
		ada.hear(bob, "hi")
	})
}

func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := defaults()
		opts.burst = 2
		opts.maxRefused = 3
		n := serveChat(t, opts)
		ada := visit(t, n)
		ada.join("Ada")
		ada.say("in time")
		ada.hear(ada, "in time")
		for range 2 {
			for range opts.maxRefused {
				ada.say("too fast")
				ada.want("refused")
			}
			time.Sleep(opts.refill) // who slows down starts again
			ada.say("in time")
			ada.hear(ada, "in time")
		}
		for range opts.maxRefused {
			ada.say("too fast")
			ada.want("refused")
		}
		ada.say("too fast")
		ada.wantClose(websocket.StatusPolicyViolation)
	})
}

// TestSlowReader has one guest who reads nothing. The others notice nothing
// of that, and when the queue is full the guest is let go.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := defaults()
		opts.queue = 4
		opts.burst = 100
		n := serveChat(t, opts)
		ada, slow := visit(t, n), visit(t, n)
		ada.join("Ada")
		slow.join("Slow")
		ada.want("joined")

		// The first message is being written, and four more fill the queue.
		for _, text := range []string{"1", "2", "3", "4", "5"} {
			ada.say(text)
			ada.hear(ada, text)
			synctest.Wait()
		}
		ada.say("6")
		ada.hear(ada, "6")
		if got := *ada.want("left").Person; got != slow.you {
			t.Errorf("%v left, want %v", got, slow.you)
		}

		// When it reads again it is told why it was let go, behind the message
		// that was being written.
		slow.hear(ada, "1")
		slow.wantClose(websocket.StatusTryAgainLater)
		ada.say("7")
		ada.hear(ada, "7")
	})
}

// TestStuckReader has a guest who never reads again: the connection ends all
// the same.
func TestStuckReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := serveChat(t, defaults())
		ada, stuck := visit(t, n), visit(t, n)
		ada.join("Ada")
		stuck.join("Stuck")
		ada.want("joined")
		ada.say("hello?")
		ada.hear(ada, "hello?")
		began := time.Now()
		if got := *ada.want("left").Person; got != stuck.you {
			t.Errorf("%v left, want %v", got, stuck.you)
		}
		if took := time.Since(began); took != defaults().writeTimeout {
			t.Errorf("that took %v, want %v", took, defaults().writeTimeout)
		}
	})
}

// TestKeepAlive has a guest who is gone without a word, and one who is silent.
func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := defaults()
		n := serveChat(t, opts)
		ada, gone := visit(t, n), visit(t, n)
		ada.join("Ada")
		gone.join("Gone") // and never reads again, so that no pong comes
		ada.want("joined")

		leaving := wstest.Go(t, func() (event, error) {
			var e event
			err := wsjson.Read(t.Context(), ada.conn, &e)
			return e, err
		})
		time.Sleep(opts.pingEvery + opts.pingTimeout - 1)
		synctest.Wait()
		if leaving.Returned() {
			t.Error("gone is gone before the time")
		}
		time.Sleep(2 * time.Nanosecond)
		synctest.Wait()
		if e := leaving.Want(); e.Type != "left" || *e.Person != gone.you {
			t.Errorf("got %+v, want that %v left", e, gone.you)
		}
	})
}

func TestSameKey(t *testing.T) {
	n := serveChat(t, defaults())
	ada, bob := visit(t, n), visit(t, n)
	ada.join("Ada")
	bob.join("Bob")
	ada.want("joined")

	again := visit(t, n)
	welcome := again.join("Ada")
	ada.wantClose(statusReplaced)
	if again.you != ada.you || len(welcome.People) != 2 {
		t.Errorf("joined again as %v among %v, want %v", again.you, welcome.People, ada.you)
	}
	bob.want("left")
	bob.want("joined")
	again.say("back")
	bob.hear(again, "back")
}

func TestTooLongForARequest(t *testing.T) {
	n := serveChat(t, defaults())
	ada := visit(t, n)
	ada.join("Ada")
	sending := wstest.GoErr(t, func() error {
		return wsjson.Write(t.Context(), ada.conn, request{Type: "say", Text: strings.Repeat("a", maxRequest)})
	})
	ada.wantClose(websocket.StatusMessageTooBig)
	sending.Err() // the server may close before it has read all
}

func TestNotJSON(t *testing.T) {
	n := serveChat(t, defaults())
	ada := visit(t, n)
	ada.join("Ada")
	if err := ada.conn.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	ada.wantClose(websocket.StatusInvalidFramePayloadData)
}

func TestBucket(t *testing.T) {
	b := bucket{size: 2, refill: time.Second}
	start := time.Unix(1e9, 0)
	for i, tt := range []struct{ at, wait time.Duration }{
		{0, 0},
		{0, 0},
		{0, time.Second},
		{400 * time.Millisecond, 600 * time.Millisecond},
		{time.Second, 0},
		{1500 * time.Millisecond, 500 * time.Millisecond},
		{time.Hour, 0},
		{time.Hour, 0},
		{time.Hour, time.Second},
	} {
		if wait := b.take(start.Add(tt.at)); wait != tt.wait {
			t.Errorf("take %d, after %v: wait is %v, want %v", i, tt.at, wait, tt.wait)
		}
	}
}
