package session

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/bhojpur/api/examples/internal/chat/protocol"
)

// handle handles an event.
func (s *Session) handle(ctx context.Context, e protocol.Event) {
	switch {
	case e.Type == protocol.Welcome && e.You != nil:
		s.welcome(ctx, e)
	case e.Type == protocol.Refused:
		s.refused(e)
	case s.me == nil: // the other events are for members
	case e.Type == protocol.Said && e.Message != nil:
		s.said(*e.Message)
	case e.Type == protocol.Joined && e.Person != nil:
		s.people[e.Person.ID] = *e.Person
		s.present(e.Person.Name + " joined")
	case e.Type == protocol.Left && e.Person != nil:
		delete(s.people, e.Person.ID)
		s.present(e.Person.Name + " left")
	case e.Type == protocol.Renamed && e.Person != nil:
		s.renamed(*e.Person, e.Was)
	}
}

// welcome handles the answer to join.
func (s *Session) welcome(ctx context.Context, e protocol.Event) {
	s.attempts = 0
	s.view.HideTrouble()
	s.me = e.You
	clear(s.people)
	for _, person := range e.People {
		s.people[person.ID] = person
	}
	s.showPeople()

	switch {
	case s.room != "" && s.room != e.Room:
		s.view.AddRemark("The server was restarted")
		s.lastID = 0
	case s.room != "" && len(e.History) > 0 && e.History[0].ID > s.lastID+1:
		s.view.AddRemark("Some earlier messages are not shown")
	}
	s.room = e.Room
	missed := slices.DeleteFunc(e.History, func(m protocol.Message) bool { return m.ID <= s.lastID })
	for _, m := range missed {
		s.note(m)
	}
	s.view.AddHistory(missed, *s.me)

	for _, p := range s.pending {
		if !p.failed {
			s.transmit(ctx, p)
		}
	}
	if s.name == s.asked {
		s.checkName()
	} else {
		s.send(ctx, protocol.Request{Type: protocol.Rename, Name: s.name})
	}
	s.asked = ""
}

func (s *Session) said(m protocol.Message) {
	s.note(m)
	s.view.AddMessage(m, *s.me)
}

// note records that a message has arrived here, and if it is of this person, at the
// server.
func (s *Session) note(m protocol.Message) {
	s.lastID = m.ID
	if p := s.pendingOf(m.Ref); p != nil && m.From == s.me.ID {
		s.settle(p)
	}
}

func (s *Session) renamed(person protocol.Person, was string) {
	s.people[person.ID] = person
	if person.ID == s.me.ID {
		s.me = &person
		s.checkName()
	}
	if person.Name == was {
		s.showPeople()
		return
	}
	s.present(was + " is now " + person.Name)
}

func (s *Session) refused(e protocol.Event) {
	if p := s.pendingOf(e.Ref); p != nil {
		p.failed = true
		s.view.ShowFailed(p.ref)
	}
	if e.Reason != protocol.ReasonName {
		s.view.Notice(e.Text)
		return
	}
	s.asked = "" // a person with a name was not joining
	s.view.AskName(e.Text)
}

// present shows the list of people and a remark about the change.
func (s *Session) present(remark string) {
	s.showPeople()
	s.view.AddRemark(remark)
}

func (s *Session) showPeople() {
	people := slices.SortedFunc(maps.Values(s.people), func(a, b protocol.Person) int {
		switch {
		case a.ID == s.me.ID:
			return -1
		case b.ID == s.me.ID:
			return 1
		}
		return cmp.Compare(protocol.FoldName(a.Name), protocol.FoldName(b.Name))
	})
	s.view.ShowPeople(people, *s.me)
}

// checkName shows a notice if the server assigned another name.
func (s *Session) checkName() {
	if s.me.Name != s.name {
		s.view.Notice("That name is taken, so you are " + s.me.Name + ".")
	}
}

func (s *Session) join(ctx context.Context) {
	if !s.isOpen() {
		return // opening the link joins
	}
	s.asked = s.name
	s.send(ctx, protocol.Request{Type: protocol.Join, Name: s.name, Key: s.key})
}

// transmit sends a message if the person is in the room. Otherwise welcome does so.
func (s *Session) transmit(ctx context.Context, p *pending) {
	if s.me != nil {
		s.send(ctx, protocol.Request{Type: protocol.Say, Text: p.text, Ref: p.ref})
	}
}

func (s *Session) pendingOf(ref string) *pending {
	i := slices.IndexFunc(s.pending, func(p *pending) bool { return p.ref == ref })
	if i < 0 {
		return nil
	}
	return s.pending[i]
}

// settle removes a pending message.
func (s *Session) settle(p *pending) {
	s.pending = slices.DeleteFunc(s.pending, func(q *pending) bool { return q == p })
	s.view.RemovePending(p.ref)
}
