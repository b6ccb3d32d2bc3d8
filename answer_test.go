//go:build !js

package websocket_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	websocket "github.com/bhojpur/api"
	"github.com/bhojpur/api/internal/conntest"
	"github.com/bhojpur/api/internal/rawpeer"
)

// TestDialChecksAnswer is RFC 6455 section 4.1: what the answer must be.
func TestDialChecksAnswer(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer rawpeer.ServerOptions
		mode   websocket.CompressionMode
		ok     bool
	}{
		{name: "right", ok: true},
		{name: "tokens in any case", answer: conntest.Answer("Connection: keep-alive, UPGRADE", "Upgrade: WebSocket"), ok: true},
		{name: "an offered subprotocol", answer: conntest.Answer("Sec-WebSocket-Protocol: a"), ok: true},
		{name: "an empty subprotocol", answer: conntest.Answer("Sec-WebSocket-Protocol: "), ok: true},
		{name: "compression", answer: conntest.Answer("Sec-WebSocket-Extensions: permessage-deflate"), mode: websocket.CompressionContextTakeover, ok: true},
		{name: "an extension not offered", answer: conntest.Answer("Sec-WebSocket-Extensions: permessage-deflate")},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, &websocket.DialOptions{
					Subprotocols:    []string{"a", "b", "k"},
					CompressionMode: test.mode,
				})
				p.Answer(&test.answer)
				got, err := call.Result()
				if test.ok != (err == nil) || test.ok != (got.Conn != nil) {
					t.Fatalf("got connection %v, error %v", got.Conn, err)
				}
				if got.Response == nil {
					t.Error("got no response")
				}
				if !test.ok {
					p.WantEnd()
				}
			})
		})
	}
}

// TestDialTellsAnswer: an error tells what the answer has, and what it lacks.
func TestDialTellsAnswer(t *testing.T) {
	refusal := func(status string, lines ...string) rawpeer.ServerOptions {
		return rawpeer.ServerOptions{Status: status, Header: append(lines, "Content-Length: 0", "Sec-WebSocket-Accept")}
	}
	for _, test := range []struct {
		name   string
		answer rawpeer.ServerOptions
		want   []string
		not    string
	}{
		{"status", refusal("404 Not Found", "Upgrade", "Connection"), []string{"expected handshake response status code 101 but got 404", "HTTP/1.1", "Not Found"}, ""},
		{"versions", refusal("426 Upgrade Required", "Sec-WebSocket-Version: 8, 7"), []string{"426", `"8, 7"`, "Sec-Websocket-Version"}, ""},
		{"close, Upgrade", conntest.Answer("Connection: close, Upgrade"), []string{"close"}, "no Connection"},
		{"Upgrade, close", conntest.Answer("Connection: Upgrade", "Connection: close"), []string{"close"}, "no Connection"},
		{"no Connection", conntest.Answer("Connection"), []string{"no Connection"}, "close"},
		{"Connection", conntest.Answer("Connection: keep-alive"), []string{`"keep-alive"`}, ""},
		{"Upgrade", conntest.Answer("Upgrade: h2c"), []string{`"h2c"`}, ""},
		{"accept key", conntest.Answer("Sec-WebSocket-Accept: wrong"), []string{`"wrong"`}, ""},
		{"subprotocol", conntest.Answer("Sec-WebSocket-Protocol: x"), []string{`"x"`}, ""},
		{"extension", conntest.Answer("Sec-WebSocket-Extensions: x-y"), []string{`"x-y"`}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				call, p := conntest.GoDial(t, t.Context(), rawpeer.URL, nil)
				p.Answer(&test.answer)
				got, err := call.Result()
				if err == nil || got.Response == nil || got.Response.StatusCode == http.StatusOK {
					t.Fatalf("got %v, %v", got.Response, err)
				}
				for _, want := range test.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("got %v, want %s in it", err, want)
					}
				}
				if test.not != "" && strings.Contains(err.Error(), test.not) {
					t.Errorf("got %v, want no %s in it", err, test.not)
				}
				p.WantEnd()
			})
		})
	}
}
