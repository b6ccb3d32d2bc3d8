//go:build !js

package attack

import (
	"net/http"
	"net/http/httptest"
	"testing"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
)

// Other sites choose origins that resemble an allowed one (CVE-2026-32815). The host is
// example.com; the patterns allow example.org, its subdomains, a port, an address, and
// a host with its scheme.
func TestAttackOrigins(t *testing.T) {
	patterns := []string{"example.org", "*.example.org", "example.net:8443", "[2001:db8::1]", "https://secure.example"}
	for _, test := range []struct {
		origin  string
		allowed bool
	}{
		{"http://example.com", true},
		{"http://EXAMPLE.COM", true},
		{"http://example.org", true},
		{"http://a.example.org", true},
		{"http://a.b.example.org", true}, // the star matches dots
		{"https://example.net:8443", true},
		{"http://[2001:db8::1]", true},
		{"HTTPS://Secure.Example", true},

		{"null", false},
		{"NULL", false},
		{"", true}, // a browser without an Origin header
		{" ", false},
		{"*", false},
		{"about:blank", false},
		{"file://", false},
		{"file:///", false},
		{"data:text/html,x", false},
		{"javascript:alert(1)", false},
		{"blob:http://example.com/x", false},
		{"http:example.com", false},
		{"http:/example.com", false},
		{"http:///example.com", false},
		{"//example.com", false},
		{"example.com", false},

		// Prefixes and suffixes of the host.
		{"http://evil-example.com", false},
		{"http://evilexample.com", false},
		{"http://example.com.evil.test", false},
		{"http://example.co", false},
		{"http://xample.com", false},
		{"http://example.com.", false},
		{"http://.example.com", false},
		{"http://example.com:1234", false},
		{"http://example.com:", false},
		{"http://example.com:80", true},
		{"https://example.com:80", false},
		{"http://example.com%00.evil.test", false},
		{"http://example.com\x00.evil.test", false},
		{"http://example.com evil.test", false},
		{"http://example.com\thttp://evil.test", false},
		{"http://example.com,http://evil.test", false},
		{"http://example.com http://evil.test", false},

		// User information, paths and similar parts.
		{"http://example.com@evil.test", false},
		{"http://example.com:x@evil.test", false},
		{"http://user@example.com", true}, // the user is ignored
		{"http://user@evil.test", false},
		{"http://evil.test\\@example.com", false},
		{"http://evil.test\\.example.org", false},
		{"http://evil.test/.example.org", false},
		{"http://evil.test/example.com", false},
		{"http://evil.test?example.com", false},
		{"http://evil.test#example.com", false},
		{"http://evil.test?.example.org", false},
		{"http://evil.test#.example.org", false},
		{"http://evil.test;.example.com", false},
		{"http://example.com/", true},
		{"http://example.com//", false},
		{"http://evil.test/", false},
		{"http://example.com?", false},
		{"http://example.com#", false},
		{"http://example.com/../evil.test", false},

		// Variations on the patterns.
		{"http://example.org.evil.test", false},
		{"http://a.example.org.evil.test", false},
		{"http://evilexample.org", false},
		{"http://a.example.org:81", false},
		{"http://a.example.org.", false},
		{"http://evil.test:80.example.org", false},
		{"https://example.net", false},
		{"https://example.net:84430", false},
		{"https://example.net:8443@evil.test", false},
		{"http://secure.example", false},
		{"https://a.secure.example", false},
		{"https://secure.example.evil.test", false},
		{"evil://https://secure.example", false},
		{"http://[2001:db8::2]", false},
		{"http://[2001:db8::1]:80", false},
		{"http://[2001:db8::1].evil.test", false},
		{"http://[2001:db8::1%25evil]", false},

		// Letters that fold to ASCII letters under Unicode rules only.
		{"http://example.\u017fom", false},
		{"http://e\u0445ample.com", false},
		{"http://\u212aey.example.org", false},
		{"http://%E2%84%AAey.example.org", false},
		{"http://example\u3002com", false},
		{"http://example.com\u00ad", false},
		{"http://exam\xffple.com", false},
	} {
		t.Run(test.origin, func(t *testing.T) {
			r := conntest.Request()
			r.Header["Origin"] = []string{test.origin}
			wantOriginAllowed(t, r, patterns, test.allowed)
		})
	}
}

// Letters of other scripts do not fold to those of the host.
func TestAttackOriginFolds(t *testing.T) {
	for host, origin := range map[string]string{
		"keys.test":     "http://\u212aeys.test",
		"service.test":  "http://\u017fervice.test",
		"m\u00fcn.test": "http://M\u00dcN.test", // a host is ASCII on the wire
	} {
		r := conntest.Request()
		r.Host = host
		r.Header["Origin"] = []string{origin}
		wantOriginAllowed(t, r, []string{host, "*" + host}, false)
	}
}

// Two origins are ambiguous, even if they are equal.
func TestAttackTwoOrigins(t *testing.T) {
	const own, evil = "http://example.com", "http://evil.test"
	for _, origins := range [][]string{{own, evil}, {evil, own}, {own, own}, {own, ""}, {"", own}, {"null", own}, {own, "null"}} {
		r := conntest.Request()
		r.Header["Origin"] = origins
		wantOriginAllowed(t, r, []string{"*.example.org"}, false)
	}
}

// A star matches anything but a slash. It does not match across the end of the scheme,
// nor an opaque origin, unless it is the whole pattern.
func TestAttackOriginPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, origin string
		allowed         bool
	}{
		{"*", "http://evil.test", true}, // explicitly any origin
		{"*", "http://evil.test:81", true},
		{"*", "null", true},
		{"*", "file://", true},
		{"**", "null", false},
		{"*://*", "file://", false},
		{"file://*", "file://", false},
		{"*.example", "http://a.example", true},
		{"*.example", "http://a.example.evil.test", false},
		{"*.example", "http://example", false},
		{"*.example", "http://a.example:80", false},
		{"*.example:*", "http://a.example:81", true},
		{"*.example:*", "http://a.example:81.evil.test", false}, // not a port
		{"a.*", "http://a.evil.test", true},                     // a star at the end matches any suffix
		{"https://*.example", "https://a.example", true},
		{"https://*.example", "http://a.example", false},
		{"https://*", "http://evil.test", false},
		{"*://a.example", "https://a.example", true},
		{"*://a.example", "https://evil.test", false},
		{"*a.example", "http://evil-a.example", true},
		{"?.example", "http://a.example", true},
		{"?.example", "http://ab.example", false},
		{"[ab].example", "http://c.example", false},
		{"https://a.example/*", "https://a.example", false},
		{"", "http://", false},
		{"", "http://evil.test", false},
		{"null", "null", true},
		{"file://", "file://", true},
		{"null", "file://", false},
		{"file://", "null", false},
		{"file://", "file://evil.test", false},
	} {
		t.Run(test.pattern+" "+test.origin, func(t *testing.T) {
			r := conntest.Request()
			r.Header["Origin"] = []string{test.origin}
			wantOriginAllowed(t, r, []string{test.pattern}, test.allowed)
		})
	}
}

// wantOriginAllowed expects Accept to allow the origin, and fail only because the
// recorder cannot be hijacked, or to respond with 403.
func wantOriginAllowed(t *testing.T, r *http.Request, patterns []string, allowed bool) {
	t.Helper()
	want := http.StatusForbidden
	if allowed {
		want = http.StatusNotImplemented
	}
	w := httptest.NewRecorder()
	if _, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: patterns}); err == nil {
		t.Fatal("accepted a request that can't be hijacked")
	}
	if w.Code != want {
		t.Errorf("got status %d for origins %q of host %q, want %d", w.Code, r.Header["Origin"], r.Host, want)
	}
}
