package dialing

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bhojpur/api"
)

// newTLSServer starts a server that echoes, and returns it with a client that trusts
// its certificate.
func newTLSServer(t *testing.T) (*httptest.Server, *http.Client) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	srv.Config.ErrorLog = quiet // it logs rejected certificates
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv, clientOf(t, srv.Client().Transport.(*http.Transport).Clone())
}

// TestRootCA dials a server whose certificate only this client trusts.
func TestRootCA(t *testing.T) {
	srv, _ := newTLSServer(t)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())

	c := dial(t, wsURL(srv.URL), &websocket.DialOptions{
		HTTPClient: clientOf(t, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}),
	})
	testConn(t, c)

	_, _, err := websocket.Dial(testContext(t), wsURL(srv.URL), &websocket.DialOptions{
		HTTPClient: clientOf(t, &http.Transport{}),
	})
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("got %v without the root, want it to be unknown", err)
	}
}

// TestHTTP2 dials a server with a client that both prefer HTTP/2, which has no Upgrade.
func TestHTTP2(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			echo(w, r)
		}
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)

	transport := srv.Client().Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = true
	client := clientOf(t, transport)
	for range 2 { // with no HTTP/2 connection yet, and with an idle one
		testConn(t, dial(t, wsURL(srv.URL), &websocket.DialOptions{HTTPClient: client}))

		resp, err := client.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.ProtoMajor != 2 {
			t.Fatalf("other requests use %s, want HTTP/2.0", resp.Proto)
		}
	}
}

// TestALPN expects an error that names the negotiated protocol if a transport negotiates
// one other than HTTP/1.1, and the setting to change.
func TestALPN(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = quiet
	srv.StartTLS()
	t.Cleanup(srv.Close)
	config := srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	dialer := &tls.Dialer{Config: config}
	for name, transport := range map[string]*http.Transport{
		"HTTP/1.1": {DialTLSContext: dialer.DialContext},
		"HTTP/2":   {DialTLSContext: dialer.DialContext, ForceAttemptHTTP2: true},
	} {
		_, _, err := websocket.Dial(testContext(t), wsURL(srv.URL), &websocket.DialOptions{HTTPClient: clientOf(t, transport)})
		if err == nil {
			t.Fatalf("%s: dialed over HTTP/2", name)
		}
		for _, want := range []string{`"h2"`, "NextProtos", "http/1.1"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want it to name %s", name, err, want)
			}
		}
	}
	config.NextProtos = []string{"http/1.1"}
	testConn(t, dial(t, wsURL(srv.URL), &websocket.DialOptions{
		HTTPClient: clientOf(t, &http.Transport{DialTLSContext: dialer.DialContext}),
	}))
}
