package chat

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
)

// room is the state that clients share. Its methods do not wait for clients. Events are
// posted under the lock, so that all clients get them in the same order.
type room struct {
	id           string // of this run of the server
	historyLimit int

	mu      sync.Mutex
	members map[string]*client // by the person's ID
	history []protocol.Message // the last ones, oldest first
	lastID  int64              // of a message
}

// join adds c as the person of the key. It replaces an older client of that person.
func (r *room) join(c *client, name, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.ID = personID(key)
	if old := r.members[c.ID]; old != nil {
		go old.conn.Close(protocol.StatusReplaced, "you are here by another connection")
		r.removeLocked(old)
	}
	c.Name = r.freeNameLocked(name, c.ID)
	r.broadcastLocked(protocol.Event{Type: protocol.Joined, Person: &c.Person})
	r.members[c.ID] = c
	var people []protocol.Person
	for _, m := range r.members {
		people = append(people, m.Person)
	}
	slices.SortFunc(people, func(a, b protocol.Person) int { return strings.Compare(a.Name, b.Name) })
	c.post(encode(protocol.Event{Type: protocol.Welcome, Room: r.id, You: &c.Person, People: people, History: r.history}))
}

// leave removes c.
func (r *room) leave(c *client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[c.ID] == c {
		r.removeLocked(c)
	}
}

// say adds a message. Its author gets it, too, as a confirmation.
func (r *room) say(c *client, text, ref string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[c.ID] != c {
		return // replaced
	}
	r.lastID++
	now := time.Now().UTC().Truncate(time.Millisecond)
	msg := protocol.Message{ID: r.lastID, From: c.ID, Name: c.Name, Text: text, Time: now, Ref: ref}
	r.history = append(r.history, msg)
	if over := len(r.history) - r.historyLimit; over > 0 {
		r.history = slices.Delete(r.history, 0, over)
	}
	r.broadcastLocked(protocol.Event{Type: protocol.Said, Message: &msg})
}

// rename changes the name of c.
func (r *room) rename(c *client, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members[c.ID] != c {
		return
	}
	was := c.Name
	c.Name = r.freeNameLocked(name, c.ID)
	r.broadcastLocked(protocol.Event{Type: protocol.Renamed, Person: &c.Person, Was: was})
}

func (r *room) removeLocked(c *client) {
	delete(r.members, c.ID)
	r.broadcastLocked(protocol.Event{Type: protocol.Left, Person: &c.Person})
}

// broadcastLocked posts an event to all members.
func (r *room) broadcastLocked(e protocol.Event) {
	m := encode(e)
	for _, c := range r.members {
		c.post(m)
	}
}

// freeNameLocked returns name, with a number if another person than id has that name.
func (r *room) freeNameLocked(name, id string) string {
	taken := make(map[string]bool, len(r.members))
	for _, c := range r.members {
		if c.ID != id {
			taken[protocol.FoldName(c.Name)] = true
		}
	}
	free := name
	for n := 2; taken[protocol.FoldName(free)]; n++ {
		number := fmt.Sprintf(" %d", n)
		free = protocol.FirstRunes(name, protocol.MaxName-len(number)) + number
	}
	return free
}

// personID returns the ID of a person: a hash of the key, which others can't use to join
// as that person. Without a key it is random.
func personID(key string) string {
	if key == "" {
		key = rand.Text()
	}
	sum := sha256.Sum256([]byte("chat person " + key))
	return hex.EncodeToString(sum[:8])
}

// encode prepares an event for any number of clients.
func encode(e protocol.Event) *websocket.PreparedMessage {
	p, err := json.Marshal(e)
	m, invalid := websocket.NewPreparedMessage(websocket.MessageText, p)
	if err := errors.Join(err, invalid); err != nil {
		panic(err) // an Event can be encoded, and JSON is valid UTF-8
	}
	return m
}
