// Package protocol describes the messages of the chat, for its server and for clients in
// Go. A message is a JSON object with a "type", in a text message. Unknown types and fields
// are ignored.
//
// The server closes a connection with
//
//	1001  when it shuts down: connect again later
//	1007  after a message that is not JSON
//	1008  after too many refused requests: do not connect again automatically
//	1013  if the client does not keep up: connect again, and the history has the rest
//	4001  StatusReplaced
package protocol

import (
	"strings"
	"time"
	"unicode"

	websocket "github.com/bhojpur/api"
)

// StatusReplaced closes a connection whose person has joined by another one.
const StatusReplaced websocket.StatusCode = 4001

// The types of requests.
const (
	Join   = "join"   // has Name and Key. It comes first
	Say    = "say"    // has Text and Ref
	Rename = "rename" // has Name
)

// The types of events.
const (
	Welcome = "welcome" // answers Join. It has Room, You, People and History
	Said    = "message" // has Message
	Joined  = "joined"  // has Person
	Left    = "left"    // has Person
	Renamed = "renamed" // has Person and Was
	Refused = "refused" // has Reason, Text, Ref and RetryMS
)

// The reasons of a refusal.
const (
	ReasonName   = "name"   // not a name
	ReasonJoin   = "join"   // not joined
	ReasonEmpty  = "empty"  // no text
	ReasonLength = "length" // too long
	ReasonRate   = "rate"   // too fast
)

// Request is a message of a client.
type Request struct {
	Type string `json:"type"`
	Name string `json:"name,omitempty"` // gets a number if another person has it
	Key  string `json:"key,omitempty"`  // a secret: with the same key one is the same person
	Text string `json:"text,omitempty"`
	Ref  string `json:"ref,omitempty"` // any mark. The message, or the refusal, has it, too
}

// Event is a message of the server.
type Event struct {
	Type    string    `json:"type"`
	Room    string    `json:"room,omitempty"` // another one after a restart of the server
	You     *Person   `json:"you,omitempty"`
	People  []Person  `json:"people,omitempty"`
	History []Message `json:"history,omitempty"`
	Message *Message  `json:"message,omitempty"`
	Person  *Person   `json:"person,omitempty"`
	Was     string    `json:"was,omitempty"` // the earlier name
	Reason  string    `json:"reason,omitempty"`
	Text    string    `json:"text,omitempty"` // to be shown
	Ref     string    `json:"ref,omitempty"`
	RetryMS int64     `json:"retry_ms,omitempty"` // after this time the request may be sent again
}

// Person is a person in the room.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Message is something that a person said.
type Message struct {
	ID   int64     `json:"id"` // one more than that of the message before
	From string    `json:"from"`
	Name string    `json:"name"` // at that time
	Text string    `json:"text"`
	Time time.Time `json:"time"`
	Ref  string    `json:"ref,omitempty"`
}

// The limits of requests, in characters.
const (
	MaxName = 24
	MaxText = 2000
	MaxRef  = 64
	MaxKey  = 128
)

// MaxRequest is the limit of a request in bytes: MaxText characters of four bytes, as much
// again for escapes, and the other fields.
const MaxRequest = 2*4*MaxText + 1024

// CleanName removes control characters from a name, and shortens space and the name. It
// returns "" if nothing visible is left.
func CleanName(s string) string {
	s = strings.Join(strings.Fields(keep(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsGraphic(r) || isJoiner(r)
	})), " ")
	if s = FirstRunes(s, MaxName); FoldName(s) == "" {
		return ""
	}
	return s
}

// FoldName returns the same string for names that look the same, except for letter case.
func FoldName(name string) string {
	return strings.ToLower(keep(name, func(r rune) bool { return !isJoiner(r) }))
}

// isJoiner reports whether r is one of the two invisible characters that names need, such
// as those in Persian, and emoji.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// CleanText removes control characters from a text, except line ends and tabs, and space
// at its ends.
func CleanText(s string) string {
	return strings.TrimSpace(keep(s, func(r rune) bool { return !unicode.IsControl(r) || r == '\n' || r == '\t' }))
}

// keep returns the characters of s for which f returns true.
func keep(s string, f func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if f(r) {
			return r
		}
		return -1
	}, s)
}

// FirstRunes returns at most the first n characters of s, without space at the ends.
func FirstRunes(s string, n int) string {
	runes := []rune(s)
	return strings.TrimSpace(string(runes[:min(n, len(runes))]))
}
