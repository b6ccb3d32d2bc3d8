package autobahn

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"time"
)

// A Client is the suite as a client: the fuzzing client, which tests servers. It may
// run several cases concurrently.
type Client struct {
	URL   string // of the server, ws: or wss:
	Agent string // the name of the server in results

	// Dial connects to the server. If nil, the client dials the host of URL over TCP.
	Dial func(ctx context.Context) (net.Conn, error)

	// TLS is for wss URLs. nil is valid.
	TLS *tls.Config

	Options
}

// Run runs one case on its own connection, and returns when the connection has ended.
// Canceling ctx ends it. A server that cannot be reached, or that fails the handshake,
// fails the case.
func (c *Client) Run(ctx context.Context, cs *Case) *Result {
	res := newResult(cs, c.Agent, ServerRole)
	conn, r, agreed, err := c.open(ctx, cs, res)
	if err != nil {
		res.failOpening(err)
		return res
	}
	defer conn.Close()
	s := newSession(cs, c.Options, conn, r, res)
	s.deflate = agreed.deflation(ServerRole)
	s.play(ctx)
	return res
}

func newSession(cs *Case, opts Options, conn net.Conn, r *bufio.Reader, res *Result) *session {
	return &session{cs: cs, opts: opts, conn: conn, r: r, res: res, log: newWireLog(res.Started)}
}

func newResult(cs *Case, agent string, role Role) *Result {
	return &Result{
		Case:       cs,
		Agent:      agent,
		Role:       role,
		Started:    time.Now(),
		LocalCode:  NoCode,
		RemoteCode: NoCode,
	}
}

// failOpening fills a result for a connection whose opening failed.
func (r *Result) failOpening(err error) {
	r.Duration = time.Since(r.Started)
	r.Behavior, r.BehaviorClose = Failed, Failed
	r.Why = "the connection was never open: " + err.Error()
	r.OpenTimeout = errors.Is(err, os.ErrDeadlineExceeded)
	if r.Case.Informational {
		r.Behavior, r.BehaviorClose = Informational, Informational
	}
}

// open connects and performs the opening handshake.
func (c *Client) open(ctx context.Context, cs *Case, res *Result) (conn net.Conn, r *bufio.Reader, a *agreement, err error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.patient(openTimeout))
	defer cancel()
	if conn, err = c.connect(ctx, u); err != nil {
		return nil, nil, nil, err
	}
	opened := conn // an error return sets conn to nil
	defer func() {
		if err != nil {
			opened.Close()
		}
	}()
	stop := context.AfterFunc(ctx, func() { opened.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	var d *Deflate
	if cs.Exchange != nil {
		d = cs.Exchange.Deflate
	}
	head, key := request(u, d)
	res.Request = head
	if _, err = io.WriteString(conn, head); err != nil {
		return nil, nil, nil, err
	}
	r = bufio.NewReaderSize(conn, readSize)
	answer, err := readHead(r)
	res.Response = string(answer)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("reading the response: %w", err)
	}
	if a, err = checkResponse(answer, key, d); err != nil {
		return nil, nil, nil, err
	}
	if !stop() { // ctx has ended, and may still set the deadline
		return nil, nil, nil, context.Cause(ctx)
	}
	return conn, r, a, nil
}

// readSize is the size of the read buffer.
const readSize = 64 << 10

func (c *Client) connect(ctx context.Context, u *url.URL) (net.Conn, error) {
	if c.Dial != nil {
		return c.Dial(ctx)
	}
	host, port := u.Hostname(), u.Port()
	switch {
	case u.Scheme != "ws" && u.Scheme != "wss":
		return nil, fmt.Errorf("%q is not a ws: or wss: URL", c.URL)
	case port == "" && u.Scheme == "ws":
		port = "80"
	case port == "":
		port = "443"
	}
	addr := net.JoinHostPort(host, port)
	if u.Scheme == "ws" {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}
	return (&tls.Dialer{Config: c.TLS}).DialContext(ctx, "tcp", addr)
}
