package chat

import (
	"bytes"
	"context"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/bhojpur/api/internal/thirdparty/chromium"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "draw the pictures into this `directory`, and keep them")

// line is a message in the pictures.
type line struct{ by, text string }

// TestScreenshots takes screenshots of conversations of three users, on a desktop and a
// phone screen. The pictures in the documentation are made by
//
//	go test ./chat -run Screenshots -screenshots ../../../docs
//
// Without a directory it takes only the first ones, to test that it works.
func TestScreenshots(t *testing.T) {
	wanted := *screenshots != ""
	if !wanted {
		*screenshots = t.TempDir()
	}
	browser := chromium.Start(t, timeout)
	t.Run("chat", func(t *testing.T) {
		drawAll(t, browser, "chat", inLight, []line{
			{"Grace", "Hello! Is the new server up?"},
			{"Ada", "Yes, for ten minutes now."},
			{"Ada", "If you lose the connection, the page reconnects automatically."},
			{"Linus", "It just did, on the train, and I missed nothing 👍"},
			{"Grace", "Lovely. I have noted that: https://example.com/notes"},
			{"Ada", "Thank you!"},
		})
	})
	if !wanted {
		return
	}
	t.Run("wasm", func(t *testing.T) {
		drawAll(t, browser, "wasm", inDark, []line{
			{"Linus", "Is this the page without JavaScript?"},
			{"Ada", "Almost: a few lines of it load the program. The rest is Go."},
			{"Grace", "Where do I read how it keeps the connection?"},
			{"Ada", "The package session. It does not depend on a browser, so its tests run everywhere."},
			{"Grace", "And it reconnects when the server has restarted 👍"},
			{"Ada", "With the same types as the server: both import them."},
		})
	})
}

// The color schemes.
const (
	inLight = "light"
	inDark  = "dark"
)

func drawAll(t *testing.T, browser context.Context, example, scheme string, lines []line) {
	server := start(t, build(t, example), "127.0.0.1:0")
	names := []string{"Ada", "Grace", "Linus"}
	people := make(map[string]*person)
	for _, name := range names {
		people[name] = visit(t, browser, server.url, name)
	}
	for _, p := range people {
		p.see(present, names)
	}
	for i, line := range lines {
		people[line.by].say(line.text)
		for _, p := range people {
			p.see(messages+`.length`, i+1)
		}
	}
	ada := people["Ada"]
	if _, err := chromedp.Call(ada.tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}); err != nil {
		t.Fatal(err)
	}
	draw(t, ada, example+"-desktop.png", chromedp.EmulateViewport(1120, 700))
	draw(t, ada, example+"-phone.png", chromedp.EmulateViewport(390, 760,
		chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait))
}

// draw saves a screenshot of a user's page on a screen.
func draw(t *testing.T, p *person, name string, screen chromedp.Action[chromedp.Void]) {
	t.Helper()
	p.do(screen)
	p.see(`(document.activeElement.blur(), document.getAnimations().length)`, 0)
	shot, err := chromedp.Run(p.tab, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&packed, picture); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name), packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
