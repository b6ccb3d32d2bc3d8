package proxies

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bhojpur/api"
)

// Paths of the program that do not accept connections.
const (
	refusedPath = "/refused"
	plainPath   = "/plain"
)

const (
	refusal = "not for you"
	hello   = "hello"
)

// program is the server behind the proxy. It passes its end of each connection to the
// test.
type program struct {
	addr string
	srv  *httptest.Server
	opts *websocket.AcceptOptions

	lastID atomic.Int64

	mu      sync.Mutex
	arrived map[string]chan arrival // by the ID in the URL
}

// arrival is an accepted connection.
type arrival struct {
	conn    *websocket.Conn
	request *http.Request
}

// newProgram starts a program, which is stopped at the end of the test.
func newProgram(t *testing.T, opts *websocket.AcceptOptions) *program {
	t.Helper()
	pr := &program{opts: opts, arrived: make(map[string]chan arrival)}
	pr.srv = httptest.NewUnstartedServer(pr)
	// Proxies close connections without a request.
	pr.srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	pr.srv.Start()
	t.Cleanup(pr.srv.Close)
	pr.addr = pr.srv.Listener.Addr().String()
	return pr
}

func (pr *program) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case refusedPath:
		http.Error(w, refusal, http.StatusForbidden)
		return
	case plainPath:
		io.WriteString(w, hello)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: "answer", Value: "2"})
	c, err := websocket.Accept(w, r, pr.opts)
	if err != nil {
		return // the client gets the error
	}
	id := r.URL.Query().Get("id")
	if id == "" {
		c.CloseNow() // the test only needs the handshake
		return
	}
	pr.arrival(id) <- arrival{c, r}
}

func (pr *program) newID() string { return fmt.Sprint(pr.lastID.Add(1)) }

// arrival returns the channel for the connection with an ID.
func (pr *program) arrival(id string) chan arrival {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	c := pr.arrived[id]
	if c == nil {
		c = make(chan arrival, 1)
		pr.arrived[id] = c
	}
	return c
}

// await returns the connection with an ID.
func (pr *program) await(ctx context.Context, id string) (arrival, error) {
	select {
	case a := <-pr.arrival(id):
		return a, nil
	case <-ctx.Done():
		return arrival{}, ctx.Err()
	}
}
