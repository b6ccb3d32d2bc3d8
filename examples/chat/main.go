// Chat is a chat room for the browser, with unique names, a history, a list of people, a
// rate limit, and bounds for clients that do not keep up. See examples/internal/chat.
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

	"github.com/bhojpur/api/examples/internal/chat"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// run prints the URL of the page and serves it until ctx is done.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	opts := chat.Defaults()
	flags := flag.NewFlagSet("chat", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 selects a free one")
	flags.IntVar(&opts.History, "history", opts.History, "number of `messages` shown to a person who joins")
	flags.Parse(args)

	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "http://%s\n", ln.Addr())
	s := chat.NewServer(opts, slog.Default())
	return s.Serve(ctx, ln, s.Handler(chat.JavaScript))
}
