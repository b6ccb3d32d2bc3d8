// Echoclient sends each line of its input to a WebSocket server as a text
// message, and prints the messages that come back, a line each.
//
//	go run ./examples/echoclient ws://127.0.0.1:9001 < README.md
//
// At the end of the input it waits for the replies to what it sent.
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
	replyTimeout = 10 * time.Second // from the end of the input
	maxLine      = 1 << 20          // bytes, of what is sent and of a reply
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second ctrl-C ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "echoclient:", err)
		os.Exit(1)
	}
}

// run is the program: it ends with the input, with the connection, or with
// ctx.
func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("echoclient", flag.ExitOnError)
	protocols := flags.String("protocols", "echo", "`subprotocols` to ask for, separated by commas")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: echoclient [flags] url")
		flags.PrintDefaults()
	}
	flags.Parse(args)
	if flags.NArg() != 1 {
		flags.Usage()
		return errors.New("there must be one URL")
	}

	conn, err := dial(ctx, flags.Arg(0), *protocols)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxLine)

	// Reading goes on all the time, whatever the input does: that is also
	// what answers the server's pings.
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

// printReplies prints messages until the connection ends, and returns why:
// nil if the server closed it in the normal way.
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

// sendLines sends the lines, and waits until the replies are here. A server
// that handles one message after the other answers a ping after all that came
// before it, and whoever reads meets the pong behind the last reply.
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
