package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"runtime"
	"strings"

	"github.com/bhojpur/api/internal/autobahn"
)

// mode is the role of the suite, with the names of the original suite.
type mode string

const (
	fuzzingClient mode = "fuzzingclient"
	fuzzingServer mode = "fuzzingserver"
)

// defaultURL is the default address of a fuzzing server.
const defaultURL = "ws://127.0.0.1:9001"

const usage = `Autobahn tests WebSocket implementations with the 517 cases of the Autobahn suite.

To test a server, which has to send every message back:

  autobahn fuzzingclient -url ws://127.0.0.1:9001 -agent NAME [flags]
  autobahn fuzzingclient -spec FILE [flags]

To test clients, which connect to the suite and run its cases one by one:

  autobahn fuzzingserver [-url ws://127.0.0.1:9001] [flags]
  autobahn fuzzingserver -spec FILE [flags]

FILE is a spec file of the original suite. Flags that are given take precedence
over it. The original's own form works as well: autobahn -m MODE -s FILE.

The exit status is 1 when a case has failed, or a server was not there, and 2 when
the flags are wrong. NON-STRICT is a failure; UNIMPLEMENTED and INFORMATIONAL are
none.

Flags:
`

// settings are the result of the command line and the spec file.
type settings struct {
	mode     mode
	spec     *autobahn.Spec
	cases    []*autobahn.Case // selected cases
	addr     string           // to listen at, for a fuzzing server
	insecure bool
	parallel int
	options  autobahn.Options
}

// flags are the parsed command-line flags.
type flags struct {
	mode, spec, url, agent, cases, exclude, outdir string
}

// parse parses the command line, and reads the spec file that it names. If requested,
// it writes the usage to stdout.
func parse(args []string, stdout io.Writer) (*settings, error) {
	var f flags
	s := &settings{}
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		f.mode, args = args[0], args[1:]
	}
	set := newFlagSet(&f, s)
	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		set.SetOutput(stdout)
		set.PrintDefaults()
		return nil, err
	case err != nil:
		return nil, err
	case set.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q", set.Arg(0))
	case s.parallel < 1:
		return nil, errors.New("-parallel is less than 1")
	case s.options.Messages < 0 || s.options.Patience <= 0:
		return nil, errors.New("-messages and -patience are positive")
	}
	s.mode = mode(f.mode)
	if s.mode != fuzzingClient && s.mode != fuzzingServer {
		return nil, fmt.Errorf("the mode has to be %s or %s", fuzzingClient, fuzzingServer)
	}
	if err := s.read(f); err != nil {
		return nil, err
	}
	set.Visit(func(given *flag.Flag) { f.override(s.spec, given.Name) })
	if err := s.complete(f); err != nil {
		return nil, err
	}
	return s, nil
}

func newFlagSet(f *flags, s *settings) *flag.FlagSet {
	set := flag.NewFlagSet("autobahn", flag.ContinueOnError)
	set.SetOutput(io.Discard) // the caller reports errors
	set.Usage = func() {}
	for _, name := range []string{"m", "mode"} {
		set.StringVar(&f.mode, name, f.mode, "`mode`, which may also come first: fuzzingclient or fuzzingserver")
	}
	for _, name := range []string{"s", "spec"} {
		set.StringVar(&f.spec, name, "", "spec `file`")
	}
	set.StringVar(&f.url, "url", "", "`URL` to connect to, or to listen at (default "+defaultURL+"); port 0 is a free one")
	set.StringVar(&f.agent, "agent", "", "`name` for the server at -url (default its address)")
	set.StringVar(&f.cases, "cases", "*", "`patterns` of the cases to run, as 6.*,13.*; W.* are cases beside the 517")
	set.StringVar(&f.exclude, "exclude", "", "`patterns` of cases not to run")
	set.StringVar(&f.outdir, "outdir", "", "`folder` for the report (default "+autobahn.ServersDir+" or "+autobahn.ClientsDir+")")
	set.IntVar(&s.options.Messages, "messages", 0, "how many messages the cases with compression send (default 1000)")
	set.Float64Var(&s.options.Patience, "patience", 1, "`factor` of all timeouts")
	set.IntVar(&s.parallel, "parallel", runtime.GOMAXPROCS(0), "how many cases a fuzzing client runs at the same time")
	set.BoolVar(&s.insecure, "insecure", false, "take any certificate of a wss: server")
	return set
}

// read reads the spec file, if there is one.
func (s *settings) read(f flags) error {
	if f.spec == "" {
		s.spec = &autobahn.Spec{Cases: []string{"*"}}
		return nil
	}
	var err error
	s.spec, err = autobahn.ReadSpec(f.spec)
	return err
}

// override replaces a setting of the spec file by a flag.
func (f *flags) override(spec *autobahn.Spec, name string) {
	switch name {
	case "url":
		spec.URL = f.url
		spec.Servers = []autobahn.Target{{Agent: f.agent, URL: f.url}}
	case "cases":
		spec.Cases = patterns(f.cases)
	case "exclude":
		spec.Exclude = patterns(f.exclude)
	case "outdir":
		spec.OutDir = f.outdir
	}
}

func patterns(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == ' ' })
}

// complete checks the settings, and sets defaults.
func (s *settings) complete(f flags) (err error) {
	if s.cases, err = s.spec.Select(); err != nil {
		return err
	}
	if s.mode == fuzzingServer {
		s.spec.OutDir = cmp.Or(s.spec.OutDir, autobahn.ClientsDir)
		if f.agent != "" || s.insecure {
			return errors.New("-agent and -insecure are for a fuzzing client")
		}
		s.addr, err = listenAddr(cmp.Or(s.spec.URL, defaultURL))
		return err
	}
	s.spec.OutDir = cmp.Or(s.spec.OutDir, autobahn.ServersDir)
	if len(s.spec.Servers) == 0 {
		return errors.New("no server: use -url or -spec")
	}
	if f.agent != "" && f.url == "" {
		return errors.New("-agent requires -url")
	}
	return s.checkServers()
}

// checkServers sets default names of servers, and checks that names are unique.
func (s *settings) checkServers() error {
	names := make(map[string]bool)
	for i := range s.spec.Servers {
		target := &s.spec.Servers[i]
		u, err := url.Parse(target.URL)
		switch {
		case err != nil:
			return err
		case u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "":
			return fmt.Errorf("%q is not a ws: or wss: URL", target.URL)
		}
		target.Agent = cmp.Or(target.Agent, u.Host)
		if names[target.Agent] {
			return fmt.Errorf("there are two servers named %q", target.Agent)
		}
		names[target.Agent] = true
	}
	return nil
}

// listenAddr returns the address in the URL of a fuzzing server.
func listenAddr(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", err
	case u.Scheme != "ws" || u.Host == "":
		return "", fmt.Errorf("%q is not a ws: URL to listen at", text)
	}
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80")), nil
}
