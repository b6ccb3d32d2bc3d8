package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/bhojpur/api/examples/internal/chat"
	"github.com/bhojpur/api/examples/internal/chat/chattest"
	"github.com/bhojpur/api/examples/internal/chat/protocol"
	"github.com/bhojpur/api/internal/rawpeer"
)

func TestMain(m *testing.M) { os.Exit(rawpeer.LeakCheck(m)) }

func TestProgram(t *testing.T) { chattest.Program(t, run) }

// The client is WebAssembly, and has its script.
func TestBuild(t *testing.T) {
	c, err := build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(c.wasm, []byte("\x00asm")) {
		t.Errorf("the client begins with %q", c.wasm[:min(len(c.wasm), 8)])
	}
	if !bytes.Contains(c.exec, []byte("globalThis.Go =")) {
		t.Error("the script defines no Go")
	}
}

func TestBuildEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := build(ctx); err == nil {
		t.Error("the build ended without the error of its context")
	}
}

// site serves both pages with a client that is not a program.
func site(t *testing.T) rawpeer.Network {
	t.Helper()
	h, err := handler(chat.NewServer(chat.Defaults(), slog.New(slog.DiscardHandler)), client{
		wasm: bytes.Repeat([]byte("program "), 1000),
		exec: []byte("script"),
	})
	if err != nil {
		t.Fatal(err)
	}
	n := rawpeer.Listen(nil)
	rawpeer.Serve(t, n, h)
	return n
}

// get makes a request with headers, given as pairs of names and values. It does not
// decompress the body.
func get(t *testing.T, n rawpeer.Network, path string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest("GET", "http://chat.test"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := rawpeer.HTTPClient(n)
	client.Transport.(*http.Transport).DisableCompression = true
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

func TestFiles(t *testing.T) {
	n := site(t)
	for path, contentType := range map[string]string{
		"/":             "text/html; charset=utf-8",
		"/load.js":      "text/javascript; charset=utf-8",
		"/wasm_exec.js": "text/javascript; charset=utf-8",
		"/go.css":       "text/css; charset=utf-8",
		"/style.css":    "text/css; charset=utf-8",
		"/icon.svg":     "image/svg+xml",
		"/chat.wasm":    "application/wasm",
		"/js/":          "text/html; charset=utf-8",
		"/js/chat.js":   "text/javascript; charset=utf-8",
	} {
		resp, body := get(t, n, path)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != contentType || len(body) == 0 {
			t.Errorf("%s: got %s of type %q and %d bytes, want type %q", path, resp.Status, resp.Header.Get("Content-Type"), len(body), contentType)
		}
		// Only the page in Go may compile WebAssembly.
		mayCompile := strings.Contains(resp.Header.Get("Content-Security-Policy"), "'wasm-unsafe-eval'")
		if mayCompile == strings.HasPrefix(path, "/js/") {
			t.Errorf("%s: the Content-Security-Policy is %q", path, resp.Header.Get("Content-Security-Policy"))
		}
	}
	for path, want := range map[string]string{
		"/":    `<a href="js/">The same room in JavaScript</a>`,
		"/js/": `<a href="../">The same room in Go</a>`,
	} {
		if _, body := get(t, n, path); !bytes.Contains(body, []byte(want)) {
			t.Errorf("%s: %s is missing", path, want)
		}
	}
}

// The program is served compressed to clients that accept that, and not again to those
// that have it.
func TestCompression(t *testing.T) {
	n := site(t)
	plain, want := get(t, n, "/chat.wasm")
	if plain.Header.Get("Content-Encoding") != "" || plain.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("plain, the headers are %v", plain.Header)
	}
	for accepted, wantCoding := range map[string]string{
		"gzip":                        "gzip",
		"deflate, GZIP;q=0.5, *;q=0":  "gzip",
		"br, gzip; q=1.0":             "gzip",
		"br":                          "",
		"gzip;q=0":                    "",
		"deflate, gzip ; q=0.000, br": "",
		"gzipped":                     "",
	} {
		resp, body := get(t, n, "/chat.wasm", "Accept-Encoding", accepted)
		if got := resp.Header.Get("Content-Encoding"); got != wantCoding {
			t.Errorf("to %q: the coding is %q, want %q", accepted, got, wantCoding)
			continue
		}
		if wantCoding == "gzip" {
			if len(body) >= len(want) || resp.Header.Get("ETag") == plain.Header.Get("ETag") {
				t.Errorf("to %q: got %d bytes with ETag %s", accepted, len(body), resp.Header.Get("ETag"))
			}
			body = inflate(t, body)
		}
		if !bytes.Equal(body, want) {
			t.Errorf("to %q: got other bytes", accepted)
		}
		again, _ := get(t, n, "/chat.wasm", "Accept-Encoding", accepted, "If-None-Match", resp.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("to %q: asked again, got %s", accepted, again.Status)
		}
	}
}

func inflate(t *testing.T, p []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(p))
	if err != nil {
		t.Fatal(err)
	}
	p, err = io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Guests on both pages are in the same room.
func TestSameRoom(t *testing.T) {
	n := site(t)
	ada := chattest.Dial(t, "ws://chat.test/ws", rawpeer.HTTPClient(n))
	bob := chattest.Dial(t, "ws://chat.test/js/ws", rawpeer.HTTPClient(n))
	ada.Join("Ada")
	bob.Join("Bob")
	ada.Want(protocol.Joined)
	bob.Say("hello")
	ada.Hear(bob, "hello")
}
