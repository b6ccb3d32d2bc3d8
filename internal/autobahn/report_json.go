package autobahn

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// indexEntry is the entry of one case in index.json.
type indexEntry struct {
	Behavior        Verdict `json:"behavior"`
	BehaviorClose   Verdict `json:"behaviorClose"`
	Duration        int64   `json:"duration"` // milliseconds
	RemoteCloseCode *int    `json:"remoteCloseCode"`
	ReportFile      string  `json:"reportfile"`
}

// indexJSON encodes index.json: cases by agent.
func indexJSON(agents []AgentResults) ([]byte, error) {
	index := make(map[string]map[string]indexEntry)
	for _, a := range agents {
		index[a.Agent] = make(map[string]indexEntry)
		for _, res := range a.Results {
			index[a.Agent][res.Case.ID] = indexEntry{
				Behavior:        res.Behavior,
				BehaviorClose:   res.BehaviorClose,
				Duration:        milliseconds(res.Duration),
				RemoteCloseCode: codeOrNull(res.RemoteCode),
				ReportFile:      a.file + caseFile(res.Case) + ".json",
			}
		}
	}
	return json.MarshalIndent(index, "", "  ")
}

func milliseconds(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }

func codeOrNull(code int) *int {
	if code == NoCode {
		return nil
	}
	return &code
}

// caseEntry is the JSON file of one case. Its fields have the original suite's names,
// which other programs parse. WirelogTimes is an addition.
type caseEntry struct {
	Case        int     `json:"case"`
	ID          string  `json:"id"`
	Agent       string  `json:"agent"`
	Description string  `json:"description"`
	Expectation string  `json:"expectation"`
	Started     string  `json:"started"`
	Duration    int64   `json:"duration"`
	Result      string  `json:"result"`
	ResultClose string  `json:"resultClose"`
	Behavior    Verdict `json:"behavior"`
	CloseResult Verdict `json:"behaviorClose"`

	ReportTime             bool `json:"reportTime"`
	ReportCompressionRatio bool `json:"reportCompressionRatio"`

	Expected      map[Verdict][]eventEntry `json:"expected"`
	Received      []eventEntry             `json:"received"`
	ExpectedClose closeEntry               `json:"expectedClose"`

	ClosedByMe            bool    `json:"closedByMe"`
	FailedByMe            bool    `json:"failedByMe"`
	DroppedByMe           bool    `json:"droppedByMe"`
	WasClean              bool    `json:"wasClean"`
	WasNotCleanReason     *string `json:"wasNotCleanReason"`
	DropTimeout           bool    `json:"wasServerConnectionDropTimeout"`
	OpenHandshakeTimeout  bool    `json:"wasOpenHandshakeTimeout"`
	CloseHandshakeTimeout bool    `json:"wasCloseHandshakeTimeout"`
	LocalCloseCode        *int    `json:"localCloseCode"`
	LocalCloseReason      *string `json:"localCloseReason"`
	RemoteCloseCode       *int    `json:"remoteCloseCode"`
	RemoteCloseReason     *string `json:"remoteCloseReason"`

	IsServer     bool   `json:"isServer"` // of the suite
	HTTPRequest  string `json:"httpRequest"`
	HTTPResponse string `json:"httpResponse"`

	CreateWirelog bool        `json:"createWirelog"`
	Wirelog       []wireEntry `json:"wirelog"`
	WirelogTimes  []float64   `json:"wirelogTimes"` // milliseconds since started

	// By opcode: bytes of payload, and frames.
	CreateStats   bool             `json:"createStats"`
	RxOctetStats  map[Opcode]int64 `json:"rxOctetStats"`
	RxFrameStats  map[Opcode]int64 `json:"rxFrameStats"`
	TxOctetStats  map[Opcode]int64 `json:"txOctetStats"`
	TxFrameStats  map[Opcode]int64 `json:"txFrameStats"`
	TrafficTotals *struct{}        `json:"trafficStats"` // null: a measurement of the original suite only
}

// eventEntry is an event: its kind, its payload or tag, and for messages whether they
// are binary.
type eventEntry []any

// wireEntry is a line of the wire log: its kind, and the fields of that kind.
type wireEntry []any

type closeEntry struct {
	ClosedByMe   bool  `json:"closedByMe"`
	CloseCode    []int `json:"closeCode"`
	RequireClean bool  `json:"requireClean"`
}

// caseJSON encodes the JSON file of a case, the n-th of the run.
func caseJSON(res *Result, n int) ([]byte, error) {
	cs := res.Case
	e := caseEntry{
		Case: n, ID: cs.ID, Agent: res.Agent,
		Description: cs.Description, Expectation: expectation(cs),
		Started:  res.Started.UTC().Format("2006-01-02T15:04:05.000Z"),
		Duration: milliseconds(res.Duration),
		Result:   res.Why, ResultClose: res.WhyClose,
		Behavior: res.Behavior, CloseResult: res.BehaviorClose,
		ReportTime:             cs.Exchange != nil,
		ReportCompressionRatio: cs.Exchange != nil && cs.Exchange.Deflate != nil,
		Expected:               make(map[Verdict][]eventEntry),
		Received:               eventEntries(res.Received),
		ExpectedClose:          closeEntry{cs.Close.BySuite, append([]int{}, cs.Close.Codes...), cs.Close.Clean},
		ClosedByMe:             res.ClosedBySuite,
		FailedByMe:             res.FailedBySuite,
		DroppedByMe:            res.DroppedBySuite,
		WasClean:               res.Clean,
		DropTimeout:            res.DropTimeout,
		OpenHandshakeTimeout:   res.OpenTimeout,
		CloseHandshakeTimeout:  res.CloseTimeout,
		LocalCloseCode:         codeOrNull(res.LocalCode),
		RemoteCloseCode:        codeOrNull(res.RemoteCode),
		IsServer:               res.Role == ClientRole,
		HTTPRequest:            res.Request,
		HTTPResponse:           res.Response,
		CreateWirelog:          true,
		Wirelog:                []wireEntry{},
		WirelogTimes:           []float64{},
		CreateStats:            true,
	}
	for _, outcome := range cs.Expect {
		e.Expected[outcome.Verdict] = eventEntries(outcome.Events)
	}
	if !res.Clean {
		e.WasNotCleanReason = &e.ResultClose
	}
	if res.LocalCode != NoCode {
		e.LocalCloseReason = &res.LocalReason
	}
	if res.RemoteCode != NoCode {
		e.RemoteCloseReason = &res.RemoteReason
	}
	for _, entry := range res.Log {
		e.Wirelog = append(e.Wirelog, wireEntryOf(entry))
		e.WirelogTimes = append(e.WirelogTimes, float64(entry.At.Microseconds())/1000)
	}
	e.RxOctetStats, e.RxFrameStats = trafficStats(res.Got)
	e.TxOctetStats, e.TxFrameStats = trafficStats(res.Sent)
	return json.Marshal(e)
}

func trafficStats(traffic map[Opcode]Traffic) (octets, frames map[Opcode]int64) {
	octets, frames = make(map[Opcode]int64), make(map[Opcode]int64)
	for opcode, t := range traffic {
		octets[opcode], frames[opcode] = t.Bytes, int64(t.Frames)
	}
	return octets, frames
}

func eventEntries(events []Event) []eventEntry {
	entries := []eventEntry{}
	for _, e := range events {
		switch e.Kind {
		case TimeoutEvent:
			entries = append(entries, eventEntry{e.Kind, e.Tag})
		case MessageEvent:
			entries = append(entries, eventEntry{e.Kind, jsonText([]byte(e.Payload), len(e.Payload), maxEventText), e.Binary})
		default:
			entries = append(entries, eventEntry{e.Kind, jsonText([]byte(e.Payload), len(e.Payload), maxEventText)})
		}
	}
	return entries
}

// wireEntryOf converts an entry to the original's form: TF is a sent frame, RF a
// received one, TO are sent bytes of a frame in progress. NOTE is an addition.
func wireEntryOf(e Entry) wireEntry {
	payload := []any{e.Length, jsonText(e.Head, e.Length, maxWireText)}
	var key any
	if e.Masked {
		key = hex.EncodeToString(e.Key[:])
	}
	switch e.Kind {
	case SentFrame:
		var chop any
		if e.Chop > 0 {
			chop = e.Chop
		}
		return wireEntry{"TF", payload, e.Opcode, e.Fin, e.RSV, key, nil, chop, e.Sync}
	case ReceivedFrame:
		return wireEntry{"RF", payload, e.Opcode, e.Fin, e.RSV, e.Masked, key}
	case SentPart:
		return wireEntry{"TO", payload, e.Sync}
	}
	return wireEntry{"NOTE", e.Text}
}

// The number of bytes of a payload in the JSON files.
const (
	maxEventText = 1024
	maxWireText  = 64
)

// jsonText returns a payload of n bytes that begins with p: as text, if it is text, or
// in hex after 0x. It contains at most limit bytes.
func jsonText(p []byte, n, limit int) string {
	p = p[:min(len(p), limit)]
	text, more := p, ""
	if len(p) < n {
		text, more = wholeRunes(p), "…"
	}
	if utf8.Valid(text) && !strings.ContainsFunc(string(text), unprintable) {
		return string(text) + more
	}
	return "0x" + hex.EncodeToString(p) + more
}

// wholeRunes returns p without an incomplete rune at its end.
func wholeRunes(p []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if last := p[len(p)-n:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return p[:len(p)-n]
			}
			break
		}
	}
	return p
}

func unprintable(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\r' && c != '\t' }

// expectation describes the expected outcome of the case in a sentence or two.
func expectation(cs *Case) string {
	var parts []string
	switch {
	case cs.Exchange != nil:
		parts = append(parts, fmt.Sprintf("The peer echoes each message, all within %s.", durationText(cs.Exchange.Timeout)))
	case len(cs.Expect) == 0:
		parts = append(parts, "The peer echoes the message.")
	}
	for _, outcome := range cs.Expect {
		parts = append(parts, fmt.Sprintf("%s: %s.", outcome.Verdict, FormatEvents(outcome.Events)))
	}
	handshake := ""
	if cs.Close.Clean {
		handshake = ", and a complete closing handshake"
	}
	parts = append(parts, fmt.Sprintf("Closing: %s first, the peer with %s%s.",
		cs.Close.closer(), codesText(cs.Close.Codes), handshake))
	return strings.Join(parts, " ")
}

// closer names the side that must send the first close frame.
func (c Closing) closer() string {
	if c.BySuite {
		return suiteName
	}
	return peerName
}

// Names of the two sides in reports.
const (
	suiteName = "the suite"
	peerName  = "the peer"
)

// codesText describes the close codes that a peer may send.
func codesText(codes []int) string {
	text := "no code"
	if len(codes) > 0 {
		text = strings.Trim(fmt.Sprint(codes), "[]")
		text = strings.ReplaceAll(text, " ", ", ") + " or no code"
	}
	return text
}
