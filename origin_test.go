//go:build !js

package websocket_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
)

// TestAcceptChecksOrigin tests RFC 6455 section 10.2.
func TestAcceptChecksOrigin(t *testing.T) {
	const accepted, refused = http.StatusNotImplemented, http.StatusForbidden
	for _, test := range []struct {
		name     string
		origins  []string
		patterns []string
		host     string
		status   int
	}{
		{name: "none", status: accepted},
		{name: "the host", origins: []string{"http://example.com"}, status: accepted},
		{name: "the host over TLS", origins: []string{"https://example.com"}, status: accepted},
		{name: "the host in capitals", origins: []string{"http://EXAMPLE.com"}, status: accepted},
		{name: "the host's port", origins: []string{"http://example.com:8080"}, host: "example.com:8080", status: accepted},
		{name: "another port", origins: []string{"http://example.com:8080"}, status: refused},
		{name: "no port", origins: []string{"http://example.com"}, host: "example.com:8080", status: refused},
		{name: "another host", origins: []string{"http://example.org"}, status: refused},
		{name: "the host as a suffix", origins: []string{"http://notexample.com"}, status: refused},
		{name: "the host as a prefix", origins: []string{"http://example.com.evil.org"}, status: refused},
		{name: "the host as user", origins: []string{"http://example.com@evil.org"}, status: refused},
		{name: "the host with a user", origins: []string{"http://user@example.com"}, status: accepted},
		{name: "the host with a slash", origins: []string{"http://example.com/"}, status: accepted},
		{name: "the host with a user and a slash", origins: []string{"https://user:x@example.com/"}, status: accepted},
		{name: "the host with a path", origins: []string{"http://example.com/x"}, status: refused},
		{name: "null", origins: []string{"null"}, status: refused},
		{name: "null with stars", origins: []string{"null"}, patterns: []string{"**", "n*", "*://*", "????"}, status: refused},
		{name: "null with a pattern for all", origins: []string{"null"}, patterns: []string{"example.org", "*"}, status: accepted},
		{name: "null with its pattern", origins: []string{"null"}, patterns: []string{"null"}, status: accepted},
		{name: "file", origins: []string{"file://"}, status: refused},
		{name: "file with stars", origins: []string{"file://"}, patterns: []string{"**", "file://*", "*://*", "f*"}, status: refused},
		{name: "file with a pattern for all", origins: []string{"file://"}, patterns: []string{"*"}, status: accepted},
		{name: "file with its pattern", origins: []string{"file://"}, patterns: []string{"File://"}, status: accepted},
		{name: "file with a slash", origins: []string{"file:///"}, patterns: []string{"file://"}, status: accepted},
		{name: "file with null's pattern", origins: []string{"file://"}, patterns: []string{"null"}, status: refused},
		{name: "another scheme without a host", origins: []string{"app://"}, patterns: []string{"app://"}, status: accepted},
		{name: "a scheme of an app", origins: []string{"capacitor://localhost"}, patterns: []string{"capacitor://localhost"}, status: accepted},
		{name: "an extension", origins: []string{"chrome-extension://abc"}, patterns: []string{"chrome-extension://*"}, status: accepted},
		{name: "anything with a pattern for all", origins: []string{"not an origin"}, patterns: []string{"*"}, status: accepted},
		{name: "twice with a pattern for all", origins: []string{"http://example.org", "http://example.org"}, patterns: []string{"*"}, status: refused},
		{name: "empty", origins: []string{""}, status: accepted},
		{name: "empty, twice", origins: []string{"", ""}, status: refused},
		{name: "the host's default port, http", origins: []string{"http://example.com"}, host: "example.com:80", status: accepted},
		{name: "the host's default port, https", origins: []string{"https://example.com"}, host: "example.com:443", status: accepted},
		{name: "the origin's default port, http", origins: []string{"http://example.com:80"}, status: accepted},
		{name: "the origin's default port, https", origins: []string{"https://example.com:443"}, status: accepted},
		{name: "both default ports", origins: []string{"https://example.com:443"}, host: "example.com:443", status: accepted},
		{name: "another scheme's default port", origins: []string{"http://example.com"}, host: "example.com:443", status: refused},
		{name: "another scheme's default port, https", origins: []string{"https://example.com"}, host: "example.com:80", status: refused},
		{name: "another scheme's default port in the origin", origins: []string{"http://example.com:443"}, status: refused},
		{name: "default port of a scheme that has none", origins: []string{"app://example.com:80"}, status: refused},
		{name: "default port as the end of another", origins: []string{"http://example.com"}, host: "example.com:8080", status: refused},
		{name: "default port of IPv6", origins: []string{"http://[::1]"}, host: "[::1]:80", status: accepted},
		{name: "default port of IPv6, https", origins: []string{"https://[::1]"}, host: "[::1]:443", status: accepted},
		{name: "default port of IPv6 in the origin", origins: []string{"http://[2001:DB8::1]:80"}, host: "[2001:db8::1]", status: accepted},
		{name: "another IPv6 address", origins: []string{"http://[::1]"}, host: "[::2]:80", status: refused},
		{name: "no scheme", origins: []string{"//example.com"}, status: refused},
		{name: "not a URL", origins: []string{"http://exa mple.com:x"}, status: refused},
		{name: "twice", origins: []string{"http://example.com", "http://example.com"}, status: refused},
		{name: "twice, one allowed", origins: []string{"http://example.com", "http://evil.org"}, status: refused},
		{name: "pattern of the host", origins: []string{"http://example.org"}, patterns: []string{"example.org"}, status: accepted},
		{name: "pattern in capitals", origins: []string{"http://example.org"}, patterns: []string{"EXAMPLE.ORG"}, status: accepted},
		{name: "second pattern", origins: []string{"http://example.org"}, patterns: []string{"example.net", "example.org"}, status: accepted},
		{name: "pattern without the port", origins: []string{"http://example.org:81"}, patterns: []string{"example.org"}, status: refused},
		{name: "pattern with the port", origins: []string{"http://example.org:81"}, patterns: []string{"example.org:81"}, status: accepted},
		{name: "pattern of a suffix", origins: []string{"http://example.org.evil.org"}, patterns: []string{"example.org"}, status: refused},
		{name: "pattern of subdomains", origins: []string{"http://a.example.org"}, patterns: []string{"*.example.org"}, status: accepted},
		{name: "pattern of subdomains, domain", origins: []string{"http://example.org"}, patterns: []string{"*.example.org"}, status: refused},
		{name: "pattern of subdomains, other domain", origins: []string{"http://evilexample.org"}, patterns: []string{"*.example.org"}, status: refused},
		{name: "pattern with the scheme", origins: []string{"https://example.org"}, patterns: []string{"https://example.org"}, status: accepted},
		{name: "pattern with the scheme in capitals", origins: []string{"https://example.org"}, patterns: []string{"HTTPS://Example.org"}, status: accepted},
		{name: "pattern with another scheme", origins: []string{"http://example.org"}, patterns: []string{"https://example.org"}, status: refused},
		{name: "pattern with scheme and subdomains", origins: []string{"https://a.example.org"}, patterns: []string{"https://*.example.org"}, status: accepted},
		{name: "pattern with scheme and port", origins: []string{"https://example.org:444"}, patterns: []string{"https://example.org:444"}, status: accepted},
		{name: "pattern with scheme, no port", origins: []string{"https://example.org:444"}, patterns: []string{"https://example.org"}, status: refused},
		{name: "pattern of an IPv6 address", origins: []string{"http://[::1]:80"}, patterns: []string{"[::1]:80"}, status: accepted},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := conntest.Request()
			if test.host != "" {
				r.Host = test.host
			}
			if test.origins != nil {
				r.Header["Origin"] = test.origins
			}
			w := httptest.NewRecorder()
			if _, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: test.patterns}); err == nil {
				t.Fatal("accepted a request that cannot be hijacked")
			}
			if w.Code != test.status {
				t.Errorf("got status %d, want %d", w.Code, test.status)
			}
			for _, secret := range append(test.patterns, r.Host, "evil") {
				if test.status == refused && len(secret) > 1 && strings.Contains(w.Body.String(), secret) {
					t.Errorf("the response %q contains %q", w.Body, secret)
				}
			}
			w = httptest.NewRecorder()
			websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, OriginPatterns: test.patterns})
			if w.Code != accepted {
				t.Errorf("got status %d with InsecureSkipVerify, want %d", w.Code, accepted)
			}
		})
	}
}

// TestAcceptChecksPatterns: a malformed pattern is an error of the server for any
// request, and the error names it.
func TestAcceptChecksPatterns(t *testing.T) {
	for name, r := range map[string]*http.Request{
		"no origin":      conntest.Request(),
		"the host":       conntest.Request("Origin: http://example.com"),
		"another origin": conntest.Request("Origin: http://example.org"),
		"null":           conntest.Request("Origin: null"),
		"two origins":    conntest.Request("Origin: http://example.com", "Origin: http://example.com"),
	} {
		for _, skip := range []bool{false, true} {
			for _, bad := range []string{"[", "[a-", "a[]", `\`, "https://[", "*.example.org[^"} {
				w := httptest.NewRecorder()
				_, err := websocket.Accept(w, r, &websocket.AcceptOptions{
					OriginPatterns:     []string{"*", "example.org", bad},
					InsecureSkipVerify: skip,
				})
				if w.Code != http.StatusInternalServerError || !errors.Is(err, path.ErrBadPattern) || !strings.Contains(err.Error(), strconv.Quote(bad)) {
					t.Errorf("%s, pattern %s: got status %d and error %v", name, bad, w.Code, err)
				}
			}
		}
	}
}
