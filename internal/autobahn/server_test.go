package autobahn

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bhojpur/api/internal/rawpeer"
)

// inServerBubble runs a test with a server, and closes the server.
func inServerBubble(t *testing.T, s *Server, test func(t *testing.T, n rawpeer.Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := rawpeer.Listen(nil)
		serving := rawpeer.GoErr(t, func() error { return s.Serve(n) })
		t.Cleanup(func() {
			n.Close()
			s.Close()
			if err := serving.Err(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Serve returned %v", err)
			}
		})
		test(t, n)
	})
}

// pingCases returns two cases: a ping, and a text message.
func pingCases() []*Case { return casesIn("2.2 1.1.2") }

const (
	pingCase    = "/runCase?case=2&agent=a"
	pingPayload = "Hello, world!"
	pingStatus  = "/getCaseStatus?case=2&agent=a"
)

// ask opens a connection to the server.
func ask(t *testing.T, n rawpeer.Network, path string) *rawpeer.Peer {
	t.Helper()
	return askWith(t, n, &rawpeer.ClientOptions{RequestLine: "GET " + path + " HTTP/1.1"})
}

func askWith(t *testing.T, n rawpeer.Network, opts *rawpeer.ClientOptions) *rawpeer.Peer {
	t.Helper()
	conn, err := n.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rawpeer.ClientHandshake(t, conn, opts)
}

// answerPing plays the ping case correctly.
func answerPing(p *rawpeer.Peer) {
	p.Want(rawpeer.Ping(pingPayload))
	p.SendPong(pingPayload)
	finish(p)
}

// finish expects the server to close.
func finish(p *rawpeer.Peer) {
	p.WantClose(1000)
	p.SendClose(1000, "")
	p.WantEOF()
}

// wantSaid expects the server to send a text and close.
func wantSaid(p *rawpeer.Peer, text string) {
	p.WantText(text)
	finish(p)
}

func wantStatus(t *testing.T, n rawpeer.Network, path, behavior string) {
	t.Helper()
	wantSaid(ask(t, n, path), `{"behavior":"`+behavior+`"}`)
}

func TestServerMessages(t *testing.T) {
	info, err := json.Marshal(object{"id": "2.2", "description": pingCases()[1].Description})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{
		"/getCaseCount":                              "2",
		"/getCaseCount?agent=a":                      "2",
		"/getCaseInfo?case=2":                        string(info),
		"/getCaseInfo?casetuple=2.2":                 string(info),
		"/getCaseStatus?case=1&agent=a":              `{"behavior":"MISSING"}`,
		"/getCaseStatus?casetuple=1.1.2&agent=other": `{"behavior":"MISSING"}`,
	} {
		t.Run(path, func(t *testing.T) {
			inServerBubble(t, &Server{Cases: pingCases()}, func(t *testing.T, n rawpeer.Network) {
				wantSaid(ask(t, n, path), text)
			})
		})
	}
}

// The reports are written before the response is sent.
func TestServerReports(t *testing.T) {
	var agents []string
	s := &Server{OnReports: func(agent string) { agents = append(agents, agent) }}
	inServerBubble(t, s, func(t *testing.T, n rawpeer.Network) {
		p := ask(t, n, "/updateReports?agent=some+library")
		p.WantClose(1000)
		if !slices.Equal(agents, []string{"some library"}) {
			t.Errorf("reports of %q", agents)
		}
		p.SendClose(1000, "")
		p.WantEOF()
	})
	inServerBubble(t, new(Server), func(t *testing.T, n rawpeer.Network) {
		finish(ask(t, n, "/updateReports?agent=a"))
	})
}

func TestServerRefuses(t *testing.T) {
	get := func(path string) rawpeer.ClientOptions {
		return rawpeer.ClientOptions{RequestLine: "GET " + path + " HTTP/1.1", WantStatus: http.StatusBadRequest}
	}
	header := func(path string, lines ...string) rawpeer.ClientOptions {
		opts := get(path)
		opts.Header = lines
		return opts
	}
	browser := header("/getCaseCount", "Upgrade", "Connection")
	browser.WantStatus = http.StatusUpgradeRequired
	for name, opts := range map[string]rawpeer.ClientOptions{
		"no such path":         get("/"),
		"a longer path":        get("/runCase/1?case=1&agent=a"),
		"no case":              get("/runCase?agent=a"),
		"case 0":               get("/runCase?case=0&agent=a"),
		"a case too many":      get("/runCase?case=3&agent=a"),
		"not a number":         get("/runCase?case=one&agent=a"),
		"no such tuple":        get("/runCase?casetuple=9.9.9&agent=a"),
		"no agent":             get("/runCase?case=1"),
		"status of no case":    get("/getCaseStatus?agent=a"),
		"info of no case":      get("/getCaseInfo"),
		"count without a key":  header("/getCaseCount", "Sec-WebSocket-Key"),
		"count of old version": header("/getCaseCount", "Sec-WebSocket-Version: 8"),
		"not WebSocket":        browser,
		"not HTTP":             {Raw: []byte("hello\r\n\r\n"), WantStatus: http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Server{Cases: pingCases(), OnResult: func(res *Result) { t.Errorf("a case was run: %v", res) }}
			inServerBubble(t, s, func(t *testing.T, n rawpeer.Network) {
				askWith(t, n, &opts).WantEOF()
			})
		})
	}
}

// A client that does not complete its request is disconnected after five seconds.
func TestServerOpenTimeout(t *testing.T) {
	for _, opts := range []Options{{}, {Patience: 3}} {
		inServerBubble(t, &Server{Options: opts}, func(t *testing.T, n rawpeer.Network) {
			begin := time.Now()
			conn, err := n.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p := rawpeer.NewPeer(t, conn, rawpeer.Client)
			p.Timeout = time.Minute
			p.SendRaw([]byte("GET / HTTP/1.1\r\n"))
			p.WantEOF()
			if got, want := time.Since(begin), opts.patient(openTimeout); got != want {
				t.Errorf("it took %v, want %v", got, want)
			}
		})
	}
}

// TestServerRuns runs a case repeatedly.
func TestServerRuns(t *testing.T) {
	var results []*Result
	s := &Server{Cases: pingCases(), OnResult: func(res *Result) { results = append(results, res) }}
	inServerBubble(t, s, func(t *testing.T, n rawpeer.Network) {
		answerPing(ask(t, n, pingCase))
		wantStatus(t, n, pingStatus, "OK")

		p := ask(t, n, "/runCase?casetuple=2.2&agent=a")
		p.Want(rawpeer.Ping(pingPayload))
		p.SendPong("another")
		finish(p)
		wantStatus(t, n, pingStatus, "FAILED")
		wantStatus(t, n, "/getCaseStatus?case=1&agent=a", "MISSING")
		wantStatus(t, n, "/getCaseStatus?case=2&agent=b", "MISSING")

		answerPing(ask(t, n, "/runCase?case=2&agent=b"))
		wantStatus(t, n, "/getCaseStatus?case=2&agent=b", "OK")
		wantStatus(t, n, pingStatus, "FAILED")
	})
	var got []string
	for _, res := range results {
		got = append(got, res.Agent+" "+res.Case.ID+" "+string(res.Behavior)+" "+string(res.Role))
		if !strings.HasPrefix(res.Request, "GET /runCase?case") || !strings.HasPrefix(res.Response, "HTTP/1.1 101 ") {
			t.Errorf("the handshake is\n%s%s", res.Request, res.Response)
		}
	}
	if want := []string{"a 2.2 OK client", "a 2.2 FAILED client", "b 2.2 OK client"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The suite answers pings until it closes.
func TestServerAnswersPings(t *testing.T) {
	inServerBubble(t, &Server{Cases: pingCases()}, func(t *testing.T, n rawpeer.Network) {
		p := ask(t, n, pingCase)
		p.Want(rawpeer.Ping(pingPayload))
		p.SendPing("one")
		p.WantPong("one")
		p.SendPing("")
		p.WantPong("")
		p.WantClose(1000) // by a timer of the case
		p.SendPing("late")
		p.SendClose(1000, "")
		p.WantEOF()
	})
}

// A case with an invalid request has failed, and gets an error response.
func TestServerRunsWrongRequest(t *testing.T) {
	var result *Result
	s := &Server{Cases: pingCases(), OnResult: func(res *Result) { result = res }}
	inServerBubble(t, s, func(t *testing.T, n rawpeer.Network) {
		askWith(t, n, &rawpeer.ClientOptions{
			RequestLine: "GET " + pingCase + " HTTP/1.1",
			Header:      []string{"Sec-WebSocket-Key: short"},
			WantStatus:  http.StatusBadRequest,
		}).WantEOF()
		wantStatus(t, n, pingStatus, "FAILED")
	})
	if result == nil || result.Behavior != Failed || result.BehaviorClose != Failed || !strings.Contains(result.Request, "short") {
		t.Errorf("got %v", result)
	}
}

// A client requests the status as soon as its own end is closed.
func TestServerStatusWaits(t *testing.T) {
	inServerBubble(t, &Server{Cases: pingCases()}, func(t *testing.T, n rawpeer.Network) {
		answerPing(ask(t, n, pingCase)) // the result of the first run is not counted
		running := ask(t, n, pingCase)
		running.Want(rawpeer.Ping(pingPayload))

		status := rawpeer.Go(t, func() (*rawpeer.Peer, error) { return ask(t, n, pingStatus), nil })
		other := ask(t, n, "/getCaseStatus?case=1&agent=a")
		wantSaid(other, `{"behavior":"MISSING"}`)
		synctest.Wait()
		if status.Returned() {
			t.Error("the status came before the end")
		}
		running.SendPong("another")
		finish(running)
		wantSaid(status.Want(), `{"behavior":"FAILED"}`)
	})
}

func TestServerSkips(t *testing.T) {
	s := &Server{
		Cases:    pingCases(),
		Skip:     func(agent string, cs *Case) bool { return agent == "a" && cs.ID == "2.2" },
		OnResult: func(res *Result) { t.Errorf("%s has run %s", res.Agent, res.Case.ID) },
	}
	inServerBubble(t, s, func(t *testing.T, n rawpeer.Network) {
		finish(ask(t, n, pingCase))
		wantStatus(t, n, pingStatus, "MISSING")
		s.OnResult = nil
		answerPing(ask(t, n, "/runCase?case=2&agent=b"))
	})
}

// TestServerClose closes a server with a running case, a client that waits for its
// status, and a client that has sent nothing.
func TestServerClose(t *testing.T) {
	results := make(chan *Result, 1)
	s := &Server{Cases: pingCases(), OnResult: func(res *Result) { results <- res }}
	inServerBubble(t, s, func(t *testing.T, n rawpeer.Network) {
		running := ask(t, n, pingCase)
		running.Want(rawpeer.Ping(pingPayload))
		waiting, err := n.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		status := rawpeer.NewPeer(t, waiting, rawpeer.Client)
		status.SendRequest(&rawpeer.ClientOptions{RequestLine: "GET " + pingStatus + " HTTP/1.1"})
		silent, err := n.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()

		begin := time.Now()
		s.Close()
		for _, p := range []*rawpeer.Peer{running, status, rawpeer.NewPeer(t, silent, rawpeer.Client)} {
			p.WantEnd()
		}
		if res := <-results; res.Behavior != Failed {
			t.Errorf("got %v", res)
		}
		late, err := n.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rawpeer.NewPeer(t, late, rawpeer.Client).WantEnd()
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// Close may be called before Serve.
func TestServerClosedBefore(t *testing.T) {
	s := new(Server)
	s.Close()
	inServerBubble(t, s, func(t *testing.T, n rawpeer.Network) {
		conn, err := n.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rawpeer.NewPeer(t, conn, rawpeer.Client).WantEnd()
	})
}
