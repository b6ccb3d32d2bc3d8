package chat

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/chat/chattest"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
	"github.com/bhojpur/api/internal/rawpeer"
	"github.com/bhojpur/api/wsjson"
)

// serveChat serves a chat on an in-memory network without buffers: a write blocks until
// the peer reads.
func serveChat(t *testing.T, opts Options) rawpeer.Network {
	n := rawpeer.Listen(&rawpeer.PipeOptions{Capacity: rawpeer.Rendezvous})
	rawpeer.Serve(t, n, NewServer(opts, slog.New(slog.DiscardHandler)).Handler(JavaScript))
	return n
}

func TestMessagesReachEveryone(t *testing.T) {
	n := serveChat(t, Defaults())
	ada, bob := chattest.Visit(t, n), chattest.Visit(t, n)
	ada.Join("Ada")
	bob.Join("Bob")
	ada.Want(protocol.Joined)

	ada.Say("hello")
	ada.Hear(ada, "hello")
	bob.Hear(ada, "hello")
	bob.Say("<b>hi</b>\nthere")
	ada.Hear(bob, "<b>hi</b>\nthere")
	bob.Hear(bob, "<b>hi</b>\nthere")
}

func TestHistory(t *testing.T) {
	opts := Defaults()
	opts.History = 3
	n := serveChat(t, opts)
	ada := chattest.Visit(t, n)
	if welcome := ada.Join("Ada"); len(welcome.History) != 0 {
		t.Errorf("the first guest gets the history %v", welcome.History)
	}
	for _, text := range []string{"1", "2", "3", "4", "5"} {
		ada.Say(text)
		ada.Hear(ada, text)
	}
	welcome := chattest.Visit(t, n).Join("Bob")
	var got []string
	for i, m := range welcome.History {
		got = append(got, m.Text)
		if m.ID != welcome.History[0].ID+int64(i) || m.From != ada.You.ID || m.Name != "Ada" {
			t.Errorf("history has %+v", m)
		}
	}
	if want := []string{"3", "4", "5"}; !slices.Equal(got, want) {
		t.Errorf("history is %q, want %q", got, want)
	}
}

func TestPresence(t *testing.T) {
	n := serveChat(t, Defaults())
	ada, bob := chattest.Visit(t, n), chattest.Visit(t, n)
	ada.Join("Ada")
	welcome := bob.Join("Bob")
	if want := []protocol.Person{ada.You, bob.You}; !slices.Equal(welcome.People, want) {
		t.Errorf("the people are %v, want %v", welcome.People, want)
	}
	if got := *ada.Want(protocol.Joined).Person; got != bob.You {
		t.Errorf("%v joined, want %v", got, bob.You)
	}

	bob.Send(protocol.Request{Type: protocol.Rename, Name: "Robert"})
	for _, g := range []*chattest.Guest{ada, bob} {
		if e := g.Want(protocol.Renamed); e.Person.ID != bob.You.ID || e.Person.Name != "Robert" || e.Was != "Bob" {
			t.Errorf("got %+v of %+v", e, e.Person)
		}
	}

	if err := bob.Conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	if got := *ada.Want(protocol.Left).Person; got.ID != bob.You.ID {
		t.Errorf("%v left, want %v", got, bob.You)
	}

	// A guest whose connection is lost leaves, too.
	carol := chattest.Visit(t, n)
	carol.Join("Carol")
	ada.Want(protocol.Joined)
	carol.Conn.CloseNow()
	if got := *ada.Want(protocol.Left).Person; got != carol.You {
		t.Errorf("%v left, want %v", got, carol.You)
	}
}

func TestNames(t *testing.T) {
	n := serveChat(t, Defaults())
	var last *chattest.Guest
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
		last = chattest.Visit(t, n)
		last.JoinWith(protocol.Request{Type: protocol.Join, Name: tt.asked})
		if last.You.Name != tt.want {
			t.Errorf("guest %d requested the name %q and has %q, want %q", i, tt.asked, last.You.Name, tt.want)
		}
	}

	// A guest may change the letter case of his own name.
	last.Send(protocol.Request{Type: protocol.Rename, Name: "Zoe"})
	last.Want(protocol.Renamed)
	last.Send(protocol.Request{Type: protocol.Rename, Name: "ZOE"})
	if e := last.Want(protocol.Renamed); e.Person.Name != "ZOE" {
		t.Errorf("the name is %q, want ZOE", e.Person.Name)
	}
	last.Send(protocol.Request{Type: protocol.Rename, Name: "Ada"})
	if e := last.Want(protocol.Renamed); e.Person.Name != "Ada 5" {
		t.Errorf("the name is %q, want Ada 5", e.Person.Name)
	}
}

func TestRefusals(t *testing.T) {
	opts := Defaults()
	opts.Burst = 100
	n := serveChat(t, opts)
	g := chattest.Visit(t, n)
	long := strings.Repeat("é", protocol.MaxText)
	for _, tt := range []struct {
		req  protocol.Request
		want string // "" if it is carried out
	}{
		{protocol.Request{Type: protocol.Say, Text: "early"}, "join"},
		{protocol.Request{Type: protocol.Join, Name: " \u200d\t"}, "name"},
		{protocol.Request{Type: protocol.Join, Name: "Ada", Key: strings.Repeat("k", protocol.MaxKey+1)}, "name"},
		{protocol.Request{Type: protocol.Join, Name: "Ada"}, ""},
		{protocol.Request{Type: protocol.Rename, Name: "\n"}, "name"},
		{protocol.Request{Type: protocol.Say, Text: " \x00\n"}, "empty"},
		{protocol.Request{Type: protocol.Say, Text: long}, ""},
		{protocol.Request{Type: protocol.Say, Text: long + "é"}, "length"},
		{protocol.Request{Type: protocol.Say, Text: "a", Ref: strings.Repeat("r", protocol.MaxRef+1)}, "length"},
		{protocol.Request{Type: "of the future"}, "-"},
		{protocol.Request{Type: protocol.Say, Text: "still here"}, ""},
	} {
		g.Send(tt.req)
		if tt.want == "-" {
			continue // there is no answer
		}
		e, err := g.Read()
		if err != nil {
			t.Fatalf("%+v: %v", tt.req, err)
		}
		if e.Reason != tt.want || (e.Type == protocol.Refused) != (tt.want != "") {
			t.Errorf("%+v was answered with %+v, want reason %q", tt.req, e, tt.want)
		}
		if e.Type == protocol.Refused && (e.Text == "" || e.Ref != tt.req.Ref) {
			t.Errorf("%+v was refused with %+v, want a text and the ref", tt.req, e)
		}
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := Defaults()
		opts.Burst = 3 // including join
		opts.Refill = time.Second
		n := serveChat(t, opts)
		ada := chattest.Visit(t, n)
		ada.Join("Ada")
		ada.Say("1")
		ada.Hear(ada, "1")
		ada.Say("2")
		ada.Hear(ada, "2")

		ada.Say("3")
		e := ada.Want(protocol.Refused)
		if e.Reason != "rate" || e.Ref != "ref of 3" || e.Text == "" || e.RetryMS <= 0 || e.RetryMS > 1001 {
			t.Fatalf("refused with %+v", e)
		}
		time.Sleep(time.Duration(e.RetryMS) * time.Millisecond)
		ada.Say("3")
		ada.Hear(ada, "3")
		ada.Say("4")
		ada.Want(protocol.Refused)

		// Each guest has a limit of its own.
		bob := chattest.Visit(t, n)
		bob.Join("Bob")
		ada.Want(protocol.Joined)
		bob.Say("hi")
		bob.Hear(bob, "hi")
		ada.Hear(bob, "hi")
	})
}

func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := Defaults()
		opts.Burst = 2
		opts.MaxRefused = 3
		n := serveChat(t, opts)
		ada := chattest.Visit(t, n)
		ada.Join("Ada")
		ada.Say("in time")
		ada.Hear(ada, "in time")
		for range 2 {
			for range opts.MaxRefused {
				ada.Say("too fast")
				ada.Want(protocol.Refused)
			}
			time.Sleep(opts.Refill) // the count starts again
			ada.Say("in time")
			ada.Hear(ada, "in time")
		}
		for range opts.MaxRefused {
			ada.Say("too fast")
			ada.Want(protocol.Refused)
		}
		ada.Say("too fast")
		ada.WantClose(websocket.StatusPolicyViolation)
	})
}

// A guest who does not read is disconnected when the backlog is full, and then gets the
// reason after the queued messages. The others get everything.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := Defaults()
		opts.Accept.MaxBacklog = 1000
		opts.Burst = 100
		n := serveChat(t, opts)
		ada, slow := chattest.Visit(t, n), chattest.Visit(t, n)
		ada.Join("Ada")
		slow.Join("Slow")
		ada.Want(protocol.Joined)

		for _, text := range strings.Split("1 2 3 4 5 6 7 8 9 10", " ") {
			ada.Say(text)
			ada.Hear(ada, text)
			synctest.Wait()
		}
		for _, text := range []string{"1", "2", "3"} {
			slow.Hear(ada, text)
		}
		slow.WantClose(websocket.StatusTryAgainLater)
		if got := *ada.Want(protocol.Left).Person; got != slow.You {
			t.Errorf("%v left, want %v", got, slow.You)
		}
		ada.Say("still here")
		ada.Hear(ada, "still here")
	})
}

// A guest who never reads again does not stay, even if little is said.
func TestStuckReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := serveChat(t, Defaults())
		ada, stuck := chattest.Visit(t, n), chattest.Visit(t, n)
		ada.Join("Ada")
		stuck.Join("Stuck")
		ada.Want(protocol.Joined)
		ada.Say("hello?")
		ada.Hear(ada, "hello?")
		began := time.Now()
		if got := *ada.Want(protocol.Left).Person; got != stuck.You {
			t.Errorf("%v left, want %v", got, stuck.You)
		}
		if took, want := time.Since(began), Defaults().Accept.WriteTimeout; took < want || took > want*5/4 {
			t.Errorf("it took %v, want %v, or up to a quarter more", took, want)
		}
	})
}

// peer joins as a client that sends raw frames.
func peer(t *testing.T, n rawpeer.Network, name string) *rawpeer.Peer {
	t.Helper()
	conn, err := n.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := rawpeer.ClientHandshake(t, conn, &rawpeer.ClientOptions{RequestLine: "GET /ws HTTP/1.1"})
	p.Timeout = time.Hour
	p.SendText(`{"type":"join","name":"` + name + `"}`)
	p.ReadMessage()
	return p
}

// A connection whose guest answers pings stays open. Without answers it fails.
func TestVanishedGuest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := Defaults()
		n := serveChat(t, opts)
		ada := chattest.Visit(t, n)
		ada.Join("Ada")
		p := peer(t, n, "Bob")
		ada.Want(protocol.Joined)
		leaving := rawpeer.Go(t, func() (e protocol.Event, err error) { // longer than Guest.Read
			err = wsjson.Read(t.Context(), ada.Conn, &e)
			return e, err
		})
		for range 3 {
			p.SendPong(p.WantPing())
		}
		p.WantPing()
		if leaving.Returned() {
			t.Error("a guest who answers pings was disconnected")
		}
		p.WantEnd()
		if e := leaving.Want(); e.Type != protocol.Left || e.Person.Name != "Bob" {
			t.Errorf("got %+v, want Left of Bob", e)
		}
	})
}

func TestSameKey(t *testing.T) {
	n := serveChat(t, Defaults())
	ada, bob := chattest.Visit(t, n), chattest.Visit(t, n)
	ada.Join("Ada")
	bob.Join("Bob")
	ada.Want(protocol.Joined)

	again := chattest.Visit(t, n)
	welcome := again.Join("Ada")
	ada.WantClose(protocol.StatusReplaced)
	if again.You != ada.You || len(welcome.People) != 2 {
		t.Errorf("joined again as %v among %v, want %v", again.You, welcome.People, ada.You)
	}
	bob.Want(protocol.Left)
	bob.Want(protocol.Joined)
	again.Say("back")
	bob.Hear(again, "back")
}

func TestTooLongForARequest(t *testing.T) {
	n := serveChat(t, Defaults())
	ada := chattest.Visit(t, n)
	ada.Join("Ada")
	sending := rawpeer.GoErr(t, func() error {
		return wsjson.Write(t.Context(), ada.Conn, protocol.Request{Type: protocol.Say, Text: strings.Repeat("a", protocol.MaxRequest)})
	})
	ada.WantClose(websocket.StatusMessageTooBig)
	sending.Err() // the server may close before it has read all
}

func TestNotJSON(t *testing.T) {
	n := serveChat(t, Defaults())
	ada := chattest.Visit(t, n)
	ada.Join("Ada")
	if err := ada.Conn.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	ada.WantClose(websocket.StatusInvalidFramePayloadData)
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
