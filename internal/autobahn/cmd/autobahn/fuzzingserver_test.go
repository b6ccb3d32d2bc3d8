package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bhojpur/api/internal/rawpeer"
)

// fuzzing is a running fuzzing server.
type fuzzing struct {
	*program
	t    *testing.T
	addr string
	rest *rawpeer.Call[string] // of stdout, after the address
}

func startServer(t *testing.T, args ...string) *fuzzing {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	f := &fuzzing{program: &program{interrupt: cancel}, t: t}
	out, in := io.Pipe()
	f.Call = rawpeer.Go(t, func() (int, error) {
		defer in.Close()
		return run(ctx, append([]string{"fuzzingserver", "-url", "ws://127.0.0.1:0", patient}, args...), in, &f.stderr), nil
	})
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	f.addr = strings.TrimPrefix(strings.TrimSpace(first), "ws://")
	f.rest = rawpeer.Go(t, func() (string, error) {
		text, err := io.ReadAll(lines)
		return string(text), err
	})
	return f
}

// connect opens a connection to a path.
func (f *fuzzing) connect(path string) *rawpeer.Peer {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	return rawpeer.ClientHandshake(f.t, conn, &rawpeer.ClientOptions{RequestLine: "GET " + path + " HTTP/1.1"})
}

func (f *fuzzing) end(t *testing.T, status int) (stdout string) {
	t.Helper()
	f.interrupt()
	f.wantStatus(t, status)
	return f.rest.Want()
}

func TestClients(t *testing.T) {
	dir := t.TempDir()
	f := startServer(t, "-outdir", dir, "-cases", "1.1.1,2.1")
	f.connect("/getCaseCount").WantText("2")
	for i, agent := range []string{"good", "also%20good"} {
		for n := 1; n <= 2; n++ {
			echo(f.connect(fmt.Sprintf("/runCase?case=%d&agent=%s", n, agent)))
		}
		echo(f.connect("/updateReports?agent=" + agent))
		want := map[string]map[string]string{"good": {"1.1.1": "OK OK", "2.1": "OK OK"}}
		if i == 1 {
			want["also good"] = want["good"]
		}
		wantIndex(t, dir, want)
	}
	stdout := f.end(t, passed)
	wantText(t, stdout, "good, a client: 2 cases\n", "also good, a client: 2 cases\n", "behavior  OK 2\n", "Report: "+filepath.Join(dir, "index.html")+"\n")
	wantText(t, f.stderr.String(), "good 1.1.1 OK, ", "also good 2.1 OK, ", "good: the report is at "+dir)
}

// TestClientFails runs one case and does not request the report, which is written all
// the same.
func TestClientFails(t *testing.T) {
	dir := t.TempDir()
	f := startServer(t, "-outdir", dir, "-cases", "9.1.1,2.1")
	otherType(f.connect("/runCase?casetuple=9.1.1&agent=bad"))
	echo(f.connect("/getCaseStatus?casetuple=9.1.1&agent=bad")) // until the result is available
	stdout := f.end(t, failed)
	wantIndex(t, dir, map[string]map[string]string{"bad": {"9.1.1": "FAILED OK"}})
	wantText(t, stdout, "bad, a client: 1 of 2 cases\n", "did not pass:\n    FAILED, closing OK: ", "\n      9.1.1\n")
}

// TestClientsSpecFile excludes cases for some agents.
func TestClientsSpecFile(t *testing.T) {
	dir := t.TempDir()
	f := startServer(t, "-spec", writeSpec(t, object{
		"url": "ws://127.0.0.1:1", "outdir": dir, "cases": []string{"1.1.*"},
		"exclude-agent-cases": object{"a*": []string{"1.1.1"}},
	}))
	f.connect("/getCaseCount").WantText("8")
	for _, agent := range []string{"a", "b"} {
		echo(f.connect("/runCase?case=1&agent=" + agent))
		echo(f.connect("/runCase?case=2&agent=" + agent))
		echo(f.connect("/updateReports?agent=" + agent))
	}
	f.end(t, passed)
	wantIndex(t, dir, map[string]map[string]string{
		"a": {"1.1.2": "OK OK"},
		"b": {"1.1.1": "OK OK", "1.1.2": "OK OK"},
	})
}

// TestServerInterruptedEarly interrupts a server before the first case, and one during a case.
// Neither has results.
func TestServerInterruptedEarly(t *testing.T) {
	for _, running := range []string{"", "/runCase?case=1&agent=a"} {
		dir := t.TempDir()
		f := startServer(t, "-outdir", dir)
		if running != "" {
			f.connect(running)
		}
		stdout := f.end(t, passed)
		wantIndex(t, dir, map[string]map[string]string{})
		wantText(t, stdout, "no case has run\n", "Report: ")
	}
}

// TestAddressInUse listens at an address in use.
func TestAddressInUse(t *testing.T) {
	l := listen(t)
	p := start(t, "fuzzingserver", "-url", l.url, "-outdir", t.TempDir())
	p.wantStatus(t, failed)
	wantText(t, p.stderr.String(), l.Addr().String())
}

// TestWritingFails removes the folder for a while: a result is lost, which the client
// does not detect it.
func TestWritingFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "report")
	f := startServer(t, "-outdir", dir, "-cases", "1.1.1")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	echo(f.connect("/runCase?case=1&agent=a"))
	echo(f.connect("/updateReports?agent=a"))
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	f.end(t, failed)
	wantText(t, f.stderr.String(), dir)
}
