// Autobahn is a client for fuzzing servers, which test clients with the cases of the Autobahn
// test suite. For each case it opens a connection and sends every message back.
//
//	go run ./internal/autobahn/cmd/autobahn fuzzingserver -url ws://127.0.0.1:9001
//	go run ./examples/autobahn -agent me ws://127.0.0.1:9001
//
// The server reports the results.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	websocket "github.com/bhojpur/api"
)

const (
	dialTimeout   = 10 * time.Second
	answerTimeout = 10 * time.Second
	reportTimeout = 5 * time.Minute  // the server writes its report
	caseTimeout   = 20 * time.Minute // the suite itself allows up to 8
	readLimit     = 32 << 20         // bytes; the longest message of the suite is 16 MiB
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "autobahn:", err)
		os.Exit(1)
	}
}

// run runs all cases. It ends early if ctx does.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("autobahn", flag.ExitOnError)
	agent := flags.String("agent", "github.com/bhojpur/api", "`name` of this client in the report")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: autobahn [flags] url")
		flags.PrintDefaults()
	}
	flags.Parse(args)
	if flags.NArg() != 1 {
		flags.Usage()
		return errors.New("one URL is required")
	}

	t := &tests{server: strings.TrimSuffix(flags.Arg(0), "/"), agent: *agent}
	n, err := t.count(ctx)
	if err != nil {
		return fmt.Errorf("requesting the number of cases: %w", err)
	}
	for i := range n {
		if err := t.runCase(ctx, i+1); err != nil {
			return fmt.Errorf("case %d of %d: %w", i+1, n, err)
		}
		if (i+1)%50 == 0 {
			fmt.Fprintf(stdout, "%d of %d cases\n", i+1, n)
		}
	}
	if err := t.updateReports(ctx); err != nil {
		return fmt.Errorf("requesting the report: %w", err)
	}
	fmt.Fprintf(stdout, "%d cases; the server's report has the verdicts\n", n)
	return nil
}

// tests are the cases of a fuzzing server.
type tests struct {
	server string // URL
	agent  string
}

// dial connects to a path of the server. It offers compression, which groups 12 and 13 of
// the cases test.
func (t *tests) dial(ctx context.Context, path string, query url.Values) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	query.Set("agent", t.agent)
	conn, _, err := websocket.Dial(ctx, t.server+path+"?"+query.Encode(), &websocket.DialOptions{
		CompressionMode: websocket.CompressionContextTakeover,
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(readLimit)
	return conn, nil
}

// count requests the number of cases.
func (t *tests) count(ctx context.Context) (int, error) {
	conn, err := t.dial(ctx, "/getCaseCount", url.Values{})
	if err != nil {
		return 0, err
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	_, text, err := conn.Read(ctx)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(text))
}

// runCase runs case n, the first of which is 1. Most cases end with an error, since the
// server violates the protocol on purpose, and the server judges the end. Only a failed
// handshake, or a connection that does not end, is an error.
func (t *tests) runCase(ctx context.Context, n int) error {
	conn, err := t.dial(ctx, "/runCase", url.Values{"case": {strconv.Itoa(n)}})
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithTimeout(ctx, caseTimeout)
	defer cancel()
	var message bytes.Buffer
	for {
		typ, r, err := conn.Reader(ctx)
		if err != nil {
			return ctx.Err()
		}
		message.Reset()
		if _, err := message.ReadFrom(r); err != nil {
			return ctx.Err()
		}
		if err := conn.Write(ctx, typ, message.Bytes()); err != nil {
			return ctx.Err()
		}
	}
}

// updateReports requests the server to write its reports, and waits until it closes the
// connection. The original suite sends a close frame without a code.
func (t *tests) updateReports(ctx context.Context) error {
	conn, err := t.dial(ctx, "/updateReports", url.Values{})
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	_, _, err = conn.Read(ctx)
	switch websocket.CloseStatus(err) {
	case websocket.StatusNormalClosure, websocket.StatusNoStatusRcvd:
		return nil
	}
	if err == nil {
		return errors.New("the server sent a message")
	}
	return err
}
