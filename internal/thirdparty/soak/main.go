// Command soak runs many connections that connect, exchange messages, misbehave and
// leave, for a given time, and checks whether the server's resources grow.
//
//	go run ./soak -connections 2000 -minutes 10 -svg ../../docs/soak.svg
//
// The server is a separate process, so that only its resources are counted: live heap
// and stacks, goroutines, descriptors and resident memory, each time after a garbage
// collection. Clients run in this process: programs that use the library, and peers
// that write valid and invalid frames by themselves. Each echo is compared with the
// message sent, and each end of a connection with the one that the protocol requires.
//
// The run fails if heap, goroutines or descriptors grew from its second quarter to its
// last one, if they do not return to their initial level after all connections are
// closed, or if a client got an unexpected result.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// settings are the command's flags.
type settings struct {
	connections int
	minutes     float64
	rate        float64
	life        time.Duration
	seed        uint64
	samples     int
	svg         string
	role        string // of a child process

	command  string        // the command line
	server   string        // the role of the server; tests have others
	settling time.Duration // bounds the wait for resources of clients that have left
}

// Limits of derived settings.
const (
	maxLife     = 10 * time.Second
	minPatience = 2 * time.Second // for a busy machine
	maxPatience = time.Minute
	// A close handshake without a reply takes longest.
	settling = 30 * time.Second
)

func run(ctx context.Context, args []string, w io.Writer) error {
	set := settings{server: serverRole, settling: settling, command: strings.Join(append([]string{"go run ./soak"}, args...), " ")}
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.IntVar(&set.connections, "connections", 2000, "number of concurrent clients")
	flags.Float64Var(&set.minutes, "minutes", 10, "duration of the run")
	flags.Float64Var(&set.rate, "rate", 1, "messages per second that each client sends, on average")
	flags.DurationVar(&set.life, "life", 0, "average `duration` of a client's visit (default a tenth of the run, at most 10s)")
	flags.Uint64Var(&set.seed, "seed", 1, "seed of the random choices")
	flags.IntVar(&set.samples, "samples", 240, "number of readings of the server")
	flags.StringVar(&set.svg, "svg", "", "`file` for the picture")
	flags.StringVar(&set.role, "role", "", "of a child process")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := set.complete(); err != nil {
		return err
	}
	if err := raiseDescriptors(set.connections + spareDescriptors); err != nil {
		return err
	}
	if set.role != "" {
		return serveParent(set)
	}
	return soak(ctx, set, w)
}

// complete sets defaults, and returns an error for invalid settings.
func (set *settings) complete() error {
	if set.connections < 1 || set.minutes <= 0 || set.rate <= 0 || set.life < 0 {
		return errors.New("connections, minutes and rate have to be positive")
	}
	if set.samples < minSamples {
		return fmt.Errorf("%d samples are too few, %d is the least", set.samples, minSamples)
	}
	if set.life == 0 {
		set.life = min(set.duration()/10, maxLife)
	}
	return nil
}

func (set *settings) duration() time.Duration {
	return time.Duration(set.minutes * float64(time.Minute))
}

// patience returns how long the server waits for the rest of a client's message, and
// how long a client may be silent before a ping. A resting client sends its next
// message earlier.
func (set *settings) patience() time.Duration {
	return min(max(minPatience, set.life/2, 2*set.longestRest()), maxPatience)
}

// longestRest returns the longest time between two messages of a client.
func (set *settings) longestRest() time.Duration {
	return time.Duration(1.5 / set.rate * float64(time.Second))
}

// childArgs returns the arguments of the server process.
func (set *settings) childArgs() []string {
	return []string{
		"-role", set.server,
		"-connections", strconv.Itoa(set.connections),
		"-rate", strconv.FormatFloat(set.rate, 'g', -1, 64),
		"-life", set.life.String(),
		"-seed", strconv.FormatUint(set.seed, 10),
	}
}

// serveParent runs a server process.
func serveParent(set settings) error {
	wrap, ok := roles[set.role]
	if !ok {
		return fmt.Errorf("no role %q", set.role)
	}
	return serve(set, wrap)
}
