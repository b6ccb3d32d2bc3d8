package autobahn

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Sets of cases, in the notation of inSet.
const (
	// Valid and invalid UTF-8 text. A timer closes TCP if the echo of the first kind
	// does not arrive.
	goodText = " 6.5.* 6.6.2 6.6.5 6.6.7 6.6.9 6.6.11 6.7.* 6.9.* 6.11.1-4 6.22.* 6.23.* "
	badText  = " 6.3.* 6.4.* 6.6.1 6.6.3-4 6.6.6 6.6.8 6.6.10 6.8.* 6.10.* 6.11.5 6.12.* 6.13.* 6.14.* 6.15.* 6.16.*" +
		" 6.17.* 6.18.* 6.19.* 6.20.* 6.21.* "

	// Without an echo, a timer closes TCP, or the connection.
	dropUnlessEchoed  = " 1.* 7.1.1 10.1.1 " + goodText
	closeUnlessEchoed = " 5.3-8 5.19-20 6.1.* 6.2.* 9.1.* 9.2.* "

	// Messages are exchanged.
	deflated  = " 12.* 13.* W.* "
	exchanged = " 9.7.* 9.8.* " + deflated

	// Messages are echoed, followed by a close.
	echoing = dropUnlessEchoed + closeUnlessEchoed + exchanged

	// An echo is required, followed by a violation.
	brokenBehindEcho = " 3.2-4 4.1.3-5 4.2.3-5 5.15 "

	// Violations to which the peer must reply with 1002; and all those after which it
	// must end the connection.
	brokenFrames = " 2.5 3.* 4.1.* 4.2.* 5.1-2 5.9-18 "
	broken       = brokenFrames + badText

	// The peer must send a pong.
	pinging = " 2.1-4 2.6 2.9-11 5.6-8 5.19-20 "

	// Valid close frames, and invalid ones.
	goodClose = " 7.1.2-5 7.3.1 7.3.3-5 7.7.* "
	badClose  = " 7.3.2 7.3.6 7.5.1 7.9.* "

	// The closing handshake must be completed.
	clean = echoing + " 2.1-4 2.6-11 " + goodClose
)

// inSet reports whether a case is in a set: patterns separated by spaces. A number in a
// pattern may be a range, as in 6.22.1-8; * is any number, and at the end any numbers.
// A pattern after a minus removes cases.
func inSet(set, id string) bool {
	in := false
	for pattern := range strings.FieldsSeq(set) {
		pattern, out := strings.CutPrefix(pattern, "-")
		if in == out && matchesPattern(pattern, id) {
			in = !out
		}
	}
	return in
}

func matchesPattern(pattern, id string) bool {
	want, parts := strings.Split(pattern, "."), strings.Split(id, ".")
	for i, w := range want {
		switch {
		case i >= len(parts) || !matchesNumber(w, parts[i]):
			return false
		case w == "*" && i == len(want)-1:
			return true
		}
	}
	return len(want) == len(parts)
}

func matchesNumber(want, part string) bool {
	first, last, isRange := strings.Cut(want, "-")
	if !isRange {
		return want == "*" || want == part
	}
	low, errLow := strconv.Atoi(first)
	high, errHigh := strconv.Atoi(last)
	n, err := strconv.Atoi(part)
	return errors.Join(errLow, errHigh, err) == nil && low <= n && n <= high
}

func TestSets(t *testing.T) {
	for _, test := range []struct {
		set     string
		in, out string
	}{
		{"", "", "1.1.1"},
		{"*", "1.1.1 2.1 W.1", ""},
		{"1.*", "1.1.1 1.2.8", "10.1.1 2.1"},
		{"2.3-5", "2.3 2.4 2.5", "2.2 2.6 2.10 2.30 3.3"},
		{"12.*.6-18", "12.1.6 12.5.18", "12.1.5 12.1.19 13.1.6"},
		{"6.6.2 7.*", "6.6.2 7.1.1", "6.6 6.6.20 6.2.2"},
		{"* -9.* 9.1.1-2", "1.1.1 9.1.1 9.1.2", "9.1.3 9.2.1"},
		{"W.*", "W.1", "7.1"},
	} {
		for id := range strings.FieldsSeq(test.in) {
			if !inSet(test.set, id) {
				t.Errorf("%s is not in %q", id, test.set)
			}
		}
		for id := range strings.FieldsSeq(test.out) {
			if inSet(test.set, id) {
				t.Errorf("%s is in %q", id, test.set)
			}
		}
	}
}

// chosen caches the cases of sets.
var chosen struct {
	sync.Mutex
	sets map[string][]*Case
}

// casesIn returns the cases in a set, "" being light, with few messages.
func casesIn(set string) []*Case {
	if set == "" {
		set = light
	}
	chosen.Lock()
	defer chosen.Unlock()
	if cases := chosen.sets[set]; cases != nil {
		return cases
	}
	var cases []*Case
	for _, cs := range slices.Concat(Cases(), W()) {
		if inSet(set, cs.ID) {
			cases = append(cases, few(cs))
		}
	}
	if chosen.sets == nil {
		chosen.sets = make(map[string][]*Case)
	}
	chosen.sets[set] = cases
	return cases
}

// few returns a compression case with fewer messages: most, or at least 3, up to 64 KiB
// in total. It returns other cases unchanged.
func few(cs *Case) *Case {
	if cs.Exchange == nil || cs.Exchange.Deflate == nil {
		return cs
	}
	less, exchange := *cs, *cs.Exchange
	exchange.Messages = min(most, max(3, 64<<10/exchange.Length))
	less.Exchange = &exchange
	return &less
}
