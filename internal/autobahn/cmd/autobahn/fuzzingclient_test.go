package main

import (
	"crypto/tls"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// patient makes the suite wait for a loaded machine.
const patient = "-patience=30"

func TestServerPasses(t *testing.T) {
	l, dir := listen(t), t.TempDir()
	p := start(t, "fuzzingclient", "-url", l.url, "-agent", "me", "-cases", "1.1.1,2.1,W.*", "-exclude", "W.*", "-outdir", dir, patient)
	for range 2 {
		echo(l.accept())
	}
	p.wantStatus(t, passed)
	wantIndex(t, dir, map[string]map[string]string{"me": {"1.1.1": "OK OK", "2.1": "OK OK"}})
	wantText(t, p.stdout.String(), "me, a server: 2 cases\n", "behavior  OK 2\n", "closing   OK 2\n", "Report: "+filepath.Join(dir, "index.html")+"\n")
	if strings.Contains(p.stdout.String(), "did not pass") {
		t.Errorf("all has passed:\n%s", &p.stdout)
	}
}

func TestServerFails(t *testing.T) {
	l, dir := listen(t), t.TempDir()
	p := start(t, "fuzzingclient", "-url", l.url, "-agent", "me", "-cases", "1.1.1,9.1.1,9.2.1", "-parallel", "1", "-outdir", dir, patient)
	echo(l.accept())
	otherType(l.accept())
	echo(l.accept())
	p.wantStatus(t, failed)
	wantText(t, p.stdout.String(), "behavior  OK 2  FAILED 1\n", "did not pass:\n    FAILED", "\n      9.1.1\n")
	wantText(t, p.stderr.String(), "me 1.1.1 OK, ", "me 9.1.1 FAILED", "me 9.2.1 OK, ")
}

// TestUnimplemented passes: 12.1.1 requires compression, which the peer does not
// support.
func TestUnimplemented(t *testing.T) {
	l, dir := listen(t), t.TempDir()
	p := start(t, "fuzzingclient", "-url", l.url, "-cases", "12.1.1", "-outdir", dir, patient)
	echo(l.accept())
	p.wantStatus(t, passed)
	wantIndex(t, dir, map[string]map[string]string{l.Addr().String(): {"12.1.1": "UNIMPLEMENTED OK"}})
	wantText(t, p.stdout.String(), "UNIMPLEMENTED 1\n", "did not pass:\n    UNIMPLEMENTED, closing OK: ")
}

// TestSpecFile tests two servers, in the form of the original's command line.
func TestSpecFile(t *testing.T) {
	first, second, dir := listen(t), listen(t), t.TempDir()
	p := start(t, "-m", "fuzzingclient", patient, "-s", writeSpec(t, object{
		"outdir":              dir,
		"servers":             []object{{"agent": "first", "url": first.url, "options": object{"version": 18}}, {"agent": "second", "url": second.url}},
		"cases":               []string{"1.1.1", "1.1.2"},
		"exclude-cases":       []string{},
		"exclude-agent-cases": object{"sec*": []string{"1.1.1"}},
	}))
	echo(first.accept())
	echo(first.accept())
	echo(second.accept())
	p.wantStatus(t, passed)
	wantIndex(t, dir, map[string]map[string]string{
		"first":  {"1.1.1": "OK OK", "1.1.2": "OK OK"},
		"second": {"1.1.2": "OK OK"},
	})
	wantText(t, p.stdout.String(), "first, a server: 2 cases\n", "second, a server: 1 of 2 cases\n")
}

// TestFlagsOverSpecFile sets every flag that corresponds to a field of the spec file.
func TestFlagsOverSpecFile(t *testing.T) {
	l, dir := listen(t), t.TempDir()
	spec := writeSpec(t, object{
		"outdir":        filepath.Join(dir, "not here"),
		"servers":       []object{{"agent": "nobody", "url": "ws://127.0.0.1:1"}},
		"cases":         []string{"*"},
		"exclude-cases": []string{"1.1.1"},
	})
	p := start(t, "fuzzingclient", "-spec", spec, "-url", l.url, "-agent", "me", "-cases", "1.1.1 1.1.2", "-exclude", "1.1.2", "-outdir", dir, patient)
	echo(l.accept())
	p.wantStatus(t, passed)
	wantIndex(t, dir, map[string]map[string]string{"me": {"1.1.1": "OK OK"}})
}

// TestOrder ends the first case last: the lines are printed in the suite's order all
// the same. The start of the third case shows that the second has ended.
func TestOrder(t *testing.T) {
	l := listen(t)
	p := start(t, "fuzzingclient", "-url", l.url, "-agent", "me", "-cases", "1.1.1,1.1.2,1.1.3", "-parallel", "2", "-outdir", t.TempDir(), patient)
	a, b := l.accept(), l.accept()
	message := a.WantFrame()
	if len(message.Payload) > 0 {
		a, b = b, a
		answer(b, message)
		message = a.WantFrame()
	}
	echo(b)
	echo(l.accept())
	answer(a, message)
	echo(a)
	p.wantStatus(t, passed)
	var ids []string
	for line := range strings.Lines(p.stderr.String()) {
		ids = append(ids, strings.Fields(line)[1])
	}
	if got := strings.Join(ids, " "); got != "1.1.1 1.1.2 1.1.3" {
		t.Errorf("lines are for %s", got)
	}
}

// TestNoServer has no server at one address. There are no results for it, but those of
// another server.
func TestNoServer(t *testing.T) {
	gone, l, dir := listen(t), listen(t), t.TempDir()
	gone.Close()
	p := start(t, "fuzzingclient", patient, "-spec", writeSpec(t, object{
		"outdir":  dir,
		"servers": []object{{"agent": "gone", "url": gone.url}, {"agent": "here", "url": l.url}},
		"cases":   []string{"1.1.1"},
	}))
	echo(l.accept())
	p.wantStatus(t, failed)
	wantIndex(t, dir, map[string]map[string]string{"here": {"1.1.1": "OK OK"}})
	wantText(t, p.stderr.String(), "gone: no connection to "+gone.url)
}

// TestTLS has a server with an untrusted certificate.
func TestTLS(t *testing.T) {
	signed := httptest.NewTLSServer(nil)
	config := &tls.Config{Certificates: signed.TLS.Certificates}
	signed.Close()
	for _, test := range []struct {
		flag   string
		status int
	}{{"-insecure", passed}, {"-insecure=false", failed}} {
		l, dir := listen(t), t.TempDir()
		secure := listener{t, tls.NewListener(l.Listener, config), ""}
		p := start(t, "fuzzingclient", "-url", strings.Replace(l.url, "ws:", "wss:", 1), "-cases", "1.1.1", "-outdir", dir, patient, test.flag)
		if test.status == passed {
			echo(secure.accept())
			p.wantStatus(t, passed)
			continue
		}
		conn, err := secure.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("the client accepts the certificate")
		}
		conn.Close()
		p.wantStatus(t, failed)
		wantText(t, p.stderr.String(), "certificate")
		wantIndex(t, dir, map[string]map[string]string{})
	}
}

// TestServerEndsDuringRun ends the server during the run, which fails cases.
func TestServerEndsDuringRun(t *testing.T) {
	l, dir := listen(t), t.TempDir()
	p := start(t, "fuzzingclient", "-url", l.url, "-agent", "me", "-cases", "1.1.1,1.1.2", "-parallel", "1", "-outdir", dir, patient)
	first := l.accept()
	l.Close()
	echo(first)
	p.wantStatus(t, failed)
	wantIndex(t, dir, map[string]map[string]string{"me": {"1.1.1": "OK OK", "1.1.2": "FAILED FAILED"}})
}

func TestInterrupt(t *testing.T) {
	l, dir := listen(t), t.TempDir()
	p := start(t, "fuzzingclient", "-url", l.url, "-agent", "me", "-cases", "1.1.*", "-parallel", "1", "-outdir", dir, patient)
	echo(l.accept())
	l.accept()
	p.interrupt()
	p.wantStatus(t, failed)
	wantIndex(t, dir, map[string]map[string]string{"me": {"1.1.1": "OK OK"}})
	wantText(t, p.stdout.String(), "1 of 8 cases", "Report: ")
	wantText(t, p.stderr.String(), "interrupted")
}

func TestReportCantBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"fuzzingclient", "fuzzingserver"} {
		p := start(t, mode, "-url", "ws://127.0.0.1:0", "-outdir", filepath.Join(file, "report"))
		p.wantStatus(t, failed)
		wantText(t, p.stderr.String(), file)
	}

	l, dir := listen(t), filepath.Join(t.TempDir(), "report")
	p := start(t, "fuzzingclient", "-url", l.url, "-cases", "1.1.*", "-parallel", "1", "-outdir", dir, patient)
	peer := l.accept()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	echo(peer)
	p.wantStatus(t, failed)
	wantText(t, p.stderr.String(), dir)
}
