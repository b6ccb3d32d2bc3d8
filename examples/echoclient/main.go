// Echoclient sends each line of its input to a WebSocket server as a text message, and
// prints each message that it receives as a line. At the end of the input it waits for the
// replies.
//
//	go run ./examples/echoclient ws://127.0.0.1:9001 < README.md
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	websocket "github.com/bhojpur/api"
)

const (
	dialTimeout  = 10 * time.Second
	replyTimeout = 10 * time.Second // after the end of the input
	maxLine      = 1 << 20          // bytes, also of a reply
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "echoclient:", err)
		os.Exit(1)
	}
}

// run ends at the end of the input, of the connection, or of ctx.
func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("echoclient", flag.ExitOnError)
	protocols := flags.String("protocols", "echo", "`subprotocols` to offer, separated by commas")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: echoclient [flags] url")
		flags.PrintDefaults()
	}
	flags.Parse(args)
	if flags.NArg() != 1 {
		flags.Usage()
		return errors.New("one URL is required")
	}

	conn, err := dial(ctx, flags.Arg(0), *protocols)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxLine)

	// Read until the end, since pings are answered only during a read.
	ended := make(chan error, 1)
	go func() { ended <- printReplies(conn, stdout) }()
	sent := make(chan error, 1)
	go func() { sent <- sendLines(ctx, conn, stdin) }()

	select {
	case err := <-ended:
		return err
	case err = <-sent:
	case <-ctx.Done():
	}
	return errors.Join(err, conn.Close(websocket.StatusNormalClosure, ""))
}

func dial(ctx context.Context, url, protocols string) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	opts := &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover}
	if protocols != "" {
		opts.Subprotocols = strings.Split(protocols, ",")
	}
	conn, _, err := websocket.Dial(ctx, url, opts)
	return conn, err
}

// printReplies prints messages until the connection ends, and returns the cause, or nil
// if the server closed with StatusNormalClosure.
func printReplies(conn *websocket.Conn, stdout io.Writer) error {
	for {
		_, p, err := conn.Read(context.Background())
		switch {
		case websocket.CloseStatus(err) == websocket.StatusNormalClosure:
			return nil
		case err != nil:
			return err
		}
		if _, err := fmt.Fprintf(stdout, "%s\n", p); err != nil {
			return err
		}
	}
}

// sendLines sends the lines and waits for the replies. A server that handles one message
// after the other answers a ping after all earlier messages, so the pong follows the last
// reply.
func sendLines(ctx context.Context, conn *websocket.Conn, stdin io.Reader) error {
	lines := bufio.NewScanner(stdin)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if err := conn.Write(ctx, websocket.MessageText, lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, replyTimeout)
	defer cancel()
	return conn.Ping(ctx)
}
