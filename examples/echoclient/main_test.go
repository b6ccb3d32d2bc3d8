package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

// serve runs a server that calls f for each connection, and returns its URL.
func serve(t *testing.T, f func(*websocket.Conn)) (url string) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"echo"}})
		if err != nil {
			return
		}
		defer conn.CloseNow()
		conn.SetReadLimit(-1)
		f(conn)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func echo(conn *websocket.Conn) {
	for {
		typ, p, err := conn.Read(context.Background())
		if err != nil || conn.Write(context.Background(), typ, p) != nil {
			return
		}
	}
}

func TestEveryLineIsEchoed(t *testing.T) {
	url := serve(t, echo)
	var lines strings.Builder
	for i := range 500 {
		fmt.Fprintf(&lines, "line %d %s\n", i, strings.Repeat("é", i))
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{url}, strings.NewReader(lines.String()), &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != lines.String() {
		t.Errorf("%d bytes were echoed, want %d", out.Len(), lines.Len())
	}
}

// The server may close the connection before the end of the input.
func TestServerCloses(t *testing.T) {
	for code, want := range map[websocket.StatusCode]websocket.StatusCode{
		websocket.StatusNormalClosure: -1, // no error
		websocket.StatusGoingAway:     websocket.StatusGoingAway,
	} {
		url := serve(t, func(conn *websocket.Conn) { conn.Close(code, "") })
		stdin, _ := io.Pipe()
		err := run(t.Context(), []string{url}, stdin, io.Discard)
		if websocket.CloseStatus(err) != want || (err == nil) != (want == -1) {
			t.Errorf("server closed with %v: got %v", code, err)
		}
		stdin.Close()
	}
}

// A context that ends before the input closes the connection with a close frame.
func TestInterrupt(t *testing.T) {
	ended := make(chan error, 1)
	ctx, interrupt := context.WithCancel(t.Context())
	url := serve(t, func(conn *websocket.Conn) {
		if _, _, err := conn.Read(context.Background()); err != nil {
			t.Error(err)
		}
		interrupt()
		_, _, err := conn.Read(context.Background())
		ended <- err
	})
	stdin, typed := io.Pipe()
	defer stdin.Close()
	go io.WriteString(typed, "a line\n")
	if err := run(ctx, []string{url}, stdin, io.Discard); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := <-ended; websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("the server got %v", err)
	}
}

func TestSubprotocols(t *testing.T) {
	for args, want := range map[string]string{"": "echo", "-protocols=a,echo": "echo", "-protocols=": "", "-protocols=a": ""} {
		var got string
		url := serve(t, func(conn *websocket.Conn) {
			got = conn.Subprotocol()
			echo(conn)
		})
		if err := run(t.Context(), append(strings.Fields(args), url), strings.NewReader(""), io.Discard); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%q: subprotocol is %q, want %q", args, got, want)
		}
	}
}
