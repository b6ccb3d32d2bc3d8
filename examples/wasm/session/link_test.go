package session

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
	"github.com/bhojpur/api/internal/rawpeer"
	"github.com/bhojpur/api/wsjson"
)

// serve serves each connection by f in place of a chat, on a network in which a write
// blocks until the peer reads.
func (s *stage) serve(f func(conn *websocket.Conn)) {
	n := rawpeer.Listen(&rawpeer.PipeOptions{Capacity: rawpeer.Rendezvous})
	s.network.to(n)
	rawpeer.Serve(s.t, n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		f(conn)
	}))
}

// The pauses between attempts grow up to a limit.
func TestPauses(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.network.to(nil)
		_, view := s.enter(Options{Name: "Ada"})
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		longest := firstPause
		for i, pause := range view.attempts {
			if pause < longest/2 || pause > longest {
				t.Errorf("pause %d was %v, want between %v and %v", i, pause, longest/2, longest)
			}
			longest = min(2*longest, lastPause)
		}
		if n := len(view.attempts); n < 20 {
			t.Errorf("there were %d attempts", n)
		}

		// They start small again after the chat was reached.
		s.start()
		time.Sleep(lastPause)
		view.forget()
		view.attempts = nil
		s.stop()
		view.want("offline", "trouble: The server has shut down.")
		if pause := view.attempts[0]; pause > firstPause {
			t.Errorf("the first pause was %v", pause)
		}
	})
}

// Connect does not wait for the next attempt.
func TestConnectNow(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		session, view := s.ada()
		s.stop()
		view.forget()
		s.start()
		session.Connect()
		view.want("connecting", "connected", "no trouble", "Ada among Ada", "remark: The server was restarted", "history: []")
		time.Sleep(time.Minute) // the scheduled attempt is not made
		view.want()
	})
}

// Disconnect sends a close frame, and makes no further attempt.
func TestDisconnect(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		session, view := s.ada()
		bob := s.guest("Bob")
		view.forget()
		session.Disconnect()
		bob.Want(protocol.Left)
		time.Sleep(time.Hour)
		view.want("offline")

		// It also cancels the next attempt,
		session.Connect()
		view.forget()
		s.stop()
		view.want("offline", "trouble: The server has shut down.")
		session.Disconnect()
		s.start()
		time.Sleep(time.Hour)
		view.want("offline")

		// and an attempt that is under way.
		s.network.hold()
		session.Connect()
		view.want("connecting")
		session.Disconnect()
		s.network.cut()
		time.Sleep(time.Hour)
		view.want("offline")
	})
}

// Unknown and untimely events are ignored.
func TestStrangeServer(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		person := &protocol.Person{ID: "id", Name: "Bob"}
		s.serve(func(conn *websocket.Conn) {
			ctx := t.Context()
			conn.Read(ctx) // join
			for _, e := range []protocol.Event{
				{Type: "of the future"},
				{Type: protocol.Said, Message: &protocol.Message{ID: 1, Text: "early"}},
				{Type: protocol.Joined, Person: person},
				{Type: protocol.Welcome},
				{Type: protocol.Welcome, You: person},
				{Type: protocol.Said},
				{Type: protocol.Joined},
				{Type: protocol.Left},
				{Type: protocol.Renamed},
			} {
				wsjson.Write(ctx, conn, e)
			}
			conn.Write(ctx, websocket.MessageText, []byte("no JSON"))
			conn.Read(ctx)
		})
		_, view := s.enter(Options{Name: "Bob", Key: "a key"})
		view.want("connecting", "connected", "no trouble", "Bob among ", "history: []",
			"offline", "trouble: The server can't be reached.")
	})
}

// A handshake that is not answered is given up.
func TestOpenTimeout(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.network.hold()
		_, view := s.enter(Options{Name: "Ada", Key: "a key"})
		time.Sleep(openTimeout - 1)
		view.want("connecting")
		time.Sleep(2 * time.Nanosecond)
		view.want("offline", "trouble: The server can't be reached.")
	})
}

// A server that does not read is given up.
func TestSendTimeout(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.serve(func(*websocket.Conn) { <-t.Context().Done() })
		_, view := s.enter(Options{Name: "Ada", Key: "a key"})
		time.Sleep(sendTimeout - 1)
		view.want("connecting", "connected")
		time.Sleep(2 * time.Nanosecond)
		view.want("offline", "trouble: The server can't be reached.")
	})
}

// Disconnect and the end of Run send a close frame.
func TestGoodbye(t *testing.T) {
	for name, leave := range map[string]func(session *Session, end func()){
		"Disconnect": func(session *Session, _ func()) { session.Disconnect() },
		"Run":        func(_ *Session, end func()) { end() },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(t *testing.T, s *stage) {
				var ended error
				s.serve(func(conn *websocket.Conn) {
					for ended == nil {
						_, _, ended = conn.Read(t.Context())
					}
				})
				ctx, end := context.WithCancel(t.Context())
				defer end()
				session, running := s.run(ctx)
				leave(session, end)
				synctest.Wait()
				if code := websocket.CloseStatus(ended); code != websocket.StatusNormalClosure {
					t.Errorf("for the server the connection ended with %v", ended)
				}
				end()
				running.Err()
			})
		})
	}
}

// Run returns after the connection is closed.
func TestClosedAtTheEnd(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		_, running := s.run(ctx)
		s.network.hold() // also the server's close frame
		end()
		synctest.Wait()
		if running.Returned() {
			t.Error("Run returned before the close handshake was over")
		}
		s.network.letGo()
		running.Err()
	})
}

// run runs a session and waits until it is blocked.
func (s *stage) run(ctx context.Context) (*Session, *rawpeer.Call[struct{}]) {
	session := New(Options{
		URL:  "ws://chat.test/ws",
		Dial: &websocket.DialOptions{HTTPClient: rawpeer.HTTPClient(s.network)},
		Name: "Ada",
		Key:  "a key",
	}, newScreen(s.t))
	running := rawpeer.GoErr(s.t, func() error { session.Run(ctx); return nil })
	synctest.Wait()
	return session, running
}

// News of a link that was hung up are ignored.
func TestNewsOfEndedLink(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		view := newScreen(t)
		New(Options{}, view).hear(t.Context(), news{from: new(link), err: io.EOF})
		view.want()
	})
}
