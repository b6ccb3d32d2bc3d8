// Package protocol is what goes over the wire of the chat, for its server and
// for clients in Go.
//
// Every message is a JSON object in a text message, with a "type". Whoever
// meets a type or a field that it does not know skips it.
//
// A client sends a request:
//
//	type    fields      meaning
//	join    name, key   comes in. Must be the first. key is a secret of the
//	                    client's choice: who joins with it again is the same
//	                    person, and an older connection of theirs is closed
//	                    with StatusReplaced.
//	say     text, ref   says something. ref is the client's own mark, which
//	                    comes back with the message, or with its refusal.
//	rename  name        takes another name.
//
// The server sends an event:
//
//	type     fields                       meaning
//	welcome  room, you, people, history   the answer to join. room changes
//	                                      when the server was restarted, and
//	                                      message ids start anew.
//	message  message                      somebody said something.
//	joined   person                       somebody came in.
//	left     person                       somebody is gone.
//	renamed  person, was                  somebody has another name now.
//	refused  reason, text, ref, retry_ms  a request was not carried out; text
//	                                      says why, to be shown. After
//	                                      retry_ms it may be sent again.
//
// A name that is taken gets a number: the second Ada is Ada 2. welcome and
// renamed tell what it came to.
//
// The server closes a connection with
//
//	1001  when it shuts down: connect again later.
//	1007  after a message that is not JSON.
//	1008  after too many refused requests: don't connect again by yourself.
//	1013  when the client takes events more slowly than they come: connect
//	      again, and the history has what was missed.
//	4001  StatusReplaced.
package protocol

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	websocket "github.com/bhojpur/api"
)

// StatusReplaced closes a connection whose person has joined by another one.
const StatusReplaced websocket.StatusCode = 4001

// The types of requests.
const (
	Join   = "join"
	Say    = "say"
	Rename = "rename"
)

// The types of events.
const (
	Welcome = "welcome"
	Said    = "message"
	Joined  = "joined"
	Left    = "left"
	Renamed = "renamed"
	Refused = "refused"
)

// The reasons of a refusal.
const (
	ReasonName   = "name"   // it is no name
	ReasonJoin   = "join"   // join first
	ReasonEmpty  = "empty"  // there is nothing to say
	ReasonLength = "length" // it is too long
	ReasonRate   = "rate"   // it came too fast
)

// Request is what a client sends.
type Request struct {
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
	Key  string `json:"key,omitempty"`
	Text string `json:"text,omitempty"`
	Ref  string `json:"ref,omitempty"`
}

// Event is what the server sends.
type Event struct {
	Type    string    `json:"type"`
	Room    string    `json:"room,omitempty"`
	You     *Person   `json:"you,omitempty"`
	People  []Person  `json:"people,omitempty"`
	History []Message `json:"history,omitempty"`
	Message *Message  `json:"message,omitempty"`
	Person  *Person   `json:"person,omitempty"`
	Was     string    `json:"was,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Text    string    `json:"text,omitempty"`
	Ref     string    `json:"ref,omitempty"`
	RetryMS int64     `json:"retry_ms,omitempty"`
}

// Person is somebody in the room. The ID stays the same when the name
// changes.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Message is something that was said. IDs rise by one. Name is the author's
// at that time.
type Message struct {
	ID   int64     `json:"id"`
	From string    `json:"from"`
	Name string    `json:"name"`
	Text string    `json:"text"`
	Time time.Time `json:"time"`
	Ref  string    `json:"ref,omitempty"`
}

// The bounds of what people send, in characters.
const (
	MaxName = 24
	MaxText = 2000
	MaxRef  = 64
	MaxKey  = 128
)

// MaxRequest bounds a request in bytes: MaxText characters of four bytes
// each, as much again for escapes, and the fields around.
const MaxRequest = 2*4*MaxText + 1024

// CleanName makes a name of what somebody typed: no control characters,
// single spaces, not too long. It returns "" where nothing is left to be seen.
func CleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsGraphic(r) && !isJoiner(r):
			return -1
		}
		return r
	}, s)
	s = FirstRunes(strings.Join(strings.Fields(s), " "), MaxName)
	if FoldName(s) == "" {
		return ""
	}
	return s
}

// FoldName returns the same string for names that look the same but for
// letter case.
func FoldName(name string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if isJoiner(r) {
			return -1
		}
		return r
	}, name))
}

// isJoiner tells the two invisible characters that names need, in Persian for
// one, and in emoji.
func isJoiner(r rune) bool {
	return r == '\u200c' || r == '\u200d'
}

// CleanText takes space around a text away, and control characters but for
// line ends and tabs out of it.
func CleanText(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s))
}

// FirstRunes cuts s after n characters.
func FirstRunes(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:n]))
}
