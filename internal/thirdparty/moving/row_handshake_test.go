package moving

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	websocket "github.com/bhojpur/api"
	gorilla "github.com/gorilla/websocket"
)

// upgrade is a gorilla handler that echoes one message, and passes on the request.
func upgrade(t *testing.T, requests chan<- *http.Request, protocols ...string) http.HandlerFunc {
	upgrader := gorilla.Upgrader{Subprotocols: protocols, CheckOrigin: func(*http.Request) bool { return true }}
	return func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if typ, p, err := c.ReadMessage(); err == nil {
			c.WriteMessage(typ, p)
			c.ReadMessage()
		}
	}
}

// wantEcho expects a connection to work.
func wantEcho(t *testing.T, c *websocket.Conn) {
	t.Helper()
	defer c.CloseNow()
	if err := c.Write(bounded(t), websocket.MessageText, []byte("echo")); err != nil {
		t.Fatal(err)
	}
	if _, p, err := c.Read(bounded(t)); err != nil || string(p) != "echo" {
		t.Errorf("got %q, %v", p, err)
	}
}

func TestHandshakeTimeout(t *testing.T) {
	u := serve(t, upgrade(t, make(chan *http.Request, 1)))
	dial := func(ctx context.Context) (*websocket.Conn, *http.Response, error) {
		// row: HandshakeTimeout
		ctx, cancel := context.WithTimeout(ctx, 45*time.Second)
		defer cancel()
		c, resp, err := websocket.Dial(ctx, u, nil)
		// end
		return c, resp, err
	}
	c, resp, err := dial(bounded(t))
	if err != nil {
		t.Fatalf("%v, response %v", err, resp)
	}
	wantEcho(t, c) // the context of its handshake has ended
}

func TestHeader(t *testing.T) {
	requests := make(chan *http.Request, 1)
	u := serve(t, upgrade(t, requests, "v1"))
	header := http.Header{"Origin": {"https://example.org"}}
	// row: Host and Sec-WebSocket-Protocol in the header of Dial
	opts := &websocket.DialOptions{Host: "example.com", HTTPHeader: header}
	opts.Subprotocols = []string{"v2", "v1"}
	// end
	c, _, err := websocket.Dial(bounded(t), u, opts)
	if err != nil {
		t.Fatal(err)
	}
	r := <-requests
	if r.Host != "example.com" || r.Header.Get("Origin") != "https://example.org" || !slices.Equal(gorilla.Subprotocols(r), []string{"v2", "v1"}) {
		t.Errorf("got Host %s, header %v", r.Host, r.Header)
	}
	if got := c.Subprotocol(); got != "v1" {
		t.Errorf("got subprotocol %q", got)
	}
	wantEcho(t, c)
}

func TestTransport(t *testing.T) {
	requests := make(chan *http.Request, 1)
	s := httptest.NewTLSServer(upgrade(t, requests))
	defer s.Close()
	u := strings.Replace(s.URL, "https", "wss", 1)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(target, []*http.Cookie{{Name: "session", Value: "1"}})
	config := s.Client().Transport.(*http.Transport).TLSClientConfig
	asked := 0
	proxy := func(*http.Request) (*url.URL, error) { asked++; return nil, nil }
	dialed := 0
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		dialed++
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	ctx := bounded(t)
	// row: Proxy, TLSClientConfig, NetDialContext, Jar
	transport := &http.Transport{Proxy: proxy, TLSClientConfig: config, DialContext: dial}
	client := &http.Client{Transport: transport, Jar: jar}
	c, resp, err := websocket.Dial(ctx, u, &websocket.DialOptions{HTTPClient: client})
	// end
	if err != nil {
		t.Fatalf("%v, response %v", err, resp)
	}
	if cookie, err := (<-requests).Cookie("session"); err != nil || cookie.Value != "1" {
		t.Errorf("got the cookie %v, %v", cookie, err)
	}
	if asked == 0 || dialed != 1 {
		t.Errorf("Proxy was called %d times, DialContext %d", asked, dialed)
	}
	wantEcho(t, c)
}

func TestClientTLSState(t *testing.T) {
	s := httptest.NewTLSServer(upgrade(t, make(chan *http.Request, 1)))
	defer s.Close()
	ctx, u, opts := bounded(t), s.URL, &websocket.DialOptions{HTTPClient: s.Client()}
	// row: The TLS state of a client
	c, resp, err := websocket.Dial(ctx, u, opts)
	state := resp.TLS
	// end
	if err != nil {
		t.Fatal(err)
	}
	if state == nil || !state.HandshakeComplete || len(state.PeerCertificates) == 0 {
		t.Errorf("got %+v", state)
	}
	wantEcho(t, c)
}

// connKey is the key of a connection in a request's context.
type connKey struct{}

func TestServer(t *testing.T) {
	states, conns := make(chan *tls.ConnectionState, 1), make(chan net.Conn, 1)
	s := httptest.NewUnstartedServer(nil)
	server := s.Config
	server.ErrorLog = log.New(io.Discard, "", 0)
	// row: UnderlyingConn() of a server
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, conn)
	}
	// end
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// row: The TLS state of a server
		state := r.TLS
		// end
		states <- state
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		// row: UnderlyingConn() of a server
		conn := r.Context().Value(connKey{}).(net.Conn)
		// end
		conns <- conn
		c.Read(r.Context())
	})
	s.StartTLS()
	defer s.Close()
	dialer := gorilla.Dialer{TLSClientConfig: s.Client().Transport.(*http.Transport).TLSClientConfig}
	peer, _, err := dialer.Dial(strings.Replace(s.URL, "https", "wss", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if state := <-states; state == nil || !state.HandshakeComplete {
		t.Errorf("got %+v", state)
	}
	if conn := (<-conns).(*tls.Conn); conn.RemoteAddr().String() != peer.LocalAddr().String() {
		t.Errorf("the connection is from %v, want %v", conn.RemoteAddr(), peer.LocalAddr())
	}
}

func TestSubprotocols(t *testing.T) {
	for _, value := range []string{"", "v1", "v1, v2", "v1,v2 ,\tv3"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if value != "" {
			r.Header.Set("Sec-WebSocket-Protocol", value)
		}
		// row: Subprotocols(r)
		header := strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ",")
		offered := strings.FieldsFunc(header, func(c rune) bool { return strings.ContainsRune(", \t", c) })
		// end
		if want := gorilla.Subprotocols(r); !slices.Equal(offered, want) {
			t.Errorf("got %q for %q, want %q", offered, value, want)
		}
	}
}

func TestIsUpgrade(t *testing.T) {
	for _, value := range []string{"", "websocket", "WebSocket", "h2c"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", value)
		// row: IsWebSocketUpgrade(r)
		upgrade := websocket.IsUpgrade(r)
		// end
		if want := gorilla.IsWebSocketUpgrade(r); upgrade != want {
			t.Errorf("got %t for %q", upgrade, value)
		}
	}
}

func TestUpgraderError(t *testing.T) {
	allowed := func(r *http.Request) bool { return r.URL.Path == "/allowed" }
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		// row: Upgrader.Error
		if !allowed(r) {
			http.Error(w, "not for you", http.StatusForbidden)
			return
		}
		// end
		if c, err := websocket.Accept(w, r, nil); err == nil {
			c.CloseNow()
		}
	})
	for path, want := range map[string]int{"/allowed": http.StatusSwitchingProtocols, "/": http.StatusForbidden} {
		c, resp, err := gorilla.DefaultDialer.Dial(u+path, nil)
		if resp == nil || resp.StatusCode != want {
			t.Errorf("%s: got %v, %v", path, resp, err)
		}
		if c != nil {
			c.Close()
		}
	}
}
