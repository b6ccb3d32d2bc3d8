package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
)

// Exit statuses.
const (
	passed = 0
	failed = 1 // a case failed, or an error occurred
	misuse = 2
)

// run is the program, and returns its exit status. A fuzzing client ends when all cases
// have run; both modes end when ctx is done.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return passed
	case err != nil:
		fmt.Fprintln(stderr, "autobahn:", err)
		fmt.Fprintln(stderr, "Run autobahn -h for usage.")
		return misuse
	}
	test := testServers
	if s.mode == fuzzingServer {
		test = testClients
	}
	ok, err := test(ctx, s, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "autobahn:", err)
		return failed
	}
	if !ok {
		return failed
	}
	return passed
}
