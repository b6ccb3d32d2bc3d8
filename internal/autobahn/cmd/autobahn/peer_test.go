package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// program is a run of the program.
type program struct {
	*rawpeer.Call[int]
	interrupt      context.CancelFunc // ctrl-C
	stdout, stderr strings.Builder    // to be read after its end
}

// start runs the program, with timeouts too long to end a case.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	p.interrupt = cancel
	p.Call = rawpeer.Go(t, func() (int, error) { return run(ctx, args, &p.stdout, &p.stderr), nil })
	return p
}

// wantStatus waits for the program's end.
func (p *program) wantStatus(t *testing.T, want int) {
	t.Helper()
	if got := p.Want(); got != want {
		t.Fatalf("exit status %d, want %d\n%s\n%s", got, want, &p.stdout, &p.stderr)
	}
}

// listener is the listener of a server under test.
type listener struct {
	*testing.T
	net.Listener
	url string
}

func listen(t *testing.T) listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return listener{t, l, "ws://" + l.Addr().String()}
}

// accept returns the server's side of the next connection, after the handshake.
func (l listener) accept() *rawpeer.Peer {
	l.Helper()
	conn, err := l.Accept()
	if err != nil {
		l.Fatal(err)
	}
	return rawpeer.ServeHandshake(l.T, conn, nil)
}

// echo is a correct implementation under test, for messages of one frame.
func echo(p *rawpeer.Peer) {
	for {
		f, err := p.ReadFrame()
		if err != nil || answer(p, f) {
			return
		}
	}
}

// answer responds to a frame, and reports whether it was the last.
func answer(p *rawpeer.Peer, f rawpeer.Frame) bool {
	switch f.Opcode {
	case rawpeer.OpPing:
		p.SendPong(string(f.Payload))
	case rawpeer.OpText, rawpeer.OpBinary:
		p.Send(rawpeer.Frame{Fin: true, Opcode: f.Opcode, Payload: f.Payload})
	case rawpeer.OpClose:
		p.Send(rawpeer.Frame{Fin: true, Opcode: rawpeer.OpClose, Payload: f.Payload})
		p.CloseWrite()
		return true
	}
	return false
}

// otherType echoes messages with the other type.
func otherType(p *rawpeer.Peer) {
	for {
		f, err := p.ReadFrame()
		if err != nil {
			return
		}
		if f.Opcode == rawpeer.OpText || f.Opcode == rawpeer.OpBinary {
			f.Opcode ^= rawpeer.OpText ^ rawpeer.OpBinary
		}
		if answer(p, f) {
			return
		}
	}
}

// wantIndex checks the verdicts in a report: by agent and case, both verdicts.
func wantIndex(t *testing.T, dir string, want map[string]map[string]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index map[string]map[string]struct{ Behavior, BehaviorClose string }
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]map[string]string)
	for agent, cases := range index {
		got[agent] = make(map[string]string)
		for id, verdicts := range cases {
			got[agent][id] = verdicts.Behavior + " " + verdicts.BehaviorClose
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the report has %v, want %v", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		t.Error(err)
	}
}

// wantText checks that text contains expects.
func wantText(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

// writeSpec writes value to a spec file.
func writeSpec(t *testing.T, spec any) (file string) {
	t.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "spec.json")
	if err := os.WriteFile(file, text, 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

type object = map[string]any
