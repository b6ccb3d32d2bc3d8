//go:build !js

package websocket

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/bhojpur/api/internal/httpheader"
)

// anyOrigin is the pattern that matches every origin.
const anyOrigin = "*"

// checkPatterns returns an error for a malformed pattern.
func checkPatterns(patterns []string) error {
	for _, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("OriginPatterns: %.100q: %w", pattern, err)
		}
	}
	return nil
}

// checkOrigin refuses a request from the page of an origin that is not allowed (RFC 6455
// section 10.2). A client that sends no origin is not a browser.
func checkOrigin(r *http.Request, patterns []string) *refusal {
	deny := func(err error) *refusal {
		return refused(http.StatusForbidden, "the request's origin is not allowed", err)
	}
	lines := r.Header["Origin"]
	switch {
	case len(lines) == 0, len(lines) == 1 && lines[0] == "":
		return nil
	case len(lines) > 1:
		return deny(errors.New("more than one Origin header"))
	case slices.Contains(patterns, anyOrigin):
		return nil
	}
	o, ok := parseOrigin(lines[0])
	if !ok {
		return deny(fmt.Errorf("the Origin %.100q is malformed", lines[0]))
	}
	if o.isOf(r.Host) || slices.ContainsFunc(patterns, o.matches) {
		return nil
	}
	return deny(fmt.Errorf("the Origin %.100q is not the host %.100q, and OriginPatterns do not match it", lines[0], r.Host))
}

// origin is an Origin header in the form of RFC 6454 section 6.2, in lower case. An origin
// without a host is opaque: the source of the page is not known.
type origin struct {
	scheme string // "" for the opaque origin null
	host   string // with the port, if there is one
}

// parseOrigin parses an Origin header. Browsers send scheme://host[:port] or
// null. User information and one trailing slash, which some other clients send, are
// ignored.
func parseOrigin(s string) (o origin, ok bool) {
	if !httpheader.IsASCII(s) {
		return o, false
	}
	s = strings.ToLower(s)
	if s == "null" {
		return o, true
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return o, false
	}
	rest, ok := strings.CutPrefix(s, u.Scheme+"://")
	rest = strings.TrimSuffix(rest, "/")
	if u.User != nil {
		rest = rest[strings.LastIndexByte(rest, '@')+1:]
	}
	// The comparison refuses a path, a query, a fragment, and an escaped host.
	return origin{u.Scheme, u.Host}, ok && rest == u.Host
}

// isOf reports whether o is the origin of pages of host, the value of a Host header. The
// default port of o's scheme may be missing in either.
func (o origin) isOf(host string) bool {
	if o.host == "" {
		return false
	}
	port := ""
	switch o.scheme {
	case "http", "ws":
		port = ":80"
	case "https", "wss":
		port = ":443"
	}
	return httpheader.EqualFold(strings.TrimSuffix(o.host, port), strings.TrimSuffix(host, port))
}

// matches reports whether a pattern matches o. An opaque origin matches only the
// identical pattern.
func (o origin) matches(pattern string) bool {
	pattern = strings.ToLower(pattern)
	name := o.host
	switch {
	case o == origin{}:
		return pattern == "null"
	case o.host == "":
		return pattern == o.scheme+"://"
	case strings.Contains(pattern, "://"):
		name = o.scheme + "://" + o.host
	}
	matched, err := path.Match(pattern, name)
	return pattern == name || matched && err == nil
}
