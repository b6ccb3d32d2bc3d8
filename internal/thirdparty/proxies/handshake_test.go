package proxies

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bhojpur/api"
)

// TestHeaders expects both ends to get the other's headers, and the server those that the
// proxy adds.
func TestHeaders(t *testing.T) {
	t.Parallel()
	forEach(t, slices.Concat(proxies, others), &websocket.AcceptOptions{Subprotocols: []string{"two", "one"}}, nil, func(t *testing.T, s *site, scheme string) {
		p := s.connect(t, scheme, &websocket.DialOptions{
			Subprotocols: []string{"one", "two"},
			HTTPHeader: http.Header{
				"Cookie":            {"question=1"},
				"Authorization":     {"Bearer token"},
				"X-Forwarded-For":   {"192.0.2.1"},
				"X-Forwarded-Proto": {"gopher"},
			},
		})
		if client, server := p.client.Subprotocol(), p.server.Subprotocol(); client != "two" || server != "two" {
			t.Errorf("subprotocols are %q and %q, want two", client, server)
		}
		if got := p.request.Host; got != host {
			t.Errorf("Host is %q, want %q", got, host)
		}
		for name, want := range map[string]string{
			"Cookie":            "question=1",
			"Authorization":     "Bearer token",
			"X-Forwarded-For":   "127.0.0.1",
			"X-Forwarded-Proto": map[string]string{"ws": "http", "wss": "https"}[scheme],
		} {
			if got := strings.Join(p.request.Header[name], ", "); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if cookies := p.response.Cookies(); len(cookies) != 1 || cookies[0].Name != "answer" || cookies[0].Value != "2" {
			t.Errorf("the client got cookies %v, want the server's", cookies)
		}
		testPass(t, p)
		testEnd(t, p)
	})
}

// forProxies runs a test with each proxy, with and without TLS. edits are changes of
// the configurations by the proxy's name.
func forProxies(t *testing.T, opts *websocket.AcceptOptions, edits map[string][]edit, run func(t *testing.T, s *site, scheme string)) {
	t.Helper()
	forEach(t, proxies, opts, edits, run)
}

// forEach is forProxies with some of the proxies.
func forEach(t *testing.T, proxies []proxy, opts *websocket.AcceptOptions, edits map[string][]edit, run func(t *testing.T, s *site, scheme string)) {
	for _, px := range proxies {
		t.Run(px.name, func(t *testing.T) {
			t.Parallel()
			s := px.start(t, newProgram(t, opts), edits[px.name]...)
			for _, scheme := range schemes {
				t.Run(scheme, func(t *testing.T) { run(t, s, scheme) })
			}
		})
	}
}

// refusedWith dials, and expects an error with a response of this status.
func (s *site) refusedWith(t *testing.T, url string, header http.Header, status int) (body string) {
	t.Helper()
	c, resp, err := s.handshake(t, url, &websocket.DialOptions{HTTPHeader: header})
	if err == nil {
		c.CloseNow()
		t.Fatalf("connected, want status %d", status)
	}
	if resp == nil {
		t.Fatalf("got no response beside %v, want status %d", err, status)
	}
	if resp.StatusCode != status {
		t.Errorf("got %s, want status %d", resp.Status, status)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// TestRefused expects the program's error response, with its body.
func TestRefused(t *testing.T) {
	t.Parallel()
	forEach(t, slices.Concat(proxies, others), nil, nil, func(t *testing.T, s *site, scheme string) {
		body := s.refusedWith(t, scheme+"://"+host+refusedPath, nil, http.StatusForbidden)
		if strings.TrimSpace(body) != refusal {
			t.Errorf("got body %q, want %q", body, refusal)
		}
	})
}

// TestDown expects the proxy's response if the program is not running.
func TestDown(t *testing.T) {
	t.Parallel()
	for _, px := range slices.Concat(proxies, others) {
		t.Run(px.name, func(t *testing.T) {
			t.Parallel()
			pr := newProgram(t, nil)
			s := px.start(t, pr)
			pr.srv.Close()
			if body := s.refusedWith(t, "wss://"+host, nil, px.down); (body == "") != px.wordless {
				t.Errorf("got body %q", body)
			}
		})
	}
}

// TestNotConfigured removes the parts of the configurations that pass a handshake on.
// The program receives an ordinary request, and responds with an error.
func TestNotConfigured(t *testing.T) {
	t.Parallel()
	lacking := map[string][]edit{
		"nginx": {
			{"proxy_http_version 1.1;", ""},
			{"proxy_set_header Upgrade    $http_upgrade;", ""},
			{"proxy_set_header Connection $connection_upgrade;", ""},
		},
		"haproxy": {{"default_backend program", "http-request del-header Upgrade\n    default_backend program"}},
	}
	forProxies(t, nil, lacking, testNoUpgrade)
	t.Run("only the headers", func(t *testing.T) {
		forProxies(t, nil, map[string][]edit{
			"nginx":   lacking["nginx"][1:],
			"haproxy": lacking["haproxy"],
		}, testNoUpgrade)
	})
}

func testNoUpgrade(t *testing.T, s *site, scheme string) {
	body := s.refusedWith(t, scheme+"://"+host, nil, http.StatusUpgradeRequired)
	if body == "" {
		t.Error("got no body, want the program's")
	}
}

// otherPort is in Origin and Host, like every port except the default one.
const otherPort = ":8443"

func origin(scheme, host string) http.Header {
	return http.Header{"Origin": {map[string]string{"ws": "http", "wss": "https"}[scheme] + "://" + host}}
}

func accepts(t *testing.T, s *site, url string, header http.Header) {
	t.Helper()
	c, _, err := s.handshake(t, url, &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Errorf("Origin %s: %v", header.Get("Origin"), err)
		return
	}
	c.CloseNow()
}

// TestOrigin connects with the Origin of the site's own pages, and with others.
func TestOrigin(t *testing.T) {
	t.Parallel()
	t.Run("as on the page", func(t *testing.T) {
		forProxies(t, nil, nil, func(t *testing.T, s *site, scheme string) {
			url := scheme + "://" + host
			accepts(t, s, url, origin(scheme, host))
			s.refusedWith(t, url, origin(scheme, "evil.example"), http.StatusForbidden)
			s.refusedWith(t, url, origin(scheme, host+otherPort), http.StatusForbidden)
			if scheme == "wss" {
				accepts(t, s, url+otherPort, origin(scheme, host+otherPort))
				s.refusedWith(t, url+otherPort, origin(scheme, host), http.StatusForbidden)
			}
		})
	})

	// Without the client's Host header, the site's own pages have a foreign origin too.
	hostless := map[string][]edit{
		"nginx":   {{"proxy_set_header Host              $http_host;", ""}},
		"haproxy": {{"default_backend program", "http-request set-header Host program\n    default_backend program"}},
	}
	t.Run("without Host", func(t *testing.T) {
		forProxies(t, nil, hostless, func(t *testing.T, s *site, scheme string) {
			s.refusedWith(t, scheme+"://"+host, origin(scheme, host), http.StatusForbidden)
		})
	})
	t.Run("patterns without Host", func(t *testing.T) {
		opts := &websocket.AcceptOptions{OriginPatterns: []string{host, "*." + host}}
		forProxies(t, opts, hostless, func(t *testing.T, s *site, scheme string) {
			url := scheme + "://" + host
			accepts(t, s, url, origin(scheme, host))
			accepts(t, s, url, origin(scheme, "www."+host))
			s.refusedWith(t, url, origin(scheme, "evil.example"), http.StatusForbidden)
		})
	})
	// With "$host:$server_port", as if nginx listened at the default port.
	t.Run("nginx with a Host with the scheme's port", func(t *testing.T) {
		s := nginx.start(t, newProgram(t, nil), edit{"$http_host", "$host:443"})
		accepts(t, s, "wss://"+host, origin("wss", host))
		s.refusedWith(t, "wss://"+host, origin("wss", host+otherPort), http.StatusForbidden)
		s.refusedWith(t, "wss://"+host, origin("ws", host), http.StatusForbidden)
	})
	t.Run("nginx with a Host without port", func(t *testing.T) {
		s := nginx.start(t, newProgram(t, nil), edit{"$http_host", "$host"})
		accepts(t, s, "wss://"+host, origin("wss", host))
		s.refusedWith(t, "wss://"+host+otherPort, origin("wss", host+otherPort), http.StatusForbidden)
	})
}

// TestHTTP2 dials a proxy with a client that uses HTTP/2 for other requests.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	forProxies(t, nil, nil, func(t *testing.T, s *site, scheme string) {
		wantMajor := map[string]int{"ws": 1, "wss": 2}[scheme]
		for range 2 {
			resp, err := s.client.Get("http" + strings.TrimPrefix(scheme, "ws") + "://" + host + plainPath)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(body) != hello || resp.ProtoMajor != wantMajor {
				t.Errorf("got %s %q and %v, want HTTP/%d %q", resp.Proto, body, err, wantMajor, hello)
			}
			p := s.connect(t, scheme, nil)
			if p.response.ProtoMajor != 1 {
				t.Errorf("got %s, want HTTP/1.1", p.response.Proto)
			}
			testPass(t, p)
			testEnd(t, p)
		}
	})
}
