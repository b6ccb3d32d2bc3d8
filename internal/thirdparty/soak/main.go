// Command soak has very many connections come to a server, talk, misbehave and
// leave, for as long as one likes, and looks whether the server holds more with
// time than it should.
//
//	go run ./soak -connections 2000 -minutes 10 -svg ../../docs/soak.svg
//
// The server is a process of its own, so that what is counted is its alone: live
// heap and stacks, goroutines, descriptors and resident memory, after a garbage
// collection each time. Clients are in this process: programs that use the library,
// and peers that write frames, right and wrong, by themselves. Each echo is
// compared with what was sent, and each end with what the protocol says about it.
//
// The run fails when heap, goroutines or descriptors grew from its second quarter
// to its last one; when not all of them are back in the end, with all connections
// closed; or when a client met something that it should not have.
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

	command  string        // as it was given
	server   string        // the role of the server; tests have others
	settling time.Duration // for what clients that are gone leave behind
}

// The bounds of what is left to the program.
const (
	maxLife     = 10 * time.Second
	minPatience = 2 * time.Second // for a busy machine
	maxPatience = time.Minute
	// A close handshake that nobody answers takes the longest.
	settling = 30 * time.Second
)

func run(ctx context.Context, args []string, w io.Writer) error {
	set := settings{server: serverRole, settling: settling, command: strings.Join(append([]string{"go run ./soak"}, args...), " ")}
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.IntVar(&set.connections, "connections", 2000, "how many clients there are at a time")
	flags.Float64Var(&set.minutes, "minutes", 10, "for how long")
	flags.Float64Var(&set.rate, "rate", 1, "messages per second that each client sends, on average")
	flags.DurationVar(&set.life, "life", 0, "how long a client stays, on average (default a tenth of the run, at most 10s)")
	flags.Uint64Var(&set.seed, "seed", 1, "of what clients choose and say")
	flags.IntVar(&set.samples, "samples", 240, "how often the server is looked at")
	flags.StringVar(&set.svg, "svg", "", "a file for the picture")
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

// complete fills in what was not said, and refuses what makes no sense.
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

// patience is how long the server waits for what a client began, and before it
// asks whether a silent one is there. Those that only rest are heard of earlier.
func (set *settings) patience() time.Duration {
	return min(max(minPatience, set.life/2, 2*set.longestRest()), maxPatience)
}

// longestRest is between two messages of a client.
func (set *settings) longestRest() time.Duration {
	return time.Duration(1.5 / set.rate * float64(time.Second))
}

// childArgs are the arguments of the server process.
func (set *settings) childArgs() []string {
	return []string{
		"-role", set.server,
		"-connections", strconv.Itoa(set.connections),
		"-rate", strconv.FormatFloat(set.rate, 'g', -1, 64),
		"-life", set.life.String(),
		"-seed", strconv.FormatUint(set.seed, 10),
	}
}

// serveParent is a server process.
func serveParent(set settings) error {
	wrap, ok := roles[set.role]
	if !ok {
		return fmt.Errorf("there is no role %q", set.role)
	}
	return serve(set, wrap)
}
