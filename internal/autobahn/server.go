package autobahn

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// A Server is the suite as a server: the fuzzing server, which tests clients. They
// connect to
//
//	/getCaseCount                       for the number of cases, as a text message
//	/runCase?case=N&agent=NAME          to run a case, the first being 1
//	/getCaseInfo?case=N                 for its ID and description, as JSON
//	/getCaseStatus?case=N&agent=NAME    for its result, as JSON
//	/updateReports?agent=NAME           to have the reports written
//
// casetuple=6.4.1 may replace case=N.
type Server struct {
	Cases []*Case

	// Skip reports whether an agent skips a case: such connections are closed at once.
	// nil: no case is skipped.
	Skip func(agent string, cs *Case) bool

	// OnResult is called with each result, OnReports when a client requests the
	// reports, both possibly concurrently. nil is valid.
	OnResult  func(*Result)
	OnReports func(agent string)

	Options

	mu      sync.Mutex
	changed sync.Cond // L is mu; broadcast after each change of the fields below
	conns   map[net.Conn]struct{}
	cases   map[played]*attempt // the last of each
	closed  bool
}

// played identifies a case run by an agent.
type played struct{ agent, id string }

// attempt is an agent's run of a case.
type attempt struct{ res *Result } // nil while the case is running

// Serve serves the connections accepted from l until l is closed, and returns when they
// have ended. The error is Accept's.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	s.initLocked()
	s.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		if !s.add(conn) {
			conn.Close()
			continue
		}
		conns.Go(func() {
			defer s.remove(conn)
			defer conn.Close()
			s.serve(ctx, conn)
		})
	}
}

// Close ends all connections, and makes Serve reject new ones. It does not close the
// listener.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.initLocked()
	s.closed = true
	for conn := range s.conns {
		conn.Close()
	}
	s.changed.Broadcast()
	return nil
}

func (s *Server) initLocked() {
	if s.conns == nil {
		s.conns = make(map[net.Conn]struct{})
		s.cases = make(map[played]*attempt)
		s.changed.L = &s.mu
	}
}

func (s *Server) add(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[conn] = struct{}{}
	return true
}

func (s *Server) remove(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// serve serves one connection until it ends.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	started := time.Now()
	conn.SetDeadline(started.Add(s.patient(openTimeout)))
	r := bufio.NewReaderSize(conn, readSize)
	head, err := readHead(r)
	if err != nil {
		return
	}
	req, err := parseRequest(head)
	if err != nil {
		io.WriteString(conn, refusal(http.StatusBadRequest, err.Error()+"\n"))
		return
	}
	v := &visit{server: s, conn: conn, r: r, head: string(head), req: req, query: req.URL.Query(), started: started}
	if req.Header.Get("Upgrade") == "" {
		io.WriteString(conn, refusal(http.StatusUpgradeRequired, "This is a fuzzing server, for WebSocket clients.\n"))
		return
	}
	v.agent = v.query.Get("agent")
	if err := v.route(ctx); err != nil {
		io.WriteString(conn, refusal(http.StatusBadRequest, err.Error()+"\n"))
	}
}

// visit is one connection to a Server.
type visit struct {
	server  *Server
	conn    net.Conn
	r       *bufio.Reader
	head    string
	req     *http.Request
	query   url.Values
	agent   string
	started time.Time
}

// route performs the request by its path. If it returns an error, no response was sent.
func (v *visit) route(ctx context.Context) error {
	s := v.server
	if v.req.URL.Path == "/getCaseCount" {
		return v.say(ctx, strconv.Itoa(len(s.Cases)))
	}
	if v.req.URL.Path == "/updateReports" {
		s.await(v.agent)
		if s.OnReports != nil {
			s.OnReports(v.agent)
		}
		return v.say(ctx, "")
	}
	cs, err := v.selected()
	if err != nil {
		return err
	}
	switch v.req.URL.Path {
	case "/runCase":
		return v.runCase(ctx, cs)
	case "/getCaseStatus":
		return v.say(ctx, object{"behavior": s.behavior(v.agent, cs)}.String())
	case "/getCaseInfo":
		return v.say(ctx, object{"id": cs.ID, "description": cs.Description}.String())
	}
	return fmt.Errorf("there is nothing at %s", v.req.URL.Path)
}

// object is a JSON object.
type object map[string]string

func (o object) String() string {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // not with strings
	}
	return string(b)
}

// selected returns the case that the request names.
func (v *visit) selected() (*Case, error) {
	if id := v.query.Get("casetuple"); id != "" {
		for _, cs := range v.server.Cases {
			if cs.ID == id {
				return cs, nil
			}
		}
		return nil, fmt.Errorf("no case %q", id)
	}
	n, err := strconv.Atoi(v.query.Get("case"))
	if err != nil || n < 1 || n > len(v.server.Cases) {
		return nil, fmt.Errorf("no case %q of %d", v.query.Get("case"), len(v.server.Cases))
	}
	return v.server.Cases[n-1], nil
}

// say opens the connection, sends a text message, unless it is "", and closes.
func (v *visit) say(ctx context.Context, text string) error {
	if err := checkRequest(v.req); err != nil {
		return err
	}
	cs := &Case{Expect: []Outcome{{OK, nil}}, Close: Closing{BySuite: true, Codes: []int{1000}, NotAutomatic: true}}
	if text != "" {
		cs.Steps = append(cs.Steps, Step{Do: SendMessage, Opcode: Text, Payload: payload(text)})
	}
	cs.Steps = append(cs.Steps, Step{Do: SendClose, Code: 1000})
	v.play(ctx, cs)
	return nil
}

// runCase runs a case with the client.
func (v *visit) runCase(ctx context.Context, cs *Case) error {
	s := v.server
	if v.agent == "" {
		return errors.New("the request names no agent")
	}
	if s.Skip != nil && s.Skip(v.agent, cs) {
		return v.say(ctx, "")
	}
	current := s.begin(v.agent, cs)
	var res *Result
	if err := checkRequest(v.req); err != nil {
		res = newResult(cs, v.agent, ClientRole)
		res.Started, res.Request = v.started, v.head
		res.failOpening(err)
		io.WriteString(v.conn, refusal(http.StatusBadRequest, err.Error()+"\n"))
	} else {
		res = v.play(ctx, cs)
	}
	if s.OnResult != nil {
		s.OnResult(res)
	}
	s.finish(current, res)
	return nil
}

// play accepts the request and runs a case.
func (v *visit) play(ctx context.Context, cs *Case) *Result {
	res := newResult(cs, v.agent, ClientRole)
	res.Started, res.Request = v.started, v.head
	var d *Deflate
	if cs.Exchange != nil {
		d = cs.Exchange.Deflate
	}
	head, agreed := response(v.req, d)
	res.Response = head
	// The response may have waited for a case.
	v.conn.SetDeadline(time.Now().Add(v.server.patient(openTimeout)))
	if _, err := io.WriteString(v.conn, head); err != nil {
		res.failOpening(err)
		return res
	}
	session := newSession(cs, v.server.Options, v.conn, v.r, res)
	session.deflate = agreed.deflation(ClientRole)
	session.play(ctx)
	return res
}

// begin records that a case is running.
func (s *Server) begin(agent string, cs *Case) *attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	current := new(attempt)
	s.cases[played{agent, cs.ID}] = current
	return current
}

// finish records the result of a case. The agent may already be running it again.
func (s *Server) finish(current *attempt, res *Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	current.res = res
	s.changed.Broadcast()
}

// await waits until no case of an agent is running. A client requests the reports as
// soon as its end of the last connection is closed.
func (s *Server) await(agent string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	running := func() bool {
		for id, last := range s.cases {
			if id.agent == agent && last.res == nil {
				return true
			}
		}
		return false
	}
	for running() && !s.closed {
		s.changed.Wait()
	}
}

// behavior returns the verdict on a case, and waits for it while the case is running. A
// client requests it as soon as its end of the connection is closed. "MISSING" is the
// original's word for a case that was not run.
func (s *Server) behavior(agent string, cs *Case) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		last := s.cases[played{agent, cs.ID}]
		switch {
		case last != nil && last.res != nil:
			return string(last.res.Behavior)
		case last == nil || s.closed:
			return "MISSING"
		}
		s.changed.Wait()
	}
}
