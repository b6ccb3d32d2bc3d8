// Package chat uses examples/chat as people do: the program as it is built,
// and its page in tabs of headless Chromium.
package chat
