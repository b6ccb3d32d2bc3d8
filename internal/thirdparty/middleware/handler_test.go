package middleware

import (
	"bytes"
	"context"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bhojpur/api"
	coder "github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The session store that scs.New creates cannot be closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/alexedwards/scs/v2/memstore.(*MemStore).startCleanup"))
}

// timeout bounds each conversation.
const timeout = 30 * time.Second

// library is an implementation whose handler echoes one message.
type library struct {
	name string
	echo func(w http.ResponseWriter, r *http.Request) error
}

// libraries are this library, and the one whose statuses are the reference.
var libraries = []library{
	{"bhojpur", func(w http.ResponseWriter, r *http.Request) error {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return err
		}
		defer c.CloseNow()
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		typ, p, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if err := c.Write(ctx, typ, p); err != nil {
			return err
		}
		return c.Close(websocket.StatusNormalClosure, "")
	}},
	{"coder", func(w http.ResponseWriter, r *http.Request) error {
		c, err := coder.Accept(w, r, nil)
		if err != nil {
			return err
		}
		defer c.CloseNow()
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		typ, p, err := c.Read(ctx)
		if err != nil {
			return err
		}
		if err := c.Write(ctx, typ, p); err != nil {
			return err
		}
		return c.Close(coder.StatusNormalClosure, "")
	}},
}

// handler returns the library's handler, which sets headers before it accepts.
func (l library) handler(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "handler", Value: "1"})
		w.Header().Set("X-Handler", "x")
		if err := l.echo(w, r); err != nil {
			t.Errorf("%s: %v", l.name, err)
		}
	}
}

// serverLog records the log of an http.Server, for example that a header was written
// twice.
type serverLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// converse serves h. A client connects and exchanges one message. converse returns the
// response to its handshake when the handler has returned, and the server's log.
func converse(t *testing.T, h http.Handler, header http.Header) (*http.Response, string) {
	t.Helper()
	var logged serverLog
	returned := make(chan struct{}, 1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { returned <- struct{}{} }()
		h.ServeHTTP(w, r)
	}))
	srv.Config.ErrorLog = log.New(&logged, "", 0)
	srv.Start()
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	c, answer, err := websocket.Dial(ctx, srv.URL, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{}},
		HTTPHeader: header,
	})
	if err != nil {
		t.Fatalf("%v; the server logged %q", err, logged.String())
	}
	defer c.CloseNow()
	if err := c.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, p, err := c.Read(ctx); string(p) != "hello" || err != nil {
		t.Fatalf("read %q, %v", p, err)
	}
	if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Fatalf("got %v, want the connection closed with 1000", err)
	}
	select {
	case <-returned:
	case <-ctx.Done():
		t.Fatal("the handler did not return")
	}
	return answer, logged.String()
}

// wantHeaders expects the headers set by the handler, and a Date, to have arrived.
func wantHeaders(t *testing.T, answer *http.Response) {
	t.Helper()
	if answer.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("got status %d, want 101", answer.StatusCode)
	}
	if got := answer.Header.Get("X-Handler"); got != "x" {
		t.Errorf("got X-Handler %q, want x", got)
	}
	if !hasCookie(answer, "handler") {
		t.Errorf("got cookies %q, want the handler's", answer.Header["Set-Cookie"])
	}
	if _, err := http.ParseTime(answer.Header.Get("Date")); err != nil {
		t.Errorf("got no Date: %v", err)
	}
	for _, name := range []string{"Upgrade", "Sec-Websocket-Accept"} {
		if n := len(answer.Header[name]); n != 1 {
			t.Errorf("got %d %s headers, want one", n, name)
		}
	}
}

func hasCookie(answer *http.Response, name string) bool {
	for _, line := range answer.Header["Set-Cookie"] {
		if strings.HasPrefix(line, name+"=") {
			return true
		}
	}
	return false
}
