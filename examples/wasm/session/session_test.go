package session

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/chat"
	"github.com/bhojpur/api/examples/internal/chat/chattest"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// stage is a chat that can be restarted.
type stage struct {
	t       *testing.T
	network *street
	server  *chat.Server
	opts    chat.Options
}

// play runs f in a bubble with a server.
func play(t *testing.T, f func(t *testing.T, s *stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, network: new(street), opts: chat.Defaults()}
		s.start()
		f(t, s)
	})
}

// start starts a server in place of the last one.
func (s *stage) start() {
	s.server = chat.NewServer(s.opts, slog.New(slog.DiscardHandler))
	n := rawpeer.Listen(nil)
	s.network.to(n)
	rawpeer.Serve(s.t, n, s.server.Handler(chat.JavaScript))
}

// stop ends the server.
func (s *stage) stop() {
	s.network.to(nil)
	s.server.Clients.Close(s.t.Context(), websocket.StatusGoingAway, "")
	synctest.Wait()
}

// guest joins as another client.
func (s *stage) guest(name string) *chattest.Guest {
	s.t.Helper()
	g := chattest.Visit(s.t, s.network)
	g.Join(name)
	return g
}

// enter starts a session, which ends with the test.
func (s *stage) enter(opts Options) (*Session, *screen) {
	opts.URL = "ws://chat.test/ws"
	opts.Dial = &websocket.DialOptions{HTTPClient: rawpeer.HTTPClient(s.network)}
	view := newScreen(s.t)
	session := New(opts, view)
	ctx, cancel := context.WithCancel(s.t.Context())
	running := rawpeer.GoErr(s.t, func() error { session.Run(ctx); return nil })
	s.t.Cleanup(func() {
		cancel()
		running.Err()
	})
	return session, view
}

// ada starts a session that has joined.
func (s *stage) ada() (*Session, *screen) {
	session, view := s.enter(Options{Name: "Ada", Key: "the key of Ada"})
	view.want("connecting", "connected", "no trouble", "Ada among Ada", "history: []")
	return session, view
}

func TestJoin(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		bob := s.guest("Bob")
		bob.Say("anybody?")
		bob.Hear(bob, "anybody?")

		session, view := s.enter(Options{})
		view.want("keep the key", "connecting", "name? ", "connected", "no trouble")
		session.SetName(" \t")
		view.want("name? Please enter a name.")
		session.SetName("  Ada  Lovelace ")
		view.want("keep Ada Lovelace", "no trouble", "Ada Lovelace among Ada Lovelace, Bob", "history: [Bob: anybody?]")
		bob.Want(protocol.Joined)

		session.Say("  hello\n")
		view.want("pending: hello", "settled: hello", "me: hello")
		if got := bob.Want(protocol.Said).Message.Text; got != "hello" {
			t.Errorf("Bob hears %q", got)
		}
		session.Say(" \n")
		view.want()
		bob.Say("hi")
		view.want("Bob: hi")
	})
}

func TestPresence(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		session, view := s.ada()
		zoe := s.guest("zoe")
		view.want("Ada among Ada, zoe", "remark: zoe joined")
		bob := s.guest("Bob")
		view.want("Ada among Ada, Bob, zoe", "remark: Bob joined")
		bob.Send(protocol.Request{Type: protocol.Rename, Name: "Zora"})
		view.want("Ada among Ada, zoe, Zora", "remark: Bob is now Zora")
		zoe.Conn.CloseNow()
		view.want("Ada among Ada, Zora", "remark: zoe left")

		session.SetName("Ada")
		view.want()
		session.SetName("zora")
		view.want("keep zora", "notice: That name is taken, so you are zora 2.",
			"zora 2 among zora 2, Zora", "remark: Ada is now zora 2")
		session.SetName("Ada")
		view.want("keep Ada", "Ada among Ada, Zora", "remark: zora 2 is now Ada")
	})
}

// A name that is in use gets a number.
func TestSameName(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.guest("Ada")
		_, view := s.enter(Options{Name: "Ada", Key: "another key"})
		view.want("connecting", "connected", "no trouble", "Ada 2 among Ada 2, Ada", "history: []",
			"notice: That name is taken, so you are Ada 2.")
	})
}

// The name may change before the server has answered join.
func TestRenameBeforeWelcome(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		session, view := s.enter(Options{Key: "a key"})
		view.forget()
		s.network.hold()
		session.SetName("Ada")
		session.SetName("Grace")
		view.want("keep Ada", "keep Grace")
		s.network.letGo()
		view.want("no trouble", "Ada among Ada", "history: []",
			"Grace among Grace", "remark: Ada is now Grace")
	})
}

// A message above the rate limit is refused, and can be sent again.
func TestRefused(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.opts.Burst = 2 // including join
		s.stop()
		s.start()
		session, view := s.ada()
		session.Say("1")
		view.want("pending: 1", "settled: 1", "me: 1")
		const tooFast = "notice: That was a little fast. Please wait a moment and send it again."
		session.Say("2")
		view.want("pending: 2", "failed: 2", tooFast)
		session.Say("3")
		view.want("pending: 3", "failed: 3", tooFast)

		session.Discard(view.ref("2"))
		view.want("settled: 2")
		session.SendAgain(view.ref("3"))
		view.want("sending: 3", "failed: 3", tooFast)
		time.Sleep(s.opts.Refill)
		session.SendAgain(view.ref("3"))
		view.want("sending: 3", "settled: 3", "me: 3")
		session.SendAgain("nothing")
		session.Discard("nothing")
		view.want()

		// Messages that were not refused are sent.
		time.Sleep(s.opts.Refill)
		s.network.hold()
		session.Say("4")
		session.SendAgain(view.ref("4"))
		session.Discard(view.ref("4"))
		view.want("pending: 4")
		s.network.letGo()
		view.want("settled: 4", "me: 4")

		// Refs of other clients do not matter.
		session.Say("5")
		view.want("pending: 5", "failed: 5", tooFast)
		bob := s.guest("Bob")
		bob.Send(protocol.Request{Type: protocol.Say, Text: "mine", Ref: view.ref("5")})
		view.want("Ada among Ada, Bob", "remark: Bob joined", "Bob: mine")
	})
}

// After an empty or a refused name the session prompts again.
func TestNoName(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		_, view := s.enter(Options{Name: " \t", Key: "a key"})
		view.want("connecting", "name? ", "connected", "no trouble")

		session, view := s.enter(Options{Name: "Ada", Key: strings.Repeat("k", protocol.MaxKey+1)})
		view.want("connecting", "connected", "name? Please enter a name.")
		session.SetName("Grace")
		view.want("keep Grace", "name? Please enter a name.")
	})
}

// A welcome may have a long history.
func TestLongHistory(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.opts.Burst = 100
		s.stop()
		s.start()
		bob := s.guest("Bob")
		long := strings.Repeat("é", protocol.MaxText)
		for range 50 {
			bob.Send(protocol.Request{Type: protocol.Say, Text: long})
			bob.Want(protocol.Said)
		}
		_, view := s.enter(Options{Name: "Ada", Key: "a key"})
		view.want("connecting", "connected", "no trouble", "Ada among Ada, Bob",
			"history: ["+strings.Repeat("Bob: "+long+", ", 49)+"Bob: "+long+"]")
	})
}

// After a restart of the server, where the name is in use now, pending messages are sent.
func TestRestart(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		session, view := s.ada()
		session.Say("before")
		view.want("pending: before", "settled: before", "me: before")

		s.stop()
		view.want("offline", "trouble: The server has shut down.")
		session.Say("meanwhile")
		view.want("pending: meanwhile")
		s.start()
		s.guest("Bob").Say("hello")
		view.want()
		time.Sleep(firstPause)
		view.want("connecting", "connected", "no trouble", "Ada among Ada, Bob",
			"remark: The server was restarted", "history: [Bob: hello]", "settled: meanwhile", "me: meanwhile")
	})
}

// Messages that were missed are added, once.
func TestMissedMessages(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.opts.History = 2
		s.stop()
		s.start()
		bob := s.guest("Bob")
		session, view := s.enter(Options{Name: "Ada", Key: "the key of Ada"})
		view.forget()
		say := func(text string) {
			bob.Say(text)
			synctest.Wait()
		}
		say("1")
		view.want("Bob: 1")
		cy := s.guest("Cy")
		view.want("Ada among Ada, Bob, Cy", "remark: Cy joined")

		// No message is shown twice.
		session.Disconnect()
		view.want("offline")
		cy.Conn.CloseNow()
		say("2")
		session.Connect()
		view.want("connecting", "connected", "no trouble", "Ada among Ada, Bob", "history: [Bob: 2]")

		// Messages that are not in the history are missing.
		session.Disconnect()
		view.want("offline")
		for _, text := range []string{"3", "4", "5"} {
			say(text)
		}
		session.Connect()
		view.want("connecting", "connected", "no trouble", "Ada among Ada, Bob",
			"remark: Some earlier messages are not shown", "history: [Bob: 4, Bob: 5]")
		session.Connect() // without an effect
		view.want()
	})
}

// The history confirms a message whose confirmation was lost.
func TestConfirmedByHistory(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		session, view := s.ada()
		s.network.hold()
		session.Say("hello")
		view.want("pending: hello")
		s.network.cut()
		view.want("offline", "trouble: The server can't be reached.")
		time.Sleep(firstPause)
		view.want("connecting", "connected", "no trouble", "Ada among Ada", "settled: hello", "history: [me: hello]")
	})
}

// If another client joins with the same key, as a copy of the tab does, the session
// becomes another person.
func TestReplaced(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		_, view := s.ada()
		s.guest("Ada") // the same key
		view.want("keep the key", "connecting", "connected", "no trouble", "Ada 2 among Ada 2, Ada", "history: []",
			"notice: That name is taken, so you are Ada 2.")
		if view.key == "the key of Ada" || view.key == "" {
			t.Errorf("the key is %q", view.key)
		}
	})
}

// After a close code that forbids it, there is no further attempt.
func TestClosedForGood(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.opts.Burst, s.opts.MaxRefused = 2, 1
		s.stop()
		s.start()
		session, view := s.ada()
		for _, text := range []string{"1", "2", "3"} {
			session.Say(text)
			synctest.Wait()
		}
		view.want("pending: 1", "settled: 1", "me: 1", "pending: 2", "failed: 2",
			"notice: That was a little fast. Please wait a moment and send it again.",
			"pending: 3", "offline", "trouble: You were disconnected, because you sent too much at once. No retry.")
		time.Sleep(time.Hour)
		view.want()
		session.Connect()
		view.want("connecting", "connected", "no trouble", "Ada among Ada", "history: []", "settled: 3", "me: 3")
	})
}

// A message that is too long is refused.
func TestTooLong(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		session, view := s.ada()
		long := strings.Repeat("x", protocol.MaxText+1)
		session.Say(long)
		view.want("pending: "+long, "failed: "+long, "notice: That is too long: a message may have 2000 characters.")
	})
}
