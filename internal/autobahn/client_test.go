package autobahn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

// serveEchoes serves echo peers on l until the test ends.
func serveEchoes(t *testing.T, l net.Listener, h habits) {
	var peers sync.WaitGroup
	peers.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			peers.Go((&echoPeer{habits: h, role: ServerRole, conn: conn}).serve)
		}
	})
	t.Cleanup(func() {
		l.Close()
		peers.Wait()
	})
}

// patient is for tests in real time.
var patient = Options{Messages: 10, Patience: 20}

func wantOK(t *testing.T, res *Result) {
	t.Helper()
	if !res.Passed() {
		t.Errorf("%v", res)
	}
}

func wantNotOpen(t *testing.T, res *Result) {
	t.Helper()
	if res.Behavior != Failed || res.BehaviorClose != Failed || len(res.Log) > 0 {
		t.Errorf("%v", res)
	}
}

// TestClientTCP runs a case over TCP, dialed by the client itself.
func TestClientTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveEchoes(t, l, habits{})
	c := &Client{URL: "ws://" + l.Addr().String() + "/echo?x=y", Agent: "peer", Options: patient}
	res := c.Run(t.Context(), caseOf(t, "12.1.11"))
	wantOK(t, res)
	if !strings.HasPrefix(res.Request, "GET /echo?x=y HTTP/1.1\r\n") || !strings.HasPrefix(res.Response, "HTTP/1.1 101 ") {
		t.Errorf("the handshake is\n%s%s", res.Request, res.Response)
	}
}

// TestClientTLS runs a case over TLS, with a trusted server and an untrusted one.
func TestClientTLS(t *testing.T) {
	certified := httptest.NewTLSServer(nil) // for its certificate
	certified.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certified.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	serveEchoes(t, l, habits{})
	c := &Client{URL: "wss://" + l.Addr().String(), Agent: "peer", Options: patient}
	wantNotOpen(t, c.Run(t.Context(), caseOf(t, "1.1.7")))

	c.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	c.TLS.RootCAs.AddCert(certified.Certificate())
	wantOK(t, c.Run(t.Context(), caseOf(t, "1.1.7")))
}

func TestClientDoesNotReach(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, u := range []string{"ws://" + l.Addr().String(), "http://" + l.Addr().String(), "ws://host:port", ""} {
		wantNotOpen(t, (&Client{URL: u, Options: patient}).Run(t.Context(), caseOf(t, "1.1.1")))
	}
}

// An unfinished handshake fails after five seconds, or with the context.
func TestClientOpenTimeout(t *testing.T) {
	silent := habits{opening: opening{head: func([]string) []string { return nil }}}
	for _, test := range []struct {
		opts    Options
		context time.Duration
		took    time.Duration
	}{
		{Options{}, time.Hour, openTimeout},
		{Options{Patience: 3}, time.Hour, 3 * openTimeout},
		{Options{}, time.Second, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := rawpeer.Listen(nil)
			serveEchoes(t, n, silent)
			ctx, cancel := context.WithTimeout(t.Context(), test.context)
			defer cancel()
			c := &Client{URL: rawpeer.URL, Dial: n.Dial, Options: test.opts}
			res := c.Run(ctx, caseOf(t, "1.1.1"))
			wantNotOpen(t, res)
			if !res.OpenTimeout || res.Duration != test.took {
				t.Errorf("timeout %t, it took %v, want %v", res.OpenTimeout, res.Duration, test.took)
			}
		})
	}
}

// The end of the context ends the case.
func TestClientContext(t *testing.T) {
	deaf := habits{deaf: true}
	for _, id := range []string{"9.7.1", "9.1.2"} { // while waiting, and while writing
		synctest.Test(t, func(t *testing.T) {
			n := rawpeer.Listen(nil)
			serveEchoes(t, n, deaf)
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("enough"))
			defer cancel()
			res := (&Client{URL: rawpeer.URL, Dial: n.Dial}).Run(ctx, caseOf(t, id))
			if res.Behavior != Failed || res.BehaviorClose != Failed || res.Duration != time.Second {
				t.Errorf("%v", res)
			}
		})
	}
}

// Patience applies to late peers, and not to the steps of a case.
func TestPatience(t *testing.T) {
	for _, test := range []struct {
		opts     Options
		id       string
		behavior Verdict
	}{
		{Options{}, "1.1.1", Failed},
		{Options{Patience: 5}, "1.1.1", OK},
		{Options{Patience: 5}, "6.4.1", OK}, // two seconds pass between its frames
	} {
		synctest.Test(t, func(t *testing.T) {
			n := rawpeer.Listen(nil)
			serveEchoes(t, n, habits{late: lateBy, lateClose: lateBy})
			c := &Client{URL: rawpeer.URL, Dial: n.Dial, Options: test.opts}
			res := c.Run(t.Context(), caseOf(t, test.id))
			if res.Behavior != test.behavior || res.Passed() != (test.behavior == OK) || res.Duration > 5*time.Second {
				t.Errorf("%v", res)
			}
		})
	}
}

// Messages limits the number of messages in the compression cases only.
func TestMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := rawpeer.Listen(nil)
		serveEchoes(t, n, habits{})
		c := &Client{URL: rawpeer.URL, Dial: n.Dial, Options: Options{Messages: 2}}
		for id, want := range map[string]int{"12.1.1": 2, "13.7.18": 2, "9.7.1": 1000, "9.1.1": 1} {
			if res := c.Run(t.Context(), caseOf(t, id)); res.Echoes != want || !res.Passed() {
				t.Errorf("%s: got %d echoes, want %d\n%v", id, res.Echoes, want, res)
			}
		}
	})
}

// A case fails if the suite has not sent the intended number of frames.
func TestFramesSentFails(t *testing.T) {
	cs := *caseOf(t, "10.1.1")
	for meant, want := range map[int]Verdict{cs.FramesSent - 1: Failed, cs.FramesSent: OK, cs.FramesSent + 1: Failed} {
		synctest.Test(t, func(t *testing.T) {
			cs.FramesSent = meant
			if res := meetServer(t, habits{}, []*Case{&cs})[0]; res.Behavior != want {
				t.Errorf("meant %d: %v", meant, res)
			}
		})
	}
}

// TestResult checks all fields of the result of a case that passes.
func TestResult(t *testing.T) {
	for _, role := range []Role{ServerRole, ClientRole} {
		synctest.Test(t, func(t *testing.T) {
			res := meet(t, role, habits{}, casesIn("5.19"))[0]
			wantOK(t, res)
			if res.Role != role || res.Agent != "peer" || res.Duration != time.Second {
				t.Errorf("got %s, %s, %v", res.Role, res.Agent, res.Duration)
			}
			if !res.ClosedBySuite || !res.Clean || res.DroppedBySuite || res.FailedBySuite || res.CloseTimeout || res.DropTimeout || res.OpenTimeout {
				t.Errorf("%+v", res)
			}
			if res.LocalCode != 1000 || res.RemoteCode != 1000 || res.LocalReason != "" || res.RemoteReason != "" {
				t.Errorf("closed with %d %q, and %d %q", res.LocalCode, res.LocalReason, res.RemoteCode, res.RemoteReason)
			}
			if !slices.Equal(res.Received, res.Case.Expect[0].Events) {
				t.Errorf("received %s", FormatEvents(res.Received))
			}
			for _, test := range []struct {
				counted map[Opcode]Traffic
				want    map[Opcode]Traffic
			}{
				{res.Sent, map[Opcode]Traffic{Text: {1, 9}, Continuation: {4, 36}, Ping: {2, 18}, Close: {1, 2}}},
				{res.Got, map[Opcode]Traffic{Text: {1, 45}, Pong: {2, 18}, Close: {1, 2}}},
			} {
				for o := Opcode(0); o < 16; o++ {
					if test.counted[o] != test.want[o] {
						t.Errorf("%v: counted %+v, want %+v", o, test.counted[o], test.want[o])
					}
				}
			}
			wantLogged(t, res)
		})
	}
}

// wantLogged expects each frame in the log of 5.19, and each on a line of the result.
func wantLogged(t *testing.T, res *Result) {
	t.Helper()
	var sent, got []Opcode
	for _, e := range res.Log {
		switch e.Kind {
		case SentFrame:
			sent = append(sent, e.Opcode)
		case ReceivedFrame:
			got = append(got, e.Opcode)
		}
		if e.Kind != Note && e.Masked == ((e.Kind == SentFrame) == (res.Role == ClientRole)) {
			t.Errorf("masked %t: %v", e.Masked, e)
		}
		if !strings.Contains(res.String(), e.String()) {
			t.Errorf("no line says %q", e)
		}
	}
	if want := []Opcode{Text, Continuation, Ping, Continuation, Continuation, Ping, Continuation, Close}; !slices.Equal(sent, want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
	if want := []Opcode{Pong, Pong, Text, Close}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestResultOfBroken checks the result of a connection that the suite has to fail.
func TestResultOfBroken(t *testing.T) {
	for _, test := range []struct {
		habits habits
		id     string
		ok     func(*Result) bool
	}{
		{onFrames(func(f *peerFrame) { f.rsv = rsv3 }), "1.1.1", func(r *Result) bool { return r.FailedBySuite && r.LocalCode == 1002 }},
		{onEchoes(func(m *echoMessage) { m.binary = false }), "1.2.2", func(r *Result) bool { return r.FailedBySuite && r.LocalCode == 1007 }},
		{habits{closes: closesNever}, "6.1.1", func(r *Result) bool {
			return r.CloseTimeout && r.DroppedBySuite && r.RemoteCode == NoCode && r.Duration == closeTimeout
		}},
		{habits{closes: leavesTCPOpen}, "6.1.1", func(r *Result) bool { return r.DropTimeout && r.DroppedBySuite && r.Clean && r.Duration == dropTimeout }},
		{habits{deaf: true}, "9.1.2", func(r *Result) bool { return r.DroppedBySuite && !r.ClosedBySuite && r.Duration == stallTimeout }},
		{habits{late: time.Hour}, "1.1.1", func(r *Result) bool { return r.DroppedBySuite && !r.ClosedBySuite && r.LocalCode == NoCode }},
		{onCloses(func([]byte) []byte { return closeOf(4321, "bye").payload }), "1.1.1", func(r *Result) bool {
			return r.RemoteCode == 4321 && r.RemoteReason == "bye" && r.Clean
		}},
		{habits{}, "6.4.3", func(r *Result) bool {
			return !r.ClosedBySuite && r.RemoteCode == 1007 && r.LocalCode == 1007 && r.Clean
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			if res := meetServer(t, test.habits, casesIn(test.id))[0]; !test.ok(res) {
				t.Errorf("%+v\n%v", res, res)
			}
		})
	}
}
