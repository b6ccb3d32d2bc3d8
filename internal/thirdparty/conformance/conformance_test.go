package conformance

import (
	"bufio"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bhojpur/api/internal/autobahn"
	"github.com/lxzan/gws"
)

// TestPeers runs all cases with all peers in both roles, and compares the results with
// the tables in docs/conformance.md.
func TestPeers(t *testing.T) {
	r := newResults()
	t.Run("cases", func(t *testing.T) {
		for _, p := range peers {
			t.Run(p.name, func(t *testing.T) {
				for _, role := range roles {
					t.Run(string(role), func(t *testing.T) { r.playAll(t, p, role) })
				}
			})
		}
	})
	t.Run("document", func(t *testing.T) { checkDocument(t, r) })
	t.Run("coder", func(t *testing.T) { checkCoder(t, r) })
}

// playAll runs all cases with a peer in a role.
func (r *results) playAll(t *testing.T, p peer, role autobahn.Role) {
	for _, cs := range slices.Concat(autobahn.Cases(), autobahn.W()) {
		t.Run(cs.ID, func(t *testing.T) {
			t.Parallel()
			out := play(t, p, role, cs)
			r.add(out)
			switch {
			case out.Passed():
			case p.name == ourPeer.name:
				t.Errorf("%v", out)
			default:
				t.Logf("%v\nthe peer's end: %v", out, out.end)
			}
			if errors.Is(out.end, errPanicked) || errors.Is(out.end, errStuck) {
				t.Error(out.end)
			}
		})
	}
}

// checkCoder checks that the suite detects the known deviations of coder/websocket: it
// accepts text that is not UTF-8, and its server declines offers that limit its window.
// Everything else passes.
func checkCoder(t *testing.T, r *results) {
	cases := autobahn.Cases()
	var notText, windows []*autobahn.Case
	for _, cs := range cases {
		switch {
		case !isText(cs), cs.ID == "7.5.1":
			notText = append(notText, cs)
		case cs.Group() == "13.3", cs.Group() == "13.5":
			windows = append(windows, cs)
		}
	}
	s := subject{coderPeer.name, autobahn.ServerRole}
	for v, want := range map[autobahn.Verdict][]*autobahn.Case{
		autobahn.Failed:        notText,
		autobahn.Unimplemented: windows,
		autobahn.NonStrict:     nil,
	} {
		if got := r.with(v, s, behavior, cases); !slices.Equal(got, want) {
			t.Errorf("%s: got %s, want %s", v, ids(got, cases), ids(want, cases))
		}
	}
	if n := len(notText) + len(windows); n != 112 {
		t.Errorf("%d cases should not be OK, want 112", n)
	}
}

// isText reports whether a case of group 6 sends valid UTF-8.
func isText(cs *autobahn.Case) bool {
	var sent strings.Builder
	for _, step := range cs.Steps {
		switch step.Do {
		case autobahn.SendFrame, autobahn.SendMessage, autobahn.FrameBytes:
			sent.Write(step.Payload.Bytes())
		}
	}
	return !strings.HasPrefix(cs.ID, "6.") || utf8.ValidString(sent.String())
}

// TestWindow offers servers a window of 9 bits. RFC 7692 section 7.1.2.1 lets them
// decline, or respond with a window of 8 or 9 bits. The original suite accepts other
// responses too.
func TestWindow(t *testing.T) {
	wide := gwsServer(gws.PermessageDeflate{Enabled: true, ServerContextTakeover: true, ServerMaxWindowBits: 15})
	const declined, silent = "declined", "silent"
	for _, tt := range []struct {
		name    string
		peer    peer
		answer  string // or the window bits
		verdict autobahn.Verdict
	}{
		{"this", ourPeer, "9", autobahn.OK},
		{"coder", coderPeer, declined, autobahn.Unimplemented},
		{"gorilla", gorillaPeer, silent, autobahn.Failed},
		{"gws", gwsPeer, "12", autobahn.Failed},
		{"gws set to 15 bits", wide, silent, autobahn.Failed},
		{"gobwas", gobwasPeer, declined, autobahn.Unimplemented},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := play(t, tt.peer, autobahn.ServerRole, autobahn.W()[0])
			answer := silent
			switch bits, named := serverMaxWindowBits(t, out.Response); {
			case out.Behavior == autobahn.Unimplemented:
				answer = declined
			case named:
				answer = bits
			}
			if answer != tt.answer || out.Behavior != tt.verdict {
				t.Errorf("got %s and %s, want %s and %s\n%s", answer, out.Behavior, tt.answer, tt.verdict, out.Response)
			}
		})
	}
}

// serverMaxWindowBits returns that parameter of a server's response.
func serverMaxWindowBits(t *testing.T, response string) (bits string, named bool) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(response)), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, named := strings.Cut(resp.Header.Get("Sec-WebSocket-Extensions"), "server_max_window_bits=")
	bits, _, _ = strings.Cut(rest, ";")
	return bits, named
}
