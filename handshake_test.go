//go:build !js

package websocket

import (
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bhojpur/api/internal/httpheader"
)

// FuzzDeflateOffer compares a server's response to an offer with RFC 7692 section 7.1,
// and with the parameters that the connection will use.
func FuzzDeflateOffer(f *testing.F) {
	for i, offer := range []string{
		"permessage-deflate", "permessage-deflate; client_max_window_bits",
		"permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
		"permessage-deflate; server_max_window_bits=16, permessage-deflate",
		"permessage-deflate; server_max_window_bits, x, permessage-deflate; client_max_window_bits=8",
		"permessage-deflate; client_max_window_bits=08", "permessage-deflate; server_no_context_takeover=1",
		"permessage-deflate; client_max_window_bits; client_max_window_bits",
	} {
		for mode := range byte(3) {
			f.Add(offer, mode, byte(i)*mode)
		}
	}
	f.Fuzz(func(t *testing.T, offer string, mode, bits byte) {
		o := compressionOptions{mode: CompressionMode(mode % 3), bits: fuzzedBits(bits)}
		p, answer := acceptDeflate([]string{offer}, o)
		want := wantOffer(offer)
		if want == nil || o.mode == CompressionDisabled {
			if p != nil || answer != "" {
				t.Fatalf("%q: agreed on %q", offer, answer)
			}
			return
		}
		if p == nil {
			t.Fatalf("%q: not accepted", offer)
		}
		checkDeflateAnswer(t, offer, want, answer, p)
		got, ok := agreeDeflate([]string{answer}, compressionOptions{mode: CompressionContextTakeover})
		if !ok || got == nil {
			t.Fatalf("%q: a client of ours refuses the answer %q", offer, answer)
		}
		checkBothEnds(t, offer+" -> "+answer, got, p)
	})
}

func fuzzedBits(b byte) int { return []int{0, 8, 9, 10, 11, 12, 13, 14, 15}[b%9] }

// wantOffer returns the parameters of the first acceptable offer, or nil.
func wantOffer(line string) map[string]string {
	exts, ok := httpheader.ParseExtensions([]string{line})
	if !ok {
		return nil
	}
	for _, ext := range exts {
		if terms := plainTerms(ext.Params); ext.Name == "permessage-deflate" && terms != nil {
			return terms
		}
	}
	return nil
}

// plainTerms returns the parameters by name, "" for those without a value, or nil if
// one is not allowed.
func plainTerms(params []httpheader.Param) map[string]string {
	forms := map[string]string{
		"server_no_context_takeover": `^-$`,
		"client_no_context_takeover": `^-$`,
		"server_max_window_bits":     `^=(8|9|1[0-5])$`,
		"client_max_window_bits":     `^(-|=(8|9|1[0-5]))$`,
	}
	terms := map[string]string{}
	for _, p := range params {
		value := "-"
		if p.HasValue {
			value = "=" + p.Value
		}
		form, known := forms[p.Name]
		if _, twice := terms[p.Name]; twice || !known || !regexp.MustCompile(form).MatchString(value) {
			return nil
		}
		terms[p.Name] = p.Value
	}
	return terms
}

// windowBits returns a window parameter, 15 by default.
func windowBits(terms map[string]string, name string) int {
	if i := slices.Index([]string{"8", "9", "10", "11", "12", "13", "14"}, terms[name]); i >= 0 {
		return 8 + i
	}
	return 15
}

func checkDeflateAnswer(t *testing.T, offer string, offered map[string]string, answer string, p *deflateParams) {
	t.Helper()
	exts, ok := httpheader.ParseExtensions([]string{answer})
	if !ok || len(exts) != 1 || exts[0].Name != "permessage-deflate" {
		t.Fatalf("%q: the answer is %q", offer, answer)
	}
	answered := plainTerms(exts[0].Params)
	has := func(terms map[string]string, name string) bool { _, ok := terms[name]; return ok }
	switch {
	case answered == nil || has(answered, "client_max_window_bits") && answered["client_max_window_bits"] == "":
		t.Fatalf("%q: the answer %q is wrong", offer, answer)
	case has(offered, "server_no_context_takeover") && !has(answered, "server_no_context_takeover"),
		has(answered, "client_max_window_bits") && !has(offered, "client_max_window_bits"),
		has(offered, "server_max_window_bits") && !has(answered, "server_max_window_bits"),
		windowBits(answered, "server_max_window_bits") > windowBits(offered, "server_max_window_bits"),
		has(answered, "client_max_window_bits") &&
			windowBits(answered, "client_max_window_bits") > windowBits(offered, "client_max_window_bits"):
		t.Fatalf("%q: the answer %q does not go with it", offer, answer)
	case p.send.Takeover && has(answered, "server_no_context_takeover"),
		p.send.Bits > windowBits(answered, "server_max_window_bits"):
		t.Fatalf("%q: after %q, %+v sends more", offer, answer, p)
	case !p.readTakeover && !has(answered, "client_no_context_takeover"),
		p.readTakeover && p.readBits < windowBits(answered, "client_max_window_bits"):
		t.Fatalf("%q: after %q, %+v reads less", offer, answer, p)
	}
}

// checkBothEnds expects each end to be able to read the other's messages.
func checkBothEnds(t *testing.T, what string, ours, theirs *deflateParams) {
	t.Helper()
	for _, way := range []struct{ from, to *deflateParams }{{ours, theirs}, {theirs, ours}} {
		if way.from.send.Takeover && (!way.to.readTakeover || way.from.send.Bits > way.to.readBits) {
			t.Fatalf("%s: %+v sends messages that %+v can't read", what, way.from, way.to)
		}
	}
}

// FuzzDeflateAnswer has a client check a response.
func FuzzDeflateAnswer(f *testing.F) {
	for i, answer := range []string{
		"permessage-deflate", "permessage-deflate; client_max_window_bits",
		"permessage-deflate; server_max_window_bits=9; client_max_window_bits=10",
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
		"permessage-deflate, permessage-deflate", "x-webkit-deflate-frame", "",
		"permessage-deflate; server_max_window_bits=15",
	} {
		for mode := range byte(3) {
			f.Add(answer, mode, byte(i)*(mode-1))
		}
	}
	f.Fuzz(func(t *testing.T, answer string, mode, bits byte) {
		o := compressionOptions{mode: CompressionMode(mode % 3), bits: fuzzedBits(bits)}
		exts, wellFormed := httpheader.ParseExtensions([]string{answer})
		var terms map[string]string
		want := wellFormed && len(exts) == 0
		if wellFormed && len(exts) == 1 && o.mode != CompressionDisabled && exts[0].Name == "permessage-deflate" {
			terms = plainTerms(exts[0].Params)
			_, client := terms["client_max_window_bits"]
			want = terms != nil && !(client && terms["client_max_window_bits"] == "")
			if o.bits != 0 && windowBits(terms, "server_max_window_bits") > o.bits && terms["server_max_window_bits"] != "" && client {
				want = false // nor is it a response to the offer without windows
			}
		}
		p, ok := agreeDeflate([]string{answer}, o)
		if ok != want || (p != nil) != (want && terms != nil) {
			t.Fatalf("%q for %+v: got %+v, %t, want %t", answer, o, p, ok, want)
		}
		if p == nil {
			return
		}
		_, noServer := terms["server_no_context_takeover"]
		_, noClient := terms["client_no_context_takeover"]
		if p.readTakeover == noServer || p.send.Takeover && noClient ||
			p.send.Bits > windowBits(terms, "client_max_window_bits") || p.readBits < windowBits(terms, "server_max_window_bits") {
			t.Fatalf("%q for %+v: agreed on %+v", answer, o, p)
		}
	})
}

// Any two ends of this library agree, with all options, and each can read the other's
// messages.
func TestDeflateBetweenOurOwn(t *testing.T) {
	var all []compressionOptions
	for _, mode := range []CompressionMode{CompressionContextTakeover, CompressionNoContextTakeover} {
		for i := range byte(9) {
			all = append(all, compressionOptions{mode: mode, bits: fuzzedBits(i)})
		}
	}
	for _, c := range all {
		for _, s := range all {
			theirs, answer := acceptDeflate([]string{offerDeflate(c)}, s)
			ours, ok := agreeDeflate([]string{answer}, c)
			if !ok || ours == nil || theirs == nil {
				t.Fatalf("%+v and %+v do not agree: %q", c, s, answer)
			}
			checkBothEnds(t, answer, ours, theirs)
		}
	}
}

// FuzzSubprotocol has a server select, and a client check the selection.
func FuzzSubprotocol(f *testing.F) {
	f.Add("chat, superchat", "superchat,chat")
	f.Add("Chat,", "chat")
	f.Add(" \t,a b,c\x00", "a b,c")
	f.Add("k,K", "\u212a,k") // the Kelvin sign folds to k
	f.Add("", "x")
	f.Fuzz(func(t *testing.T, offered, supported string) {
		speaks := strings.Split(supported, ",")
		h := http.Header{headerProtocol: {offered}}
		var want string
		for _, s := range speaks {
			for o := range strings.SplitSeq(offered, ",") {
				if o = strings.Trim(o, " \t"); want == "" && httpheader.IsToken(o) && len(o) == len(s) && strings.EqualFold(o, s) {
					want = o
				}
			}
		}
		got := chooseSubprotocol(h, speaks)
		if got != want {
			t.Fatalf("%q of %q: got %q, want %q", supported, offered, got, want)
		}
		if got == "" {
			return
		}
		hs := &clientHandshake{opts: &noDialOptions, subprotocols: []string{got}, key: "k"}
		answer := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, headerAccept: {httpheader.AcceptKey("k")}, headerProtocol: {got}}
		resp := &http.Response{StatusCode: http.StatusSwitchingProtocols, Header: answer}
		if p, _, err := hs.checkResponse(resp); err != nil || p != got {
			t.Fatalf("a client that offered %q refuses it: %q, %v", got, p, err)
		}
		hs.subprotocols = []string{got + "x"}
		if p, _, err := hs.checkResponse(resp); err == nil {
			t.Fatalf("a client that did not offer %q accepts it, as %q", got, p)
		}
	})
}

// originForm matches an origin as sent by browsers (RFC 6454 section 6.2), or by other
// clients, with user information and a slash.
var originForm = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#\x80-\x{10ffff}]*@)?([^/?#@\x80-\x{10ffff}]*)/?$`)

// FuzzOrigin expects Accept to allow exactly the host's origin and those that match a
// pattern.
func FuzzOrigin(f *testing.F) {
	for _, seed := range [][3]string{
		{"http://example.com", "example.com", ""}, {"https://EXAMPLE.com:8080", "example.com:8080", ""},
		{"http://example.com.evil.org", "example.com", "example.com"}, {"http://a.example.org", "h", "*.example.org"},
		{"http://evil.org/.example.org", "h", "*.example.org"}, {"http://evil.org?x.example.org", "h", "*.example.org"},
		{"http://example.com@evil.org", "example.com", "example.com*"}, {"null", "null", "*"},
		{"http://a.example.org", "h", "https://*.example.org"}, {"http://user@example.com", "example.com", ""}, {"http://example.com/x", "example.com", ""},
		{"https://a.example.org", "h", "https://*.example.org"}, {"https://a.example.org", "h", "http://*.example.org"},
		{"http://[::1]:80", "h", "[::1]:80"}, {"http://x", "h", "?"}, {"http://example.org", "", "[a-"}, {"file://", "", "*"},
		{"https://example.com", "example.com:443", ""}, {"http://[::1]:80", "[::1]", ""}, {"null", "h", "null"}, {"file:///", "h", "file://"},
		{"http://a@b@example.com/", "example.com", ""}, {"http://example.com//", "example.com", ""}, {"file://", "", "file://*"}, {"", "h", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, origin, host, pattern string) {
		r := &http.Request{Host: host, Header: http.Header{"Origin": {origin}}}
		for _, patterns := range [][]string{nil, {pattern}, {"unlike.any", pattern}} {
			if checkOrigin(r, patterns) == nil && !mayConnect(origin, host, patterns) {
				t.Fatalf("%q may connect to %q with the patterns %q", origin, host, patterns)
			}
		}
		if host != "" && len(origin) == len("http://"+host) && strings.EqualFold(origin, "http://"+host) && regexp.MustCompile(`^[A-Za-z0-9.-]+$`).MatchString(host) {
			if err := checkOrigin(r, nil); err != nil {
				t.Fatalf("%q may not connect to %q: %v", origin, host, err.err)
			}
		}
	})
}

// mayConnect reports whether an origin is that of the host or matches a pattern.
func mayConnect(origin, host string, patterns []string) bool {
	if origin == "" || slices.Contains(patterns, "*") {
		return true
	}
	spelled := func(name string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool { return strings.ToLower(pattern) == name })
	}
	origin = strings.ToLower(origin)
	m := originForm.FindStringSubmatch(origin)
	switch {
	case origin == "null":
		return spelled("null")
	case m == nil:
		return false
	case m[2] == "":
		return spelled(m[1] + "://")
	}
	port := map[string]string{"http": ":80", "ws": ":80", "https": ":443", "wss": ":443"}[m[1]]
	for _, same := range []string{m[2], m[2] + port, strings.TrimSuffix(m[2], port)} {
		if strings.EqualFold(same, host) {
			return true
		}
	}
	for _, pattern := range patterns {
		name := m[2]
		if strings.Contains(pattern, "://") {
			name = m[1] + "://" + m[2]
		}
		if globbed(strings.ToLower(pattern), name) {
			return true
		}
	}
	return false
}

// globbed is path.Match for patterns of letters, * and ?, implemented with a regular
// expression; a pattern also matches itself.
func globbed(pattern, name string) bool {
	if pattern == name {
		return true
	}
	if strings.ContainsAny(pattern, `[]\`) {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	}
	form := regexp.QuoteMeta(pattern)
	form = strings.NewReplacer(`\*`, `[^/]*`, `\?`, `[^/]`).Replace(form)
	return regexp.MustCompile(`(?s)^` + form + `$`).MatchString(name)
}
