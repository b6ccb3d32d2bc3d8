// Echo is a server that sends every message back.
//
//	go run ./examples/echo -addr 127.0.0.1:9001
//
// Its first line on stdout is its address. The program examples/echoclient
// talks to it, and so does the fuzzing client of the Autobahn test suite.
//
// It serves clients that ask for the subprotocol "echo", and those that ask
// for none, or for others: what it does is the same.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/examples/internal/serve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second ctrl-C ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

// run is the program: it serves until ctx ends.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	opts := defaults()
	flags := flag.NewFlagSet("echo", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:9001", "`address` to listen on; port 0 picks a free one")
	compress := flags.String("compress", "takeover", "compression: takeover, no-takeover or off")
	flags.Int64Var(&opts.readLimit, "limit", opts.readLimit, "the longest message in `bytes`; -1 for any length")
	flags.DurationVar(&opts.pingEvery, "ping", opts.pingEvery, "ping a client that has been silent for so long")
	flags.Parse(args)

	var err error
	if opts.compression, err = compressionMode(*compress); err != nil {
		return err
	}
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, serve.URL("ws", ln.Addr()))
	s := newServer(opts, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	return serve.Until(ctx, ln, s, &s.conns)
}

func compressionMode(name string) (websocket.CompressionMode, error) {
	switch name {
	case "takeover":
		return websocket.CompressionContextTakeover, nil
	case "no-takeover":
		return websocket.CompressionNoContextTakeover, nil
	case "off":
		return websocket.CompressionDisabled, nil
	}
	return 0, fmt.Errorf("-compress: there is no %q", name)
}
