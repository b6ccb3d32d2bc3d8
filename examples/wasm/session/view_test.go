package session

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/examples/internal/chat/protocol"
)

// screen is a View that records each call as a line. Its methods for tests wait until the
// bubble is blocked.
type screen struct {
	t *testing.T

	mu       sync.Mutex
	lines    []string
	refs     map[string]string // of pending messages, by text
	key      string
	attempts []time.Duration // the pauses that were shown
}

func newScreen(t *testing.T) *screen {
	return &screen{t: t, refs: make(map[string]string)}
}

// want expects exactly these new lines.
func (s *screen) want(lines ...string) {
	s.t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.lines, lines) {
		s.t.Fatalf("on the screen is\n\t%.500s\nwant\n\t%.500s", strings.Join(s.lines, "\n\t"), strings.Join(lines, "\n\t"))
	}
	s.lines = nil
}

// forget discards the new lines.
func (s *screen) forget() {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = nil
}

// ref returns the ref of a pending text.
func (s *screen) ref(text string) string {
	s.t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	ref, ok := s.refs[text]
	if !ok {
		s.t.Fatalf("%q is not pending", text)
	}
	return ref
}

func (s *screen) add(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// textOf returns the text of a ref.
func (s *screen) textOf(ref string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for text, r := range s.refs {
		if r == ref {
			return text
		}
	}
	return "something unknown"
}

func (s *screen) ShowState(state State) {
	s.add("%s", []string{Connecting: "connecting", Connected: "connected", Offline: "offline"}[state])
}

func (s *screen) ShowTrouble(text string, retryAt time.Time) {
	if retryAt.IsZero() {
		s.add("trouble: %s No retry.", text)
		return
	}
	s.add("trouble: %s", text)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts = append(s.attempts, time.Until(retryAt))
}

func (s *screen) HideTrouble() { s.add("no trouble") }

func (s *screen) ShowPeople(people []protocol.Person, me protocol.Person) {
	var names []string
	for _, p := range people {
		names = append(names, p.Name)
	}
	s.add("%s among %s", me.Name, strings.Join(names, ", "))
}

func (s *screen) AddMessage(m protocol.Message, me protocol.Person) {
	s.add("%s", line(m, me))
}

func (s *screen) AddHistory(messages []protocol.Message, me protocol.Person) {
	var lines []string
	for _, m := range messages {
		lines = append(lines, line(m, me))
	}
	s.add("history: [%s]", strings.Join(lines, ", "))
}

func line(m protocol.Message, me protocol.Person) string {
	if m.From == me.ID {
		return "me: " + m.Text
	}
	return m.Name + ": " + m.Text
}

func (s *screen) AddRemark(text string) { s.add("remark: %s", text) }

func (s *screen) AddPending(ref, text string) {
	s.add("pending: %s", text)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refs[text] = ref
}

func (s *screen) ShowSending(ref string) { s.add("sending: %s", s.textOf(ref)) }
func (s *screen) ShowFailed(ref string)  { s.add("failed: %s", s.textOf(ref)) }

func (s *screen) RemovePending(ref string) {
	text := s.textOf(ref)
	s.add("settled: %s", text)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.refs, text)
}

func (s *screen) Notice(text string)   { s.add("notice: %s", text) }
func (s *screen) AskName(why string)   { s.add("name? %s", why) }
func (s *screen) KeepName(name string) { s.add("keep %s", name) }

func (s *screen) KeepKey(key string) {
	s.add("keep the key")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
}
