// Chat is a chat room in the browser: one room, whoever opens the page is in
// it.
//
//	go run ./examples/chat
//
// It is small, but has what a real one needs: names that are unique, the last
// messages for whoever comes in, a list of who is here, a limit on how fast
// one may write, clients that can't keep up are let go instead of slowing the
// others, and an end that tells everyone.
//
// This is the program around the room, which is in examples/internal/chat:
// begin with its server.go.
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
	"github.com/bhojpur/api/examples/internal/serve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second ctrl-C ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// run is the program: it serves until ctx ends, and its first line on stdout
// is the page's address.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	opts := chat.Defaults()
	flags := flag.NewFlagSet("chat", flag.ExitOnError)
	addr := flags.String("addr", "127.0.0.1:8080", "`address` to listen on; port 0 picks a free one")
	flags.IntVar(&opts.History, "history", opts.History, "how many `messages` someone who comes in is shown")
	flags.Parse(args)

	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, serve.URL("http", ln.Addr()))
	s := chat.NewServer(opts, slog.Default())
	return serve.Until(ctx, ln, s.Handler(chat.JavaScript), &s.Conns)
}
