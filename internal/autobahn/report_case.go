package autobahn

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// caseView is the data of a case's page.
type caseView struct {
	pageFrame
	Case                        *Case
	Agent                       string
	Role                        Role
	Group                       string
	Started                     time.Time
	Time                        string
	JSON                        string // file
	Behavior, Closing           Verdict
	BehaviorGrade, ClosingGrade grade
	Why, WhyClosing             string

	Expected         []outcomeView
	Received         []eventView
	Exchange, Echoes string // in place of events

	Ending            []endingView
	Traffic           []trafficView
	Wire              []wireView
	Trimmed           bool // payloads are truncated
	Request, Response string
}

type outcomeView struct {
	Verdict Verdict
	Grade   grade
	Events  []eventView
	Came    bool // it equals the received events
}

type eventView struct {
	Kind    string
	Payload payloadView
	Size    string
}

// endingView compares one property of the end of the connection.
type endingView struct {
	What, Want, Got string
	Wrong           bool
}

type trafficView struct {
	Opcode    Opcode
	Sent, Got Traffic
}

// maxWholeLog is the length up to which a log is shown with full payloads. Those of
// groups 12 and 13 would take 30 MB.
const maxWholeLog = 50

// casePage renders the page of a case, whose files are named base.
func casePage(res *Result, base string) ([]byte, error) {
	cs := res.Case
	view := caseView{
		pageFrame:     caseFrame,
		Case:          cs,
		Agent:         res.Agent,
		Role:          res.Role,
		Group:         groupOf(cs),
		Started:       res.Started.UTC(),
		Time:          durationText(res.Duration),
		JSON:          base + ".json",
		Behavior:      res.Behavior,
		Closing:       res.BehaviorClose,
		BehaviorGrade: gradeOf(res.Behavior),
		ClosingGrade:  gradeOf(res.BehaviorClose),
		Why:           res.Why,
		WhyClosing:    res.WhyClose,
		Received:      eventViews(res.Received),
		Ending:        endings(res),
		Request:       strings.TrimSpace(res.Request),
		Response:      strings.TrimSpace(res.Response),
	}
	for _, outcome := range cs.Expect {
		view.Expected = append(view.Expected, outcomeView{
			Verdict: outcome.Verdict,
			Grade:   gradeOf(outcome.Verdict),
			Events:  eventViews(outcome.Events),
			Came:    len(res.Log) > 0 && slices.Equal(outcome.Events, res.Received),
		})
	}
	view.Exchange, view.Echoes = exchangeText(cs), counted(res.Echoes, "message")+" echoed correctly."
	for _, opcode := range trafficOpcodes(res) {
		view.Traffic = append(view.Traffic, trafficView{opcode, res.Sent[opcode], res.Got[opcode]})
	}
	for _, e := range res.Log {
		row := newWireView(e)
		if len(res.Log) > maxWholeLog && len(row.Payload.Rest) > 0 {
			row.Payload.Rest, row.Payload.Cut = nil, true
		}
		view.Trimmed = view.Trimmed || row.Payload.Cut
		view.Wire = append(view.Wire, row)
	}
	return executePage("case.html", view)
}

// exchangeText describes a case without a list of events.
func exchangeText(cs *Case) string {
	x := cs.Exchange
	switch {
	case x == nil && len(cs.Expect) > 0:
		return ""
	case x == nil:
		return "The message, with its type and its length."
	case x.Deflate != nil:
		return fmt.Sprintf("Each message with its type and its bytes, all within %s.", durationText(x.Timeout))
	}
	return fmt.Sprintf("Each message with its type and its length, all within %s.", durationText(x.Timeout))
}

func eventViews(events []Event) []eventView {
	var views []eventView
	for _, e := range events {
		v := eventView{Kind: string(e.Kind)}
		if e.Kind == TimeoutEvent {
			v.Payload.Begin = []run{{e.Tag, plainRun}}
			views = append(views, v)
			continue
		}
		if e.Kind == MessageEvent {
			v.Kind = "text " + v.Kind
			if e.Binary {
				v.Kind = "binary message"
			}
		}
		head := e.Payload[:min(len(e.Payload), maxLogPayload)]
		v.Payload = newPayloadView([]byte(head), len(e.Payload))
		v.Size = counted(len(e.Payload), "byte")
		views = append(views, v)
	}
	return views
}

// trafficOpcodes returns the opcodes of the frames sent and received.
func trafficOpcodes(res *Result) []Opcode {
	all := maps.Clone(res.Sent)
	if all == nil {
		all = make(map[Opcode]Traffic)
	}
	maps.Copy(all, res.Got)
	return slices.Sorted(maps.Keys(all))
}

// endings compares the end of the connection with the required one.
func endings(res *Result) []endingView {
	want := res.Case.Close
	handshake := "any"
	if want.Clean {
		handshake = "complete"
	}
	side := endingView{What: "First close frame by", Want: want.closer(), Got: peerName}
	switch {
	case res.ClosedBySuite:
		side.Got = suiteName
	case res.RemoteCode == NoCode && res.Got[Close].Frames == 0:
		side.Got = "neither side"
	}
	side.Wrong = res.ClosedBySuite != want.BySuite
	code := endingView{
		What:  "The peer's code",
		Want:  codesText(want.Codes),
		Got:   codeReason(res.RemoteCode, res.RemoteReason),
		Wrong: res.RemoteCode != NoCode && !slices.Contains(want.Codes, res.RemoteCode),
	}
	clean := endingView{What: "Closing handshake", Want: handshake, Got: "complete", Wrong: want.Clean && !res.Clean}
	switch {
	case res.CloseTimeout:
		clean.Got = "no close frame in time"
	case !res.Clean:
		clean.Got = "not complete"
	}
	tcp := endingView{What: "TCP closed by", Want: "the server", Got: "the server", Wrong: res.DroppedBySuite}
	switch {
	case res.DropTimeout:
		tcp.Got = "the suite, because the server did not in time"
	case res.DroppedBySuite:
		tcp.Got = suiteName
	}
	return []endingView{
		side, code,
		{What: "The suite's code", Want: "any", Got: codeReason(res.LocalCode, res.LocalReason)},
		clean, tcp,
	}
}

func codeReason(code int, reason string) string {
	if reason == "" {
		return codeString(code)
	}
	return fmt.Sprintf("%s %q", codeString(code), reason)
}
