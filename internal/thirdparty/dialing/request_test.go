package dialing

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bhojpur/api"
)

// quiet discards the log, for tests that expect an error.
var quiet = log.New(io.Discard, "", 0)

// TestDefaultClient dials without an HTTPClient.
func TestDefaultClient(t *testing.T) {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	srv := newServer(t, echo)
	testConn(t, dial(t, wsURL(srv.URL), nil))
	testConn(t, dial(t, srv.URL, nil)) // http is the same as ws
}

func TestUnixSocket(t *testing.T) {
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	srv.Listener.Close()
	srv.Listener = ln
	srv.Start()
	t.Cleanup(srv.Close)
	c := dial(t, "ws://any.example/", &websocket.DialOptions{
		HTTPClient: clientOf(t, &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "unix", ln.Addr().String())
			},
		}),
	})
	if got := c.RemoteAddr().Network(); got != "unix" {
		t.Errorf("the remote address is of %q, want unix", got)
	}
	testConn(t, c)
}

// TestAddresses expects the addresses of the TCP connection.
func TestAddresses(t *testing.T) {
	peers := make(chan string, 1)
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		peers <- r.RemoteAddr
		echo(w, r)
	})
	c := dial(t, wsURL(srv.URL), &websocket.DialOptions{HTTPClient: clientOf(t, &http.Transport{})})
	if got, want := c.RemoteAddr().String(), srv.Listener.Addr().String(); got != want {
		t.Errorf("the remote address is %s, want %s", got, want)
	}
	if got, want := c.LocalAddr().String(), <-peers; got != want {
		t.Errorf("the local address is %s, want %s", got, want)
	}
	testConn(t, c)
}

// TestCookies expects a cookie set in the 101 response to be stored in the jar, and sent
// in the next handshake.
func TestCookies(t *testing.T) {
	const name, value = "session", "1"
	sent := make(chan []*http.Cookie, 2)
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		sent <- r.Cookies()
		http.SetCookie(w, &http.Cookie{Name: name, Value: value})
		echo(w, r)
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := clientOf(t, &http.Transport{})
	client.Jar = jar
	opts := &websocket.DialOptions{HTTPClient: client}

	testConn(t, dial(t, wsURL(srv.URL), opts))
	if got := <-sent; len(got) != 0 {
		t.Errorf("sent %v at first, want nothing", got)
	}
	u, _ := url.Parse(srv.URL)
	if got := jar.Cookies(u); len(got) != 1 || got[0].Name != name || got[0].Value != value {
		t.Errorf("the jar has %v, want the cookie", got)
	}

	testConn(t, dial(t, wsURL(srv.URL), opts))
	if got := <-sent; len(got) != 1 || got[0].Name != name || got[0].Value != value {
		t.Errorf("sent %v, want the cookie", got)
	}
}

// TestBasicAuth expects the URL's user information to be sent.
func TestBasicAuth(t *testing.T) {
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "user" || password != "p@ss:word" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		echo(w, r)
	})
	u, _ := url.Parse(wsURL(srv.URL))
	u.User = url.UserPassword("user", "p@ss:word")
	opts := &websocket.DialOptions{HTTPClient: clientOf(t, &http.Transport{})}
	testConn(t, dial(t, u.String(), opts))

	u.User = nil
	_, resp, err := websocket.Dial(testContext(t), u.String(), opts)
	if err == nil || resp == nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %v and %v without a password, want a 401 and an error", resp, err)
	}
}

func TestHost(t *testing.T) {
	hosts := make(chan string, 1)
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		hosts <- r.Host
		echo(w, r)
	})
	const host = "virtual.example:8080"
	testConn(t, dial(t, wsURL(srv.URL), &websocket.DialOptions{
		HTTPClient: clientOf(t, &http.Transport{}),
		Host:       host,
	}))
	if got := <-hosts; got != host {
		t.Errorf("sent Host %q, want %q", got, host)
	}
}

// TestRefused expects the error response of a server, with the beginning of its body.
func TestRefused(t *testing.T) {
	const most = 1024
	for _, size := range []int{0, 10, most, 100_000} {
		body := strings.Repeat("no", size/2)
		srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Reason", "because")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, body)
		})
		c, resp, err := websocket.Dial(testContext(t), wsURL(srv.URL), &websocket.DialOptions{
			HTTPClient: clientOf(t, &http.Transport{}),
		})
		if c != nil || err == nil || resp == nil {
			t.Fatalf("got %v, %v and %v, want a response and an error", c, resp, err)
		}
		if resp.StatusCode != http.StatusForbidden || resp.Header.Get("X-Reason") != "because" {
			t.Errorf("got %v, want the server's", resp)
		}
		got, err := io.ReadAll(resp.Body)
		if want := body[:min(size, most)]; err != nil || string(got) != want {
			t.Errorf("got %d bytes of body and %v, want the first %d of %d", len(got), err, len(want), size)
		}
	}
}
