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

// The paths of the program that are not for connections.
const (
	refusedPath = "/refused"
	plainPath   = "/plain"
)

const (
	refusal = "not for you"
	hello   = "hello"
)

// program is what the proxy stands in front of: a server that hands the test the
// other end of each connection.
type program struct {
	addr string
	srv  *httptest.Server
	opts *websocket.AcceptOptions

	lastID atomic.Int64

	mu      sync.Mutex
	arrived map[string]chan arrival // by the id in the URL
}

// arrival is a connection that was accepted.
type arrival struct {
	conn    *websocket.Conn
	request *http.Request
}

// newProgram starts a program, stopped with the test.
func newProgram(t *testing.T, opts *websocket.AcceptOptions) *program {
	t.Helper()
	pr := &program{opts: opts, arrived: make(map[string]chan arrival)}
	pr.srv = httptest.NewUnstartedServer(pr)
	// Proxies leave connections without a request.
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
		return // and the client has the error
	}
	id := r.URL.Query().Get("id")
	if id == "" {
		c.CloseNow() // that it was accepted is all that the test wants to know
		return
	}
	pr.arrival(id) <- arrival{c, r}
}

func (pr *program) newID() string { return fmt.Sprint(pr.lastID.Add(1)) }

// arrival is where the connection with an id is to be had.
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

// await returns the connection with an id.
func (pr *program) await(ctx context.Context, id string) (arrival, error) {
	select {
	case a := <-pr.arrival(id):
		return a, nil
	case <-ctx.Done():
		return arrival{}, ctx.Err()
	}
}
