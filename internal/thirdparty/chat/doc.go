// Package chat uses examples/chat and examples/wasm as people do: the programs
// as they are built, and their pages in tabs of headless Chromium. The page in
// Go and the one in JavaScript have the same tests.
package chat
