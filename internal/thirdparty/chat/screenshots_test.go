package chat

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/bhojpur/api/internal/thirdparty/chromium"
	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "draw the pictures into this `directory`, and keep them")

// TestScreenshots draws a conversation as three people see it, on the screens of
// a desktop and of a phone. The pictures of the documentation are made so:
//
//	go test ./chat -run Screenshots -screenshots ../../../docs
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		*screenshots = t.TempDir()
	}
	server := start(t, build(t), "127.0.0.1:0")
	browser := chromium.Start(t, timeout)
	names := []string{"Ada", "Grace", "Linus"}
	var all []*person
	for _, name := range names {
		all = append(all, visit(t, browser, server.url, name))
	}
	ada, grace, linus := all[0], all[1], all[2]
	for _, p := range all {
		p.see(people, names)
	}
	for i, line := range []struct {
		by   *person
		text string
	}{
		{grace, "Hello! Is the new server up?"},
		{ada, "Yes, for ten minutes now."},
		{ada, "If you lose the connection, the page comes back by itself."},
		{linus, "It just did, on the train, and I missed nothing 👍"},
		{grace, "Lovely. I have noted that: https://example.com/notes"},
		{ada, "Thank you!"},
	} {
		line.by.say(line.text)
		for _, p := range all {
			p.see(messages+`.length`, i+1)
		}
	}
	draw(t, ada, "chat-desktop.png", chromedp.EmulateViewport(1120, 700))
	draw(t, ada, "chat-phone.png", chromedp.EmulateViewport(390, 760,
		chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait))
}

// draw saves what somebody sees on a screen of some size.
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
