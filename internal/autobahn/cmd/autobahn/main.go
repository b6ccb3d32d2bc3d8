// Autobahn tests a WebSocket implementation with the 517 cases of the Autobahn test suite,
// and writes a report. It is the suite in Go, with the commands and the files of the
// original.
//
//	go run ./internal/autobahn/cmd/autobahn fuzzingclient -url ws://127.0.0.1:9001 -agent NAME
//	go run ./internal/autobahn/cmd/autobahn fuzzingserver -url ws://127.0.0.1:9001
//
// The first command tests a server that echoes every message; the second waits for clients
// that do. -h prints the options.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
