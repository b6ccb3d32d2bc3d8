package proxies

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// page is the page that the tests verify.
var page = filepath.Join("..", "..", "..", "docs", "proxies.md")

// configuration returns the page's code block in a language.
func configuration(t *testing.T, language string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(text), "\n```"+language+"\n")
	block, rest, ended := strings.Cut(block, "\n```\n")
	if !found || !ended || strings.Contains(rest, "\n```"+language+"\n") {
		t.Fatalf("%s does not have one block of %s", page, language)
	}
	return block + "\n"
}

// edit is a change of a configuration.
type edit struct{ from, to string }

// edited applies edits, each of which must match exactly once.
func edited(t *testing.T, config string, edits ...edit) string {
	t.Helper()
	for _, e := range edits {
		if n := strings.Count(config, e.from); n != 1 {
			t.Fatalf("%q is %d times in the configuration, want once:\n%s", e.from, n, config)
		}
		config = strings.Replace(config, e.from, e.to, 1)
	}
	return config
}
