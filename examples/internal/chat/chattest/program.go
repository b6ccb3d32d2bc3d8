package chattest

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

// Program runs a program that serves a chat, until its context ends.
func Program(t *testing.T, run func(ctx context.Context, args []string, stdout io.Writer) error) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out, stdout := io.Pipe()
	defer out.Close()
	program := rawpeer.GoErr(t, func() error {
		defer stdout.Close()
		return run(ctx, []string{"-addr", "127.0.0.1:0"}, stdout)
	})

	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no first line: %v, and the program ended with %v", err, program.Err())
	}
	url, found := strings.CutSuffix(line, "\n")
	if !found || !strings.HasPrefix(url, "http://127.0.0.1:") || strings.HasSuffix(url, ":0") {
		t.Fatalf("the first line is %q, want a URL with the port", line)
	}
	in := Dial(t, url+"/ws", http.DefaultClient)
	in.Join("Ada")
	outside := Dial(t, url+"/ws", http.DefaultClient) // has not joined

	interrupt()
	in.WantClose(websocket.StatusGoingAway)
	outside.WantClose(websocket.StatusGoingAway)
	if err := program.Err(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}
