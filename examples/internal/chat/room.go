package chat

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bhojpur/api/examples/internal/chat/protocol"
)

// room is what all clients share. Its methods never wait for a client: an
// event is put into each client's queue under the lock, so that all see the
// same events in the same order, and who has no place left in the queue is
// let go.
type room struct {
	id           string // of this run of the server
	historyLimit int

	mu      sync.Mutex
	members map[string]*member // by person.ID
	history []protocol.Message // the last ones, oldest first
	lastID  int64              // of a message
}

// member is a person with the connection that they are here by.
type member struct {
	protocol.Person
	client *client
}

func newRoom(historyLimit int) *room {
	return &room{
		id:           rand.Text(),
		historyLimit: max(historyLimit, 0),
		members:      make(map[string]*member),
	}
}

// join brings c into the room and queues its welcome. It returns the person's
// ID.
func (r *room) join(c *client, name, key string) (id string) {
	id = personID(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := r.members[id]; old != nil {
		old.client.disconnect(protocol.StatusReplaced, "you are here by another connection")
		r.removeLocked(old)
	}
	m := &member{protocol.Person{ID: id, Name: r.freeNameLocked(name, id)}, c}
	r.broadcastLocked(protocol.Event{Type: protocol.Joined, Person: &m.Person})
	r.members[id] = m
	c.send(protocol.Event{Type: protocol.Welcome, Room: r.id, You: &m.Person, People: r.peopleLocked(), History: r.history})
	return id
}

// leave takes c out of the room, if it is still in it.
func (r *room) leave(c *client, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.members[id]; m != nil && m.client == c {
		r.removeLocked(m)
	}
}

// say adds a message and sends it to everyone, its author too: the answer
// tells the author that it has arrived, and when.
func (r *room) say(c *client, id, text, ref string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[id]
	if m == nil || m.client != c {
		return // being let go
	}
	r.lastID++
	msg := protocol.Message{
		ID:   r.lastID,
		From: m.ID,
		Name: m.Name,
		Text: text,
		Time: time.Now().UTC().Truncate(time.Millisecond),
		Ref:  ref,
	}
	r.history = append(r.history, msg)
	if over := len(r.history) - r.historyLimit; over > 0 {
		r.history = slices.Delete(r.history, 0, over)
	}
	r.broadcastLocked(protocol.Event{Type: protocol.Said, Message: &msg})
}

// rename gives a member another name.
func (r *room) rename(c *client, id, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[id]
	if m == nil || m.client != c {
		return
	}
	was := m.Name
	m.Name = r.freeNameLocked(name, id)
	r.broadcastLocked(protocol.Event{Type: protocol.Renamed, Person: &m.Person, Was: was})
}

// removeLocked takes m out and tells the others.
func (r *room) removeLocked(m *member) {
	delete(r.members, m.ID)
	r.broadcastLocked(protocol.Event{Type: protocol.Left, Person: &m.Person})
}

// broadcastLocked queues an event for every member. Those who can't take it
// are let go, which is an event in turn.
func (r *room) broadcastLocked(e protocol.Event) {
	events := []protocol.Event{e}
	for len(events) > 0 {
		p := encode(events[0])
		events = events[1:]
		for id, m := range r.members {
			if !m.client.sendEncoded(p) {
				delete(r.members, id)
				events = append(events, protocol.Event{Type: protocol.Left, Person: &m.Person})
			}
		}
	}
}

func (r *room) peopleLocked() []protocol.Person {
	people := make([]protocol.Person, 0, len(r.members))
	for _, m := range r.members {
		people = append(people, m.Person)
	}
	slices.SortFunc(people, func(a, b protocol.Person) int { return strings.Compare(a.Name, b.Name) })
	return people
}

// freeNameLocked returns name, with a number behind it where someone other
// than id has that name. Letter case makes no difference.
func (r *room) freeNameLocked(name, id string) string {
	taken := make(map[string]bool, len(r.members))
	for _, m := range r.members {
		if m.ID != id {
			taken[protocol.FoldName(m.Name)] = true
		}
	}
	free := name
	for n := 2; taken[protocol.FoldName(free)]; n++ {
		number := fmt.Sprintf(" %d", n)
		free = protocol.FirstRunes(name, protocol.MaxName-len(number)) + number
	}
	return free
}

// personID is what others see of a client's key: always the same for the same
// key, and of no use to join as that person. Without a key it is random.
func personID(key string) string {
	if key == "" {
		key = rand.Text()
	}
	sum := sha256.Sum256([]byte("chat person " + key))
	return hex.EncodeToString(sum[:8])
}

// encode returns e as it goes over the wire. It is done once for an event,
// however many clients get it.
func encode(e protocol.Event) []byte {
	p, err := json.Marshal(e)
	if err != nil {
		panic("chat: an event can always be encoded: " + err.Error())
	}
	return p
}
