package autobahn

import (
	"slices"
	"strings"
	"testing"
)

// TestWholeLog checks that full payloads are in the page if the log is not too long.
func TestWholeLog(t *testing.T) {
	head := []byte(strings.Repeat("0123456789", 10))
	for n, want := range map[int]bool{maxWholeLog: true, maxWholeLog + 1: false} {
		res := resultOf(t, "a", "1.1.1")
		for range n {
			res.Log = append(res.Log, Entry{Kind: SentFrame, Opcode: Text, Length: len(head), Head: head})
		}
		page, err := casePage(res, "base")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(page), string(head[shownPayload:])); got != want {
			t.Errorf("with %d entries, the whole payload is shown: %t", n, got)
		}
		wantIn(t, string(page), string(head[:shownPayload])+" …")
	}
}

func TestPayloadView(t *testing.T) {
	type runs = []run
	long := strings.Repeat("é", 30) // 60 bytes, 48 of them visible
	for _, test := range []struct {
		head string
		n    int
		want payloadView
	}{
		{"", 0, payloadView{}},
		{"abc", 3, payloadView{Begin: runs{{"abc", plainRun}}}},
		{"abc", 4, payloadView{Begin: runs{{"abc", plainRun}}, Cut: true}},
		{"a\tb\nc", 5, payloadView{Begin: runs{{"a", plainRun}, {`\t`, escapeRun}, {"b", plainRun}, {`\n`, escapeRun}, {"c", plainRun}}}},
		{"'\u200b\"", 5, payloadView{Begin: runs{{"'", plainRun}, {`\u200b`, escapeRun}, {`"`, plainRun}}}},
		{"κόσμε\xed\xa0\x80", 13, payloadView{Begin: runs{{"κόσμε", plainRun}, {`\xed\xa0\x80`, brokenRun}}}},
		{"\x00\x01\x02\x03\x04", 5, payloadView{Begin: runs{{"00010203 04", plainRun}}}},
		{"\xff", 1, payloadView{Begin: runs{{"ff", plainRun}}}},
		{long, 60, payloadView{Begin: runs{{long[:48], plainRun}}, Rest: runs{{long[48:], plainRun}}}},
		{"a" + long, 99, payloadView{Begin: runs{{"a" + long[:46], plainRun}}, Rest: runs{{long[46:], plainRun}}, Cut: true}},
		{strings.Repeat("\x80", 49), 49, payloadView{
			Begin: runs{{strings.TrimSpace(strings.Repeat("80808080 ", 12)), plainRun}},
			Rest:  runs{{"80", plainRun}},
		}},
	} {
		got := newPayloadView([]byte(test.head), test.n)
		if !slices.Equal(got.Begin, test.want.Begin) || !slices.Equal(got.Rest, test.want.Rest) || got.Cut != test.want.Cut {
			t.Errorf("%q of %d bytes\ngot  %+v\nwant %+v", test.head, test.n, got, test.want)
		}
	}
}
