// Package chat tests examples/chat and examples/wasm: the built programs, with their
// pages in tabs of headless Chromium. The page in Go and the one in JavaScript have the
// same tests.
package chat
