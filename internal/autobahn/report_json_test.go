package autobahn

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// utf8Result is the result of a server that fails 6.4.1: it has echoed the text, and
// the suite has closed the connection.
func utf8Result(t *testing.T) *Result {
	t.Helper()
	res := resultOf(t, "an agent", "6.4.1")
	res.Behavior, res.Why = Failed, "because"
	res.BehaviorClose, res.WhyClose = Unclean, "for a reason"
	res.Request, res.Response = "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n"
	res.Received = []Event{
		{Kind: TimeoutEvent, Tag: "A"},
		{Kind: MessageEvent, Payload: "Hello"},
		{Kind: MessageEvent, Binary: true, Payload: "\xff\x00"},
		{Kind: PongEvent, Payload: ""},
	}
	res.FailedBySuite, res.DroppedBySuite, res.CloseTimeout = true, true, true
	res.Clean = false
	res.LocalCode, res.LocalReason = 1007, "bad"
	res.RemoteCode = NoCode
	key := [4]byte{1, 2, 3, 0xff}
	res.Log = []Entry{
		{At: 1500 * time.Microsecond, Kind: SentFrame, Opcode: Text, RSV: 4, Masked: true, Key: key, Length: 4, Head: []byte("κ\xf4\x90"), Chop: 3, Sync: true},
		{At: 2 * time.Millisecond, Kind: ReceivedFrame, Fin: true, Opcode: Pong, Length: 100, Head: []byte("abc")},
		{At: 3 * time.Millisecond, Kind: SentPart, Length: 2, Head: []byte("xy")},
		{At: time.Second, Kind: Note, Text: "TCP ended"},
	}
	res.Sent = map[Opcode]Traffic{Text: {Frames: 1, Bytes: 5}, Close: {Frames: 1, Bytes: 5}}
	res.Got = map[Opcode]Traffic{Pong: {Frames: 1, Bytes: 100}}
	return res
}

// TestCaseJSON compares a whole file, because other programs parse it.
func TestCaseJSON(t *testing.T) {
	res := utf8Result(t)
	const want = `{
		"case": 7, "id": "6.4.1", "agent": "an agent",
		"description": "DESCRIPTION",
		"expectation": "OK: timeout A. NON-STRICT: timeout A, timeout B. Closing: the peer first, the peer with 1007 or no code.",
		"started": "2026-03-04T04:06:07.089Z", "duration": 12,
		"reportTime": false, "reportCompressionRatio": false,
		"behavior": "FAILED", "behaviorClose": "UNCLEAN", "result": "because", "resultClose": "for a reason",
		"expected": {"OK": [["timeout", "A"]], "NON-STRICT": [["timeout", "A"], ["timeout", "B"]]},
		"received": [["timeout", "A"], ["message", "Hello", false], ["message", "0xff00", true], ["pong", ""]],
		"expectedClose": {"closedByMe": false, "closeCode": [1007], "requireClean": false},
		"closedByMe": true, "failedByMe": true, "droppedByMe": true,
		"wasClean": false, "wasNotCleanReason": "for a reason",
		"wasServerConnectionDropTimeout": false, "wasOpenHandshakeTimeout": false, "wasCloseHandshakeTimeout": true,
		"localCloseCode": 1007, "localCloseReason": "bad", "remoteCloseCode": null, "remoteCloseReason": null,
		"isServer": false,
		"httpRequest": "GET / HTTP/1.1\r\n\r\n", "httpResponse": "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"createWirelog": true,
		"wirelog": [
			["TF", [4, "0xcebaf490"], 1, false, 4, "010203ff", null, 3, true],
			["RF", [100, "abc…"], 10, true, 0, false, null],
			["TO", [2, "xy"], false],
			["NOTE", "TCP ended"]
		],
		"wirelogTimes": [1.5, 2, 3, 1000],
		"createStats": true,
		"rxOctetStats": {"10": 100}, "rxFrameStats": {"10": 1},
		"txOctetStats": {"1": 5, "8": 5}, "txFrameStats": {"1": 1, "8": 1},
		"trafficStats": null
	}`
	wantCaseJSON(t, res, 7, strings.Replace(want, "DESCRIPTION", res.Case.Description, 1))
}

func wantCaseJSON(t *testing.T, res *Result, n int, want string) {
	t.Helper()
	text, err := caseJSON(res, n)
	if err != nil {
		t.Fatal(err)
	}
	var got, wanted map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	for field := range wanted {
		if !reflect.DeepEqual(got[field], wanted[field]) {
			t.Errorf("%s is  %#v\nand want %#v", field, got[field], wanted[field])
		}
		delete(got, field)
	}
	if len(got) > 0 && len(wanted) > 10 { // all fields are wanted
		t.Errorf("there are also %v", got)
	}
}

// TestCaseJSONFields checks the other value of fields in that file.
func TestCaseJSONFields(t *testing.T) {
	res := resultOf(t, "a", "12.1.1")
	res.Role = ClientRole
	res.RemoteReason = "bye"
	res.OpenTimeout, res.DropTimeout = true, true
	res.ClosedBySuite = false
	wantCaseJSON(t, res, 1, `{
		"isServer": true, "reportTime": true, "reportCompressionRatio": true, "closedByMe": false,
		"wasClean": true, "wasNotCleanReason": null, "remoteCloseCode": 1000, "remoteCloseReason": "bye"}`)
	wantCaseJSON(t, res, 1, `{
		"wasServerConnectionDropTimeout": true, "wasOpenHandshakeTimeout": true,
		"expected": {}, "received": [], "wirelog": [], "wirelogTimes": [], "rxFrameStats": {},
		"expectation": "The peer echoes each message, all within 60 s. Closing: the suite first, the peer with 1000 or no code, and a complete closing handshake."}`)
}

func TestJSONText(t *testing.T) {
	const limit = 8
	for _, test := range []struct {
		head string
		n    int
		want string
	}{
		{"", 0, ""},
		{"ab\n\t", 4, "ab\n\t"},
		{"a\x00b", 3, "0x610062"},
		{"\xff", 1, "0xff"},
		{"12345678", 8, "12345678"},
		{"123456789", 9, "12345678…"},
		{"1234567é", 9, "1234567…"},
		{"é\xc3", 3, "0xc3a9c3"},
		{"é\xc3", 4, "é…"},
		{"\xf0\x9f", 9, "…"},
		{"\xff2345678", 20, "0xff32333435363738…"},
	} {
		if got := jsonText([]byte(test.head), test.n, limit); got != test.want {
			t.Errorf("%q of %d bytes: %q, want %q", test.head, test.n, got, test.want)
		}
	}
}
